"""What a person can do about a rule, and what is on record of one."""

import pytest

from longshift.domain.events import JudgeStarted, RunFinished, VerdictReached
from longshift.errors import UsageError
from tests.support.engine_world import (
    World,
    call,
    edit,
    flow,
    judge,
    planner,
    said_to,
    task,
    turn,
    worker,
)


async def test_a_run_that_got_nowhere_goes_on_by_the_persons_word(world: World) -> None:
    world.play(
        planner(times=2),
        planner(task("shout", "a.txt")),
        worker("shout", turn(edit("two", "TWO"))),
        *judge("continue", "continue", "continue", "done"),
    )
    async with world.opened() as it:
        run = await it.work()
        assert (run.outcome, run.outcome_rule, run.cycle) == ("no_progress", "no_progress", 2)
        assert run.outcome_figures == {"cycles": 2, "landed": 0, "resolved": 0}
        await it.engine.steer("R1", "Shout in a.txt.")
        await it.engine.resume("R1")
        run = await it.ended()
        assert (run.outcome, run.outcome_rule, run.cycle) == ("done", "goal_met", 4)
        assert "Shout in a.txt." in said_to(world, "planner")
        with pytest.raises(UsageError, match="nothing to resume"):
            await it.engine.resume("R1")


@pytest.mark.parametrize(("most", "cycles"), [(1, 1), (3, 3), (0, 4)])
async def test_the_settings_say_when(world: World, most: int, cycles: int) -> None:
    world.play(*judge("continue", "continue", "continue", "continue"))
    async with world.opened() as it:
        run = await it.work(stop={"idle_cycles": most}, budget={"cycles": 4})
        assert (run.cycle, run.outcome_rule) == (cycles, "no_progress" if most else "budget")


async def test_two_judges_are_on_record_each_in_a_conversation_of_its_own(world: World) -> None:
    world.play(
        planner(task("shout", "a.txt"), task("hush", "b.txt")),
        worker("shout", turn(edit("two", "TWO"))),
        *judge("done", "done"),
    )
    async with world.opened() as it:
        run = await it.work()  # nobody does the other task
        assert (run.outcome, run.cycles[-1].looks) == ("done", 2)
        assert run.cycles[-1].first_done == "It says done."
        with it.engine.journal.reader() as reader:
            told = [record.event for record in reader.read()]
            talks = [one for one in reader.conversations("R1") if one.startswith("judge")]
        started = [one for one in told if isinstance(one, JudgeStarted)]
        assert [one.look for one in started] == [1, 2]
        assert "1 task of the cycle did not land (T2)" in started[1].because
        said = [one for one in told if isinstance(one, VerdictReached)]
        assert [one.head for one in said] == [run.head] * 2
        [end] = [one for one in told if isinstance(one, RunFinished)]
        assert (end.rule, end.figures["judges"]) == ("goal_met", 2)
        assert talks == ["judge.1", "judge.1.2"]
    judges = world.server.by_role("judge")
    assert [len(one.messages) for one in judges] == [2, 2], "each with a fresh context"


async def test_an_attempt_that_only_reads_is_ended_and_the_task_tried_again(world: World) -> None:
    looks = [turn(call("search", pattern=f"nothing {n}")) for n in range(52)]
    world.play(
        planner(task("shout", "a.txt")),
        flow("worker", *looks, match="Do: shout", times=1),
        worker("shout", turn(edit("two", "TWO"))),
        *judge("done"),
    )
    async with world.opened() as it:
        run = await it.work()
        first, second = run.tasks["T1"].attempts
        assert (first.failure, second.state, run.outcome) == ("model", "landed", "done")
        assert "50 replies in a row that changed no file" in first.reason
    assert "Your last 30 replies changed no file" in said_to(world, "worker")
