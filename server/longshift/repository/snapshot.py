"""A commit of what the person has: HEAD, the working tree and unsaved buffers.

Works on a private copy of the index, whose stat cache spares reading unchanged files; objects go
to the private store. Never writes to the person's index, working tree or object database, and
never runs a program that their configuration names: a file that passes through a filter (LFS and
its kin) stands as their index has it, and is reported where it has changed since. Line ends are
git's own affair, as in `git add`.
"""

import os
import stat
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

from pathspec import GitIgnoreSpec

from longshift.errors import LongshiftError, UsageError
from longshift.repository.files import (
    EXECUTABLE,
    REGULAR,
    SUBMODULE,
)
from longshift.repository.globs import parse_globs
from longshift.repository.paths import checked_file_path
from longshift.repository.private_index import PrivateIndex, private_index
from longshift.repository.staging import stage
from longshift.repository.store import ObjectStore
from longshift.repository.worktree import Worktree

MAX_UNTRACKED_BYTES: Final = 5_000_000

WhySecret: TypeAlias = Callable[[str, Callable[[], bytes | None]], str | None]
"""Why an untracked file, by its path and what reads it, stays out as a secret; None: it goes in."""


@dataclass(frozen=True)
class Skipped:
    """A file that the snapshot has not, or not as it is now, and why."""

    path: str
    reason: str


@dataclass(frozen=True)
class Snapshot:
    """What was taken.

    Attributes:
        commit: in the private store; nothing refers to it yet.
        skipped: files left out or left as in the index, by path.
    """

    commit: str
    skipped: tuple[Skipped, ...]


def take_snapshot(
    worktree: Worktree,
    store: ObjectStore,
    *,
    unsaved: Mapping[str, bytes],
    message: str,
    when: int,
    exclude: Sequence[str] = (),
    why_secret: WhySecret,
    parent: str | None = None,
) -> Snapshot:
    """Commit what the person has at this moment.

    In it: tracked files as they are in the working tree (missing ones are deletions, sparse ones
    stay), untracked ones that are not ignored, symlinks as such, submodules as commit ids. Not in
    it: what `exclude` matches, untracked files that `why_secret` gives a reason against or that
    are over 5 MB, nested repositories, pipes and sockets.

    Args:
        worktree: whose files.
        store: where objects go.
        unsaved: buffers by path, as their editor would save them; they stand over the files.
        message: of the commit.
        when: its time in seconds since 1970.
        exclude: globs as in .gitignore, against paths from the root.
        why_secret: tells of an untracked file whether it is left out as a secret.
        parent: the commit's parent; HEAD where left out, none where there is no commit yet.

    Raises:
        UsageError: a glob in `exclude` is malformed.
        NeedsPerson: git failed.
    """
    parent = parent or worktree.head_commit()
    with private_index(worktree, store) as index:
        snapshot = _Taking(index, worktree.root, _globs(exclude), why_secret)
        snapshot.take_files()
        snapshot.take_unsaved(unsaved)
        tree = index.write_tree()
    # What the parent does not hold may live in the person's database as loose, unreferenced
    # objects (staged, then changed again), which their next `git gc` drops.
    parent_tree = store.objects.tree_of(parent) if parent else None
    store.objects.own(store.trees.new_objects(parent_tree, tree))
    commit = store.objects.write_commit(tree, [parent] if parent else [], message, when)
    skipped = sorted(snapshot.skipped.items())
    return Snapshot(commit, tuple(Skipped(path, reason) for path, reason in skipped))


