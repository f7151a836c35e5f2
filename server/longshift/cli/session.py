"""Reaching a repository's runs from the command line: by command, or by looking.

Owns how a command finds its repository and the process that drives it. Looking needs no
ownership; whatever changes something goes through `connect`, to the owner or as the owner.
"""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

import click

from longshift.cli.logs import log_to
from longshift.cli.main import ENDING_SIGNALS
from longshift.cli.terminal import notice
from longshift.domain.events import Recorded
from longshift.domain.state import Run, State
from longshift.engine.describe import Json
from longshift.engine.engine import Surroundings
from longshift.engine.owning.ownership import Guest, Owner, connect
from longshift.engine.ports import DiskHand, SystemClock
from longshift.errors import NeedsPerson, UsageError
from longshift.journal.lease import OwnerAlive, owner_at
from longshift.journal.reader import JournalReader
from longshift.repository.worktree import Worktree
from longshift.settings import Trust, default_trust_folder

Link: TypeAlias = Owner | Guest
Result = TypeVar("Result")
Command = TypeVar("Command", bound=Callable[..., object])


def repo_option(command: Command) -> Command:
    """Give a command the option `--repo`."""
    option = click.option(
        "--repo",
        type=click.Path(path_type=Path),
        default=Path(),
        metavar="DIR",
        help="The repository, or a folder in it; left out: where you are.",
    )
    return option(command)


def json_option(command: Command) -> Command:
    """Give a command the option `--json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")(command)


def find_worktree(repo: Path) -> Worktree:
    """The working tree that holds a folder; from here on, the log is written there.

    Raises:
        UsageError: there is none, so the command was called in the wrong place.
    """
    try:
        worktree = Worktree.discover(repo.absolute())
    except NeedsPerson as error:
        raise UsageError(str(error)) from error
    if worktree.state_dir.is_dir():
        log_to(worktree.state_dir)
    return worktree


def read_state(worktree: Worktree) -> State:
    """What the journal says at this moment, whoever writes it."""
    path = journal_path(worktree)
    if not path.exists():
        return State()
    with JournalReader.open(path) as reader:
        return reader.state()


def read_after(worktree: Worktree, seq: int) -> list[Recorded]:
    """The facts behind a sequence number that stand in the journal at this moment."""
    with JournalReader.open(journal_path(worktree)) as reader:
        return list(reader.read(after=seq))


def owner_of(worktree: Worktree) -> OwnerAlive | None:
    """Who drives a repository's runs at this moment; None: nobody."""
    return owner_at(worktree.state_dir)


def journal_path(worktree: Worktree) -> Path:
    """Where a repository's journal is, or would be."""
    return worktree.state_dir / "journal.sqlite"


def known_run(state: State, run_id: str) -> Run:
    """A run by the id that a person wrote.

    Raises:
        UsageError: there is none.
    """
    run = state.runs.get(run_id) or state.runs.get(run_id.upper())
    if run is None:
        known = ", ".join(state.runs) or "none yet"
        raise UsageError(f"There is no run {run_id} in this repository. Its runs: {known}.")
    return run


def own_run(state: State, worktree: Worktree, run_id: str) -> Run:
    """A run of this very worktree: another's would be written into the wrong files.

    Raises:
        UsageError: there is none, or it belongs to another worktree.
    """
    run = known_run(state, run_id)
    if not worktree.is_home_of(run.started.repo):
        raise UsageError(
            f"{run.id} belongs to the worktree {run.started.repo}, not to {worktree.root}. "
            "Nothing was done. Call the command there, or with `--repo`."
        )
    return run


def only_run(state: State, lifecycles: tuple[str, ...], verb: str) -> Run:
    """The one run that a command without RUN can mean.

    Args:
        state: what is known.
        lifecycles: in which of them a run can be meant.
        verb: what is to be done to it, as the command is called.

    Raises:
        UsageError: there is none, or more than one.
    """
    meant = [run for run in state.runs.values() if run.lifecycle in lifecycles]
    if len(meant) == 1:
        return meant[0]
    if not meant:
        raise UsageError(
            f"No run is {' or '.join(lifecycles)}, so there is nothing to {verb}. "
            "Nothing was done. `longshift status` shows all runs."
        )
    listed = "\n".join(f"  longshift {verb} {run.id}   {run.started.goal.text}" for run in meant)
    raise UsageError(f"Several runs are {' or '.join(lifecycles)}. Say which one:\n{listed}")


