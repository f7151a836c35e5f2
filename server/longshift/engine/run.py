"""The course of one run: perform what the domain decides, until the run is ended or let go.

Owns the run's agents: each is a task with this loop as its parent, and each ends in a fact. Must
never decide by itself what comes next.
"""

import asyncio
import contextlib
import itertools
import logging
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from longshift.domain import events
from longshift.domain.budgets import seconds_to_next, tasks_over_time, time_facts
from longshift.domain.decide import (
    BeginCycle,
    DropTask,
    FinishRun,
    Next,
    StartAgents,
    StartAttempt,
    StartJudge,
    StartPlanner,
    decide,
)
from longshift.domain.model import PauseCause
from longshift.domain.state import Phase
from longshift.engine.checking.checks import Checks
from longshift.engine.cycle import begin_cycle
from longshift.engine.desks.judging import run_judge
from longshift.engine.desks.news import Newsroom
from longshift.engine.desks.planning import run_planner
from longshift.engine.desks.working import Bench, run_attempt
from longshift.engine.ending import publish, record_end
from longshift.engine.landing.foreseeing import Foresight
from longshift.engine.landing.lander import Lander
from longshift.engine.recovery import interrupted
from longshift.engine.room import DEFECT, RunRoom, pausing
from longshift.engine.sleeping import Wakefulness
from longshift.engine.spending import Spending
from longshift.engine.strategies.equals import equals, run_agent
from longshift.engine.strategies.integrating import Integrating, Landing
from longshift.errors import LongshiftError, NeedsPerson
from longshift.models.ledger import BudgetExceeded

log = logging.getLogger(__name__)

GOES_ON: Final = "The endpoint is tried again from time to time, and the run goes on by itself."
SHORTEST_WAIT_S: Final = 0.05
MOST_TOGETHER: Final = 32
"""Attempts whose start or end is one record: hundreds held the loop for a tenth of a second."""

_ACCOUNTS: Final = (events.ModelCalled, events.CommandRan, events.CheckRan, events.GuardRefused)
"""Facts from which nothing follows that could be started: accounts of what agents do."""


@dataclass(frozen=True, slots=True)
class _Starts:
    """Attempts to be started together."""

    attempts: tuple[StartAttempt, ...]