class _Taking:
    """Which paths go into one snapshot, and why others do not."""

    def __init__(
        self, index: PrivateIndex, root: Path, excluded: GitIgnoreSpec, why_secret: WhySecret
    ) -> None:
        self._index = index
        self._root = root
        self._excluded = excluded
        self._why_secret = why_secret
        self._tracked = index.entries()
        self.skipped: dict[str, str] = {}

    def take_files(self) -> None:
        """Bring the index up to the working tree."""
        unmerged = [path for path, (_mode, stage) in self._tracked.items() if stage]
        changed = dict.fromkeys([*unmerged, *self._index.modified()])
        untracked = [path for path in self._index.untracked() if self._takes_untracked(path)]
        candidates = [*(path for path in changed if self._takes_tracked(path)), *untracked]
        filtered = self._index.filtered(candidates) if candidates else set()
        for path in filtered:
            self._skip(path, "it passes through a filter, which is not run; the index's stands")
        self._take([path for path in candidates if path not in filtered])
        if dropped := [path for path in self._tracked if self._excluded.match_file(path)]:
            self._index.remove(dropped)

    def _take(self, paths: Sequence[str]) -> None:
        """Take paths as they are in the working tree; no link is followed to them."""
        staged = stage(self._root, paths, self._index.staging)
        for path in staged.unread:
            self._skip(path, "it can't be read")
        if staged.missing:
            self._index.remove(staged.missing)
        if staged.folders:
            self._index.update_folders(staged.folders)
        if staged.copied:
            self._index.update_staged(staged.copied)

    def take_unsaved(self, unsaved: Mapping[str, bytes]) -> None:
        """Lay unsaved buffers over what was taken from the files."""
        fit = [path for path in sorted(unsaved) if self._takes_buffer(path, unsaved[path])]
        strangers = [path for path in fit if path not in self._tracked]
        ignored = self._index.ignored(strangers) if strangers else set()
        filtered = self._index.filtered(fit) if fit else set()
        for path in fit:
            if path in filtered:
                self._skip(path, "its unsaved text would pass through a filter, which is not run")
            elif path not in ignored:
                self._index.put(path, self._mode(path), unsaved[path])
                self.skipped.pop(path, None)

    def _takes_untracked(self, path: str) -> bool:
        if self._excluded.match_file(path):
            return False
        if path.endswith("/"):
            return self._skip(path, "a repository of its own that is no submodule")
        full = self._root / path
        if why := self._why_secret(path, lambda: _content(full)):
            return self._skip(path, why)
        return self._is_readable(path) and self._is_small(path, full.lstat().st_size)

    def _takes_tracked(self, path: str) -> bool:
        if self._excluded.match_file(path):
            return False
        full = self._root / path
        if not os.path.lexists(full) or self._tracked[path][0] == SUBMODULE:
            return True
        return full.is_dir() or self._is_readable(path)

    def _takes_buffer(self, path: str, data: bytes) -> bool:
        if self._excluded.match_file(path):
            return False
        try:
            checked_file_path(path)
        except LongshiftError as error:
            return self._skip(path, str(error))
        if self._leads_elsewhere(path):
            return self._skip(path, "it is reached through a symbolic link or a submodule")
        if path in self._tracked:
            return True
        if why := self._why_secret(path, lambda: data):
            return self._skip(path, why)
        return self._is_small(path, len(data))

    def _is_readable(self, path: str) -> bool:
        full = self._root / path
        try:
            mode = full.lstat().st_mode
        except OSError:
            return False  # vanished since it was listed
        if stat.S_ISLNK(mode):
            return True
        if not stat.S_ISREG(mode):
            return self._skip(path, "neither a file nor a symbolic link")
        return os.access(full, os.R_OK) or self._skip(path, "it can't be read")

    def _is_small(self, path: str, size: int) -> bool:
        return size <= MAX_UNTRACKED_BYTES or self._skip(
            path, f"it is untracked and over {MAX_UNTRACKED_BYTES // 1_000_000} MB ({size:,} bytes)"
        )

    def _leads_elsewhere(self, path: str) -> bool:
        parts = path.split("/")
        above = ["/".join(parts[:depth]) for depth in range(1, len(parts) + 1)]
        return any(
            (self._root / folder).is_symlink() or self._tracked.get(folder, (0, 0))[0] == SUBMODULE
            for folder in above
        )

    def _mode(self, path: str) -> int:
        if path in self._tracked:
            return self._tracked[path][0]
        return EXECUTABLE if os.access(self._root / path, os.X_OK) else REGULAR

    def _skip(self, path: str, reason: str) -> bool:
        self.skipped[path] = reason
        return False


def _content(place: Path) -> bytes | None:
    """A file's bytes; None where it is too large to be taken, or is no file that can be read."""
    try:
        status = place.lstat()
        taken = stat.S_ISREG(status.st_mode) and status.st_size <= MAX_UNTRACKED_BYTES
        return place.read_bytes() if taken else None
    except OSError:
        return None


def _globs(exclude: Sequence[str]) -> GitIgnoreSpec:
    try:
        return parse_globs(exclude)
    except ValueError as error:
        raise UsageError(
            f"A glob in `exclude` is malformed: {error}. Nothing was started. Write it as in a "
            ".gitignore file."
        ) from error
