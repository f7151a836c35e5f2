"""Writing git's loose objects and refs by the plain calls of the operating system.

libgit2 would do it as well, but pygit2 holds Python's one lock all the while, also as long as the
disk is busy with the journal: an editor's key would wait for another agent's landing. Owns the
form in which they are written. Must never look into what it writes.
"""

import hashlib
import os
import tempfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Final, Literal

Kind = Literal["blob", "tree", "commit", "tag"]

DRAFT: Final = "tmp_obj_"
"""How the name of a half-written object begins, as git's own do."""


def write_object(folder: str, kind: Kind, data: bytes) -> str:
    """Store an object where it is not a loose one yet; gives its id.

    Not fsynced, which would double the cost of a landing. The journal is what is made durable;
    after a power cut the store drops objects left empty, and recovery lands anew what they held.
    Publishing is fsynced.

    Args:
        folder: the `objects` folder of a repository.
        kind: what it is.
        data: its content, in git's own form.
    """
    raw = _raw(kind, data)
    oid = hashlib.sha1(raw, usedforsecurity=False).hexdigest()
    place = os.path.join(folder, oid[:2], oid[2:])  # noqa: PTH118 -- many: a Path costs more than the call
    if not _has_content(place):
        _put(place, zlib.compress(raw))
    return oid


def has_object(folder: str, oid: str) -> bool:
    """Whether an object stands in an `objects` folder as a loose one."""
    return _has_content(os.path.join(folder, oid[:2], oid[2:]))  # noqa: PTH118 -- as above


def object_id(kind: Kind, data: bytes) -> str:
    """The id that git gives an object."""
    return hashlib.sha1(_raw(kind, data), usedforsecurity=False).hexdigest()


def swap_ref(place: Path, new: str, may_move: Callable[[], bool]) -> bool:
    """Give a ref another target, under the lock that every git program keeps to.

    Args:
        place: the ref's file; its lock stands beside it.
        new: the object's id.
        may_move: asked once the lock is held, so that nobody moves it in between.

    Returns:
        What `may_move` said; only if True was anything changed.

    Raises:
        FileExistsError: another process holds the lock, or a killed one left it.
    """
    lock = place.with_name(place.name + ".lock")
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("x", encoding="ascii") as draft:
        try:
            if not may_move():
                lock.unlink()
                return False
            draft.write(f"{new}\n")
            draft.close()
            lock.replace(place)
        except BaseException:
            lock.unlink(missing_ok=True)
            raise
    return True


def _raw(kind: Kind, data: bytes) -> bytes:
    return b"%b %d\0%b" % (kind.encode("ascii"), len(data), data)


def _has_content(place: str) -> bool:
    """Whether a file is there; an empty one was cut off by a power cut, and is written anew."""
    try:
        return os.stat(place).st_size > 0  # noqa: PTH116 -- as above
    except FileNotFoundError:
        return False


def _put(place: str, packed: bytes) -> None:
    """Let a file appear whole, and read-only as git's are."""
    folder = os.path.dirname(place)  # noqa: PTH120 -- as above
    try:
        handle, draft = tempfile.mkstemp(prefix=DRAFT, dir=folder)
    except FileNotFoundError:
        os.makedirs(folder, exist_ok=True)  # noqa: PTH103 -- as above
        handle, draft = tempfile.mkstemp(prefix=DRAFT, dir=folder)
    with open(handle, "wb") as file:  # noqa: PTH123 -- as above
        file.write(packed)
        os.fchmod(handle, 0o444)
    os.replace(draft, place)  # noqa: PTH105 -- as above
