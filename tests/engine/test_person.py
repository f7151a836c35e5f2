"""The person's side: their text, their checkouts, and what they decide."""

import asyncio
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from longshift.domain.events import ChangeStale, Recorded
from longshift.engine.ports import DiskHand, DiskPresent
from longshift.errors import NeedsPerson, UsageError
from longshift.review.shapes import Effect, PendingHunk, Present, PresentFile
from tests.support.engine_world import (
    TEXT,
    Open,
    World,
    call,
    edit,
    flow,
    judge,
    planner,
    task,
    turn,
    worker,
    write,
)

ENDS = [edit("one", "ONE"), edit("eight", "EIGHT")]
BOTH = [planner(task("shout", "a.txt")), worker("shout", turn(*ENDS))]


@dataclass
class BufferHand:
    """A person with open buffers, as an editor would have them."""

    root: Path
    buffers: dict[str, str] = field(default_factory=dict)
    threads: set[str] = field(default_factory=set)
    refuses: bool = False

    async def unsaved(self) -> Mapping[str, bytes]:
        return {path: text.encode() for path, text in self.buffers.items()}

    def present(self) -> Present:
        return _Buffers(self)

    async def apply(self, hunks: Sequence[PendingHunk], effects: Sequence[Effect]) -> None:
        if self.refuses:
            raise NeedsPerson("The editor refused the edit.")
        for effect in effects:
            self.buffers[effect.path] = effect.data.decode()


@dataclass(frozen=True)
class _Buffers:
    hand: BufferHand

    def read(self, path: str) -> PresentFile | None:
        self.hand.threads.add(threading.current_thread().name)
        if path in self.hand.buffers:
            return PresentFile(text=self.hand.buffers[path], version=1)
        return DiskPresent(self.hand.root).read(path)


def states(it: Open, described: Mapping[str, object]) -> dict[str, str]:
    return {
        f"{change['id']}:{file['path']}:{hunk['hunk']}": hunk["state"]
        for change in described["changes"]
        for file in change["files"]
        for hunk in file["hunks"]
    }


async def hunks(it: Open) -> dict[str, str]:
    return states(it, await it.call("describeRun"))


def disk(world: World, path: str = "a.txt") -> bytes:
    return (world.person.root / path).read_bytes()


async def test_hunks_are_accepted_rejected_and_taken_back_one_by_one(world: World) -> None:
    world.play(*BOTH, *judge("done"))
    async with world.opened() as it:
        await it.work()
        assert await hunks(it) == {"C1:a.txt:1": "pending", "C1:a.txt:2": "pending"}
        await it.call("acceptChange", changeId="C1", path="a.txt", hunk=1)
        assert disk(world) == TEXT.replace(b"one", b"ONE")
        await it.call("rejectChange", changeId="C1", path="a.txt", hunk=2, reason="Not so loud.")
        assert await hunks(it) == {"C1:a.txt:1": "accepted", "C1:a.txt:2": "rejected"}
        (rule,) = it.engine.shop.chronicle.constraints()
        assert rule.text.startswith("Not so loud.")
        await it.call("undoDecision", changeId="C1", path="a.txt", hunk=2)
        assert not it.engine.shop.chronicle.constraints()
        await it.call("undoDecision", changeId="C1", path="a.txt", hunk=1)
        assert disk(world) == TEXT
        assert await hunks(it) == {"C1:a.txt:1": "pending", "C1:a.txt:2": "pending"}
        with pytest.raises(UsageError, match="no hunk 7"):
            await it.call("acceptChange", changeId="C1", path="a.txt", hunk=7)
        assert world.person.git("diff", "--cached", "--stat") == ""


