"""Findings over cycles and runs: one defect keeps one id, and what was dismissed stays away."""

import asyncio
from pathlib import Path

import pytest

from longshift.domain.fold import fold
from longshift.domain.state import Run
from longshift.journal.reader import JournalReader
from longshift.sandbox.cage import open_cage
from longshift.sandbox.policy import Cage, Refusal, SandboxPolicy
from tests.support.engine_world import (
    TEXT,
    Script,
    World,
    call,
    edit,
    flow,
    planner,
    task,
    turn,
    worker,
)


@pytest.fixture(autouse=True)
def one_judge(world: World) -> None:
    """An open warning makes a `done` marginal; here, one judge's word is enough."""
    world.settings["stop"] = {"second_judge": "never"}


def finds(line: int, message: str = "Too loud", **more: object) -> Script:
    given = {"path": "a.txt", "code": "L1", "severity": "warning"} | more
    return call("report_finding", line=line, message=message, **given)


def judges(decision: str, *calls: Script, **more: object) -> Script:
    turns = [turn(*calls)] if calls else []
    verdict = call("verdict", reason="x", decision=decision)
    return flow("judge", *turns, turn(verdict), times=1, **more)


def plans(*names: str, path: str = "a.txt") -> list[Script]:
    return [planner(task(name, path), times=1) for name in names]


def shown(run: Run) -> dict[str, tuple[str, int, str, str]]:
    return {f.id: (f.path, f.line, f.severity, f.state) for f in run.findings.values()}


MOVES = {
    "its line moved, its numbers and quotes changed": (
        edit("one\n", "zero\nzero\none\n"),
        finds(4, '"two" is  2 times too loud.'),
    ),
    "its line was indented": (edit("two\n", "    two\n"), finds(2, "'two' is 9 times too loud")),
    "its line was written anew": (edit("two\n", "TWO!\n"), finds(2, "'two' is 3 times too loud")),
    "its file was renamed": (
        call("move_file", path="a.txt", new_path="new/z.txt"),
        finds(2, "'two' is 3 times too loud", path="new/z.txt"),
    ),
}


@pytest.mark.parametrize("what", MOVES)
async def test_the_same_defect_in_the_next_cycle_is_the_same_finding(
    world: World, what: str
) -> None:
    change, again = MOVES[what]
    world.play(
        *plans("first", "second"),
        worker("first", turn(edit("eight", "EIGHT"))),
        worker("second", turn(change)),
        judges("continue", finds(2, "'two' is 3 times too loud")),
        judges("done", again),
    )
    async with world.opened() as it:
        run = await it.work()
        assert (run.outcome, list(run.findings)) == ("done", ["F1"])
        assert run.findings["F1"].state == "open"
        assert run.findings["F1"].cycle == 1


async def test_what_was_resolved_comes_back_by_its_id(world: World) -> None:
    world.play(
        *plans("first", "second", "third"),
        worker("first", turn(edit("eight", "EIGHT"))),
        worker("second", turn(edit("two\n", ""))),
        worker("third", turn(edit("three", "two\nthree"))),
        judges("continue", finds(2), finds(5)),
        judges("continue"),
        judges("done", finds(2), finds(3)),
    )
    async with world.opened() as it:
        await it.start()
        gone = await it.until(lambda run: "C2" in run.changes)
        assert shown(gone)["F1"] == ("a.txt", 2, "warning", "resolved"), "as soon as it landed"
        run = await it.ended()
        assert shown(run) == {
            "F1": ("a.txt", 2, "warning", "open"),
            "F2": ("a.txt", 5, "warning", "resolved"),
            "F3": ("a.txt", 3, "warning", "open"),
        }
        assert run.findings["F1"].cycle == 3
        state = it.engine.state
    with JournalReader.open(Path(world.worktree.state_dir) / "journal.sqlite") as reader:
        assert fold(reader.read()) == state


async def test_a_finding_goes_with_its_file_and_weighs_more_with_evidence(world: World) -> None:
    world.settings["gates"] = "enforce"
    lines = {"path": "b.txt", "severity": "error"}
    world.play(
        *plans("first", path="."),
        worker("first", turn(edit("eight", "EIGHT"), call("delete_file", path="src/c.txt"))),
        judges("continue", finds(2, **lines), finds(2, evidence="grep -c", **lines)),
        planner(task("second", "b.txt"), times=1),
        worker("second", turn(call("delete_file", path="b.txt"))),
        judges("done"),
    )
    async with world.opened() as it:
        await it.start()
        seen = await it.until(lambda run: run.cycle == 2)
        assert shown(seen) == {"F1": ("b.txt", 2, "error", "open")}
        gone = await it.until(lambda run: "C2" in run.changes)
        assert shown(gone)["F1"] == ("b.txt", 2, "error", "resolved")
        assert (await it.ended()).outcome == "done"


async def test_lines_that_read_alike_are_told_apart(world: World) -> None:
    """A fingerprint knows no line number: of two such lines each has its own finding."""
    world.person.commit({"a.txt": b"x\ny\ny\nx\nz\nx\n"})
    world.play(
        *plans("first", "second"),
        worker("first", turn(edit("z", "Z"))),
        worker("second", turn(edit("Z", "Z\nZ"))),
        judges("continue", finds(1), finds(4)),
        judges("done", finds(1), finds(4), finds(7), finds(4)),
    )
    async with world.opened() as it:
        await it.start()
        await it.until(lambda run: run.cycle == 2)
        await it.call("dismissFinding", findingId="F2")
        run = await it.ended()
        assert shown(run) == {
            "F1": ("a.txt", 1, "warning", "open"),
            "F2": ("a.txt", 4, "warning", "dismissed"),
            "F3": ("a.txt", 7, "warning", "open"),
        }


