"""Workers: one attempt at one task, from a fresh workspace to a landing or a reason.

Owns what a worker's tools do to the run. Must never let one worker know of another: what they
share is the head.
"""

import asyncio
import logging
from dataclasses import dataclass
from typing import Final

from longshift import telemetry
from longshift.crew.briefs import ReworkNote, WorkerBrief, WorkGivenUp, WorkLanded, WorkUnfinished
from longshift.crew.commands_run import CommandsRun
from longshift.crew.desk import CommandOutcome, Conflict, Landed, SentBack
from longshift.crew.prompts import say
from longshift.crew.worker import work
from longshift.domain import events
from longshift.domain.budgets import digits
from longshift.domain.decide import ATTEMPTS_PER_TASK, failures_counted
from longshift.domain.model import AttemptFailure, Handoff, Task, TaskState
from longshift.domain.state import Run
from longshift.engine.desks.briefing import ground
from longshift.engine.desks.desk import AgentDesk
from longshift.engine.desks.reworking import rework_note
from longshift.engine.difference import sayable
from longshift.engine.landing.foreseeing import Foresight
from longshift.engine.room import RunRoom, pausing
from longshift.engine.spending import Spending
from longshift.engine.strategies.integrating import Landing
from longshift.errors import NeedsPerson
from longshift.models.ledger import BudgetExceeded
from longshift.models.port import (
    EndpointFailed,
    EndpointUnreachable,
    PromptTooLong,
    ReplyMalformed,
)
from longshift.repository.workspace import Workspace

log = logging.getLogger(__name__)

PATHS_NAMED: Final = 30
"""Most paths of an attempt that failed which the next one is told."""


@dataclass(frozen=True)
class Bench:
    """What the workers of one run share."""

    room: RunRoom
    spending: Spending
    lander: Landing
    foresight: Foresight


class WorkingDesk(AgentDesk):
    """The desk of one worker."""

    def __init__(self, bench: Bench, task: Task, workspace: Workspace) -> None:
        """Sit a worker down to a task's newest attempt."""
        number = task.attempts[-1].number
        agent = f"{task.id}.{number}"
        super().__init__(bench.room, bench.spending, "worker", agent, workspace)
        self._bench = bench
        self._task = task
        self._number = number
        self._ran = CommandsRun()

    async def before_step(self) -> None:
        """Look what clashes with others' edits, then wait as everybody does."""
        await self._bench.foresight.look(self._task.id)
        await super().before_step()

    async def run_command(self, command: str, timeout_s: int) -> CommandOutcome:
        """Run a command on the workspace's files, and remember how it ended."""
        outcome = await super().run_command(command, timeout_s)
        self._ran.note(command, outcome.exit_status, self._workspace.state)
        return outcome

    def what_was_tried(self) -> Handoff:
        """What the next attempt is told of this one, where nobody handed it in."""
        paths = [sayable(path) for path in self._workspace.changed_paths()]
        if not paths and not self._ran.commands:
            return Handoff()
        return Handoff(
            summary=say("tried_before", paths=paths[:PATHS_NAMED], total=len(paths)),
            commands=self._ran.last,
            evidence=self._ran.evidence(self._workspace.state),
        )

    async def submit(self, handoff: Handoff) -> Landed | Conflict | SentBack:
        """Land the workspace's edits on the run's head."""
        number, workspace = self._number, self._workspace
        with self._doing("line"):
            async with self._turn.away():
                land = self._bench.lander.land
                return await land(self._task, number, workspace, handoff, self._note)


