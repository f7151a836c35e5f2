"""Paths that lead out of the workspace, through real runs: refused, told, and kept on record."""

import asyncio
from pathlib import Path

import pytest

from longshift.domain import events as e
from longshift.sandbox.cage import open_cage
from longshift.sandbox.policy import Cage, Refusal, SandboxPolicy
from tests.support.engine_world import (
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


@pytest.fixture(scope="session")
def cage() -> Cage:
    cage = asyncio.run(open_cage(SandboxPolicy()))
    if isinstance(cage, Refusal):
        pytest.skip(cage.reason)
    return cage


def listening(it: Open) -> list[e.GuardRefused]:
    """The refusals of a run, as they are recorded."""
    refused: list[e.GuardRefused] = []

    def hear(record: e.Recorded) -> None:
        if isinstance(record.event, e.GuardRefused):
            refused.append(record.event)

    it.engine.listen(hear)
    return refused


async def test_what_each_role_tried_stands_in_the_journal(world: World) -> None:
    (world.person.root.parent / "secret.txt").write_bytes(b"outside\n")
    world.play(
        planner(
            call("read_file", path="../secret.txt"),
            call("add_task", title="t", instructions="i", paths=["/etc"], acceptance=["a"]),
            task("shout", "a.txt"),
        ),
        worker(
            "shout",
            turn(
                call("list_files", path="~/"),
                write(".git/hooks/pre-commit", "#!/bin/sh\n"),
                call("move_file", path="a.txt", new_path="C:\\a.txt"),
                write("A.txt", "in another case\n"),
                write("nul", "a device\n"),
                call("read_file", path="missing.txt"),
                edit("one", "ONE"),
            ),
        ),
        flow(
            "judge",
            turn(call("report_finding", path="GIT~1/config", line=1, message="m", code="c",
                      severity="error")),
            turn(call("verdict", reason="It is all as asked.", decision="done")),
        ),
    )  # fmt: skip
    async with world.opened() as it:
        refused = listening(it)
        run = await it.work()
        assert (run.outcome, run.refusals) == ("done", 8)
        assert run.changes["C1"].paths == ("a.txt",)
    assert [(one.guard, one.agent, one.tool) for one in refused] == [
        ("path", "P1", "read_file"),
        ("path", "P1", "add_task"),
        ("path", "T1.1", "list_files"),
        ("path", "T1.1", "write_file"),
        ("path", "T1.1", "move_file"),
        ("path", "T1.1", "write_file"),
        ("path", "T1.1", "write_file"),
        ("path", "judge", "report_finding"),
    ]
    assert "git's own files" in refused[3].detail
    assert '"a.txt", which exists' in refused[5].detail
    assert "outside" not in str(world.server.by_role("planner")[-1].messages)


async def test_links_that_a_command_makes_lead_nowhere(world: World, cage: Cage) -> None:
    command = (
        "ln -s /etc/passwd abs && ln -s ../../.. up && ln -s a.txt fine && ln -s abs through && "
        "mkdir git~1 && echo x > git~1/config && echo x > B.TXT && "
        "echo new > new.txt"
    )
    world.play(
        planner(task("link", ".")),
        worker("link", turn(call("run_command", command=command)),
               turn(call("read_file", path="abs"), call("read_file", path="fine"))),
        *judge("done"),
    )  # fmt: skip
    async with world.opened() as it:
        refused = listening(it)
        run = await it.work()
        assert run.outcome == "done"
        assert run.changes["C1"].paths == ("fine", "new.txt")
    [one] = refused
    assert (one.guard, one.tool) == ("path", "run_command")
    assert "leads out" in one.detail
    told = str(world.server.by_role("worker")[1].messages[-1])
    assert "left_out" in told
    for path in ("abs", "up", "through", "git~1/config", "B.TXT"):
        assert path in told


async def test_links_that_lead_out_only_together_do_not_land(
    world: World, cage: Cage, tmp_path: Path
) -> None:
    world.play(
        planner(task("inner", "x"), task("outer", "y", depends_on=["T1"])),
        worker("inner", turn(call("run_command", command="ln -s src/way/../a.txt x"))),
        flow("worker", turn(call("run_command", command="ln -s .. src/way")),
             turn(call("submit", summary="Both.")), turn(call("give_up", reason="It can't be.")),
             match="Do: outer"),
        *judge("done"),
    )  # fmt: skip
    async with world.opened() as it:
        refused = listening(it)
        run = await it.work()
        assert [change.paths for change in run.changes.values()] == [("x",)]
    assert [(one.guard, one.tool) for one in refused] == [("path", "submit")]
    assert "lead out" in refused[0].detail


async def test_one_name_in_two_spellings_does_not_land_twice(world: World) -> None:
    world.play(
        planner(task("first", "Notes/a.txt"), task("second", "notes/b.txt")),
        worker("first", turn(write("Notes/a.txt", "a\n"))),
        flow("worker", turn(write("notes/b.txt", "b\n")),
             turn(call("submit", summary="In lower case."), wait_for=["landed"]),
             turn(call("move_file", path="notes/b.txt", new_path="Notes/b.txt")),
             turn(call("submit", summary="As it is there.")), match="Do: second"),
        *judge("done"),
    )  # fmt: skip
    async with world.opened() as it:
        refused = listening(it)
        await it.start()
        await it.until(lambda run: run.changes)
        await it.raise_signal("landed")
        run = await it.ended()
        assert [change.paths for change in run.changes.values()] == [
            ("Notes/a.txt",), ("Notes/b.txt",),
        ]  # fmt: skip
    assert [(one.guard, one.tool) for one in refused] == [("path", "submit")]
    assert '"Notes", which exists' in refused[0].detail
