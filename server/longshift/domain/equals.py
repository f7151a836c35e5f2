"""How equal agents are started: the strategies that have no planner and no workers of their own.

Owns how many are at work, and when those that wait for nobody are given up. Pure; `domain.decide`
asks. What the agents do with the list of tasks is in `engine.strategies`.
"""

from typing import Final

from longshift.domain.model import TaskState
from longshift.domain.state import Run

IDLE_ROUNDS: Final = 2
"""So many times the run's workers may end without a task, one after the other, while tasks wait;
then none is started any more, and what waits is dropped. No run goes on for ever over a list that
nobody takes from."""


def are_equal(run: Run) -> bool:
    """Whether the run's agents are equal: each adds tasks, claims them and does them."""
    return run.started.strategy != "planner-worker-judge"


def have_begun(run: Run) -> bool:
    """Whether this cycle has had its agents; interrupted ones do not count, others take over."""
    return any(
        agent.cycle == run.cycle and agent.state != "interrupted" for agent in run.agents.values()
    )


def to_start(run: Run, ready: int) -> int:
    """How many agents are to be started now.

    Args:
        run: the run; a cycle of it is under way.
        ready: how many tasks could be claimed now.
    """
    at_work = run.agents_at_work
    free = max(0, run.started.workers - at_work)
    if run.cycles[-1].mode != "retry" and not have_begun(run):
        return free  # all of them, for none knows yet what there is to do
    if run.idle_agents >= IDLE_ROUNDS * run.started.workers:
        return 0
    # Those that have no task at the moment are about to take one.
    choosing = max(0, at_work - run.count(TaskState.RUNNING))
    return min(free, max(0, ready - choosing))
