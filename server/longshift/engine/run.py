"""The course of one run: perform what the domain decides, until the run is ended or let go.

Owns the run's agents: each is a task with this loop as its parent, and each ends in a fact. Must
never decide by itself what comes next.
"""

import asyncio
import logging
from collections.abc import Coroutine
from decimal import Decimal

from longshift.domain import events
from longshift.domain.decide import (
    BeginCycle,
    DropTask,
    FinishRun,
    Next,
    StartAttempt,
    StartJudge,
    StartPlanner,
    decide,
)
from longshift.domain.model import TaskState
from longshift.domain.state import Phase
from longshift.engine.checks import Checks
from longshift.engine.cycle import begin_cycle
from longshift.engine.judging import run_judge
from longshift.engine.landing import Lander
from longshift.engine.planning import run_planner
from longshift.engine.room import RunRoom
from longshift.engine.spending import Spending
from longshift.engine.working import run_attempt
from longshift.errors import LongshiftError, NeedsPerson
from longshift.models.ledger import BudgetExceeded

log = logging.getLogger(__name__)


class RunDriver:
    """Drives one run. Live at most once for a run, in the process that owns the repository."""

    def __init__(self, room: RunRoom, checks: Checks) -> None:
        """Prepare to drive the room's run."""
        self._room = room
        self._checks = checks
        self._spending = Spending(room)
        self._lander = Lander(room)
        self._agents: set[asyncio.Task[None]] = set()
        self._is_judging = False
        self._woken = asyncio.Event()
        if not room.run.paused:
            room.unpaused.set()

    def wake(self) -> None:
        """Look again at what there is to do; called after every fact of this run."""
        run = self._room.run
        if run.paused:
            self._room.unpaused.clear()
        else:
            self._room.unpaused.set()
        self._woken.set()

    async def drive(self) -> None:
        """Go on until the run has ended.

        Raises:
            CancelledError: the engine is closing; every agent was ended and recorded first.
        """
        try:
            while self._room.run.phase is not Phase.ENDED:
                self._woken.clear()
                await self._keep_time()
                for step in decide(self._room.run, judging=self._is_judging):
                    await self._perform_or_pause(step)
                if not decide(self._room.run, judging=self._is_judging):
                    await self._wait()
        finally:
            await self.end_agents()

    async def end_agents(self) -> None:
        """End every agent, and wait until each has recorded how it ended."""
        agents = list(self._agents)
        for agent in agents:
            agent.cancel()
        await asyncio.gather(*agents, return_exceptions=True)

    async def finish(self, outcome: FinishRun) -> None:
        """Publish the head, and record that the run is over."""
        await self.publish()
        run = self._room.run
        await self._room.chronicle.record(
            events.RunFinished(
                run=run.id,
                outcome=outcome.outcome,
                reason=outcome.reason,
                cycles=run.cycle,
                tasks=events.TaskCounts(
                    landed=run.count(TaskState.LANDED), failed=run.count(TaskState.FAILED)
                ),
                conflicts=run.conflicts,
                usage=run.usage,
                head=run.head,
            )
        )

    async def publish(self) -> None:
        """Put the head into the person's repository, whole, under Longshift's own refs."""
        run = self._room.run
        if run.published == run.head:
            return
        await self._room.off_loop(
            self._room.store.publish, run.id, base=run.started.base, head=run.head
        )
        await self._room.chronicle.record(events.HeadPublished(run=run.id, head=run.head))

    async def _perform_or_pause(self, step: Next) -> None:
        try:
            await self._perform(step)
        except NeedsPerson as error:
            await self._pause(str(error))

    async def _perform(self, step: Next) -> None:
        record = self._room.chronicle.record
        run = self._room.run
        match step:
            case BeginCycle():
                await self._publish_between_cycles()
                if not await self._pause_after_checkout():
                    await begin_cycle(self._room, step)
            case StartPlanner():
                planner = run.next_planner_id
                await record(events.PlannerStarted(run=run.id, planner=planner))
                self._start_planner(planner)
            case StartAttempt(task_id, number):
                await record(
                    events.AttemptStarted(run=run.id, task=task_id, attempt=number, base=run.head)
                )
                self._set_going(run_attempt(self._room, self._spending, self._lander, task_id))
            case DropTask(task_id, reason):
                await record(events.TaskDropped(run=run.id, task=task_id, reason=reason))
            case StartJudge():
                await record(events.JudgeStarted(run=run.id, cycle=run.cycle))
                self._is_judging = True
                self._set_going(self._run_judge())
            case FinishRun():
                await self.finish(step)

    async def _publish_between_cycles(self) -> None:
        if self._room.run.phase is Phase.JUDGED:
            await self.publish()

    async def _pause_after_checkout(self) -> bool:
        """Pause where HEAD names other content than the run stands on; True where it did."""
        run, worktree = self._room.run, self._room.shop.worktree
        now = await self._room.off_loop(worktree.head_commit)
        if run.cycle == 0 or now == run.checkout or now is None or run.checkout is None:
            return False
        if await self._room.off_loop(worktree.is_ancestor, run.checkout, now):
            return False  # the person's commits change nothing
        await self._room.chronicle.record(
            events.RunPaused(
                run=run.id,
                reason=f"Other content was checked out ({now[:10]}; the run stands on "
                f"{run.checkout[:10]}). Resume merges the run's work with what is there now; "
                "checking out the earlier branch first keeps it as it was.",
            )
        )
        return True

    def _set_going(self, work: Coroutine[object, object, None]) -> None:
        agent = asyncio.create_task(self._guarded(work))
        self._agents.add(agent)
        agent.add_done_callback(self._ended)

    def _ended(self, agent: asyncio.Task[None]) -> None:
        self._agents.discard(agent)
        self._woken.set()

    async def _guarded(self, work: Coroutine[object, object, None]) -> None:
        """Let one agent's failure end that agent, never its siblings."""
        try:
            await work
        except LongshiftError as error:
            await self._pause(str(error))
        except Exception:
            log.exception("a defect ended an agent of %s", self._room.run_id)
            await self._pause("A defect of Longshift ended an agent; the log has its trace.")

    async def _pause(self, reason: str) -> None:
        run = self._room.run
        if not run.paused and run.phase is not Phase.ENDED:
            await self._room.chronicle.record(events.RunPaused(run=run.id, reason=reason))

    def _start_planner(self, planner_id: str) -> None:
        self._set_going(self._run_planner(planner_id))

    async def _run_planner(self, planner_id: str) -> None:
        run_id = self._room.run_id
        record = self._room.chronicle.record
        try:
            ended = await run_planner(self._room, self._spending, planner_id, self._start_planner)
        except BudgetExceeded as spent:
            await record(
                events.PlannerFinished(
                    run=run_id, planner=planner_id, outcome="failed", summary=str(spent)
                )
            )
        except BaseException:
            # Another planner takes over after a resume, and sees the tasks that this one made.
            await record(
                events.PlannerFinished(run=run_id, planner=planner_id, outcome="interrupted")
            )
            raise
        else:
            await record(ended)

    async def _run_judge(self) -> None:
        try:
            ended = await run_judge(self._room, self._spending, self._checks)
            await self._room.chronicle.record(*ended)
        except BudgetExceeded:
            log.info("the judge of %s was refused a call", self._room.run_id)  # ends the run
        finally:
            self._is_judging = False

    async def _keep_time(self) -> None:
        """End what runs once the minutes are used up."""
        run = self._room.run
        limit = run.started.budget.minutes
        spent = run.seconds_at(self._room.shop.clock.now()) / 60
        if limit and spent >= limit and run.exceeded is None:
            await self._spending.exceed(
                "minutes", Decimal(str(round(spent, 3))), Decimal(str(limit))
            )
            await self.end_agents()

    async def _wait(self) -> None:
        """Wait for the next fact, or for the minutes to be used up."""
        run = self._room.run
        limit_s = run.started.budget.minutes * 60
        left_s: float | None = None
        if limit_s and run.running_since is not None and run.exceeded is None:
            left_s = max(0.05, limit_s - run.seconds_at(self._room.shop.clock.now()))
        try:
            async with asyncio.timeout(left_s):
                await self._woken.wait()
        except TimeoutError:
            return
