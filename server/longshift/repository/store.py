"""The private store: where agents' objects and run heads live, beside the person's repository.

Owns the bare repository at `<common git dir>/longshift/objects.git`, whose `alternates` lead to the
person's objects. Never writes to the person's repository: `publishing` alone does, through
`publish` and `forget`. Usable from several threads at once.
"""

import contextlib
import re
import shutil
import tempfile
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import pygit2

from longshift.errors import NeedsPerson
from longshift.repository import publishing
from longshift.repository.differences import compare
from longshift.repository.files import SUBMODULE, Edits, FileDifference, FileEdit, FileVersion
from longshift.repository.handles import open_repository, refs_of
from longshift.repository.leftovers import remove_leftovers
from longshift.repository.loose import swap_ref
from longshift.repository.marks import Marks
from longshift.repository.objects import Objects
from longshift.repository.trees import TreeChange, TreeEntry, Trees
from longshift.repository.worktree import Worktree

# Relative to objects.git/objects, so that the repository may be moved or renamed.
_ALTERNATES: Final = "../../../objects\n"
_NAME: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_-]|\.(?!\.|lock$|$))*")


class ObjectStore:
    """Objects, commits and heads that agents make. Get one from `open`; `close` it at the end."""

    def __init__(self, worktree: Worktree, git_dir: Path) -> None:
        self.worktree = worktree
        self.git_dir = git_dir
        self.objects = Objects(git_dir)
        self.trees = Trees(self.objects)
        self.marks = Marks(git_dir)
        self._refs_lock = threading.Lock()
        self._packs_lock = threading.Lock()
        """Two repacks at once would each take the other's packs away."""

    @classmethod
    def open(cls, worktree: Worktree) -> "ObjectStore":
        """Open a worktree's store, making it where there is none.

        Raises:
            NeedsPerson: it can't be made or opened.
        """
        git_dir = worktree.state_dir / "objects.git"
        try:
            _prepare(worktree, git_dir)
        except (OSError, pygit2.GitError) as error:
            raise NeedsPerson(
                f"Longshift's store at {git_dir} can't be opened: {error}. Your files, branches "
                "and index were not touched. Make the folder writable, or delete "
                f"{worktree.state_dir} to forget every run and start anew."
            ) from error
        return cls(worktree, git_dir)

    def close(self) -> None:
        """Let go of files and memory; the store may be used again and opens itself anew."""
        self.objects.close()

    def forget_read(self) -> None:
        """Let go of the memory that hundreds of agents' reads and landings fill."""
        self.objects.clear()
        self.trees.clear()

    def remove_stale_locks(self) -> list[Path]:
        """Remove what a killed process or a power cut left.

        That is lock files, half-written objects and packs, working folders, and loose objects that
        are empty: new objects are not fsynced, and git would take an empty one for written.

        Only for the exclusive owner of the repository's runs: another process may hold such a
        lock rightfully. Looks in the store and at `refs/longshift` of the person's repository.

        Returns:
            What was removed.
        """
        return remove_leftovers(self.git_dir, self.worktree.common_dir)

    # Reading.

    def read_file(self, commit: str, path: str) -> FileVersion | None:
        """Read one file; None where there is no file (a folder is none)."""
        entry = self.find(commit, path)
        return None if entry is None or entry.is_tree else self.version(entry)

    def find(self, commit: str, path: str) -> TreeEntry | None:
        """Give mode and id of what stands at a path, a folder included."""
        return self.trees.find(self.objects.tree_of(commit), path)

    def version(self, entry: TreeEntry) -> FileVersion:
        """Read the file that an entry of a listing stands for."""
        return self.objects.read_version(entry.mode, entry.oid)

    def list_files(self, commit: str) -> Mapping[str, TreeEntry]:
        """Give mode and id of every file by its path, in git's order; remembered by tree."""
        return self.trees.files(self.objects.tree_of(commit))

    def list_links(self, commit: str) -> Mapping[str, TreeEntry]:
        """Give mode and id of every symbolic link by its path, in git's order."""
        return self.trees.links(self.objects.tree_of(commit))

    def changed_paths(self, old: str, new: str) -> list[TreeChange]:
        """Compare two commits by path alone, without looking for renames; in path order."""
        return list(self.trees.changes(self.objects.tree_of(old), self.objects.tree_of(new)))

    def differences(self, old: str, new: str) -> list[FileDifference]:
        """Compare two commits with renames found, in the order of the new paths."""
        return compare(self.objects, self.trees, old, new)

    # Writing.

    def commit_edits(
        self,
        parent: str,
        edits: Edits,
        message: str,
        *,
        when: int,
        extra_parents: Sequence[str] = (),
    ) -> str:
        """Commit a parent's tree with some files changed; moves no ref.

        Args:
            parent: the commit to start from, and first parent.
            edits: files by path; None deletes.
            message: the commit's message.
            when: seconds since 1970; the commit's id depends on nothing else.
            extra_parents: further parents of a merge.

        Raises:
            ValueError: an edit puts a file where a folder stands, or the other way round.
        """
        tree = self.write_edits(self.objects.tree_of(parent), edits)
        return self.objects.write_commit(tree, [parent, *extra_parents], message, when)

    def write_edits(self, tree: str | None, edits: Edits) -> str:
        """Write a tree with some files changed; gives its id. Errors as `commit_edits`."""
        entries = {
            path: None if edit is None else self.write_entry(edit) for path, edit in edits.items()
        }
        return self.trees.edit(tree, entries)

    def write_entry(self, edit: FileEdit) -> TreeEntry:
        """Store a file's content; gives the entry that a tree would hold."""
        if edit.mode == SUBMODULE:
            return TreeEntry(edit.mode, edit.data.decode("ascii"))
        return TreeEntry(edit.mode, self.objects.write_blob(edit.data))

    # Heads: refs/longshift/<name>/head of the store.

    def head(self, name: str) -> str | None:
        """Give a run's head; None where it has none."""
        reference = refs_of(self.objects.repository).get(head_ref(name))
        return None if reference is None else str(reference.target)

    def is_published(self, name: str) -> bool:
        """Tell whether the person's repository has refs of a run."""
        return publishing.is_published(self.worktree, checked_name(name))

    def swap_head(self, name: str, expected: str | None, new: str) -> bool:
        """Move a run's head if it still is where the caller believes.

        Args:
            name: the run.
            expected: where the head must be; None: there must be none.
            new: where it shall be.

        Returns:
            False, with nothing changed, where the head is elsewhere.

        Raises:
            NeedsPerson: another process holds the ref's lock, or a killed one left it.
        """
        with self._refs_lock:
            try:
                return swap_ref(
                    self.git_dir / head_ref(name), new, lambda: self.head(name) == expected
                )
            except (pygit2.GitError, OSError) as error:
                return self._explain_failed_swap(name, expected, error)

    def _explain_failed_swap(self, name: str, expected: str | None, error: Exception) -> bool:
        if self.head(name) != expected:
            return False
        raise NeedsPerson(
            f"The head of {name} could not be moved: {error}. It stands where it was, and the "
            "submission's commit is kept. If no other Longshift process is at work, start again: "
            "a stale lock is then removed."
        ) from error

    # The person's repository.

    def publish(self, name: str, *, base: str, head: str) -> None:
        """Give the person's repository a run's base and head, whole; see `publishing`."""
        publishing.publish(self.objects, self.worktree, checked_name(name), base=base, head=head)

    def publish_branch(self, name: str, *, branch: str, commit: str, base: str | None) -> None:
        """Give the person's repository a new branch with a run's commits; see `publishing`."""
        publishing.publish_branch(
            self.objects,
            self.worktree,
            checked_name(name),
            branch=branch,
            commit=commit,
            base=base,
        )

    def forget(self, name: str) -> None:
        """Remove a run's refs and objects from both repositories; see `publishing`."""
        with self._packs_lock, self._refs_lock:
            publishing.forget(self.objects, self.worktree, checked_name(name))
        self.trees.clear()

    def release(self, kept: Sequence[Path]) -> None:
        """Let packs that were kept be packed anew; a ref leads to their objects by now.

        Args:
            kept: what `Objects.gathering` gave.
        """
        for mark in kept:
            mark.unlink(missing_ok=True)

    def repack(self) -> None:
        """Pack the store's objects into one pack; safe while runs go on."""
        with self._packs_lock:
            publishing.repack(self.git_dir)


