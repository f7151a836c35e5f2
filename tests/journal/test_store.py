"""The promises of the journal, on real files."""

import asyncio
import resource
import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from longshift.domain.events import ConstraintLifted, ModelCalled, RunPaused
from longshift.domain.model import Usage
from longshift.errors import NeedsPerson
from longshift.journal.store import Journal, JournalReader

LIFTED = ConstraintLifted(constraint="K1")


def messages(reader, **selection):
    return [recorded.event.message for recorded in reader.read(**selection)]


async def test_facts_come_back_in_order_with_consecutive_numbers_and_their_time(journal, said):
    first = await journal.append(said("a"), LIFTED)
    second = await journal.append(said("b", run="R2"))
    assert [recorded.seq for recorded in first + second] == [1, 2, 3]
    assert first[0].time == first[1].time == datetime(2026, 1, 1, tzinfo=UTC)
    assert second[0].as_line() == {
        "seq": 3,
        "time": "2026-01-01T00:00:01.000Z",
        "run": "R2",
        "event": "run.steered",
        "message": "b",
    }
    with journal.reader() as reader:
        assert list(reader.read()) == [*first, *second]
        assert reader.last_seq() == 3


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        ({}, [1, 2, 3, 4]),
        ({"after": 2}, [3, 4]),
        ({"after": 4}, []),
        ({"after": 99}, []),
        ({"run": "R1"}, [1, 4]),
        ({"run": "R1", "after": 1}, [4]),
        ({"run": "R9"}, []),
    ],
)
async def test_reading_selects_by_number_and_run(journal, said, selection, expected):
    await journal.append(said("a"), said("b", run="R2"), LIFTED, said("c"))
    with journal.reader() as reader:
        assert [recorded.seq for recorded in reader.read(**selection)] == expected


@pytest.mark.parametrize(
    "message",
    ["", "\0", "naïve \U0001d4b3 \u2028", '{"quoted": "\\"}', "1e400 0.1 -0", "x" * 300_000],
    ids=["empty", "nul", "unicode", "json", "numbers", "long"],
)
async def test_text_comes_back_as_it_was(journal, said, message):
    (written,) = await journal.append(said(message))
    with journal.reader() as reader:
        assert list(reader.read()) == [written]


async def test_reading_goes_on_over_many_pages(journal, said):
    await journal.append(*(said(n) for n in range(1300)))
    with journal.reader() as reader:
        assert messages(reader) == [str(n) for n in range(1300)]


@pytest.mark.parametrize(
    "bad",
    [
        RunPaused.model_construct(run=7, reason="a wrong type"),
        RunPaused.model_construct(run="R1", reason="\ud800 can't be UTF-8"),
        ModelCalled(
            run="R1", role="judge", agent="judge", model="m", usage=Usage(), latency_s=float("inf")
        ),
    ],
    ids=["type", "surrogate", "infinite"],
)
async def test_what_would_not_read_back_is_refused_with_all_its_call(journal, said, bad):
    with pytest.raises(ValueError, match=r"utf-8|validation error|serializ"):
        await journal.append(said("good"), bad)
    await journal.append(said("later"))
    with journal.reader() as reader:
        assert messages(reader) == ["later"]


async def test_appends_that_wait_together_share_a_transaction(journal, said, raw):
    with raw() as blocker:
        blocker.execute("BEGIN IMMEDIATE")  # whatever the writer has taken, it now waits with
        producers = [asyncio.create_task(journal.append(said(n))) for n in range(200)]
        await asyncio.sleep(0)  # all have handed over
        blocker.execute("ROLLBACK")
        recorded = await asyncio.gather(*producers)
    assert [r.seq for (r,) in recorded] == list(range(1, 201))
    statistics = journal.statistics()
    assert (statistics.appends, statistics.events) == (200, 200)
    assert statistics.transactions <= 2
    assert statistics.largest_group >= 100


