"""Raw git objects: reading any, writing into the private store alone.

Owns the pygit2 handles, one for each thread, for libgit2's are not to be shared. Writing goes
to the private store's own folder: git's usual writing skips an object that the person's database
already holds, and one that nothing of theirs refers to may be gone after their next `git gc`.
What is written together may be gathered in memory first, and becomes one pack.
"""

import contextlib
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import pygit2
from pygit2.enums import ObjectType

from longshift.errors import NeedsPerson
from longshift.repository.cache import Cache
from longshift.repository.files import SUBMODULE, FileVersion
from longshift.repository.handles import open_repository
from longshift.repository.loose import Kind, has_object, write_object
from longshift.repository.packs import Gathering, PackedIds


class MissingObject(NeedsPerson, KeyError):
    """An object that a run stands on is gone."""

    __str__ = Exception.__str__  # a KeyError's would quote the sentence


AUTHOR: Final = "Longshift <longshift@localhost>"
_KINDS: Final[dict[int, Kind]] = {
    ObjectType.BLOB: "blob",
    ObjectType.TREE: "tree",
    ObjectType.COMMIT: "commit",
    ObjectType.TAG: "tag",
}
_BLOB_CACHE_BYTES: Final = 64 * 1024 * 1024
_TREE_CACHE_BYTES: Final = 8 * 1024 * 1024


class _OfThread(threading.local):
    """What each thread has for itself."""

    repository: pygit2.Repository | None = None
    gathering: Gathering | None = None
    kept: list[Path]
    """Marks of the packs that came of what is being gathered."""


