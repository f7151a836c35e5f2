"""The desk at which an equal agent chooses its task.

Owns what its tools do to the run's list of tasks. Must never edit a file, nor write to the list
past the rule by which the agents share it (`engine.strategies.sharing`).
"""

from collections.abc import Collection, Iterator
from itertools import chain

from longshift.crew.desk import AddedTask, ListedTask, TaskList
from longshift.domain import events
from longshift.domain.decide import (
    ATTEMPTS_PER_TASK,
    failures_counted,
    is_ready,
    waits_behind,
)
from longshift.domain.model import AttemptFailure, Task, TaskPlan, TaskState
from longshift.domain.queue import places
from longshift.domain.state import Run
from longshift.engine.desks.desk import AgentDesk
from longshift.engine.desks.planning import MOST_TASKS
from longshift.engine.room import RunRoom
from longshift.engine.spending import Spending
from longshift.engine.strategies.sharing import LockOf, OneLock, Sharing
from longshift.errors import TellModel

RELEASED = "The agent that had claimed it put it back."


class ChoosingDesk(AgentDesk):
    """The desk of one equal agent, for the choice of one task."""

    def __init__(
        self, room: RunRoom, spending: Spending, sharing: Sharing, agent: str, number: int
    ) -> None:
        """Sit an agent down at the run's head.

        Args:
            room: the run's.
            spending: the run's.
            sharing: the rule of the list.
            agent: its id.
            number: which of its choices this is, from 1.
        """
        workspace = room.workspace(room.run.head)
        super().__init__(room, spending, "agent", f"{agent}.{number}", workspace)
        self._id = agent
        self._sharing = sharing
        self._claimed: str | None = None

    @property
    def lock(self) -> LockOf | None:
        """The lock of the list; None: the agents share it by its version."""
        if not isinstance(self._sharing, OneLock):
            return None
        return LockOf(self._sharing, self._id, self._turn)

    @property
    def claimed(self) -> str | None:
        """The task that it has claimed; None: none."""
        return self._claimed

    def task_ids(self) -> Collection[str]:
        """All tasks of the run so far."""
        return self._room.run.tasks.keys()

    def read_tasks(self) -> TaskList:
        """The list as it is now."""
        run = self._room.run
        self._sharing.has_read(self._id)
        return TaskList(run.list_version, len(run.tasks), _listed(run))

    async def add_task(self, plan: TaskPlan) -> AddedTask:
        """Put a task on the list."""
        run = self._room.run
        if len(run.tasks) >= MOST_TASKS:
            raise TellModel("too_many_tasks", most=MOST_TASKS)
        if run.cycles[-1].mode == "retry":  # which under the default strategy has no planner
            raise TellModel("tasks_only_retried")
        task_id = run.next_task_id
        added = events.TaskAdded(run=run.id, task=task_id, plan=plan, planner=self._id)
        self._sharing.check(self._id)
        await self._write(added)
        behind = waits_behind(self._room.run, task_id)
        return AddedTask(task_id, tuple(id_ for id_ in behind if id_ not in plan.depends_on))

    async def claim_task(self, task_id: str) -> None:
        """Take a task for oneself: an attempt at it begins, at the head as it is now."""
        run = self._room.run
        self._sharing.check(self._id)
        if self._claimed is not None:
            raise TellModel("task_claimed_before", task=self._claimed)
        task = run.tasks.get(task_id)
        if task is None:
            raise TellModel("no_such_task", name=task_id)
        if not is_ready(run, task_id):
            raise TellModel(
                "task_not_ready", task=task_id, state=str(task.state), behind=_behind(run, task)
            )
        started = events.AttemptStarted(
            run=run.id,
            task=task_id,
            attempt=len(task.attempts) + 1,
            base=run.head,
            agent=self._id,
        )
        self._claimed = task_id  # before the wait: whoever ends this agent then has to free it
        await self._write(started)

    async def release_task(self) -> str:
        """Put the claimed task back."""
        if self._claimed is None:
            raise TellModel("no_task_claimed")
        self._sharing.check(self._id)
        released = self._claimed
        await self._write(*self.unclaimed("gave_up", RELEASED))
        self._claimed = None
        return released

    def unclaimed(self, failure: AttemptFailure, reason: str) -> list[events.AttemptFailed]:
        """The fact that nobody works on what this agent has claimed; none where it has nothing."""
        task = None if self._claimed is None else self._room.run.tasks[self._claimed]
        if task is None or task.state is not TaskState.RUNNING:
            return []
        counted = failures_counted(task) + (failure != "interrupted")
        return [
            events.AttemptFailed(
                run=self._room.run_id,
                task=task.id,
                attempt=task.attempts[-1].number,
                failure=failure,
                reason=reason,
                retry=counted < ATTEMPTS_PER_TASK,
            )
        ]

    async def _write(self, *facts: events.Event) -> None:
        """Record a change of the list; `check` let it, and nothing was awaited since."""
        await self._room.chronicle.record(*facts)
        self._sharing.has_written(self._id)


def _listed(run: Run) -> Iterator[ListedTask]:
    """A run's tasks, each once it is asked for: few of thousands are ever shown."""
    ready, unfinished = run.queue.ready, run.queue.unfinished
    finished = (place for place in reversed(range(len(run.tasks))) if not unfinished >> place & 1)
    for place in chain(places(ready), places(unfinished & ~ready), finished):
        yield ListedTask(run.tasks.at(place), bool(ready >> place & 1))


def _behind(run: Run, task: Task) -> list[str]:
    """What a task waits for: tasks that it depends on, and older ones on the same paths."""
    waits = run.tasks
    on = [id_ for id_ in task.plan.depends_on if waits[id_].state is not TaskState.LANDED]
    return list(dict.fromkeys(chain(on, waits_behind(run, task.id))))