@pytest.mark.parametrize("typed", ["typed {}", "{} typed", "typed\n{}", "{}\ntyped"])
@pytest.mark.parametrize("new", ["two\n", "TWO\nTWO AND A HALF\n", ""], ids=repr)
async def test_a_hunk_beside_typed_lines_is_accepted_and_recorded(
    world: World, typed: str, new: str
) -> None:
    world.play(
        planner(task("change", "a.txt")),
        worker("change", turn(edit("three\n", new))),
        *judge("done"),
    )
    world.hand = hand = BufferHand(world.person.root)
    async with world.opened() as it:
        await it.work()
        before, three, after = TEXT.decode().partition("three\n")
        first, _, rest = after.partition("\n")
        hand.buffers["a.txt"] = before + three + typed.format(first) + "\n" + rest
        await it.call("acceptChange", changeId="C1", path="a.txt", hunk=1)
        assert hand.buffers["a.txt"] == before + new + typed.format(first) + "\n" + rest
        assert await hunks(it) == {"C1:a.txt:1": "accepted"}
        again = before + three + typed.format(first) + "\n" + rest
        if not new and typed.startswith("typed\n"):
            # Whether a deleted line stood before or after the inserted one nobody can say.
            with pytest.raises(UsageError, match="Edit the lines by hand"):
                await it.call("undoDecision", changeId="C1", path="a.txt", hunk=1)
            return
        await it.call("undoDecision", changeId="C1", path="a.txt", hunk=1)
        assert hand.buffers["a.txt"] == again


async def test_taking_back_one_of_two_rejections_keeps_the_other_rule(world: World) -> None:
    world.play(*BOTH, *judge("done"))
    async with world.opened() as it:
        await it.work()
        await it.call("rejectChange", changeId="C1")
        (both,) = it.engine.shop.chronicle.constraints()
        assert '"ONE"' in both.text
        assert '"EIGHT"' in both.text
        await it.call("undoDecision", changeId="C1", path="a.txt", hunk=1)
        (rest,) = it.engine.shop.chronicle.constraints()
        assert '"ONE"' not in rest.text
        assert '"EIGHT"' in rest.text


async def test_all_is_decided_at_once_over_changes_that_share_a_file(world: World) -> None:
    world.play(
        planner(task("shout", "a.txt"), task("end", "a.txt"), task("new", "new dir/ü.txt")),
        worker("shout", turn(edit("one", "ONE"))),
        worker("end", turn(edit("eight", "EIGHT"))),
        worker("new", turn(write("new dir/ü.txt", "fresh\n"), call("delete_file", path="b.txt"))),
        *judge("done"),
    )
    async with world.opened() as it:
        await it.work()
        assert (await it.call("acceptAll"))["hunks"] == 4
        assert disk(world) == TEXT.replace(b"one", b"ONE").replace(b"eight", b"EIGHT")
        assert disk(world, "new dir/ü.txt") == b"fresh\n"
        assert not (world.person.root / "b.txt").exists()
        assert set((await hunks(it)).values()) == {"accepted"}
        assert not it.run().deciding
        for change in it.run().changes:
            await it.call("undoDecision", changeId=change)
        assert world.person.git("status", "--porcelain") == ""
        assert (await it.call("rejectAll", path="a.txt"))["hunks"] == 2
        assert len(it.engine.shop.chronicle.constraints()) == 2


async def test_a_file_that_cannot_be_written_leaves_the_rest_decided(world: World) -> None:
    world.play(
        planner(task("shout", "a.txt", "locked/x.txt")),
        worker("shout", turn(edit("one", "ONE"), write("locked/x.txt", "x\n"))),
        *judge("done"),
    )
    async with world.opened() as it:
        await it.work()
        world.person.write({"locked": b"a file where a folder is needed"})
        with pytest.raises((NeedsPerson, UsageError)):
            await it.call("acceptChange", changeId="C1", path="locked/x.txt")
        await it.call("acceptChange", changeId="C1", path="a.txt")
        assert disk(world) == TEXT.replace(b"one", b"ONE")
        assert not it.run().deciding


async def test_a_hand_that_refuses_leaves_the_decision_as_it_was(world: World) -> None:
    world.hand = hand = BufferHand(world.person.root)
    world.play(*BOTH, *judge("done"))
    async with world.opened() as it:
        await it.work()
        hand.buffers["a.txt"] = TEXT.decode()
        hand.refuses = True
        with pytest.raises(NeedsPerson, match="refused"):
            await it.call("acceptChange", changeId="C1")
        assert not it.run().deciding
        assert set((await hunks(it)).values()) == {"pending"}
        hand.refuses = False
        await it.call("acceptChange", changeId="C1")
        assert hand.buffers["a.txt"].encode() == it.file()


