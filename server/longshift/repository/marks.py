"""Marks of what was begun with a run's refs and objects, where no fact can tell of it.

A run that is being started has no fact yet, and one that is being forgotten has none any more. A
mark stands, on the disk, from before the first ref is touched until after the last. Owns these
files alone; what a mark that is left calls for, the engine's recovery knows.
"""

import os
from pathlib import Path
from typing import Final, Literal

Begun = Literal["starting", "forgetting"]
_FOLDERS: Final[tuple[Begun, ...]] = ("starting", "forgetting")


class Marks:
    """The marks of one private store."""

    def __init__(self, git_dir: Path) -> None:
        """Keep marks in the store's own folder."""
        self._git_dir = git_dir

    def put(self, begun: Begun, name: str) -> None:
        """Say that something was begun with a run; durable when it returns."""
        folder = self._git_dir / begun
        folder.mkdir(exist_ok=True)
        descriptor = os.open(folder / name, os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def take(self, begun: Begun, name: str) -> None:
        """Say that it is done; nothing there is fine."""
        (self._git_dir / begun / name).unlink(missing_ok=True)

    def left(self) -> list[tuple[Begun, str]]:
        """What was begun and never done, sorted."""
        return sorted(
            (begun, mark.name) for begun in _FOLDERS for mark in (self._git_dir / begun).glob("R*")
        )
