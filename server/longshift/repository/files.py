"""What a file is to this room: bytes, a git mode and, once stored, an object id.

Pure data. Paths are strings relative to the repository's root, `/`-separated; bytes of a name that
are no UTF-8 travel as surrogate escapes, so every name that git can hold survives a round trip.
"""

import stat
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

REGULAR: Final = 0o100644
EXECUTABLE: Final = 0o100755
SYMLINK: Final = 0o120000
SUBMODULE: Final = 0o160000
DIRECTORY: Final = 0o040000


@dataclass(frozen=True, slots=True)
class FileEdit:
    """A file as someone wants it to be.

    Attributes:
        data: the whole content; a symlink's target; a submodule's commit id as ASCII.
        mode: `REGULAR`, `EXECUTABLE`, `SYMLINK` or `SUBMODULE`.
    """

    data: bytes
    mode: int = REGULAR


@dataclass(frozen=True, slots=True)
class FileVersion:
    """A file as a commit holds it.

    Attributes:
        mode: as in `FileEdit`.
        data: as in `FileEdit`.
        oid: the blob's id, or the submodule's commit id, in hex.
    """

    mode: int
    data: bytes
    oid: str

    def as_edit(self) -> FileEdit:
        """Give the edit that makes exactly this file."""
        return FileEdit(self.data, self.mode)


Edits: TypeAlias = Mapping[str, FileEdit | None]
"""Edits by path; None deletes the file."""

DifferenceKind = Literal["edit", "create", "delete", "rename", "mode", "binary"]


@dataclass(frozen=True, slots=True)
class FileDifference:
    """How one file differs between two commits.

    Attributes:
        path: where it is now; for a deletion, where it was.
        old_path: where it was, for a rename only.
        kind: `edit` is text that changed line by line (perhaps with its executable bit), `mode` a
            change of the mode alone or of the file's type, `binary` a content that has no lines
            (binary data, a symlink's target, a submodule's commit).
        old: the old version; None for a creation.
        new: the new version; None for a deletion.
    """

    path: str
    old_path: str | None
    kind: DifferenceKind
    old: FileVersion | None
    new: FileVersion | None


def is_binary(data: bytes) -> bool:
    """Tell whether git would call it binary: a NUL in its first 8,000 bytes."""
    return b"\0" in data[:8000]


def is_plain_file(mode: int) -> bool:
    """Tell a file with content of its own from symlinks, submodules and directories."""
    return stat.S_ISREG(mode)


def path_to_bytes(path: str) -> bytes:
    """Encode a path as git stores it."""
    return path.encode("utf-8", "surrogateescape")


def path_from_bytes(raw: bytes) -> str:
    """Decode a path as git stores it."""
    return raw.decode("utf-8", "surrogateescape")
