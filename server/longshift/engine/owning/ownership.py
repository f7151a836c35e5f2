"""Owning a repository, or speaking to the process that does.

Owns the choice between the two: whoever gets the lease drives the runs and opens a door for the
others; everyone else sends commands through that door. Must never let two processes drive.
"""

from collections.abc import AsyncIterator, Mapping
from functools import partial

from longshift.domain.model import PauseCause
from longshift.engine.commands import execute
from longshift.engine.describe import Json
from longshift.engine.editors.visitors import Lobby
from longshift.engine.engine import Engine, Surroundings
from longshift.engine.owning.reaching import Guest, reach
from longshift.journal.control import ControlServer
from longshift.journal.lease import Lease
from longshift.repository.worktree import Worktree

__all__ = ["Guest", "Owner", "connect", "own"]


class Owner:
    """This process owns the repository: its engine, and the door for everyone else."""

    def __init__(self, engine: Engine, door: ControlServer) -> None:
        """Hold what `connect` has opened."""
        self.engine = engine
        self._door = door

    async def call(self, command: str, arguments: Mapping[str, object]) -> Json:
        """Carry a command out here, for whoever this process is for."""
        with self.engine.editors.acting_own():
            return await execute(self.engine, command, arguments)

    async def follow(self, after: int) -> AsyncIterator[Json]:
        """Every fact behind a sequence number, and each as it happens, as `run --json` has it."""
        async for record in self.engine.journal.follow(after):
            yield record.as_line()

    @property
    def others(self) -> frozenset[str]:
        """The words of the editors that are attached."""
        with self.engine.editors.acting_own():
            return self.engine.editors.others

    @property
    def n_attached(self) -> int:
        """How many connections others have to this process."""
        return self._door.n_clients

    @property
    def is_held(self) -> bool:
        """Whether the repository is still this process's: not once its state was deleted."""
        return self.engine.is_held

    @property
    def is_broken(self) -> bool:
        """Whether nothing more can be journalled here, so that it can only be closed."""
        return self.engine.is_broken

    async def close(self, reason: str = "Longshift was closed.") -> None:
        """Close the door, pause what runs, and give the repository free."""
        await self._close(reason, "interrupted")

    async def leave(self) -> None:
        """Close as an editor does: runs go on in another editor, or with the next one."""
        cause: PauseCause = "handover" if self.engine.editors.has_successor else "closed"
        await self._close("The editor was closed.", cause)

    async def _close(self, reason: str, cause: PauseCause) -> None:
        await self._door.close()
        await self.engine.close(reason, cause)


async def connect(
    worktree: Worktree, surroundings: Surroundings, *, is_passing: bool = False
) -> Owner | Guest:
    """Take the repository, or reach the process that has it.

    Args:
        worktree: the repository.
        surroundings: of an owner.
        is_passing: as for `own`.

    Raises:
        NeedsPerson: neither is possible; says why.
    """
    taken = await reach(worktree, surroundings.clock.now, surroundings.tell)
    if isinstance(taken, Guest):
        return taken
    return await own(worktree, taken, surroundings, is_passing=is_passing)


async def own(
    worktree: Worktree, lease: Lease, surroundings: Surroundings, *, is_passing: bool = False
) -> Owner:
    """Own the repository whose lease was taken.

    Args:
        worktree: the repository.
        lease: its ownership.
        surroundings: of the engine.
        is_passing: whether it is given back in a moment: no door is opened then, so that nobody
            leaves a run to who will not stay with it. `reach` waits for its end.

    Raises:
        NeedsPerson: it can't be opened; the lease is given back.
    """
    try:
        engine = await Engine.open(worktree, lease, surroundings)
    except BaseException:
        lease.release()
        raise
    door = ControlServer(
        worktree.state_dir,
        partial(execute, engine),
        engine.journal.follow,
        receive=Lobby(engine).receive,
    )
    try:
        if not is_passing:
            lease.announce(await door.start())
    except BaseException:
        await engine.close()
        raise
    if surroundings.opens_again:
        engine.welcome_editor()
    return Owner(engine, door)
