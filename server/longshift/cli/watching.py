"""Following one run to where it needs nobody, or somebody, any more.

Owns when a command that watches a run is through with it. Must never change the run.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Final

from longshift.cli.session import Link, read_after, read_state, running_runs
from longshift.domain import events as e
from longshift.domain.events import Recorded
from longshift.domain.fold import apply
from longshift.domain.state import Phase, Run, State
from longshift.domain.transitions import Refused
from longshift.engine.describe import Json
from longshift.engine.owning.ownership import Guest
from longshift.journal.client import OwnerGone
from longshift.repository.worktree import Worktree

log = logging.getLogger(__name__)

REJOINS: Final = 100
REJOIN_EVERY_S: Final = 0.1
"""How often the next owner is looked for; an editor that takes over needs a second or two."""

Show = Callable[[Recorded, Run], None]


async def watch(
    link: Link, worktree: Worktree, state: State, run_id: str, show: Show
) -> Run | None:
    """Show what happens in a run until it has ended, or is paused for want of something.

    A pause that a person asked for from elsewhere is waited out: they resume or stop the run. So is
    one for a process that goes on with it: that one is followed.

    Args:
        link: to the process that drives the run.
        worktree: whose journal has the run.
        state: what was known before; what happened since is shown.
        run_id: the run.
        show: is told of each fact of the run, in order.

    Returns:
        The run as it stands then; None: the process that drove it is gone, and nobody goes on.

    Raises:
        LongshiftError: the process that drives it could not tell on.
    """
    async with aclosing(_facts(link, worktree, state.seq)) as facts:
        async for record in facts:
            state = await _taken_in(worktree, state, record)
            if record.event.run != run_id or run_id not in state.runs:
                continue
            run = state.runs[run_id]
            show(record, run)
            if run.phase is Phase.ENDED or _waits_for_person(record):
                return run
    return None


async def _facts(link: Link, worktree: Worktree, after: int) -> AsyncGenerator[Recorded, None]:
    """Every fact behind a number, as it happens, until no process drives any more."""
    while True:
        try:
            async for line in link.follow(after):
                record = recorded(line)
                after = record.seq
                yield record
        except OwnerGone:
            log.info("the process that drove is gone")
        for _ in range(REJOINS):
            # It may have gone before it told everything; the journal has the rest.
            for record in await asyncio.to_thread(read_after, worktree, after):
                after = record.seq
                yield record
            if not isinstance(link, Guest):
                return
            if await link.rejoin():
                break
            await asyncio.sleep(REJOIN_EVERY_S)
        else:
            return


async def _taken_in(worktree: Worktree, state: State, record: Recorded) -> State:
    """The state after a fact, also where ids are given anew since their run was forgotten."""
    if record.seq <= state.seq:
        return state
    try:
        return apply(state, record)
    except Refused:
        return await asyncio.to_thread(read_state, worktree)


async def watch_others(link: Link, worktree: Worktree, state: State) -> None:
    """Wait until no run is running any more; shows nothing."""
    if not running_runs(state):
        return
    async for line in link.follow(state.seq):
        state = await _taken_in(worktree, state, recorded(line))
        if not running_runs(state):
            return


def recorded(line: Json) -> Recorded:
    """The fact behind an object of `Recorded.as_line`."""
    body = {key: value for key, value in line.items() if key not in ("seq", "time")}
    return Recorded.model_validate({"seq": line["seq"], "time": line["time"], "event": body})


def _waits_for_person(record: Recorded) -> bool:
    event = record.event
    going_on = ("person", "endpoint", "handover")
    return isinstance(event, e.RunPaused) and event.cause not in going_on