async def test_many_producers_lose_nothing_and_keep_their_own_order(journal, said):
    async def produce(name):
        for number in range(5):
            await journal.append(said(f"{name}.{number}"), said("second of two"))

    await asyncio.gather(*(produce(name) for name in range(200)))
    with journal.reader() as reader:
        found = list(reader.read())
    assert [recorded.seq for recorded in found] == list(range(1, 2001))
    assert all(recorded.event.message == "second of two" for recorded in found[1::2])
    firsts = [recorded.event.message for recorded in found[::2]]
    for name in range(200):
        own = [message for message in firsts if message.startswith(f"{name}.")]
        assert own == [f"{name}.{number}" for number in range(5)]


async def test_threads_append_beside_the_loop(journal, said):
    with ThreadPoolExecutor(4) as pool:
        blocking = [pool.submit(journal.append_now, said(n), LIFTED) for n in range(40)]
        await asyncio.gather(*(journal.append(said(n)) for n in range(40)))
        pairs = [future.result() for future in blocking]
    assert all(second.seq == first.seq + 1 for first, second in pairs)
    with journal.reader() as reader:
        assert reader.last_seq() == 120


async def test_messages_are_written_with_the_next_facts_from_whatever_thread(journal, said):
    journal.keep("R1", "P1", 0, '"first"')
    await journal.append(said("a"))
    journal.keep("R1", "P1", 1, '"second"')
    await asyncio.to_thread(journal.append_now, said("b"))
    with journal.reader() as reader:
        assert reader.conversation("R1", "P1")[0] == ['"first"', '"second"']


async def test_a_cancelled_caller_leaves_its_fact_and_the_journal_intact(journal, said, raw):
    with raw() as blocker:
        blocker.execute("BEGIN IMMEDIATE")
        task = asyncio.create_task(journal.append(said("handed over")))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        blocker.execute("ROLLBACK")
    await journal.append(said("next"))
    with journal.reader() as reader:
        assert messages(reader) == ["handed over", "next"]


async def test_nothing_appended_is_no_transaction(journal):
    assert await journal.append() == journal.append_now() == ()
    assert journal.statistics().transactions == 0


async def test_a_full_disk_refuses_what_does_not_fit_and_only_that(journal, said, raw):
    await journal.append(said("before"))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with raw() as blocker:
        blocker.execute("BEGIN IMMEDIATE")
        appends = [
            asyncio.create_task(journal.append(said(message), LIFTED))
            for message in ("small", "x" * 500_000, "small too")
        ]
        await asyncio.sleep(0)
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, hard))
        try:
            blocker.execute("ROLLBACK")
            results = await asyncio.gather(*appends, return_exceptions=True)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert [isinstance(result, NeedsPerson) for result in results] == [False, True, False]
    assert "is kept as it was" in str(results[1])
    await journal.append(said("after"))
    with journal.reader() as reader:
        assert messages(reader, run="R1") == ["before", "small", "small too", "after"]
        assert [recorded.seq for recorded in reader.read()] == [1, 2, 3, 4, 5, 6]


async def test_a_second_writer_is_refused_by_the_numbers(journal, path, clock, said):
    async with Journal.open(path, clock=clock) as second:
        await journal.append(said("first"))
        with pytest.raises(NeedsPerson, match="second process"):
            await second.append(said("second"))
    with journal.reader() as reader:
        assert messages(reader) == ["first"]


async def test_a_deleted_file_is_noticed(journal, path, said):
    await journal.append(said("kept nowhere"))
    path.unlink()
    for call in (journal.append(said("lost")), journal.forget("R1")):
        with pytest.raises(NeedsPerson, match="deleted or replaced"):
            await call


async def test_a_clock_without_a_time_zone_is_refused(path, said):
    async with Journal.open(path, clock=lambda: datetime(2026, 1, 1)) as journal:  # noqa: DTZ001
        with pytest.raises(ValueError, match="time zone"):
            await journal.append(said("when?"))


async def test_forgetting_removes_a_run_from_the_bytes_and_reuses_no_number(
    journal, path, clock, said
):
    await journal.append(said("keep"), said("S3CRET-1", run="R2"), LIFTED)
    await journal.append(said("S3CRET-2", run="R2"))
    with journal.reader() as reader:
        assert messages(reader, run="R2") == ["S3CRET-1", "S3CRET-2"]
        assert await journal.forget("R2") == 2
        for file in path.parent.iterdir():
            assert b"S3CRET" not in file.read_bytes(), file
        assert [recorded.seq for recorded in reader.read()] == [1, 3]
    await journal.close()
    async with Journal.open(path, clock=clock) as again:
        (recorded,) = await again.append(said("new"))
        assert recorded.seq == 5
        assert await again.forget("R2") == 0


