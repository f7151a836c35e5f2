"""File work below a folder that a command has had in its hands.

Invariant: no symlink is ever followed, neither as a name nor on the way to it. Every folder is
opened from its parent's descriptor with O_NOFOLLOW, so nothing below can lead outside.
"""

import contextlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from longshift.places import beneath
from longshift.sandbox.policy import Owner

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def parts_of(path: str) -> tuple[str, ...]:
    """The names of a relative path.

    Raises:
        ValueError: it is none that git would keep, such as one with `..`.
    """
    parts = tuple(path.split("/"))
    if any(part in ("", ".", "..") or part.lower() == ".git" or "\0" in part for part in parts):
        raise ValueError(f"not a path inside a checkout: {path!r}")
    return parts


@contextlib.contextmanager
def open_root(path: Path) -> Iterator[int]:
    """The descriptor of the folder that all other names here start from.

    Only the names above it, which no command could touch, may be symlinks.
    """
    parent = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with open_folder(parent, (path.name,)) as handle:
            yield handle
    finally:
        os.close(parent)


@contextlib.contextmanager
def open_folder(root: int, parts: tuple[str, ...]) -> Iterator[int]:
    """An existing folder below the root, made accessible if a command had closed it.

    Raises:
        FileNotFoundError, NotADirectoryError: there is no such folder, or a symlink stands there.
    """
    with beneath.open_folder(root, parts, _open) as handle:
        yield handle


def make_folder(root: int, parts: tuple[str, ...], owner: Owner | None) -> None:
    """Make a folder and those above it, for the owner."""

    def made(folder: int, name: str) -> int:
        with contextlib.suppress(FileExistsError):
            os.mkdir(name, 0o755, dir_fd=folder)
            if owner is not None:
                os.chown(name, *owner, dir_fd=folder, follow_symlinks=False)
        return _open(folder, name)

    with beneath.open_folder(root, parts, made):
        pass


def write_file(
    folder: int, name: str, content: bytes, *, executable: bool, owner: Owner | None
) -> os.stat_result:
    """Make a new file, never touching what another name of it would share."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(name, flags, 0o644, dir_fd=folder), "wb", buffering=0) as file:
        left = memoryview(content)
        while left:
            left = left[file.write(left) :]
        os.fchmod(file.fileno(), 0o755 if executable else 0o644)
        if owner is not None:
            os.fchown(file.fileno(), *owner)
        return os.fstat(file.fileno())


def write_symlink(folder: int, name: str, target: bytes, owner: Owner | None) -> os.stat_result:
    """Make a new symlink, whatever it points at."""
    os.symlink(target, os.fsencode(name), dir_fd=folder)
    if owner is not None:
        os.chown(name, *owner, dir_fd=folder, follow_symlinks=False)
    return os.stat(name, dir_fd=folder, follow_symlinks=False)


def read_file(folder: int, name: str) -> bytes:
    """The content of a regular file, even of one that a command had closed."""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        handle = os.open(name, flags, dir_fd=folder)
    except PermissionError:
        _reopen_access(folder, name, 0o600)
        handle = os.open(name, flags, dir_fd=folder)
    with os.fdopen(handle, "rb", buffering=0) as file:
        return file.readall()


def read_symlink(folder: int, name: str) -> bytes:
    """The target of a symlink."""
    return os.readlink(os.fsencode(name), dir_fd=folder)


def names_in(folder: int) -> list[str]:
    """All names in an open folder."""
    with os.scandir(folder) as entries:
        return [entry.name for entry in entries]


def remove(root: int, parts: tuple[str, ...]) -> None:
    """Remove whatever stands at a path, a folder with all that is in it; nothing there is fine.

    A command can nest folders deeper than any recursion or path reaches. So a folder's folders
    are first moved up beside it, then emptied in their turn.
    """
    with open_folder(root, parts[:-1]) as parent:
        doomed, count = [parts[-1]], 0
        while doomed:
            name = doomed.pop()
            if not _unlink(parent, name):
                continue
            with open_folder(parent, (name,)) as folder:
                for child in names_in(folder):
                    if not _unlink(folder, child):
                        continue
                    count += 1
                    beside = f".longshift-doomed-{os.getpid()}-{count}"
                    # Moving a folder needs its own write permission: its `..` changes.
                    with open_folder(folder, (child,)):
                        os.rename(child, beside, src_dir_fd=folder, dst_dir_fd=parent)
                    doomed.append(beside)
            os.rmdir(name, dir_fd=parent)


def remove_empty_folder(root: int, parts: tuple[str, ...]) -> None:
    """Remove a folder if nothing is in it."""
    with contextlib.suppress(OSError), open_folder(root, parts[:-1]) as parent:
        os.rmdir(parts[-1], dir_fd=parent)


def _unlink(folder: int, name: str) -> bool:
    """Remove a name that is no folder. Returns whether a folder stands there."""
    try:
        if stat.S_ISDIR(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
            return True
        os.unlink(name, dir_fd=folder)
    except FileNotFoundError:
        pass
    return False


def _open(folder: int, name: str) -> int:
    """Open a folder by its parent's descriptor."""
    try:
        inner = os.open(name, _FOLDER, dir_fd=folder)
    except PermissionError:
        _reopen_access(folder, name, 0o700)
        inner = os.open(name, _FOLDER, dir_fd=folder)
    try:
        if os.fstat(inner).st_mode & 0o700 != 0o700:
            os.fchmod(inner, 0o755)
    except OSError:
        os.close(inner)
        raise
    return inner


def _reopen_access(folder: int, name: str, mode: int) -> None:
    """Give our own file back its permissions, without opening or following it."""
    handle = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
    try:
        # Through /proc: fchmod refuses such a descriptor. A symlink's has no mode to change.
        Path(f"/proc/self/fd/{handle}").chmod(mode)
    finally:
        os.close(handle)
