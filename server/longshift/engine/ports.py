"""The ports through which the world enters the engine: the clock, and the person's side.

Owns two small Protocols and the plainest twin of each. Nothing else in the engine may read a
clock or touch the person's files.
"""

import asyncio
import contextlib
import hashlib
import os
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Protocol

from longshift.errors import NeedsPerson
from longshift.review.shapes import (
    DIRECTORY,
    DeleteFile,
    Effect,
    PendingHunk,
    Present,
    PresentFile,
    RenameFile,
    WriteFile,
)

LARGEST_FILE_BYTES: Final = 20 * 1024 * 1024
"""Larger files are not read into review; the snapshot has its own limit."""


class Clock(Protocol):
    """Says what time it is."""

    def now(self) -> datetime:
        """The present moment, in UTC."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The present moment, in UTC."""
        return datetime.now(UTC)


class Hand(Protocol):
    """The person's side: their files and buffers, and the way to write into them.

    Invariant: the engine writes there only by a decision of the person's.
    """

    async def unsaved(self) -> Mapping[str, bytes]:
        """Buffers that differ from their files, by path, as the editor would save them."""

    def present(self) -> Present:
        """What the person has at this moment; safe to read from another thread."""

    async def apply(self, hunks: Sequence[PendingHunk], effects: Sequence[Effect]) -> None:
        """Write decided hunks into the person's buffers or files.

        Args:
            hunks: pending ones to put in, or accepted ones to take out again.
            effects: the same as whole files, for who writes to the disk.

        Raises:
            NeedsPerson: nothing, or not all of it, could be written; says what and why.
        """


@dataclass(frozen=True, slots=True)
class DiskPresent:
    """The person's files as they are on the disk, links never followed."""

    root: Path

    def read(self, path: str) -> PresentFile | None:
        """Give the file at a path below the root; None where nothing stands there."""
        place = self.root / path
        if not _is_inside(self.root, place):
            return None
        try:
            status = place.lstat()
            if stat.S_ISDIR(status.st_mode):
                return PresentFile(mode=DIRECTORY)
            if stat.S_ISLNK(status.st_mode):
                return PresentFile(data=os.fsencode(place.readlink()), mode=0o120000)
            if not stat.S_ISREG(status.st_mode) or status.st_size > LARGEST_FILE_BYTES:
                return PresentFile(data=b"\0", mode=0o100644)
            mode = 0o100755 if status.st_mode & stat.S_IXUSR else 0o100644
            return PresentFile(data=place.read_bytes(), mode=mode)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError:  # there, and not to be read: nothing of it can be merged
            return PresentFile(data=b"\0")


class StillPresent:
    """The person's files as they were when first looked at: one decision sees one text."""

    def __init__(self, present: Present) -> None:
        """Look through another view, at each path once."""
        self._present = present
        self._seen: dict[str, PresentFile | None] = {}

    def read(self, path: str) -> PresentFile | None:
        """Give the file as it was at the first look."""
        if path not in self._seen:
            self._seen[path] = self._present.read(path)
        return self._seen[path]

    def changed(self, now: Present, paths: Sequence[str]) -> list[str]:
        """Those of the paths that another view shows otherwise."""
        return [path for path in paths if now.read(path) != self.read(path)]


@dataclass(frozen=True, slots=True)
class DiskHand:
    """A person without an editor: what they have is what the disk has."""

    root: Path

    async def unsaved(self) -> Mapping[str, bytes]:
        """No buffers."""
        return {}

    def present(self) -> Present:
        """The files themselves."""
        return DiskPresent(self.root)

    async def apply(self, hunks: Sequence[PendingHunk], effects: Sequence[Effect]) -> None:
        """Write the files, each whole and at once."""
        del hunks
        await asyncio.to_thread(write_effects, self.root, effects)


def write_effects(root: Path, effects: Sequence[Effect]) -> None:
    """Write, move and delete files below a root; a file is never seen half written.

    Raises:
        NeedsPerson: the file system refused, or a link leads out of the root.
    """
    for effect in effects:
        try:
            _write(root, effect)
        except OSError as error:
            raise NeedsPerson(
                f"{effect.path} could not be written: {error.strerror or error}. What was written "
                "before it is kept, and the decision on it is not recorded. Mend the cause, then "
                "decide again."
            ) from error


def sha256(data: bytes | None) -> str | None:
    """The fingerprint of a file's bytes, for an intent; None: no such file."""
    return None if data is None else hashlib.sha256(data).hexdigest()


def file_bytes(file: PresentFile | None) -> bytes | None:
    """A file's bytes, a buffer's as its editor would save it in UTF-8; None: no file."""
    if file is None or file.text is None:
        return None if file is None else file.data
    return file.text.encode("utf-8", "surrogateescape")


def _write(root: Path, effect: Effect) -> None:
    place = root / effect.path
    if not _is_inside(root, place):
        raise OSError(f"a link on the way leads out of {root}")
    match effect:
        case WriteFile():
            _write_file(place, effect)
        case DeleteFile():
            place.unlink(missing_ok=True)
            _remove_empty_folders(root, place.parent)
        case RenameFile():
            old = root / effect.old_path
            if not _is_inside(root, old):
                raise OSError(f"a link on the way leads out of {root}")
            place.parent.mkdir(parents=True, exist_ok=True)
            old.rename(place)
            _remove_empty_folders(root, old.parent)


def _write_file(place: Path, effect: WriteFile) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    # Of fixed length: the name beside a long name must not be too long itself.
    fresh = place.with_name(f".longshift-{hashlib.sha256(os.fsencode(place)).hexdigest()[:16]}")
    fresh.unlink(missing_ok=True)
    try:
        if effect.mode == 0o120000:
            fresh.symlink_to(os.fsdecode(effect.data))
        else:
            _write_durably(fresh, effect)
            _keep_permissions(place, fresh, effect.mode)
        fresh.replace(place)
    except OSError:
        fresh.unlink(missing_ok=True)
        raise


def _write_durably(fresh: Path, effect: WriteFile) -> None:
    permissions = 0o777 if effect.mode == 0o100755 else 0o666
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    with os.fdopen(os.open(fresh, flags, permissions), "wb") as file:
        file.write(effect.data)
        file.flush()
        os.fsync(file.fileno())


def _keep_permissions(place: Path, fresh: Path, mode: int) -> None:
    """Give a file's new version the permissions of the old, as far as git's mode agrees."""
    with contextlib.suppress(FileNotFoundError):
        old = place.lstat().st_mode
        if stat.S_ISREG(old) and bool(old & stat.S_IXUSR) == (mode == 0o100755):
            fresh.chmod(stat.S_IMODE(old))


def _remove_empty_folders(root: Path, folder: Path) -> None:
    while folder != root and folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent


def _is_inside(root: Path, place: Path) -> bool:
    """Whether the folder that holds a place is really below the root, links resolved."""
    try:
        return place.parent.resolve().is_relative_to(root.resolve())
    except (OSError, RuntimeError):  # links in a circle
        return False