async def test_forgetting_is_finished_once_a_reader_lets_go(journal, path, said, raw):
    await journal.append(said("S3CRET", run="R2"))
    with raw() as looking:
        looking.execute("BEGIN")
        assert looking.execute("SELECT count(*) FROM events").get == 1
        await journal.forget("R2")
        looking.execute("COMMIT")
    await journal.append(said("next"))
    await journal.close()
    assert all(b"S3CRET" not in file.read_bytes() for file in path.parent.iterdir())


async def test_readers_see_only_what_is_committed(journal, said, raw):
    await journal.append(said("committed"))
    with journal.reader() as reader, raw() as other:
        other.execute("BEGIN IMMEDIATE")
        other.execute(
            "INSERT INTO events SELECT 2, time, run, event, replace(body, 'committed', 'pending')"
            " FROM events"
        )
        assert messages(reader) == ["committed"]
        other.execute("COMMIT")
        assert messages(reader) == ["committed", "pending"]


async def test_readers_can_not_write(journal, said):
    await journal.append(said("a"))
    with journal.reader() as reader, pytest.raises(Exception, match="readonly"):
        reader._db.execute("DELETE FROM events")


async def test_a_reader_needs_no_writer(path, clock, said):
    async with Journal.open(path, clock=clock) as journal:
        await journal.append(said("a"))
    with JournalReader.open(path) as reader:
        assert messages(reader) == ["a"]
        reader.check()


async def test_followers_catch_up_and_then_hear_of_each_fact(journal, said):
    await journal.append(said("0"), said("1"))
    heard = []

    async def follow(after, run):
        heard.append([])
        mine = heard[-1]
        async for recorded in journal.follow(after, run=run):
            mine.append(recorded.event.message)

    async with asyncio.TaskGroup() as group:
        for after, run in ((0, None), (1, None), (0, "R2")):
            group.create_task(follow(after, run))
        await asyncio.sleep(0)
        for number in range(2, 50):
            await journal.append(said(number, run=f"R{1 + number % 2}"))
        await journal.close()
    everything = [str(number) for number in range(50)]
    assert heard == [everything, everything[1:], everything[3::2]]


async def test_a_follower_that_leaves_is_forgotten(journal, said):
    await journal.append(said("a"))
    following = journal.follow()
    assert (await anext(following)).event.message == "a"
    await following.aclose()
    assert not journal._followers


async def test_closing_writes_what_was_handed_over_and_leaves_nothing_behind(path, clock, said):
    journal = Journal.open(path, clock=clock)
    appends = [asyncio.create_task(journal.append(said(n))) for n in range(50)]
    await asyncio.sleep(0)
    await journal.close()
    await journal.close()
    assert [recorded.seq for (recorded,) in await asyncio.gather(*appends)] == list(range(1, 51))
    assert [thread.name for thread in threading.enumerate()].count("journal-writer") == 0
    assert [file.name for file in path.parent.iterdir()] == ["journal.sqlite"]
    with pytest.raises(RuntimeError, match="closed"):
        await journal.append(said("late"))


async def test_only_its_user_can_read_the_files(journal, path, said):
    await journal.append(said("private"))
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    names = ("journal.sqlite", "journal.sqlite-wal", "journal.sqlite-shm")
    assert modes == dict.fromkeys(names, 0o600)
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


async def test_a_follower_cancelled_while_it_reads_ends_once_it_has_read(journal, monkeypatch):
    # SQLite refuses to close a connection that another thread is reading from.
    reading, go_on = threading.Event(), threading.Event()
    last_seq = JournalReader.last_seq

    def slowly(reader):
        reading.set()
        go_on.wait(10)
        return last_seq(reader)

    monkeypatch.setattr(JournalReader, "last_seq", slowly)
    follower = asyncio.create_task(anext(aiter(journal.follow())))
    await asyncio.to_thread(reading.wait, 10)
    follower.cancel()
    for _ in range(5):
        await asyncio.sleep(0)
    assert not follower.done()
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await follower