def checked_name(name: str) -> str:
    """Give back a name that can be part of a ref.

    Raises:
        ValueError: it can't.
    """
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} can't be part of a ref's name")
    return name


def head_ref(name: str) -> str:
    """Give the full name of a run's head."""
    return f"refs/longshift/{checked_name(name)}/head"


def _prepare(worktree: Worktree, git_dir: Path) -> None:
    worktree.state_dir.mkdir(mode=0o700, exist_ok=True)
    if not (git_dir / "HEAD").is_file():
        _make(git_dir)
    _write_atomically(git_dir / "objects" / "info" / "alternates", _ALTERNATES.encode())
    shallow = worktree.common_dir / "shallow"
    if shallow.is_file():
        # Without it git would look for the parents that a shallow clone leaves out.
        _write_atomically(git_dir / "shallow", shallow.read_bytes())
    open_repository(git_dir)  # or it would be found out at the first read


def _make(git_dir: Path) -> None:
    """Let the bare repository appear whole, in place of what a killed process left of one."""
    draft = Path(tempfile.mkdtemp(prefix=f"{git_dir.name}.", dir=git_dir.parent))
    try:
        pygit2.init_repository(str(draft), bare=True)
        if (git_dir / "HEAD").is_file():
            return  # another process was quicker
        with contextlib.suppress(FileNotFoundError):
            git_dir.rename(draft / "half-made")
        draft.rename(git_dir)
        shutil.rmtree(git_dir / "half-made", ignore_errors=True)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _write_atomically(path: Path, data: bytes) -> None:
    if path.is_file() and path.read_bytes() == data:
        return
    path.parent.mkdir(exist_ok=True)
    draft = path.with_name(path.name + ".new")
    draft.write_bytes(data)
    draft.replace(path)
