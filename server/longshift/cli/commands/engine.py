"""`longshift engine`: a process that drives a repository's runs, with no editor of its own.

Owns how it leaves its starter: `--detach` starts it anew in a session of its own and waits until it
can be spoken to. `serve --background` and `run --detach` start it so.
"""

import asyncio
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

import click

from longshift.cli.logs import log_file
from longshift.cli.main import DONE, NOT_MET
from longshift.cli.session import find_worktree, open_owner, repo_option, run_async
from longshift.cli.terminal import notice
from longshift.engine.owning.detached import DETACHED, READY, start_apart
from longshift.engine.owning.ownership import Guest, Owner
from longshift.engine.owning.standing_in import stay_while_needed
from longshift.engine.ports import SystemClock
from longshift.repository.worktree import Worktree

ENDS_ON: Final = ("SIGINT", "SIGTERM", "SIGHUP")


@click.command()
@repo_option
@click.option("--detach", is_flag=True, help="Go on in the background; return once it is there.")
def command(repo: Path, detach: bool) -> int:
    """Drive the runs of a repository without an editor or a terminal.

    It ends by itself once no run is running and nobody is connected: after 5 minutes where a run is
    paused, else at once. `longshift pause` and `longshift stop` reach it.
    """
    worktree = find_worktree(repo)
    if detach:
        words = start_apart(worktree.root)
        sys.stderr.write(words)
        return NOT_MET if words else DONE
    return run_async(_drive(worktree, detached=os.environ.pop(DETACHED, "") == "1"))


async def _drive(worktree: Worktree, *, detached: bool) -> int:
    link = await open_owner(worktree)
    if isinstance(link, Guest):
        await link.close()
        if not detached:
            notice(f"Process {link.owner.pid} owns this repository already. Nothing was started.")
        _tell_ready(detached=detached)
        return DONE
    ending = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in ENDS_ON:
        with suppress(AttributeError, NotImplementedError):  # not on Windows
            loop.add_signal_handler(getattr(signal, name), ending.set)
    _tell_ready(detached=detached)
    reason = "Longshift was closed."
    try:
        reason = await _until_ended(link, ending)
    finally:
        await link.close(reason)
    return DONE


async def _until_ended(owner: Owner, ending: asyncio.Event) -> str:
    staying = asyncio.create_task(stay_while_needed(owner, SystemClock()))
    told = asyncio.create_task(ending.wait())
    done, left = await asyncio.wait([staying, told], return_when=asyncio.FIRST_COMPLETED)
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)
    return staying.result() if staying in done else "The engine's process was ended."


def _tell_ready(*, detached: bool) -> None:
    """Say that it can be spoken to, and let go of what the starter gave."""
    if not detached:
        notice("The engine is there. Ctrl-C pauses what runs.")
        return
    descriptor = _open_log()
    os.dup2(descriptor, 2)
    sys.stdout.write(f"{READY}\n")
    sys.stdout.flush()
    os.dup2(descriptor, 1)
    os.close(descriptor)


def _open_log() -> int:
    """The log, for what is said past it; nothing, where it can't be written."""
    path = log_file()
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
    if path is not None:
        with suppress(OSError):
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            return os.open(path, flags, 0o600)
    return os.open(os.devnull, flags)
