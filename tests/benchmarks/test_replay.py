"""The replay between two releases: a tiny pair, in which everything happens that can differ."""

import asyncio
import tarfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.replay import releases
from benchmarks.replay.playing import models
from benchmarks.replay.releases import AFTER, File, make_repository
from benchmarks.replay.schedule import shortest_s
from benchmarks.replay.tasks import (
    Mode,
    Piece,
    Plan,
    Replay,
    Task,
    replay,
    with_piece,
    without_markers,
)
from longshift.domain.events import Recorded, RunFinished, RunPaused
from longshift.domain.model import Goal
from longshift.domain.state import Run
from longshift.engine.outfitting import Surroundings
from longshift.engine.owning.ownership import Owner, connect
from longshift.engine.ports import DiskHand, SystemClock
from longshift.repository.worktree import Worktree
from longshift.settings import Trust

NUMBERS = [f"line {number}\n" for number in range(80)]
NOTES = "".join(f"* Paragraph {number}\n  goes on.\n\n" for number in range(30))


def numbered(**changed: str) -> bytes:
    """Eighty lines, some of them other ones: `_7="seven\\n"`."""
    lines = list(NUMBERS)
    for name, line in changed.items():
        lines[int(name[1:])] = line
    return "".join(lines).encode()


BEFORE: Mapping[str, File] = {
    "edited.py": File(numbered()),
    "crlf.txt": File(numbered().replace(b"\n", b"\r\n")),
    "bom.txt": File(b"\xef\xbb\xbfone\ntwo\n"),
    "no end.txt": File(b"one\ntwo"),
    "empty.txt": File(b""),
    "repeated.txt": File(b"same\n" * 40),
    "accents.txt": File("grüße\n".encode("latin-1")),
    "picture.bin": File(b"\0\1\2"),
    "gone.bin": File(b"\0"),
    "gone.txt": File(b"gone\n"),
    "old/moved.txt": File(b"moved as it is\n"),
    "old/test_moved.py": File(numbered()),
    "tool.sh": File(b"echo\n"),
    "same.txt": File(b"same\n"),
    "run.sh": File(b"run\n", is_executable=True),
}
NEXT: Mapping[str, File] = {
    "edited.py": File(numbered(_0="", _3="three\n", _30="x\ny\n", _31="", _32="z\n", _79="end")),
    "crlf.txt": File(numbered(_5="five\n", _50="").replace(b"\n", b"\r\n")),
    "bom.txt": File(b"\xef\xbb\xbfone\n2\n"),
    "no end.txt": File(b"one\ntwo\nthree"),
    "empty.txt": File(b"no longer\n"),
    "repeated.txt": File(b"same\n" * 12 + b"other\n" + b"same\n" * 30),
    "accents.txt": File("Grüße\n".encode("latin-1")),
    "picture.bin": File(b"\0\3"),
    "new.bin": File(b"\0\4"),
    "new/folder/made.py": File(b"made = True\n"),
    "new/moved.txt": File(b"moved as it is\n"),
    "new/test_moved.py": File(numbered(_4="four\n", _40="forty\n")),
    "tool.sh": File(b"echo\n", is_executable=True),
    "same.txt": File(b"same\n"),
    "run.sh": File(b"walk\n", is_executable=True),
    "docs/releases/5.2.txt": File(NOTES.encode()),
}


async def played(folder: Path, it: Replay) -> tuple[Run, str, str]:
    """A replay in an engine of this process: the run, its head's tree, and the one wanted."""
    person = folder / "person"
    person.mkdir()
    wanted = make_repository(person, it.before, it.after)
    worktree = Worktree.discover(person)
    with models(it.plan, 0.0, folder) as port:
        model = {"model": "replayed", "base_url": f"http://127.0.0.1:{port}/v1"}
        around = Surroundings(
            environ={},
            clock=SystemClock(),
            hand=DiskHand(worktree.root),
            overrides={
                "models": {"default": model},
                "workers": 20,
                "gates": "off",
                "overlap": "allow",
            },
            trust=Trust(folder / "trust"),
            person_file=folder / "none.toml",
        )
        owner = await connect(worktree, around)
        assert isinstance(owner, Owner)
        ended = asyncio.Event()

        def hear(record: Recorded) -> None:
            if isinstance(record.event, RunFinished | RunPaused):
                ended.set()

        owner.engine.listen(hear)
        try:
            await owner.engine.start(Goal(text="Bring it to the next release"), {})
            async with asyncio.timeout(60):
                await ended.wait()
            run = owner.engine.shop.chronicle.run("R1")
            return run, owner.engine.shop.store.objects.tree_of(run.head), wanted
        finally:
            await owner.close()


