"""Files below a root, reached folder by folder; no symbolic link is ever followed on the way.

Owns the descent. Every folder is opened from its parent's descriptor, so a folder that is swapped
for a link meanwhile leads nowhere. Windows opens nothing relative to a folder: there each one is
looked at before, which a swap at just that moment can outrun.
"""

import errno
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from longshift.places.spelling import names_git

RELATIVE: Final = os.open in os.supports_dir_fd and hasattr(os, "O_NOFOLLOW")
"""Whether this system opens files relative to a folder."""

_SAFELY: Final = (
    getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
)
# A path alone where there is such a thing: a folder need not be readable to be walked through.
_WALK: Final = getattr(os, "O_PATH", os.O_RDONLY) | getattr(os, "O_DIRECTORY", 0) | _SAFELY
_JUNCTION: Final = 0xA0000003


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder below the root, and what is done to names in it. A name is never a way.

    Attributes:
        path: for messages, and for systems without descriptors of folders.
        handle: its descriptor; None on such a system.
    """

    path: Path
    handle: int | None

    def status(self, name: str) -> os.stat_result:
        """What stands at a name, a link as such."""
        return os.lstat(self.spelled(name), dir_fd=self.handle)

    def open(self, name: str, flags: int, permissions: int = 0o666) -> int:
        """Open a file; fails at a link, and never waits for a pipe's other end."""
        waiting = 0 if flags & os.O_CREAT else getattr(os, "O_NONBLOCK", 0)
        return os.open(
            self.spelled(name), flags | waiting | _SAFELY, permissions, dir_fd=self.handle
        )

    def set_permissions(self, name: str, file: int, permissions: int) -> None:
        """Give an open file of this folder its permissions."""
        if self.handle is None:
            Path(self.spelled(name)).chmod(permissions)
        else:
            os.fchmod(file, permissions)

    def target(self, name: str) -> bytes:
        """Where a link leads."""
        return os.fsencode(os.readlink(self.spelled(name), dir_fd=self.handle))

    def link(self, name: str, target: bytes) -> None:
        """Make a new link."""
        os.symlink(os.fsdecode(target), self.spelled(name), dir_fd=self.handle)

    def move(self, name: str, to: "Folder", new_name: str) -> None:
        """Move what stands at a name over what stands at another."""
        os.replace(
            self.spelled(name), to.spelled(new_name), src_dir_fd=self.handle, dst_dir_fd=to.handle
        )

    def remove(self, name: str) -> None:
        """Remove a file or a link; nothing there is fine."""
        with suppress(FileNotFoundError):
            os.unlink(self.spelled(name), dir_fd=self.handle)

    def remove_folder(self, name: str) -> None:
        """Remove an empty folder."""
        os.rmdir(self.spelled(name), dir_fd=self.handle)

    def spelled(self, name: str) -> str:
        """A name as the system takes it beside `handle`."""
        return os.fspath(self.path / name) if self.handle is None else name


@contextmanager
def opened(root: Path, path: str, *, make: bool = False) -> Iterator[tuple[Folder, str]]:
    """The folder that holds a path below a root, and the path's last name.

    Args:
        root: where the path starts; it may be reached through links.
        path: relative, `/`-separated.
        make: whether folders that are missing are made.

    Raises:
        OSError: there is no such folder, or a link stands on the way; its `strerror` says so.
    """
    *parts, name = path.split("/")
    for part in (*parts, name):
        if part in ("", ".", "..") or names_git(part):
            raise PermissionError(errno.EACCES, f"{path!r} leads out of {root}")
    if not RELATIVE:
        yield _looked_at(root, parts, make=make), name
        return
    top = os.open(root, _WALK & ~getattr(os, "O_NOFOLLOW", 0))
    try:
        with open_folder(top, parts, _make if make else _open) as handle:
            yield Folder(root.joinpath(*parts), handle), name
    finally:
        os.close(top)


@contextmanager
def open_folder(
    root: int, parts: Sequence[str], open_inner: Callable[[int, str], int]
) -> Iterator[int]:
    """The descriptor of the folder at a way of names below an open one.

    Args:
        root: the descriptor where the way starts; it stays open.
        parts: the names of the folders on the way.
        open_inner: opens a folder by its parent's descriptor and its name, following no link.
    """
    handle = os.dup(root)
    try:
        for part in parts:
            inner = open_inner(handle, part)
            os.close(handle)
            handle = inner
        yield handle
    finally:
        os.close(handle)


def _open(folder: int, name: str) -> int:
    try:
        return os.open(name, _WALK, dir_fd=folder)
    except OSError:
        if _is_link(os.lstat(name, dir_fd=folder)):
            raise _refusal(name) from None
        raise


def _make(folder: int, name: str) -> int:
    with suppress(FileExistsError):
        os.mkdir(name, dir_fd=folder)
    return _open(folder, name)


def _looked_at(root: Path, parts: Sequence[str], *, make: bool) -> Folder:
    path = root
    for part in parts:
        path = path / part
        if make:
            with suppress(FileExistsError):
                path.mkdir()
        status = path.lstat()
        if _is_link(status):
            raise _refusal(part)
        if not stat.S_ISDIR(status.st_mode):
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), os.fspath(path))
    return Folder(path, None)


def _is_link(status: os.stat_result) -> bool:
    """Whether it is a symbolic link, or a junction of Windows."""
    junction = getattr(status, "st_reparse_tag", None) == _JUNCTION
    return junction or stat.S_ISLNK(status.st_mode)


def _refusal(name: str) -> OSError:
    return NotADirectoryError(errno.ENOTDIR, f"{name} is a symbolic link, and none is followed")
