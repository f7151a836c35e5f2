"""Starting an engine in a process of its own, which nobody's end takes along.

Owns the way there: a process that has left its starter's group, terminal and descriptors before it
is waited for. Must never let a repository say which code is run: its folder is on no path.
"""

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from typing import Final

from longshift.errors import NeedsPerson
from longshift.journal.lease import owner_at
from longshift.repository.worktree import Worktree

READY: Final = "ready"
"""What an engine says on its standard output once it can be spoken to."""
DETACHED: Final = "LONGSHIFT_DETACHED"
"""No setting: it tells an engine that its starter waits for `READY`."""
READY_WITHIN_S: Final = 60.0
"""A machine may be busy; an engine is there within a second or two."""


async def ensure_engine(worktree: Worktree) -> bool:
    """Have some process own the repository: who has it already, else one that is started for it.

    Returns:
        Whether one was started.

    Raises:
        NeedsPerson: none can be started; says why.
    """
    if await asyncio.to_thread(owner_at, worktree.state_dir) is not None:
        return False
    await asyncio.to_thread(start_engine, worktree.root)
    return True


def start_engine(root: Path) -> None:
    """Start an engine for the repository at `root`, and wait until it can be spoken to; blocking.

    Where somebody else has taken the repository meanwhile, that is as good.

    Raises:
        NeedsPerson: it did not start; says why.
    """
    command = _command(root, "--detach")
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            timeout=READY_WITHIN_S,
            cwd=root.anchor,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NeedsPerson(
            f"No engine could be started for {root} ({error}). Nothing was done. Try again; "
            "`longshift doctor` says what is wrong with this machine."
        ) from error
    if done.returncode != 0:
        words = done.stderr.decode("utf-8", "replace").strip().removeprefix("longshift: ")
        raise NeedsPerson(words or f"The engine for {root} ended with {done.returncode}.")


def start_apart(root: Path) -> str:
    """Start an engine in a session of its own, and return once it can be spoken to; blocking.

    Its parent is to end right after: nobody who ends a process with its children then finds it.

    Returns:
        What it had to say where it did not start; "": it is there.
    """
    flags = 0
    if sys.platform == "win32":
        flags = subprocess.DETACHED_PROCESS | subprocess.CREATE_NEW_PROCESS_GROUP
    engine = subprocess.Popen(
        _command(root),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=root.anchor,
        env={**os.environ, DETACHED: "1"},
        creationflags=flags,
        start_new_session=True,
    )
    assert engine.stdout is not None, "it is a pipe"
    assert engine.stderr is not None, "it is a pipe"
    if engine.stdout.readline().strip() == READY.encode():
        return ""
    words = engine.stderr.read().decode("utf-8", "replace")
    return words or f"longshift: the engine ended with {engine.wait()}.\n"


def _command(root: Path, *options: str) -> list[str]:
    """The command line of `longshift engine`, with nothing of the current folder on its path."""
    return [sys.executable, "-P", "-m", "longshift", "engine", "--repo", str(root), *options]
