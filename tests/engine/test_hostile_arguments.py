"""Commands with arguments that mean harm, through a real door: an answer each, and no more."""

import json

import pytest

from longshift.engine.owning.ownership import Guest, connect
from longshift.errors import LongshiftError
from longshift.journal import doors
from longshift.journal.control import ControlClient
from tests.support.engine_world import World, edit, judge, planner, task, turn, worker


def nested(depth: int) -> dict[str, object]:
    inner: dict[str, object] = {}
    for _ in range(depth):
        inner = {"models": inner}
    return inner


HOSTILE: list[tuple[str, dict[str, object]]] = [
    ("startGoal", {}),
    ("startGoal", {"goal": ""}),
    ("startGoal", {"goal": ["x"]}),
    ("startGoal", {"goal": "x" * 100_001}),
    ("startGoal", {"goal": "x", "settings": nested(150)}),
    ("startGoal", {"goal": "x", "settings": {"workers": 10**30}}),
    ("startGoal", {"goal": "x", "settings": {"budget": {"usd": "NaN"}}}),
    ("startGoal", {"goal": "x", "settings": {"sandbox": {"mode": "host"}}}),
    ("startGoal", {"goal": "x", "paths": ["../../etc/passwd"]}),
    ("startGoal", {"goal": "x", "paths": ["a\0b"]}),
    ("startGoal", {"goal": "x", "repo": "file:///etc"}),
    ("startGoal", {"goal": "x", "workers": -1}),
    ("resumeRun", {"runId": "../R1"}),
    ("resumeRun", {"runId": "R" * 5_000}),
    ("resumeRun", {"runId": "R1", "budget": 5}),
    ("resumeRun", {"runId": "R1", "budget": {"task": {"calls": nested(50)}}}),
    ("stopRun", {"runId": "\ud800"}),
    ("describeRun", {"runId": "'; drop table events; --"}),
    ("acceptChange", {"runId": "R1", "changeId": "C1", "path": "../../../tmp/x"}),
    ("acceptChange", {"runId": "R1", "changeId": "C1", "hunk": 10**18}),
    ("acceptChange", {"runId": "R1", "changeId": "C1", "hunk": -1}),
    ("acceptAll", {"runId": "R1", "path": "/etc/passwd", "more": 1}),
    ("showChange", {"runId": "R1", "changeId": "C1", "path": "\n"}),
    ("reworkChange", {"runId": "R1", "changeId": "C9"}),
    ("fixFinding", {"runId": "R1", "findingId": "F9"}),
    ("answerQuestion", {"runId": "R1", "questionId": "Q9", "answer": "x"}),
    ("liftConstraint", {"constraintId": "K9"}),
    ("addConstraint", {"text": ""}),
    ("forgetRun", {"runId": "R0"}),
    ("follow", {"after": 2**63}),
    ("__class__", {}),
    ("execute", {"name": "stopRun"}),
]


async def test_each_is_refused_and_the_run_goes_on(world: World) -> None:
    held = {"signal": "working", "wait_for": ["go on"]}
    world.play(
        planner(task("shout", "a.txt")),
        worker("shout", turn(edit("two", "TWO"), **held)),
        *judge("done"),
    )
    async with world.opened() as it:
        await it.start()
        await it.signal("working")
        await it.until(lambda run: run.planners["P1"].state == "finished")
        guest = await connect(world.worktree, world.surroundings())
        assert isinstance(guest, Guest)
        address = guest.owner.address or ""
        facts = it.engine.state.seq
        for name, arguments in HOSTILE:
            async with await ControlClient.connect(address) as hostile:
                with pytest.raises(LongshiftError) as refused:
                    await hostile.call(name, arguments)
                assert "defect" not in str(refused.value), (name, refused.value)
                assert len(str(refused.value)) < 6_000
        for _ in range(20):  # half a command, and gone
            _, writer = await doors.knock(address)
            writer.write(json.dumps({"id": 1, "command": "stopRun"}).encode()[:-3])
            writer.transport.abort()
        assert it.engine.state.seq == facts
        assert (await guest.call("describeRun", {"runId": "R1"}))["state"] == "running"
        await guest.close()
        await it.raise_signal("go on")
        assert (await it.ended()).outcome == "done"