class RunDriver:
    """Drives one run. Live at most once for a run, in the process that owns the repository."""

    def __init__(self, room: RunRoom, checks: Checks) -> None:
        """Prepare to drive the room's run."""
        self._room = room
        self._checks = checks
        self._spending = Spending(room)
        self._lander = _way_to_head(room, self._spending)
        self._bench = Bench(room, self._spending, self._lander, Foresight(room))
        self._news = Newsroom(room)
        self._agents: set[asyncio.Task[None]] = set()
        self._equals = equals(room, self._spending)
        self._attempts: dict[str, asyncio.Task[None]] = {}
        """The newest attempt at each task, by the task's id."""
        self._is_judging = False
        self._publishing = asyncio.Lock()
        self._ahead: asyncio.Task[None] | None = None
        """Publishes the head while a judge looks at it."""
        self._is_let_go = False
        self._wakefulness = Wakefulness(room.shop.clock)
        self._broken: Exception | None = None
        self._woken = asyncio.Event()
        if not room.run.paused:
            room.unpaused.set()

    def wake(self, event: events.Event) -> None:
        """Look again at what there is to do; called after every fact of this run."""
        if isinstance(event, _ACCOUNTS):
            return  # hundreds of agents make them all the time, and each look goes over all tasks
        run = self._room.run
        if run.paused:
            self._room.unpaused.clear()
        else:
            self._room.unpaused.set()
        if isinstance(event, events.AttemptFailed):
            self._lander.heed()
        self._news.heed(event)
        self._woken.set()

    @property
    def room(self) -> RunRoom:
        """What its agents share."""
        return self._room

    @property
    def is_busy(self) -> bool:
        """Whether an agent of this run is at work, or waits to go on with it."""
        return any(not agent.done() for agent in self._agents)

    @property
    def is_let_go(self) -> bool:
        """Whether it was told to end before its run does."""
        return self._is_let_go

    def let_go(self) -> None:
        """End after the step that is under way; no step is broken off between effect and fact."""
        self._is_let_go = True
        self._woken.set()

    async def drive(self) -> None:
        """Go on until the run has ended or is let go; every agent has ended when it returns.

        Raises:
            Exception: not even a pause can be recorded.
        """
        self._room.models.on_outage(self._heed_outage)
        try:
            while self._room.run.phase is not Phase.ENDED and not self._is_let_go:
                self._woken.clear()
                await self._keep_time()
                steps = decide(self._room.run, judging=self._is_judging)
                if steps:
                    await self._perform_all(steps)
                else:
                    await self._wait()
        finally:
            await self._end_agents()
            self._room.models.on_outage(None)

    async def _perform_all(self, steps: Sequence[Next]) -> None:
        for step in _starts_together(steps):
            if self._broken is not None:
                raise self._broken
            if self._room.run.paused or self._is_let_go:
                return  # since the steps were decided
            try:
                await self._perform(step)
            except NeedsPerson as error:
                await self._pause(str(error))

    async def _end_agents(self) -> None:
        """End every agent, and record of each that it no longer works, if it could not itself."""
        agents = list(self._agents)
        for agent in agents:
            agent.cancel()
        await asyncio.gather(*agents, return_exceptions=True)
        await self._lander.close()
        if self._ahead is not None:
            await self._ahead  # what is begun in the person's repository is finished
        left = interrupted(self._room.run, "The run was stopped or interrupted.")
        for first in range(0, len(left), MOST_TOGETHER):
            await self._room.chronicle.record(*left[first : first + MOST_TOGETHER])

    async def _publish(self) -> None:
        async with self._publishing:
            await publish(self._room.shop, self._room.run_id)

    async def _perform(self, step: "Next | _Starts") -> None:
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
            case StartAgents(count):
                await self._start_agents(count)
            case _Starts(attempts):
                await self._start_attempts(attempts)
            case DropTask(task_id, reason):
                await record(events.TaskDropped(run=run.id, task=task_id, reason=reason))
            case StartJudge(look, because):
                await record(
                    events.JudgeStarted(run=run.id, cycle=run.cycle, look=look, because=because)
                )
                self._is_judging = True
                self._set_going(self._run_judge)
                # Nothing lands meanwhile: whatever the verdict, this is the head to be published.
                self._ahead = asyncio.create_task(self._guarded(self._publish))
            case FinishRun():
                await self._publish()
                # The person may have asked for more while the head was published.
                if decide(self._room.run, judging=self._is_judging) == [step]:
                    await record_end(self._room.shop, self._room.run_id, step)

    async def _start_attempts(self, attempts: Sequence[StartAttempt]) -> None:
        """Start attempts with one record for all: a wait for the disk each would add up."""
        run = self._room.run
        await self._room.chronicle.record(
            *(
                events.AttemptStarted(
                    run=run.id, task=start.task_id, attempt=start.number, base=run.head
                )
                for start in attempts
            )
        )
        for start in attempts:
            self._start_attempt(start.task_id)

    def _start_attempt(self, task_id: str) -> None:
        """Set the newest attempt at a task going, which is on record."""
        attempt = partial(run_attempt, self._bench, task_id)
        self._set_going(attempt, task_id)

    async def _attempt(self, task_id: str) -> None:
        """Wait until the newest attempt at a task has ended, however it does."""
        self._start_attempt(task_id)
        await asyncio.wait([self._attempts[task_id]])

    async def _start_agents(self, count: int) -> None:
        run = self._room.run
        first = run.next_agent_number
        agents = [f"A{number}" for number in range(first, first + count)]
        await self._room.chronicle.record(
            *(events.AgentStarted(run=run.id, agent=agent) for agent in agents)
        )
        for agent in agents:
            self._set_going(partial(run_agent, self._equals, agent, self._attempt))

    async def _publish_between_cycles(self) -> None:
        if self._room.run.phase is Phase.JUDGED:
            await self._publish()

    async def _pause_after_checkout(self) -> bool:
        """Pause where HEAD names other content than the run stands on; True where it did."""
        run, worktree = self._room.run, self._room.shop.worktree
        now = await self._room.off_loop(worktree.head_commit)
        if run.cycle == 0 or now == run.checkout or now is None or run.checkout is None:
            return False
        if await self._room.off_loop(self._is_same_content, run.checkout, now):
            return False  # the person's commits change nothing
        await self._pause(
            f"Other content was checked out ({now[:10]}; the run stands on {run.checkout[:10]}). "
            "Resume merges the run's work with what is there now; checking out the earlier branch "
            "first keeps it as it was.",
            cause="checkout",
        )
        return True

    def _is_same_content(self, before: str, now: str) -> bool:
        """Whether a commit goes on from another, or holds the same files, as an amended one."""
        tree_of = self._room.store.objects.tree_of
        with contextlib.suppress(KeyError):  # git may have pruned what was left behind
            if tree_of(before) == tree_of(now):
                return True
        return self._room.shop.worktree.is_ancestor(before, now)

    def _set_going(self, work: Callable[[], Awaitable[None]], task_id: str | None = None) -> None:
        agent = asyncio.create_task(self._guarded(work))
        self._agents.add(agent)
        agent.add_done_callback(self._ended)
        if task_id is not None:
            self._attempts[task_id] = agent

    def _ended(self, agent: asyncio.Task[None]) -> None:
        self._agents.discard(agent)
        self._woken.set()

    async def _guarded(self, work: Callable[[], Awaitable[None]]) -> None:
        """Let one agent's failure end that agent, never its siblings."""
        try:
            try:
                await work()
            except LongshiftError as error:
                await self._pause(str(error))
            except Exception:
                log.exception("a defect ended an agent of %s", self._room.run_id)
                await self._pause(DEFECT)
        except Exception as error:
            log.exception("not even a pause of %s can be recorded", self._room.run_id)
            self._broken = error  # the loop ends with it

    def _heed_outage(self, reason: str | None) -> None:
        """Pause while an endpoint is out of order, and go on by itself once all are well."""
        self._set_going(partial(self._record_outage, reason))

    async def _record_outage(self, reason: str | None) -> None:
        run = self._room.run
        if reason is not None:
            if run.exceeded is None:  # else it ends, and asks nothing more
                await self._pause(f"{reason} {GOES_ON}", cause="endpoint")
        elif run.paused and run.pause_cause == "endpoint":
            resumed = events.RunResumed(run=run.id, reason="The endpoint answers again.")
            await self._room.chronicle.record(resumed)

    async def _pause(self, reason: str, cause: PauseCause = "trouble") -> None:
        await self._room.chronicle.record(*pausing(self._room.run, reason, cause))

    def _start_planner(self, planner_id: str) -> None:
        self._set_going(partial(self._run_planner, planner_id))

    async def _run_planner(self, planner_id: str) -> None:
        run_id = self._room.run_id
        record = self._room.chronicle.record
        try:
            ended = await run_planner(
                self._room, self._spending, self._news, planner_id, self._start_planner
            )
        except BudgetExceeded as spent:
            # Interrupted, not failed: another planner goes on from here under a raised budget.
            await record(_interrupted_planner(run_id, planner_id, str(spent)))
        except asyncio.CancelledError:
            await record(_interrupted_planner(run_id, planner_id))
            raise
        except Exception as error:
            # Another planner takes over after a resume, and sees the tasks that this one made.
            # In one record with the pause, or it would take over at once, into the same trouble.
            said = str(error) if isinstance(error, LongshiftError) else DEFECT
            if said is DEFECT:
                log.exception("a defect ended planner %s of %s", planner_id, run_id)
            await record(_interrupted_planner(run_id, planner_id), *pausing(self._room.run, said))
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
        """Warn of minutes, and end what runs once they are used up."""
        await self.leave_out_leap()
        run, now = self._room.run, self._room.shop.clock.now()
        if not (run.budget.minutes or run.budget.task.minutes) or run.running_since is None:
            return
        facts = time_facts(run, now)
        if facts:
            await self._room.chronicle.record(*facts)
        if any(isinstance(one, events.BudgetExceeded) and one.task is None for one in facts):
            await self._end_agents()
            return
        over = [self._attempts[id_] for id_ in tasks_over_time(run, now) if id_ in self._attempts]
        for attempt in over:
            attempt.cancel()
        if over:
            await asyncio.wait(over)

    async def leave_out_leap(self) -> None:
        """Have each minute of work count once, whatever the machine's clock did."""
        run, leap = self._room.run, self._wakefulness.leapt()
        if leap is None or run.lifecycle != "running":
            return
        await self._room.chronicle.record(
            events.RunPaused(run=run.id, reason=leap.words, cause="interrupted", since=leap.since),
            events.RunResumed(run=run.id, reason="It goes on."),
        )

    async def _wait(self) -> None:
        """Wait for the next fact, or until there is something to say of the minutes.

        Raises:
            Exception: an agent could not record how it ended.
        """
        if self._broken is not None:
            raise self._broken
        run, left_s = self._room.run, None
        if run.budget.minutes or run.budget.task.minutes:
            left_s = seconds_to_next(run, self._room.shop.clock.now())
        try:
            async with asyncio.timeout(None if left_s is None else max(SHORTEST_WAIT_S, left_s)):
                await self._woken.wait()
        except TimeoutError:
            return


def _way_to_head(room: RunRoom, spending: Spending) -> Landing:
    lander = Lander(room)
    return Integrating(room, spending, lander) if room.run.started.integrator else lander


def _starts_together(steps: Sequence[Next]) -> "Iterator[Next | _Starts]":
    """The steps in their order, neighbouring starts of attempts as one, up to a number."""
    for is_start, group in itertools.groupby(steps, lambda step: isinstance(step, StartAttempt)):
        if not is_start:
            yield from group
            continue
        starts = [step for step in group if isinstance(step, StartAttempt)]
        for first in range(0, len(starts), MOST_TOGETHER):
            yield _Starts(tuple(starts[first : first + MOST_TOGETHER]))


def _interrupted_planner(run_id: str, planner_id: str, reason: str = "") -> events.PlannerFinished:
    return events.PlannerFinished(
        run=run_id, planner=planner_id, outcome="interrupted", summary=reason
    )
