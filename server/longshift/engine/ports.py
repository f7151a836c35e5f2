"""The ports through which the world enters the engine: the clock, and the person's side.

Owns two small Protocols and the plainest twin of each. Nothing else in the engine may read a
clock or touch the person's files.
"""

import asyncio
import contextlib
import hashlib
import os
import stat
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Protocol

from longshift.errors import NeedsPerson
from longshift.places.beneath import Folder, opened
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

    def awake(self) -> float:
        """Seconds since some moment, without those in which the machine slept."""

    async def sleep(self, seconds: float) -> None:
        """Wait until so much time has passed."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The present moment, in UTC."""
        return datetime.now(UTC)

    def awake(self) -> float:
        """Seconds that neither a suspended machine nor a corrected clock counts."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait until so much time has passed."""
        await asyncio.sleep(seconds)


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
        try:
            with opened(self.root, path) as (folder, name):
                return _read(folder, name)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError:  # there, and not to be read: nothing of it can be merged
            return PresentFile(data=b"\0", unread="it can't be read")

    def mode(self, path: str) -> int | None:
        """The mode of what stands at a path; None where nothing does."""
        try:
            with opened(self.root, path) as (folder, name):
                return folder.status(name).st_mode
        except OSError:
            return None


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

    No link is followed, whoever swaps a folder for one meanwhile: nothing outside is touched.

    Raises:
        NeedsPerson: the file system refused, or a symbolic link stands on the way.
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


def remove_draft(root: Path, path: str) -> bool:
    """Remove what a process that died while it wrote a file left beside it; whether it did."""
    with contextlib.suppress(OSError), opened(root, path) as (folder, _):
        draft = _draft_of(path)
        folder.status(draft)  # raises where there is none
        folder.remove(draft)
        return True
    return False


def sha256(data: bytes | None) -> str | None:
    """The fingerprint of a file's bytes, for an intent; None: no such file."""
    return None if data is None else hashlib.sha256(data).hexdigest()


def file_bytes(file: PresentFile | None) -> bytes | None:
    """A file's bytes, a buffer's as its editor would save it in UTF-8; None: no file."""
    if file is None or file.text is None:
        return None if file is None else file.data
    return file.text.encode("utf-8", "surrogateescape")


def set_executable(root: Path, path: str, executable: bool) -> None:
    """Set or clear the executable bits of a file below a root; a link, or none, is left alone."""
    with contextlib.suppress(OSError), opened(root, path) as (folder, name):
        file = folder.open(name, os.O_RDONLY)
        try:
            present = stat.S_IMODE(os.fstat(file).st_mode)
            wanted = present | (present & 0o444) >> 2 if executable else present & ~0o111
            if wanted != present:
                folder.set_permissions(name, file, wanted)
        finally:
            os.close(file)


def _read(folder: Folder, name: str) -> PresentFile:
    status = folder.status(name)
    if stat.S_ISDIR(status.st_mode):
        return PresentFile(mode=DIRECTORY)
    if stat.S_ISLNK(status.st_mode):
        return PresentFile(data=folder.target(name), mode=0o120000)
    if not stat.S_ISREG(status.st_mode) or status.st_size > LARGEST_FILE_BYTES:
        return PresentFile(data=b"\0", unread=_unread(status))
    with os.fdopen(folder.open(name, os.O_RDONLY), "rb") as file:
        data = file.read(LARGEST_FILE_BYTES + 1)
    return PresentFile(data=data, mode=0o100755 if status.st_mode & stat.S_IXUSR else 0o100644)


def _unread(status: os.stat_result) -> str:
    if not stat.S_ISREG(status.st_mode):
        return "it is no ordinary file"
    return f"it is larger than {LARGEST_FILE_BYTES // (1024 * 1024)} MB"


def _write(root: Path, effect: Effect) -> None:
    match effect:
        case WriteFile():
            with opened(root, effect.path, make=True) as (folder, name):
                _write_file(folder, name, effect)
        case DeleteFile():
            with contextlib.suppress(FileNotFoundError), opened(root, effect.path) as there:
                there[0].remove(there[1])
            _remove_empty_folders(root, effect.path)
        case RenameFile():
            with (
                opened(root, effect.old_path) as (old, old_name),
                opened(root, effect.path, make=True) as (folder, name),
            ):
                old.move(old_name, folder, name)
            _remove_empty_folders(root, effect.old_path)


def _write_file(folder: Folder, name: str, effect: WriteFile) -> None:
    fresh = _draft_of(effect.path)
    folder.remove(fresh)
    try:
        if effect.mode == 0o120000:
            folder.link(fresh, effect.data)
        else:
            _write_durably(folder, fresh, name, effect)
        folder.move(fresh, folder, name)
    except OSError:
        folder.remove(fresh)
        raise


def _draft_of(path: str) -> str:
    """The name under which a file is written before it appears whole."""
    # Of fixed length: the name beside a long name must not be too long itself.
    return f".longshift-{hashlib.sha256(os.fsencode(path)).hexdigest()[:16]}"


def _write_durably(folder: Folder, fresh: str, name: str, effect: WriteFile) -> None:
    permissions = 0o777 if effect.mode == 0o100755 else 0o666
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    with os.fdopen(folder.open(fresh, flags, permissions), "wb") as file:
        file.write(effect.data)
        file.flush()
        kept = _kept_permissions(folder, name, effect.mode)
        if kept is not None:
            folder.set_permissions(fresh, file.fileno(), kept)
        os.fsync(file.fileno())


def _kept_permissions(folder: Folder, name: str, mode: int) -> int | None:
    """The permissions of a file's old version, as far as git's mode of the new one agrees."""
    try:
        old = folder.status(name).st_mode
    except FileNotFoundError:
        return None
    agrees = stat.S_ISREG(old) and bool(old & stat.S_IXUSR) == (mode == 0o100755)
    return stat.S_IMODE(old) if agrees else None


def _remove_empty_folders(root: Path, path: str) -> None:
    """Remove the folders above a path as far as nothing is in them."""
    while "/" in path:
        path = path.rpartition("/")[0]
        try:
            with opened(root, path) as (above, name):
                above.remove_folder(name)
        except OSError:
            return  # something is in it still, or stands in its place