async def run_attempt(bench: Bench, task_id: str) -> None:
    """Let a worker try a task, and record how it ended.

    Where a model, the sandbox or the disk is out of reach, the attempt is recorded as interrupted,
    for it is no failure of the worker's, and the run is paused. Interrupted it is too where the
    run's budget is used up, so that a raised one goes on with its task; where the task's own is,
    it has failed.

    Raises:
        CancelledError: the run was stopped; the attempt is recorded as interrupted.
        NeedsPerson: not even that could be recorded.
    """
    room, lander = bench.room, bench.lander
    task = room.run.tasks[task_id]
    workspace = room.workspace(task.attempts[-1].base)
    desk = WorkingDesk(bench, task, workspace)
    bench.foresight.join(task_id, workspace)
    try:
        async with desk.turn:
            with telemetry.agent("worker", desk.agent, room.run_id):
                outcome = await work(desk, await _brief(room, task))
    except BaseException as error:
        failure, reason = _failure(error, room.run, task)
        # In one record: between the two, another attempt would be started into the same trouble.
        mends = isinstance(error, NeedsPerson) and failure == "interrupted"
        pauses = mends and not isinstance(error, BudgetExceeded)
        tried = desk.what_was_tried()
        await _fail(room, lander, task_id, failure, reason, tried, pauses=pauses)
        if failure == "interrupted" and not mends:
            raise
        return
    finally:
        bench.foresight.leave(task_id)
    match outcome:
        case WorkLanded():
            pass  # recorded as it landed
        case WorkGivenUp(reason):
            await _fail(room, lander, task_id, "gave_up", reason, desk.what_was_tried())
        case WorkUnfinished(failure, reason):
            await _fail(room, lander, task_id, failure, reason, desk.what_was_tried())


async def _brief(room: RunRoom, task: Task) -> WorkerBrief:
    told = await room.for_agent(ground, room, "worker", task.plan.paths)
    rework: ReworkNote | None = None
    if task.rework is not None:
        rework = await room.for_agent(rework_note, room.shop, room.run, task.rework)
    return WorkerBrief(
        goal=room.run.started.goal,
        task=task,
        constraints=room.chronicle.constraints(),
        designs=tuple(room.run.designs.values()),
        earlier_attempts=task.attempts[:-1],
        rework=rework,
        agents_md=told.agents_md,
        overview=told.overview,
        gates=room.settings.gates,
        prompts=room.prompts,
    )


def _failure(error: BaseException, run: Run, task: Task) -> tuple[AttemptFailure, str]:
    """How an attempt that was ended from outside is recorded."""
    match error:
        case BudgetExceeded(task=of_task) if of_task:
            return "budget", str(error)
        case asyncio.CancelledError() if task.id in run.spent_tasks:
            return "budget", used_up_words(run.spent_tasks[task.id])
        case PromptTooLong() | ReplyMalformed() | EndpointFailed() | EndpointUnreachable():
            return "model", str(error)  # of this conversation alone: others get through
        case NeedsPerson():
            return "interrupted", str(error)
        case Exception():
            log.error("a defect ended an attempt at %s", task.id, exc_info=error)
            return "model", f"A defect of Longshift ended it ({type(error).__name__}); see the log."
        case _:
            return "interrupted", "The run was stopped or interrupted."


def used_up_words(spent: events.BudgetExceeded) -> str:
    """Why an attempt was ended whose task has used up a budget of its own."""
    return (
        f"Task {spent.task} stands at its own budget: {digits(spent.used)} of "
        f"{digits(spent.limit)} "
        f"{spent.kind} used. The run goes on without it. Raise `budget.task.{spent.kind}` to let "
        "each task use more."
    )


async def _fail(
    room: RunRoom,
    lander: Landing,
    task_id: str,
    failure: AttemptFailure,
    reason: str,
    tried: Handoff,
    *,
    pauses: bool = False,
) -> None:
    """Record that an attempt came to nothing, unless its landing was already under way."""
    await lander.settle(task_id)
    task = room.run.tasks[task_id]
    if task.state is not TaskState.RUNNING:
        return
    again = failure == "interrupted" or (
        failure not in ("gave_up", "budget") and failures_counted(task) + 1 < ATTEMPTS_PER_TASK
    )
    await room.chronicle.record(
        events.AttemptFailed(
            run=room.run_id,
            task=task_id,
            attempt=task.attempts[-1].number,
            failure=failure,
            reason=reason,
            retry=again,
            handoff=tried,
        ),
        *(pausing(room.run, reason) if pauses else ()),
    )
