"""Commands that models choose: in the cage, or not at all; and the checks that judge a head."""

import asyncio
import shutil
from pathlib import Path

import pytest

from longshift.sandbox.cage import open_cage
from longshift.sandbox.policy import Cage, Refusal, SandboxPolicy
from tests.support.engine_world import (
    TEXT,
    World,
    call,
    edit,
    flow,
    judge,
    planner,
    task,
    turn,
    worker,
)

QUIET = "! grep -n LOUD a.txt"
"""A check that fails once a file says LOUD."""


@pytest.fixture(scope="session")
def cage() -> Cage:
    cage = asyncio.run(open_cage(SandboxPolicy()))
    if isinstance(cage, Refusal):
        pytest.skip(cage.reason)
    return cage


async def test_what_a_command_changes_is_the_workers_edit(world: World, cage: Cage) -> None:
    command = (
        "sed -i s/two/TWO/ a.txt && rm b.txt && mkdir -p new && echo fresh > new/x.txt && "
        "mkdir -p __pycache__ && touch __pycache__/x.pyc && "
        "printf odd > \"$(printf 'n\\303')\""
    )
    world.play(
        planner(task("shout", "a.txt")),
        worker("shout", turn(call("run_command", command=command))),
        *judge("done"),
    )
    async with world.opened() as it:
        run = await it.work()
        assert run.outcome == "done"
        assert run.changes["C1"].paths == ("a.txt", "b.txt", "new/x.txt")
        assert it.file() == TEXT.replace(b"two", b"TWO")
        assert it.file("new/x.txt") == b"fresh\n"
    assert world.person.git("status", "--porcelain") == ""


async def test_where_no_command_can_run_the_run_goes_on_without(
    world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "git").symlink_to(shutil.which("git"))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))  # so that no bubblewrap is found
    world.settings["sandbox"] = {"mode": "bubblewrap"}  # and no weaker cage taken in its place
    world.play(
        planner(task("shout", "a.txt")),
        worker("shout", turn(call("run_command", command="true")), turn(edit("two", "TWO"))),
        *judge("done"),
    )
    async with world.opened() as it:
        run = await it.work()
        assert (run.outcome, len(run.changes)) == ("done", 1)
    assert "sandbox" in str(world.server.by_role("worker")[1].messages[-1])


@pytest.mark.parametrize(
    ("before", "edits", "outcome"),
    [
        ("two", edit("two", "LOUD"), "stopped short"),  # the run's own failure stands against done
        ("LOUD", edit("one", "1"), "done"),  # a failure that stood before does not
        ("two", edit("two", "2"), "done"),
    ],
)
async def test_a_check_that_newly_fails_refuses_done(
    world: World, cage: Cage, before: str, edits: dict[str, object], outcome: str
) -> None:
    world.person.commit({"a.txt": TEXT.replace(b"two", before.encode())})
    verdict = call("verdict", reason="Fine.", decision="done")
    world.play(
        planner(task("shout", "a.txt")),
        worker("shout", turn(edits)),
        flow("judge", turn(verdict), turn(call("run_checks")), turn(verdict),
             turn(call("verdict", reason="It can't be.", decision="give_up"))),
    )  # fmt: skip
    async with world.opened() as it:
        run = await it.work(checks=[QUIET], gates="enforce")
        assert run.outcome == ("done" if outcome == "done" else "gave_up")
    assert QUIET in str(world.server.by_role("judge")[-1].messages)


async def test_checks_hold_for_the_head_that_they_ran_on(world: World, cage: Cage) -> None:
    """A check that passed in the first cycle says nothing of what landed in the second."""
    world.play(
        planner(task("calm", "b.txt"), times=1),
        planner(task("shout", "a.txt")),
        worker("calm", turn(edit("two", "2", "b.txt"))),
        worker("shout", turn(edit("two", "LOUD"))),
        flow("judge", turn(call("run_checks")),
             turn(call("verdict", reason="More.", decision="continue")), times=1),
        flow("judge", turn(call("verdict", reason="Fine.", decision="done")),
             turn(call("verdict", reason="No.", decision="give_up"))),
    )  # fmt: skip
    async with world.opened() as it:
        run = await it.work(checks=[QUIET], gates="enforce")
        assert (run.outcome, run.cycle) == ("gave_up", 2)
