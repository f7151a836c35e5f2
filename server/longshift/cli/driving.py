"""Staying with a run until it needs nobody: the common part of `run` and `resume`.

Owns the view while it goes on, what an interruption leaves behind, and `--apply`.
"""

import asyncio
import logging
from typing import Final

from rich.console import Console

from longshift.cli.deciding import accept_all
from longshift.cli.ending import exit_status, how_to_review, tell_ending
from longshift.cli.main import INTERRUPTED, NOT_MET
from longshift.cli.session import Link, read_state, running_runs
from longshift.cli.terminal import complain, errors, notice, output, say
from longshift.cli.views import open_view
from longshift.cli.watching import watch, watch_others
from longshift.domain.state import Phase, Run, State
from longshift.engine.owning.ownership import Guest
from longshift.errors import LongshiftError
from longshift.journal.client import OwnerGone
from longshift.repository.worktree import Worktree

log = logging.getLogger(__name__)

PAUSED_WITHIN_S: Final = 2.0
"""So long a pause is waited for once the person has asked to leave."""


async def drive(
    link: Link, worktree: Worktree, state: State, run_id: str, *, apply: bool, as_json: bool
) -> int:
    """Show a run until it has ended or waits for a person.

    Args:
        link: to the process that drives it.
        worktree: where it works.
        state: what was known before it was started or resumed.
        run_id: the run.
        apply: whether to write it into the person's files once its goal is met.
        as_json: whether the output is for a program.

    Returns:
        The exit status.

    Raises:
        BrokenPipeError: nobody reads the output any more; a run that was under way is paused.
    """
    console = errors() if as_json else output()
    try:
        with open_view(as_json=as_json) as view:
            run = await watch(link, worktree, state, run_id, view.show)
    except asyncio.CancelledError:
        left = await _pause(link, run_id)
        say(errors(), f"\nInterrupted. {left}", "yellow")
        raise
    except BrokenPipeError:
        left = await _pause(link, run_id)
        complain(f"Nobody reads the output any more. {left} `run --detach` needs nobody who reads.")
        raise
    if run is None:
        complain(
            f"The process that drove {run_id} has ended, and no other has taken over. What it had "
            f"journalled is kept: look with `longshift status {run_id}`, go on with "
            f"`longshift resume {run_id}`."
        )
        return INTERRUPTED
    await asyncio.to_thread(tell_ending, console, worktree, run)
    status = exit_status(run)
    if apply and run.phase is Phase.ENDED:
        status = await _apply(link, console, run)
    elif run.changes and run.phase is Phase.ENDED:
        say(console, how_to_review(run))
    await _stay_for_others(link, worktree)
    return status


async def _apply(link: Link, console: Console, run: Run) -> int:
    if run.outcome != "done":
        say(console, "Nothing was written into your files, because the goal is not met.", "yellow")
        return NOT_MET
    return await accept_all(link, console, run.id)


async def _stay_for_others(link: Link, worktree: Worktree) -> None:
    """Other processes' runs live in this one while it owns the repository: see them through."""
    if isinstance(link, Guest):
        return
    state = await asyncio.to_thread(read_state, worktree)
    others = running_runs(state)
    if not others:
        return
    names = ", ".join(run.id for run in others)
    notice(f"{names} was started from elsewhere and runs in this process; Ctrl-C pauses it.")
    try:
        await watch_others(link, worktree, state)
    except asyncio.CancelledError:
        commands = ", ".join(f"`longshift resume {run.id}`" for run in others)
        say(errors(), f"\nInterrupted. What still ran goes on with {commands}.", "yellow")
        raise


async def _pause(link: Link, run_id: str) -> str:
    """As owner, closing pauses the run; elsewhere it has to be asked for. Tells how it stands."""
    if isinstance(link, Guest):
        try:
            await _ask_to_pause(link, run_id)
        except LongshiftError as error:
            return f"{run_id} could not be paused: {error} `longshift pause {run_id}` asks again."
    return f"{run_id} is paused; go on with `longshift resume {run_id}`."


async def _ask_to_pause(link: Guest, run_id: str) -> None:
    while True:
        try:
            await link.call("pauseRun", {"runId": run_id}, within_s=PAUSED_WITHIN_S)
        except OwnerGone:
            log.info("who drove %s is gone, which pauses it too", run_id)
            if await link.rejoin():
                continue  # but another may have gone on with it
        return