@pytest.mark.parametrize("mode", ["by_file", "by_hunk", "from_nothing"])
async def test_the_final_tree_is_the_releases(tmp_path: Path, mode: Mode) -> None:
    it = replay(mode, BEFORE, NEXT)
    run, tree, wanted = await played(tmp_path, it)
    assert (run.outcome, run.pause_reason) == ("done", "")
    left = [task for task in run.tasks.values() if task.state != "landed"]
    assert [(task.plan.title, task.attempts[-1].reason) for task in left] == []
    assert tree == wanted
    # Sixteen workers begin one file at once, and each but the first meets another's part.
    assert (run.conflicts > 0) == (mode == "by_hunk")


def test_what_text_tools_can_not_bring_is_counted_and_never_played() -> None:
    it = replay("by_file", BEFORE, NEXT)
    assert it.left_out == {"binary": 4, "executable_bit": 1}
    assert it.after is NEXT
    assert it.before["accents.txt"] == NEXT["accents.txt"]
    assert "gone.bin" not in it.before
    assert it.before["tool.sh"].is_executable
    made = replay("from_nothing", BEFORE, NEXT)
    assert (made.before, made.left_out) == ({}, {"binary": 3, "executable_bit": 2})
    assert not any(file.is_executable for file in made.after.values())


def test_a_task_for_each_file_or_each_hunk() -> None:
    by_file = [task.title for task in replay("by_file", BEFORE, NEXT).plan.tasks]
    assert by_file == [
        "Change bom.txt",
        "Change crlf.txt",
        "Make docs/releases/5.2.txt",
        "Change edited.py",
        "Change empty.txt",
        "Remove gone.txt",
        "Make new/folder/made.py",
        "Move old/moved.txt to new/moved.txt",
        "Move old/test_moved.py to new/test_moved.py",
        "Change no end.txt",
        "Change repeated.txt",
        "Change run.sh",
    ]
    by_hunk = [task.title for task in replay("by_hunk", BEFORE, NEXT).plan.tasks]
    assert [one for one in by_hunk if "edited.py" in one] == [
        f"Change edited.py, {number} of 3" for number in (1, 2, 3)
    ]
    assert len([one for one in by_hunk if "5.2.txt" in one]) == 15


PIECES = [Piece("a\n", "A\n"), Piece("same\n", "same\n"), Piece("", "new\n"), Piece("z\n", "")]


@pytest.mark.parametrize(
    ("text", "number", "expected"),
    [
        ("a\nsame\nz\n", 0, "A\nsame\nz\n"),
        ("a\nsame\nz\n", 2, "a\nsame\nnew\nz\n"),
        ("a\nsame\nz\n", 3, "a\nsame\n"),
        ("a\nsame\nnew\n", 0, "A\nsame\nnew\n"),
        ("A\nsame\nnew\n", 0, None),
        ("A\nsame\n", 2, "A\nsame\nnew\n"),
        ("A\nsame\nsomebody else's\n", 2, None),
    ],
)
def test_a_piece_is_put_where_it_belongs_whatever_has_landed(
    text: str, number: int, expected: str | None
) -> None:
    assert with_piece(text, PIECES, number) == expected


def test_the_heads_side_of_a_conflict_is_read_though_its_lines_look_like_markers() -> None:
    text = (
        "Title\n=======\n<<<<<<< head\nSection\n=======\n||||||| base\n=======\n=======\n"
        "mine\n>>>>>>> yours\nend\n>>>>>>> yours\n"
    )
    assert without_markers(text) == "Title\n=======\nSection\n=======\nend\n>>>>>>> yours\n"


@pytest.mark.parametrize(
    ("tasks", "turns", "workers", "answers"),
    [
        (1, 3, 1, 2 + 3 + 1),  # two planners one after the other, the worker, the judge
        (4, 3, 2, 2 + 6 + 1),
        (40, 3, 100, 2 + 3 + 1),  # the second planner adds its tasks beside the first
        (0, 3, 5, 1),
    ],
)
def test_the_shortest_time_counts_answers_that_wait_for_each_other(
    tasks: int, turns: int, workers: int, answers: int
) -> None:
    plan = Plan([Task("t", ("a",), [[]] * turns)] * tasks)
    assert shortest_s(plan, workers=workers, latency_s=0.5) == answers * 0.5


def test_another_release_than_the_pinned_one_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(releases, "CACHE", tmp_path)
    archive = tmp_path / f"{AFTER.name}-{AFTER.version}.tar.gz"
    (tmp_path / "a.txt").write_bytes(b"one\n")
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(tmp_path / "a.txt", "Django-5.2/folder/a.txt")
    with pytest.raises(RuntimeError, match=AFTER.sha256):
        AFTER.files()
    digest = releases.digest(archive)
    assert replace(AFTER, sha256=digest).files() == {"folder/a.txt": File(b"one\n")}
