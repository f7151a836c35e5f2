"""Three-way merges of one file's lines.

Owns which engine merges what: libgit2 for UTF-8 contents, in memory; `git merge-file` for other
text and for conflict markers. Writes no object and looks at no configuration of the person's.
"""

import hashlib
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pygit2
from pygit2.enums import FileMode, ObjectType

from longshift.repository.files import is_binary
from longshift.repository.gitcommand import OWN_RULES, run_git
from longshift.repository.hunks import shared
from longshift.repository.store import ObjectStore

APART_BYTES: Final = 4_000
"""Between two edits that can't touch, wherever in their lines a comparison puts them."""
_MAX_CONFLICTS: Final = 128  # merge-file's status is the number of conflicts; above is an error


def merge_contents(store: ObjectStore, base: bytes, ours: bytes, theirs: bytes) -> bytes | None:
    """Merge two texts line by line; None where they clash or any of them is binary."""
    if any(is_binary(data) for data in (base, ours, theirs)):
        return None
    if all(_is_utf8(data) for data in (base, ours, theirs)):
        return _merge_utf8(store, base, ours, theirs)
    return _merge_by_git(store, base, ours, theirs)


def merge_favouring(store: ObjectStore, base: bytes, ours: bytes, theirs: bytes) -> bytes | None:
    """Merge two texts, our lines standing wherever they clash; None where one is binary."""
    if any(is_binary(data) for data in (base, ours, theirs)):
        return None
    return _merge_file(store, base, ours, theirs, ["--ours"])[1]


def mark_conflict(store: ObjectStore, base: bytes, head: bytes, yours: bytes) -> bytes:
    """Merge two clashing texts, each clash between markers in the form of diff3.

    Markers are labelled `head`, `base` and `yours`. Where git sees no clash although the caller
    does, the whole texts stand between the markers.
    """
    style = ["--diff3", "-L", "head", "-L", "base", "-L", "yours"]
    status, merged = _merge_file(store, base, head, yours, style)
    if status:
        return merged
    parts = [b"<<<<<<< head\n", _ended(head), b"||||||| base\n", _ended(base)]
    return b"".join([*parts, b"=======\n", _ended(yours), b">>>>>>> yours\n"])


def are_apart(base: bytes, one: bytes, other: bytes) -> bool:
    """Whether two edits of a text are so far from each other that they merge.

    Told in a fraction of the time of a merge.
    """
    (first, first_end), (second, second_end) = _place(base, one), _place(base, other)
    return first_end + APART_BYTES < second or second_end + APART_BYTES < first


def _place(base: bytes, new: bytes) -> tuple[int, int]:
    start, end = shared(base, new)
    return start, len(base) - end


class _Held(pygit2.OdbBackend):
    """Blobs that are in memory for as long as one merge takes."""

    def __init__(self) -> None:
        super().__init__()
        self._blobs: dict[bytes, bytes] = {}

    def hold(self, data: bytes) -> pygit2.IndexEntry:
        """Take a text in; gives what a merge names it by."""
        oid = hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).digest()
        self._blobs[oid] = data
        return pygit2.IndexEntry("file", pygit2.Oid(raw=oid), FileMode.BLOB)

    def clear(self) -> None:
        """Let go of all."""
        self._blobs.clear()

    def read_cb(self, oid: pygit2.Oid) -> tuple[int, bytes]:
        """Called by libgit2 for what a merge reads."""
        return ObjectType.BLOB, self._blobs[oid.raw]


class _Bench(threading.local):
    """A repository of nothing but what is being merged, one for each thread."""

    def __init__(self) -> None:
        self.held = _Held()
        self.repository = pygit2.Repository()
        objects = pygit2.Odb()
        objects.add_backend(self.held, 1)
        self.repository.set_odb(objects)


_BENCH: Final = _Bench()


def _merge_utf8(store: ObjectStore, base: bytes, ours: bytes, theirs: bytes) -> bytes | None:
    held = _BENCH.held
    try:
        ancestor, our, their = (held.hold(data) for data in (base, ours, theirs))
        result = _BENCH.repository.merge_file_from_index(ancestor, our, their)
    except RuntimeError:  # pygit2 1.21 can't hand over a merge of which not one byte is left
        return _merge_by_git(store, base, ours, theirs)
    finally:
        held.clear()
    return result.contents.encode("utf-8") if result.automergeable else None


def _merge_by_git(store: ObjectStore, base: bytes, ours: bytes, theirs: bytes) -> bytes | None:
    status, merged = _merge_file(store, base, ours, theirs, [])
    return merged if status == 0 else None


def _merge_file(
    store: ObjectStore, base: bytes, ours: bytes, theirs: bytes, options: Sequence[str]
) -> tuple[int, bytes]:
    """Run `git merge-file`; gives the number of clashes and the merged text."""
    with tempfile.TemporaryDirectory(prefix="merge-", dir=store.git_dir) as name:
        folder = Path(name)
        for part, data in (("ours", ours), ("base", base), ("theirs", theirs)):
            (folder / part).write_bytes(data)
        arguments = ["merge-file", "-p", "-q", *options, "ours", "base", "theirs"]
        answer = run_git(
            arguments, cwd=folder, configuration=OWN_RULES, accept=range(_MAX_CONFLICTS)
        )
    return answer.status, answer.output


def _is_utf8(data: bytes) -> bool:
    if b"\0" in data:  # pygit2 cuts the merged text there
        return False
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _ended(data: bytes) -> bytes:
    return data if not data or data.endswith(b"\n") else data + b"\n"
