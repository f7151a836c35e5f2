"""The files that commands find and leave, in words that no version store owns.

Owns the vocabulary between the pool and its callers. Touches no disk.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

FILE, EXECUTABLE, SYMLINK, SUBMODULE = 0o100644, 0o100755, 0o120000, 0o160000
"""git's modes of files."""

Ignored = Callable[[str], bool]
"""Whether a path that a command made is a leftover and no edit. Called with `a/b.pyc` for files
and `a/b/` for folders; what is in an ignored folder is not looked at. Never asked of the tree's
own files."""


@dataclass(frozen=True, slots=True)
class FileState:
    """A file of a tree, without its content."""

    mode: int
    """git's: 0o100644, 0o100755, or 0o120000 for a symlink. Submodules are left out."""

    content_id: str
    """Equal ids mean equal bytes."""


class FileTree(Protocol):
    """The files that a command is to find. Called in a thread, by one at a time."""

    def files(self) -> Mapping[str, FileState]:
        """All files by path: relative, `/`-separated, undecodable bytes as surrogate escapes."""

    def read(self, path: str) -> bytes:
        """A file's content; a symlink's target."""


@dataclass(frozen=True, slots=True)
class WrittenFile:
    """A file as a command left it."""

    mode: int
    content: bytes
    """A symlink's target, where `mode` is 0o120000. It may point anywhere: it is data."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What a command did to the files of its checkout."""

    written: Mapping[str, WrittenFile] = field(default_factory=dict)
    deleted: frozenset[str] = frozenset()
    left_out: tuple[str, ...] = ()
    """Paths whose change is too much to take over: more than 10,000 files or 64 MiB in all, or
    nested more than 64 deep. At most 1,000 are named."""