async def test_what_was_dismissed_stays_dismissed_in_this_run_and_in_later_ones(
    world: World,
) -> None:
    again = finds(3, "too LOUD, 7 times")
    world.play(
        *plans("first", "second", "third"),
        worker("first", turn(edit("two", "TWO"))),
        worker("second", turn(edit("one", "zero\none"))),
        worker("third", turn(edit("eight", "EIGHT"))),
        judges("continue", finds(2, "Too loud, 2 times")),
        judges("done", again),
        judges("done", finds(2, "Too loud, 2 times"), finds(3, "Too loud, 2 times")),
    )
    async with world.opened() as it:
        await it.start()
        await it.until(lambda run: run.cycle == 2)
        await it.call("dismissFinding", findingId="F1")
        await it.call("dismissFinding", findingId="F1", reason="It shall be loud.")
        run = await it.ended()
        assert shown(run) == {"F1": ("a.txt", 2, "warning", "dismissed")}
        assert run.findings["F1"].reason == "It shall be loud."
        told = world.server.by_role("judge")[-1].messages
        assert '\\"state\\":\\"dismissed\\"' in str(told) or '"state":"dismissed"' in str(told)
        assert "It shall be loud." in str(told)
        await it.call("acceptAll")

        run = await it.ended(await it.start("Again"))
        assert run.id == "R2"
        assert shown(run) == {"F2": ("a.txt", 2, "warning", "open")}, "another line's is another"
        opening = str(world.server.by_role("judge")[-1].messages[1])
        assert '"dismissed":' in opening.replace("\\", "")
        assert "It shall be loud." in opening


@pytest.fixture(scope="session")
def cage() -> Cage:
    cage = asyncio.run(open_cage(SandboxPolicy()))
    if isinstance(cage, Refusal):
        pytest.skip(cage.reason)
    return cage


NO_LOUD = (
    "sed -n '/LOUD/{=;p}' a.txt | sed 'N;s/^/a.txt:/;s/\\n.*/: shouts [no-loud]/' "
    "&& ! grep -q LOUD a.txt"
)
"""A check that names each line that says LOUD, with the code `no-loud`."""


async def test_a_checks_finding_is_the_judges_and_goes_with_the_check(
    world: World, cage: Cage
) -> None:
    checks, loud = call("run_checks"), finds(2, "That line shouts.", code="no-loud")
    world.play(
        *plans("first", "second", "third"),
        worker("first", turn(edit("two", "LOUD"))),
        worker("second", turn(edit("eight", "EIGHT"))),
        worker("third", turn(edit("LOUD", "quiet"))),
        judges("continue", checks, loud),
        judges("continue"),
        judges("done", checks),
    )
    async with world.opened() as it:
        await it.start(checks=[NO_LOUD])
        unchecked = await it.until(lambda run: run.cycle == 3)
        assert shown(unchecked) == {"F1": ("a.txt", 2, "error", "open")}, "nobody ran the check"
        assert unchecked.findings["F1"].check == NO_LOUD
        run = await it.ended()
        assert shown(run) == {"F1": ("a.txt", 2, "error", "resolved")}


@pytest.mark.parametrize(
    ("related", "answer"),
    [
        ([{"path": "b.txt", "line": 8, "message": "the caller"}], "F1"),
        ([{"path": "b.txt", "line": 99}], "no such lines"),
        ([{"path": "../b.txt", "line": 1}], "error"),
        ([{"path": "b.txt", "line": 1}] * 9, "error"),
        ([{"path": "b.txt", "line": 1, "message": "x" * 301}], "error"),
    ],
    ids=["fits", "line", "path", "many", "long"],
)
async def test_related_places_are_checked_as_the_findings_own(
    world: World, related: list[dict[str, object]], answer: str
) -> None:
    world.play(
        *plans("first"),
        worker("first", turn(edit("two", "TWO"))),
        judges("done", finds(2, related=related)),
    )
    async with world.opened() as it:
        run = await it.work()
        if answer != "F1":
            assert run.findings == {}
            assert "error" in str(world.server.by_role("judge")[-1].messages[-1])
            return
        [place] = run.findings["F1"].related
        assert (place.path, place.line, place.message) == ("b.txt", 8, "the caller")
        described = await it.call("describeRun")
        assert described["findings"][0]["id"] == "F1"
    assert TEXT.count(b"\n") == 8


async def test_a_task_to_mend_a_finding_names_its_place_at_the_head(world: World) -> None:
    world.play(
        *plans("first", "second"),
        worker("first", turn(edit("two", "TWO"))),
        worker("second", turn(edit("one", "zero\none"),
                              call("move_file", path="a.txt", new_path="z.txt"))),
        judges("continue", finds(2)),
        judges("done", finds(3, path="z.txt")),
        flow("worker", turn(edit("TWO", "two", "z.txt")), turn(call("submit", summary="x")),
             match="finding F1"),
        judges("done"),
    )  # fmt: skip
    async with world.opened() as it:
        await it.work()
        answer = await it.call("fixFinding", findingIds=["F1"], reason="Softer.")
        assert answer["findingIds"] == ["F1"]
        run = await it.ended()
        assert run.findings["F1"].state == "resolved"
        mended = run.tasks["T3"].plan
        assert mended.paths == ("z.txt",)
        assert '"z.txt", line 3' in mended.instructions