def interrupted(state: State) -> State:
    """The state of runs that nobody drives: what their next owner would say of those under way."""
    reason = "The process that drove it has ended; what landed is kept."
    runs = {
        run.id: replace(run, paused=True, pause_reason=reason, running_since=None)
        for run in running_runs(state)
    }
    return replace(state, runs={**state.runs, **runs})


def running_runs(state: State) -> list[Run]:
    """The runs that are under way, paused ones left out."""
    return [run for run in state.runs.values() if run.lifecycle == "running"]


async def open_owner(worktree: Worktree, *, goes_on: bool = True, is_passing: bool = False) -> Link:
    """Own the repository, or reach who does; the caller closes it.

    Args:
        worktree: the repository.
        goes_on: as for `connected`.
        is_passing: as for `connected`.
    """
    surroundings = Surroundings(
        environ=os.environ,
        clock=SystemClock(),
        hand=DiskHand(worktree.root),
        trust=Trust(default_trust_folder()),
        goes_on=goes_on,
        tell=notice,
    )
    link = await connect(worktree, surroundings, is_passing=is_passing)
    log_to(worktree.state_dir)
    return link


@asynccontextmanager
async def connected(
    worktree: Worktree, *, goes_on: bool = False, is_passing: bool = True
) -> AsyncIterator[Link]:
    """Own the repository, or speak to its owner, until the end of the block.

    Args:
        worktree: the repository.
        goes_on: whether interrupted runs may go on meanwhile.
        is_passing: whether the command ends once it has done its work. Others wait for its end
            then, instead of leaving a run to it.
    """
    link = await open_owner(worktree, goes_on=goes_on, is_passing=is_passing)
    reason = "Longshift was closed."
    try:
        yield link
    except asyncio.CancelledError:
        reason = "Interrupted."
        raise
    except BrokenPipeError:
        reason = "Nobody read its output any more."
        raise
    finally:
        await link.close(reason)


def run_async(work: Coroutine[Any, Any, Result]) -> Result:
    """Run a command's coroutine to its end.

    Raises:
        KeyboardInterrupt: the person interrupted it; it was cancelled and could tidy up.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        return _run_killable(work)
    return asyncio.run(work)


def _run_killable(work: Coroutine[Any, Any, Result]) -> Result:
    """Do the same where Ctrl-C is ignored: an ordinary kill can't be made one there."""
    was_killed = False

    async def killable() -> Result:
        task, loop = asyncio.current_task(), asyncio.get_running_loop()
        assert task is not None, "a coroutine runs in a task"

        def end() -> None:
            nonlocal was_killed
            was_killed = True
            task.cancel()

        for name in ENDING_SIGNALS:
            number = getattr(signal, name, None)
            if number is not None and signal.getsignal(number) is signal.SIG_DFL:
                with suppress(NotImplementedError):  # on Windows
                    loop.add_signal_handler(number, end)
        return await work

    try:
        return asyncio.run(killable())
    except asyncio.CancelledError:
        if was_killed:
            raise KeyboardInterrupt from None
        raise


def send(repo: Path, command: str, arguments: Mapping[str, object]) -> Json:
    """Have one command of the engine carried out, here or by the owner.

    Returns:
        Its answer.
    """
    return send_all(find_worktree(repo), [(command, arguments)])[0]


def send_all(worktree: Worktree, commands: list[tuple[str, Mapping[str, object]]]) -> list[Json]:
    """Have several commands carried out, one after the other; the first refusal ends it."""

    async def work() -> list[Json]:
        async with connected(worktree) as link:
            return [await link.call(name, arguments) for name, arguments in commands]

    return run_async(work())


def tell_notices(answer: Json) -> None:
    """Tell what an answer has to say in passing."""
    notices = answer.get("notices")
    for sentence in notices if isinstance(notices, list) else ():
        notice(str(sentence))
