"""The warm pool of checkouts: what a command needs that an agent's workspace has not, files.

Owns the folder of checkouts. Each is lent to one command at a time, moved to that command's tree
by writing what differs, and brought back by finding what the command changed. Never blocks the
loop: all file work is in threads.
"""

import asyncio
import contextlib
from collections.abc import Iterator
from pathlib import Path

from longshift.errors import NeedsPerson
from longshift.sandbox.checkout import Checkout
from longshift.sandbox.files import Changes, FileState, FileTree, Ignored, WrittenFile
from longshift.sandbox.policy import Cage, CommandResult
from longshift.sandbox.process import in_thread

__all__ = ["Changes", "Checkouts", "FileState", "FileTree", "Ignored", "WrittenFile"]


class Checkouts:
    """A fixed number of checkouts; a command waits while all are lent."""

    def __init__(self, folder: Path, size: int, ignored: Ignored) -> None:
        """Prepare the pool; nothing is written before the first command.

        Args:
            folder: for the pool alone; what an earlier process left there is removed.
            size: how many commands may run at a time, at least 1.
            ignored: tells a command's leftovers from its edits.
        """
        self.folder = str(folder)
        """Where commands find their files, each in a folder below, if no cage says otherwise."""
        self._ignored = ignored
        # The last one back is the first to go: it holds the tree most like the next.
        self._free: asyncio.LifoQueue[Checkout] = asyncio.LifoQueue()
        self._all = tuple(Checkout(folder / str(number)) for number in range(size))
        for checkout in reversed(self._all):
            self._free.put_nowait(checkout)

    async def run(
        self, cage: Cage, tree: FileTree, command: str, *, timeout_s: float
    ) -> tuple[CommandResult, Changes]:
        """Run a command on the files of a tree.

        Args:
            cage: where it runs.
            tree: what it finds; read in a thread.
            command: a line for `/bin/sh -c`.
            timeout_s: seconds for the command itself; waiting for a checkout is not counted.

        Returns:
            How it ended, and what it did to the files, also where it failed.

        Raises:
            NeedsPerson: the cage could not be built, or the checkout not be written.
        """
        checkout = await self._free.get()
        try:
            with _explained(checkout.path):
                await in_thread(lambda: checkout.move_to(tree, cage.owner))
                result = await cage.run(command, checkout.path, timeout_s=timeout_s)
                changes = await in_thread(lambda: checkout.collect(self._ignored))
        finally:
            self._free.put_nowait(checkout)
        return result, changes

    async def close(self) -> None:
        """Remove all checkouts. To be called when no command runs any more."""
        for checkout in self._all:
            await in_thread(checkout.remove)


@contextlib.contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise NeedsPerson(
            f"The files for a command could not be written to or read from {path}: {error}. "
            "No file of yours was changed. Make sure that there is room on the disk and that the "
            "folder can be written to; it is made again for the next command."
        ) from error
