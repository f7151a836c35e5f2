"""One folder of files that commands run in, moved from tree to tree.

Owns the folder wholly: nobody else writes there but commands. Remembers what it wrote, so that a
move writes only what differs. All of it blocks; callers use a thread.
"""

import itertools
import os
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

from longshift.sandbox import nofollow
from longshift.sandbox.files import (
    EXECUTABLE,
    SUBMODULE,
    SYMLINK,
    Changes,
    FileState,
    FileTree,
    Ignored,
)
from longshift.sandbox.policy import Owner
from longshift.sandbox.survey import Held, Survey


class Checkout:
    """A folder that holds a known tree, or is about to."""

    def __init__(self, path: Path) -> None:
        """Prepare the object; the folder is made by the first move.

        Args:
            path: the folder; whatever an earlier process left there is removed.
        """
        self.path = path
        self._held: dict[str, Held] | None = None  # None: unknown, start afresh
        self._owner: Owner | None = None
        self._in_use = False
        self._moved_ns = 0

    def move_to(self, tree: FileTree, owner: Owner | None) -> None:
        """Make the folder hold exactly a tree, its files belonging to the owner."""
        if self._in_use:
            self.collect(lambda _path: True)  # a cancelled command's traces
        held, self._held = self._held, None
        if held is None or owner != self._owner:
            held = self._start_afresh(owner)
        wanted = {path: f for path, f in tree.files().items() if f.mode != SUBMODULE}
        with nofollow.open_root(self.path) as root:
            stale = [path for path, had in held.items() if wanted.get(path) != had.state]
            for path in stale:
                nofollow.remove(root, nofollow.parts_of(path))
                del held[path]
            _remove_empty_parents(root, stale)
            self._write(root, tree, {p: f for p, f in wanted.items() if p not in held}, held)
        self._held, self._in_use, self._moved_ns = held, True, time.time_ns()

    def collect(self, ignored: Ignored) -> Changes:
        """Find what a command did and undo it, so that the folder holds what it held before.

        The files that it changed are missing afterwards; the next move writes them.
        """
        held, self._held, self._in_use = self._held or {}, None, False
        with nofollow.open_root(self.path) as root:
            survey = Survey(root, held, ignored, self._moved_ns)
            changes = survey.take()
            for path in survey.strays:
                nofollow.remove(root, tuple(path.split("/")))
            _remove_empty_parents(root, [*changes.deleted, *changes.written])
        self._held = {path: held[path] for path in survey.intact}
        return changes

    def remove(self) -> None:
        """Remove the folder."""
        self._held = None
        if self.path.parent.is_dir():
            with nofollow.open_root(self.path.parent) as parent:
                nofollow.remove(parent, (self.path.name,))

    def _start_afresh(self, owner: Owner | None) -> dict[str, Held]:
        self.remove()
        self.path.mkdir(parents=True, mode=0o755)
        if owner is not None:
            os.chown(self.path, *owner)
        self._owner = owner
        return {}

    def _write(
        self, root: int, tree: FileTree, wanted: Mapping[str, FileState], held: dict[str, Held]
    ) -> None:
        split = sorted((nofollow.parts_of(path), path) for path in wanted)
        for parent, entries in itertools.groupby(split, key=lambda entry: entry[0][:-1]):
            nofollow.make_folder(root, parent, self._owner)
            with nofollow.open_folder(root, parent) as folder:
                for parts, path in entries:
                    state, content = wanted[path], tree.read(path)
                    written = _write_one(folder, parts[-1], state.mode, content, self._owner)
                    held[path] = Held.of(state, written, content)


def _write_one(
    folder: int, name: str, mode: int, content: bytes, owner: Owner | None
) -> os.stat_result:
    if mode == SYMLINK:
        return nofollow.write_symlink(folder, name, content, owner)
    return nofollow.write_file(folder, name, content, executable=mode == EXECUTABLE, owner=owner)


def _remove_empty_parents(root: int, paths: Iterable[str]) -> None:
    folders: set[tuple[str, ...]] = set()
    for path in paths:
        parts = tuple(path.split("/"))
        folders |= {parts[:depth] for depth in range(1, len(parts))}
    for parts in sorted(folders, key=len, reverse=True):
        nofollow.remove_empty_folder(root, parts)