class Objects:
    """The private bare repository's object database, with the person's behind it."""

    def __init__(self, git_dir: Path) -> None:
        self.git_dir = git_dir
        self._folder = str(git_dir / "objects")
        self._local = _OfThread()
        self._blobs: Cache[str, bytes] = Cache(_BLOB_CACHE_BYTES, size=lambda data: len(data) + 100)
        self._trees: Cache[str, bytes] = Cache(_TREE_CACHE_BYTES, size=lambda raw: len(raw) + 100)
        self._trees_of_commits: Cache[str, str] = Cache(10_000)

    @property
    def repository(self) -> pygit2.Repository:
        """This thread's handle of the private repository."""
        if self._local.repository is None:
            self._local.repository = open_repository(self.git_dir)
        return self._local.repository

    def read_blob(self, oid: str) -> bytes:
        """Read a blob's bytes."""
        return self._blobs.get(oid, self._read)

    def read_version(self, mode: int, oid: str) -> FileVersion:
        """Read what a tree's entry for a file stands for."""
        data = oid.encode("ascii") if mode == SUBMODULE else self.read_blob(oid)
        return FileVersion(mode, data, oid)

    def read_tree(self, oid: str) -> bytes:
        """Read a tree as git stores it."""
        return self._trees.get(oid, self._read)

    def tree_of(self, commit: str) -> str:
        """Give the id of a commit's tree."""
        return self._trees_of_commits.get(commit, self._tree_of)

    def parents_of(self, commit: str) -> list[str]:
        """Give the ids of a commit's parents, first parent first."""
        header = self._read(commit).split(b"\n\n", 1)[0]
        return [
            line[7:].decode("ascii") for line in header.split(b"\n") if line.startswith(b"parent ")
        ]

    def write_blob(self, data: bytes) -> str:
        """Store a blob; gives its id."""
        oid = self._write("blob", data)
        self._blobs.put(oid, data)  # what is written is read again soon: merged, compared, shown
        return oid

    def write_tree(self, raw: bytes) -> str:
        """Store a tree given in git's own form; gives its id."""
        oid = self._write("tree", raw)
        self._trees.put(oid, raw)
        return oid

    def write_commit(self, tree: str, parents: list[str], message: str, when: int) -> str:
        """Store a commit by Longshift; gives its id.

        Args:
            tree: the tree's id.
            parents: the parents' ids, in order.
            message: made to end in one line end.
            when: seconds since 1970, in UTC.
        """
        who = f"{AUTHOR} {when} +0000"
        return self.write_commit_as(tree, parents, message, who, who)

    def write_commit_as(
        self, tree: str, parents: list[str], message: str, author: str, committer: str
    ) -> str:
        """Store a commit by somebody; gives its id.

        Args:
            tree: the tree's id.
            parents: the parents' ids, in order.
            message: made to end in one line end.
            author: as git writes it, `Name <address> SECONDS +0000`.
            committer: the same.
        """
        header = [f"tree {tree}", *(f"parent {parent}" for parent in parents)]
        header += [f"author {author}", f"committer {committer}"]
        text = message.replace("\0", "").rstrip("\n") + "\n"
        raw = "\n".join([*header, "", text]).encode("utf-8", "replace")
        commit = self._write("commit", raw)
        self._trees_of_commits.put(commit, tree)
        return commit

    @contextlib.contextmanager
    def gathering(self) -> Iterator[list[Path]]:
        """Hold in memory what this thread writes within, and write it as one pack at the end.

        This thread reads it meanwhile as if it stood on the disk; `git` and other threads do not.

        Yields:
            A list that holds, at the end, the marks which keep the new packs from being tidied
            away: to be unlinked once a ref leads to the objects.
        """
        assert self._local.gathering is None, "one gathering at a time"
        self._local.gathering, self._local.kept = Gathering(), []
        try:
            yield self._local.kept
            self.put_down()
        finally:
            self._local.gathering = None

    def put_down(self) -> None:
        """Write what has been gathered so far, for who reads the disk."""
        if self._local.gathering is not None:
            with self._explained():
                kept = self._local.gathering.write(self.git_dir / "objects" / "pack")
            self._local.kept += [kept] if kept else []

    def own(self, oids: Iterable[str]) -> None:
        """Copy objects into the private store that do not stand there yet."""
        # Not asked of libgit2: what pygit2 makes of one folder without the alternates behind it is
        # never let go of again, and would hold every pack open that was ever there.
        packed = PackedIds(self.git_dir / "objects" / "pack")
        for oid in oids:
            if oid not in packed and not has_object(self._folder, oid):
                kind, data = self.repository.odb.read(oid)
                write_object(self._folder, _KINDS[kind], data)

    def exists(self, oid: str) -> bool:
        """Tell whether an object can be read, from either database."""
        return oid in self.repository.odb

    def close(self) -> None:
        """Let go of every thread's handle and of what is remembered."""
        self._local = _OfThread()
        self.clear()

    def clear(self) -> None:
        """Forget what was read and written; it is read again where it is needed."""
        self._blobs.clear()
        self._trees.clear()
        self._trees_of_commits.clear()

    def _write(self, kind: Kind, data: bytes) -> str:
        gathering = self._local.gathering
        if gathering is None:
            with self._explained():
                return write_object(self._folder, kind, data)
        oid = gathering.add(kind, data)
        if gathering.is_full:
            self.put_down()
        return oid

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise NeedsPerson(
                f"What agents made could not be stored in {self.git_dir}: "
                f"{error.strerror or error}. What landed is kept, and no file of yours was "
                "touched. Free some space or make the folder writable, then resume the run."
            ) from error

    def _read(self, oid: str) -> bytes:
        gathering = self._local.gathering
        if gathering is not None and (held := gathering.find(oid)) is not None:
            return held
        try:
            data: bytes = self.repository.odb.read(oid)[1]
        except KeyError as error:
            raise MissingObject(
                f"Git's object {oid} is missing from {self.git_dir} and from the repository behind "
                "it: somebody deleted it, or a pack. Nothing was changed. Bring the folder "
                "`objects` back from a backup, or from a clone with `git fetch`, then resume the "
                "run; or give it up with `longshift stop` and `longshift forget`."
            ) from error
        return data

    def _tree_of(self, commit: str) -> str:
        # A commit always opens with "tree <hex>\n".
        return self._read(commit)[5:45].decode("ascii")
