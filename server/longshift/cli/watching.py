"""Following one run to where it needs nobody, or somebody, any more.

Owns when a command that watches a run is through with it. Must never change the run.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

from longshift.cli.session import Link, read_after, read_state, running_runs
from longshift.domain import events as e
from longshift.domain.events import Recorded
from longshift.domain.fold import apply
from longshift.domain.state import Phase, Run, State
from longshift.domain.transitions import Refused
from longshift.engine.describe import Json
from longshift.errors import LongshiftError, NeedsPerson
from longshift.repository.worktree import Worktree

Show = Callable[[Recorded, Run], None]


async def watch(link: Link, worktree: Worktree, state: State, run_id: str, show: Show) -> Run:
    """Show what happens in a run until it has ended, or is paused for want of something.

    A pause that a person asked for from elsewhere is waited out: they resume or stop the run.

    Args:
        link: to the process that drives the run.
        worktree: whose journal has the run.
        state: what was known before; what happened since is shown.
        run_id: the run.
        show: is told of each fact of the run, in order.

    Returns:
        The run as it stands then.

    Raises:
        LongshiftError: the process that drove it is gone, or could not tell on.
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
    raise NeedsPerson(
        f"The process that drove {run_id} has ended. What it had journalled is kept: look with "
        f"`longshift status {run_id}`, continue with `longshift resume {run_id}`."
    )


async def _facts(link: Link, worktree: Worktree, after: int) -> AsyncGenerator[Recorded, None]:
    """Every fact behind a number, as it happens, until the process that drives is gone."""
    gone: LongshiftError | None = None
    try:
        async for line in link.follow(after):
            record = recorded(line)
            after = record.seq
            yield record
    except LongshiftError as error:
        gone = error
    # It may have gone before it told everything; the journal has the rest.
    for record in await asyncio.to_thread(read_after, worktree, after):
        yield record
    if gone is not None:
        raise gone


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
    return isinstance(event, e.RunPaused) and event.cause not in ("person", "endpoint")
