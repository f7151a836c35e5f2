"""What a command did to its checkout, found without reading what it left alone.

Owns the comparison of a folder with what was written there. Changes nothing in it. A command
chose every name, depth and size that is met here.
"""

import hashlib
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass

from longshift.sandbox import nofollow
from longshift.sandbox.files import (
    EXECUTABLE,
    FILE,
    SYMLINK,
    Changes,
    FileState,
    Ignored,
    WrittenFile,
)

_MAX_CHANGED_FILES = 10_000
_MAX_CHANGED_BYTES = 64 << 20
_MAX_DEPTH = 64
_MAX_LEFT_OUT = 1_000

# Time stamps come from the kernel's last tick, at most 10 ms old. A file written so shortly
# before the command started could be changed within the same tick, unseen.
_TICK_NS = 50_000_000


@dataclass(frozen=True, slots=True)
class Held:
    """What was written at a path."""

    state: FileState
    _signature: tuple[int, ...]
    _digest: bytes

    @classmethod
    def of(cls, state: FileState, written: os.stat_result, content: bytes) -> "Held":
        """Remember a file as it was right after it was written."""
        return cls(state, _signature(written), _digest(content))

    def has_stat(self, seen: os.stat_result) -> bool:
        """Whether the file is still the one that was written, by its inode and times."""
        return _signature(seen) == self._signature

    def has_content(self, mode: int, content: bytes) -> bool:
        """Whether a tree could tell a file from what was written."""
        return mode == self.state.mode and _digest(content) == self._digest


class Survey:
    """One look at everything in a checkout after a command."""

    def __init__(
        self, root: int, held: Mapping[str, Held], ignored: Ignored, moved_ns: int
    ) -> None:
        self._root = root
        self._held = held
        self._ignored = ignored
        self._trusted_before_ns = moved_ns - _TICK_NS
        self._held_folders = {
            "/".join(parts[:depth])
            for parts in (path.split("/") for path in held)
            for depth in range(1, len(parts))
        }
        self._written: dict[str, WrittenFile] = {}
        self._left_out: list[str] = []
        self._bytes_left = _MAX_CHANGED_BYTES
        self._present: set[str] = set()
        self.intact: set[str] = set()
        """The files that can stay as they are."""
        self.strays: list[str] = []
        """What must go; of a folder that must go, only its own name."""

    def take(self) -> Changes:
        """Look at every folder once, without recursion: a command chooses the depth."""
        pending: list[_Folder] = [_Folder((), is_stray=False)]
        while pending:
            folder = pending.pop()
            with nofollow.open_folder(self._root, folder.parts) as handle:
                for name in nofollow.names_in(handle):
                    seen = os.stat(name, dir_fd=handle, follow_symlinks=False)
                    if stat.S_ISDIR(seen.st_mode):
                        pending += self._enter(folder, name)
                    elif not self._stays(folder, handle, name, seen):
                        self._mark_stray(folder, name)
        deleted = frozenset(self._held.keys() - self._present)
        return Changes(self._written, deleted, tuple(sorted(self._left_out)))

    def _enter(self, parent: "_Folder", name: str) -> "tuple[_Folder, ...]":
        """A folder: itself, if it is to be looked into."""
        parts = (*parent.parts, name)
        path = "/".join(parts)
        if path in self._held_folders:
            return (_Folder(parts, is_stray=False),)
        self._mark_stray(parent, name)
        if name.lower() == ".git" or self._ignored(f"{path}/"):
            return ()
        if len(parts) > _MAX_DEPTH:
            self._leave_out(path)
            return ()
        return (_Folder(parts, is_stray=True),)

    def _stays(self, folder: "_Folder", handle: int, name: str, seen: os.stat_result) -> bool:
        """Whether a file can stay as it is; if not, what of it is a change is noted."""
        path = "/".join((*folder.parts, name))
        held = self._held.get(path)
        if held is None:
            if name.lower() != ".git" and not self._ignored(path):
                self._take_over(path, handle, name, seen)
            return False
        same_stat = held.has_stat(seen)
        if same_stat and seen.st_ctime_ns < self._trusted_before_ns:
            alike = True
        else:
            alike = self._take_over(path, handle, name, seen, held)
        # A file that was written anew with the same bytes is no change, but may share them with
        # another name or have other permissions. It is made again.
        stays = alike and same_stat
        self._present |= {path} if alike else set()
        self.intact |= {path} if stays else set()
        return stays

    def _take_over(
        self,
        path: str,
        folder: int,
        name: str,
        seen: os.stat_result,
        held: Held | None = None,
    ) -> bool:
        """Note what a command wrote. Returns whether it is what was there before."""
        is_link = stat.S_ISLNK(seen.st_mode)
        if not is_link and not stat.S_ISREG(seen.st_mode):
            return False  # a socket, a pipe: nothing that a tree could hold
        young = held is not None and held.has_stat(seen)  # its size is our own doing
        if not young and not self._has_room(seen.st_size):
            self._leave_out(path)
            return False
        content = (nofollow.read_symlink if is_link else nofollow.read_file)(folder, name)
        mode = SYMLINK if is_link else EXECUTABLE if seen.st_mode & stat.S_IXUSR else FILE
        if held is not None and held.has_content(mode, content):
            return True
        self._bytes_left -= len(content)
        self._written[path] = WrittenFile(mode, content)
        self._present.add(path)
        return False

    def _has_room(self, size: int) -> bool:
        return size <= self._bytes_left and len(self._written) < _MAX_CHANGED_FILES

    def _leave_out(self, path: str) -> None:
        self._present.add(path)
        if len(self._left_out) < _MAX_LEFT_OUT:
            self._left_out.append(path)

    def _mark_stray(self, parent: "_Folder", name: str) -> None:
        if not parent.is_stray:
            self.strays.append("/".join((*parent.parts, name)))


@dataclass(frozen=True, slots=True)
class _Folder:
    """A folder still to be looked into."""

    parts: tuple[str, ...]
    is_stray: bool
    """It holds nothing of the tree and will be removed as a whole."""


def _signature(seen: os.stat_result) -> tuple[int, ...]:
    # The change time can't be set, so a command can't restore all of these.
    return (seen.st_ino, seen.st_mode, seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns)


def _digest(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=20).digest()