async def test_workers_build_on_unsaved_text_and_on_what_is_typed_meanwhile(world: World) -> None:
    world.hand = hand = BufferHand(world.person.root, {"a.txt": TEXT.decode() + "unsaved\n"})
    world.play(
        planner(task("start", "a.txt"), times=1),
        planner(task("end", "a.txt")),
        worker("start", turn(*ENDS, signal="edited")),
        worker("end", turn(edit("unsaved", "unsaved, seen"), edit("EIGHT, mine", "EIGHT, both"))),
        *judge("continue", "done"),
    )
    async with world.opened() as it:
        await it.start()
        await it.signal("edited")
        hand.buffers["a.txt"] = TEXT.decode().replace("eight", "EIGHT, mine") + "unsaved\n"
        run = await it.ended()
        assert (run.outcome, run.cycle) == ("done", 2)
        assert it.file() == (
            TEXT.replace(b"one", b"ONE").replace(b"eight", b"EIGHT, both") + b"unsaved, seen\n"
        )
        assert disk(world) == TEXT


async def test_a_hunk_beside_a_typed_line_is_still_proposed_in_the_next_cycle(
    world: World,
) -> None:
    """Git calls the two a clash, and the person's side wins: what fits it must not be lost."""
    world.hand = hand = BufferHand(world.person.root)
    world.play(
        planner(task("add", "a.txt"), times=1),
        planner(task("look", "b.txt")),
        worker("add", turn(edit("two\n", "two\nadded\n"))),
        worker("look", turn(edit("two", "2", "b.txt"))),
        flow("judge", turn(call("verdict", reason="More.", decision="continue"),
                           signal="judging", wait_for=["typed"]), times=1),
        *judge("done"),
    )  # fmt: skip
    async with world.opened() as it:
        await it.start()
        await it.signal("judging")
        hand.buffers["a.txt"] = TEXT.decode().replace("two", "two, typed")
        await it.raise_signal("typed")
        await it.ended()
        assert it.file() == TEXT.replace(b"two\n", b"two, typed\nadded\n")
        assert (await hunks(it))["C1:a.txt:1"] == "pending"


async def test_a_cycle_in_which_the_person_has_all_that_landed_settles_it(world: World) -> None:
    """The head stays where it is then, and what was accepted must not be offered again."""
    world.play(
        planner(task("shout", "a.txt"), times=1),
        planner(task("make", "new.txt"), times=1),
        planner(task("look", "b.txt")),
        worker("shout", turn(edit("one", "ONE"))),
        worker("make", turn(write("new.txt", "new\n"))),
        worker("look", turn(edit("two", "2", "b.txt"))),
        *(
            flow("judge", turn(call("verdict", reason="More.", decision="continue"),
                               signal=f"judging {n}", wait_for=[f"decided {n}"]), times=1)
            for n in (1, 2)
        ),
        *judge("done"),
    )  # fmt: skip
    async with world.opened() as it:
        await it.start()
        await it.signal("judging 1")
        (world.person.root / "typed.txt").write_text("typed\n")
        await it.raise_signal("decided 1")
        await it.signal("judging 2")
        await it.call("acceptAll")
        await it.raise_signal("decided 2")
        await it.ended()
        found = await hunks(it)
        assert found.pop("C3:b.txt:1") == "pending"
        assert set(found.values()) == {"accepted"}
        await it.call("acceptAll")
        assert disk(world, "new.txt") == b"new\n"


async def test_what_was_rejected_is_out_of_the_next_cycle_and_forbidden_there(
    world: World,
) -> None:
    world.play(
        planner(task("shout", "a.txt"), times=1),
        planner(task("look", "b.txt")),
        worker("shout", turn(*ENDS)),
        worker("look", turn(edit("two", "2", "b.txt"))),
        flow("judge", turn(call("verdict", reason="More.", decision="continue"),
                           signal="judging", wait_for=["decided"]), times=1),
        *judge("done"),
    )  # fmt: skip
    async with world.opened() as it:
        await it.start()
        await it.signal("judging")
        await it.call("rejectChange", changeId="C1", path="a.txt", hunk=1, reason="Keep it low.")
        await it.raise_signal("decided")
        await it.ended()
        assert it.file() == TEXT.replace(b"eight", b"EIGHT")
        assert "Keep it low." in str(world.server.by_role("planner")[-1].messages)
        assert "Keep it low." in str(world.server.by_role("worker")[-1].messages)


