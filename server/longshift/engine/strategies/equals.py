"""Equal agents: each chooses a task from the list, does it, and chooses again, until it leaves.

Owns the course of one such agent. Doing a task is a worker's attempt as ever
(`engine.desks.working.run_attempt`); each choice and each task has a conversation of its own, so
that no context grows. Must never decide how many agents there are: `domain.decide` does.
"""

import itertools
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

from longshift import telemetry
from longshift.crew.agent import choose
from longshift.crew.briefs import AgentBrief, NothingChosen, TaskChosen, Unfinished
from longshift.domain import events
from longshift.domain.model import AttemptFailure
from longshift.domain.task_lock import TaskLock
from longshift.engine.desks.briefing import agents_md, call_limits, overview
from longshift.engine.desks.planning import stale_notes
from longshift.engine.room import DEFECT, RunRoom, pausing
from longshift.engine.spending import Spending
from longshift.engine.strategies.choosing import ChoosingDesk
from longshift.engine.strategies.sharing import OneLock, OneVersion, Sharing
from longshift.errors import LongshiftError
from longshift.models.ledger import BudgetExceeded
from longshift.models.port import (
    EndpointFailed,
    EndpointUnreachable,
    PromptTooLong,
    ReplyMalformed,
)

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Equals:
    """What the equal agents of one run share."""

    room: RunRoom
    spending: Spending
    sharing: Sharing


def equals(room: RunRoom, spending: Spending) -> Equals:
    """What the equal agents of the room's run share, by its strategy."""
    locking = room.run.started.strategy == "flat-locked"
    sharing: Sharing = OneLock(room, TaskLock(room.lease_s)) if locking else OneVersion(room)
    return Equals(room, spending, sharing)


async def run_agent(
    shared: Equals, agent_id: str, attempt: Callable[[str], Awaitable[None]]
) -> None:
    """Let an agent take tasks until it leaves or breaks down, and record how it ended.

    Args:
        shared: what it shares with the others.
        agent_id: its id in the journal.
        attempt: makes the newest attempt at a task, given by its id, and raises nothing of how it
            ends.

    Raises:
        CancelledError: the run was stopped; it is recorded as interrupted.
        NeedsPerson: not even that could be recorded.
    """
    room = shared.room
    for number in itertools.count(1):
        desk = ChoosingDesk(room, shared.spending, shared.sharing, agent_id, number)
        try:
            async with desk.turn:
                with telemetry.agent("agent", agent_id, room.run_id):
                    outcome = await choose(desk, await _brief(room, agent_id))
        except BaseException as error:
            await _end_broken_off(room, agent_id, desk, error)
            if isinstance(error, Exception):
                return
            raise
        if not isinstance(outcome, TaskChosen):
            await _end(room, agent_id, desk, outcome)
            return
        await attempt(outcome.task_id)
        if _broke_down(room, outcome.task_id):
            ended = _ended(room, agent_id, "failed", f"It broke down at {outcome.task_id}.")
            await room.chronicle.record(ended)
            return


def _broke_down(room: RunRoom, task_id: str) -> bool:
    """Whether the agent, too, is at its end after an attempt at a task.

    A task that lands or fails leaves its agent well. A conversation that came to nothing does not:
    that is what the strategies' sources call a crash.
    """
    last = room.run.tasks[task_id].attempts[-1]
    return last.failure == "model"


async def _brief(room: RunRoom, agent_id: str) -> AgentBrief:
    run = room.run
    cycle = run.cycles[-1]
    mode = cycle.mode
    return AgentBrief(
        goal=run.started.goal,
        agent_id=agent_id,
        cycle=cycle.number,
        mode="replan" if mode == "replan" else "retry" if mode == "retry" else "plan",
        constraints=room.chronicle.constraints(),
        earlier=run.tasks.values(),  # as it stands: a copy of thousands would be made each time
        findings=tuple(f for f in run.findings.values() if f.state == "open"),
        verdict=run.cycles[-2].verdict if len(run.cycles) > 1 else None,
        stale=await room.for_agent(stale_notes, run) if run.cycle > 1 else (),
        agents_md=await room.for_agent(agents_md, room, run.started.goal.paths),
        overview=await room.for_agent(overview, room, "agent", run.started.goal.paths),
        gates=room.settings.gates,
        limits=call_limits(room, "agent"),
        prompts=room.prompts,
    )


async def _end(
    room: RunRoom, agent: str, desk: ChoosingDesk, outcome: NothingChosen | Unfinished
) -> None:
    """Record that an agent leaves, or came to no end; what it had claimed is free again."""
    if isinstance(outcome, NothingChosen):
        ended = _ended(room, agent, "finished", outcome.summary)
    else:
        ended = _ended(room, agent, "failed", outcome.reason)
    await room.chronicle.record(*desk.unclaimed("model", ended.summary), ended)


async def _end_broken_off(
    room: RunRoom, agent: str, desk: ChoosingDesk, error: BaseException
) -> None:
    """Record of an agent that was ended from outside that it was, and pause if need be.

    In one record: between the two another agent would be started into the same trouble.
    """
    if room.run.agents[agent].state != "running":
        return  # all of them were ended together
    ended, pauses = _broken_off(room, agent, error)
    failure: AttemptFailure = "model" if ended.outcome == "failed" else "interrupted"
    await room.chronicle.record(*desk.unclaimed(failure, ended.summary), ended, *pauses)


def _broken_off(
    room: RunRoom, agent: str, error: BaseException
) -> tuple[events.AgentFinished, list[events.RunPaused]]:
    match error:
        case PromptTooLong() | ReplyMalformed() | EndpointFailed() | EndpointUnreachable():
            # Of this conversation alone: others get through.
            return _ended(room, agent, "failed", str(error)), []
        case BudgetExceeded():
            return _ended(room, agent, "interrupted", str(error)), []
        case LongshiftError():
            said = str(error)
        case Exception():
            log.error("a defect ended agent %s", agent, exc_info=error)
            said = DEFECT
        case _:
            return _ended(room, agent, "interrupted", "The run was stopped or interrupted."), []
    return _ended(room, agent, "interrupted", said), pausing(room.run, said)


def _ended(
    room: RunRoom, agent: str, outcome: Literal["finished", "failed", "interrupted"], summary: str
) -> events.AgentFinished:
    return events.AgentFinished(run=room.run_id, agent=agent, outcome=outcome, summary=summary)