async def test_rework_reopens_an_ended_run_with_the_persons_words(world: World) -> None:
    world.play(
        *BOTH,
        flow("worker", turn(edit("ONE", "One")), turn(call("submit", summary="Softer."))),
        *judge("done", "done"),
    )
    async with world.opened() as it:
        await it.work()
    async with world.opened() as it:
        await it.call("reworkChange", changeId="C1", path="a.txt", hunk=1, reason="Softer, please.")
        run = await it.ended()
        assert (run.outcome, run.cycle, list(run.changes)) == ("done", 2, ["C1", "C2"])
        assert run.tasks["T2"].rework.words == "Softer, please."
        assert b"One\n" in it.file()
        seen = str(world.server.by_role("worker")[-1].messages)
        assert "Softer, please." in seen
        assert "+ONE" in seen


async def test_the_worker_of_a_rework_sees_what_the_person_has_there_now(world: World) -> None:
    world.hand = hand = BufferHand(world.person.root)
    world.play(
        *BOTH,
        flow("worker", turn(edit("ONE", "One")), turn(call("submit", summary="Softer."))),
        flow("judge", turn(call("verdict", reason="Fine.", decision="done"), signal="judging",
                           wait_for=["asked"]), times=1),
        *judge("done"),
    )  # fmt: skip
    async with world.opened() as it:
        await it.start()
        await it.signal("judging")
        hand.buffers["a.txt"] = TEXT.decode().replace("one\n", "one, as I type it\n")
        await it.call("reworkChange", changeId="C1", path="a.txt", hunk=1, reason="Softer.")
        await it.raise_signal("asked")
        await it.ended()
        assert "one, as I type it\\n" in str(world.server.by_role("worker")[-1].messages[1])


async def test_a_landing_on_what_is_being_typed_is_marked_and_told_to_the_next_planner(
    world: World,
) -> None:
    world.hand = hand = BufferHand(world.person.root)
    world.play(
        planner(task("shout", "a.txt"), times=1),
        planner(task("look", "b.txt")),
        worker("shout", turn(*ENDS, signal="edited", wait_for=["typed"])),
        worker("look", turn(edit("two", "2", "b.txt"))),
        *judge("continue", "done"),
    )
    async with world.opened() as it:
        told: list[Recorded] = []
        it.engine.listen(told.append)
        await it.start()
        hand.buffers["a.txt"] = TEXT.decode().replace("one\n", "one, as I type it\n")
        await it.raise_signal("typed")
        run = await it.ended()
        [stale] = [one.event for one in told if isinstance(one.event, ChangeStale)]
        assert (stale.change, stale.path, stale.hunks) == ("C1", "a.txt", (1,))
        assert "line 1 was changed by you" in stale.reason
        assert run.changes["C1"].stale_paths == ("a.txt",)
        # The person's side wins at the head, the hunk that fits stays, and the planner knows.
        assert it.file() == TEXT.replace(b"one\n", b"one, as I type it\n").replace(
            b"eight", b"EIGHT"
        )
        assert '"stale":[{"task":"T1","path":"a.txt"}]' in str(
            world.server.by_role("planner")[-1].messages[1]["content"]
        ).replace(", ", ",").replace(": ", ":")
        assert hand.buffers["a.txt"].startswith("one, as I type it")


async def test_what_is_asked_while_the_judge_says_done_is_still_done(world: World) -> None:
    world.play(
        *BOTH,
        flow("worker", turn(edit("ONE", "One")), turn(call("submit", summary="Softer."))),
        flow("judge", turn(call("verdict", reason="Fine.", decision="done"), signal="judging",
                           wait_for=["asked"]), times=1),
        *judge("done"),
    )  # fmt: skip
    async with world.opened() as it:
        await it.start()
        await it.signal("judging")
        await it.call("reworkChange", changeId="C1", path="a.txt", hunk=1, reason="Softer.")
        await it.raise_signal("asked")
        run = await it.ended()
        assert (run.outcome, run.cycle, len(run.changes)) == ("done", 2, 2)


@pytest.mark.parametrize(
    ("moves", "pauses"),
    [
        ([["commit", "-qam", "mine"]], False),
        ([["commit", "-q", "--amend", "-m", "said better"]], False),
        ([["checkout", "-q", "-b", "same"]], False),
        ([["checkout", "-q", "older"]], True),
    ],
)
async def test_only_a_checkout_of_other_content_pauses_a_run(
    world: World, moves: list[list[str]], pauses: bool
) -> None:
    world.person.git("branch", "older")
    world.person.commit({"d.txt": b"later\n"})
    held = {"signal": "judging", "wait_for": ["moved"]}
    world.play(
        *BOTH,
        flow("judge", turn(call("verdict", reason="x", decision="continue"), **held), times=1),
        *judge("done"),
    )
    async with world.opened() as it:
        await it.start()
        await it.signal("judging")
        if moves[0][0] == "commit":
            world.person.write({"b.txt": b"mine\n"})
        for move in moves:
            world.person.git(*move)
        await it.raise_signal("moved")
        run = await it.ended()
        assert (run.pause_cause == "checkout") is pauses
        if pauses:
            await it.engine.resume("R1")
            run = await it.ended()
            assert it.file("d.txt") is None
        assert run.outcome == "done"
        assert b"ONE" in it.file()


async def test_findings_are_told_apart_kept_and_let_go(world: World) -> None:
    def finds(line: int, **more: object) -> dict[str, object]:
        return call("report_finding", path="a.txt", line=line, message="Too loud", code="L1",
                    severity="warning", **more)  # fmt: skip

    def judges(decision: str, *found: dict[str, object]) -> dict[str, object]:
        verdict = call("verdict", reason="x", decision=decision)
        return flow("judge", *([turn(*found)] if found else []), turn(verdict), times=1)

    world.play(
        planner(task("shout", "a.txt"), times=1),
        planner(task("more", "a.txt")),
        worker("shout", turn(*ENDS)),
        worker("more", turn(edit("ONE", "zero\nONE"), call("read_file", path="b.txt"))),
        judges("continue", finds(1), finds(8), finds(3)),
        judges("continue", finds(2), finds(9), finds(2)),
        judges("done"),
    )
    async with world.opened() as it:
        await it.start()
        await it.until(lambda run: run.cycle == 2 and len(run.findings) == 3)
        await it.call("dismissFinding", findingId="F2", reason="It shall be loud.")
        run = await it.ended()
        assert {f.id: (f.line, f.origin, f.state) for f in run.findings.values()} == {
            "F1": (1, "run", "resolved"),
            "F2": (8, "run", "dismissed"),
            "F3": (3, "base", "resolved"),
        }


async def test_the_loop_thread_never_reads_files_or_objects(world: World) -> None:
    world.hand = hand = BufferHand(world.person.root, {"a.txt": TEXT.decode()})
    world.play(*BOTH, *judge("continue", "done"))
    async with world.opened() as it:
        store, threads = it.engine.shop.store, set[str]()
        repository = type(store.objects).repository
        seen = property(lambda one: threads.add(threading.current_thread().name) or
                        repository.fget(one))  # fmt: skip
        store.objects.__class__ = type("Watched", (type(store.objects),), {"repository": seen})
        await it.work()
        await it.call("describeRun")
        await it.call("acceptChange", changeId="C1")
    assert threads
    assert not {one for one in threads | hand.threads if one == threading.main_thread().name}


async def test_git_finds_nothing_to_report_before_during_and_after(world: World) -> None:
    world.play(*BOTH, flow("judge", turn(call("verdict", reason="x", decision="continue"),
               signal="judging", wait_for=["go"]), times=1), *judge("done"))  # fmt: skip
    world.hand = DiskHand(world.worktree.root)
    async with world.opened() as it:
        await it.start()
        await it.signal("judging")
        world.person.git("commit", "-q", "--allow-empty", "-m", "x")
        world.person.git("reset", "-q", "--hard", "HEAD~1")
        await asyncio.to_thread(world.person.assert_sound)
        await it.raise_signal("go")
        assert (await it.ended()).outcome == "done"
        assert world.person.git("status", "--porcelain") == ""
    world.person.assert_sound()
