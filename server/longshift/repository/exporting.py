"""A line of commits for the person's repository, each a few files' difference on the one before.

Owns the merge of each difference into files that it was not made on, and the refusal where it does
not fit. Makes commits in the private store and, at the very end, one new branch; HEAD, index,
working tree and every other ref stay as they are.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from longshift.errors import UsageError
from longshift.repository.files import Edits, FileEdit, FileVersion, is_plain_file
from longshift.repository.gitcommand import run_git
from longshift.repository.person import Identity
from longshift.repository.store import ObjectStore
from longshift.repository.text_merge import merge_contents
from longshift.repository.worktree import Worktree


@dataclass(frozen=True, slots=True)
class FileStep:
    """What one change does to one file.

    Attributes:
        path: where the file is afterwards; for a deletion, where it was.
        old_path: where it was before.
        old: the file before; None: there was none.
        new: the file afterwards; None: there is none.
    """

    path: str
    old_path: str
    old: FileEdit | None
    new: FileEdit | None


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit to be made: what it does, and its message."""

    name: str
    """What it is called where it does not fit."""
    steps: tuple[FileStep, ...]
    message: str


class DoesNotFit(Exception):
    """A difference was made on text that is not there."""

    def __init__(self, name: str, path: str) -> None:
        """Say which commit, and which file."""
        super().__init__(f"{name} does not fit {path}")
        self.name = name
        self.path = path


def check_branch(worktree: Worktree, name: str) -> None:
    """Refuse a branch that can't be made.

    Raises:
        UsageError: git allows no such name, there is such a branch, or HEAD is waiting for it.
        NeedsPerson: git failed.
    """
    ref = f"refs/heads/{name}"
    # git would make another name of an abbreviation such as `@{-1}`.
    sound = name.isprintable() and not name.startswith("-")
    answer = run_git(
        ["check-ref-format", "--branch", name if sound else "@"],
        cwd=worktree.root,
        accept=range(256),
    )
    if answer.status != 0 or answer.output.decode("utf-8", "replace").strip() != name:
        raise UsageError(
            f"{name!r} is no name of a branch by git's rules. Nothing was made. Choose one such "
            "as `longshift/retry`."
        )
    known = run_git(
        ["for-each-ref", "--format=%(refname)", ref, "refs/heads/"], cwd=worktree.root
    ).output.decode("utf-8", "surrogateescape")
    taken = {line.removeprefix("refs/heads/") for line in known.splitlines()}
    if name in taken or worktree.branch() == name:
        raise UsageError(
            f"There is a branch {name} already, and none is ever overwritten. Nothing was made. "
            "Name another, or delete that one yourself."
        )
    for other in taken:
        if other.startswith(f"{name}/") or name.startswith(f"{other}/"):
            raise UsageError(
                f"git can't have a branch {name} beside the branch {other}. Nothing was made. "
                "Name another."
            )


def commit_all(
    store: ObjectStore, base: str | None, commits: Sequence[Commit], who: Identity
) -> list[tuple[Commit, str]]:
    """Make commits, one on the other; moves no ref.

    Args:
        store: where their objects go.
        base: the commit that the first stands on; None: on nothing.
        commits: in order; one that changes nothing there is left out.
        who: makes them, with the time.

    Returns:
        Each commit that was made, with its id.

    Raises:
        DoesNotFit: a difference builds on text that is not in the base.
    """
    made: list[tuple[Commit, str]] = []
    tip, tree = base, store.objects.tree_of(base) if base else _empty_tree(store)
    for commit in commits:
        laid = tree
        for step in commit.steps:
            edits = _laid(store, laid, step)
            if edits is None:
                raise DoesNotFit(commit.name, step.path)
            try:
                laid = store.write_edits(laid, edits)
            except ValueError as error:  # a folder stands where the file should, or a file above it
                raise DoesNotFit(commit.name, step.path) from error
        if laid != tree:
            tree = laid
            tip = store.objects.write_commit_as(
                tree, [tip] if tip else [], commit.message, who.author, who.committer
            )
            made.append((commit, tip))
    return made


def _empty_tree(store: ObjectStore) -> str:
    return store.objects.write_tree(b"")


def _laid(store: ObjectStore, tree: str, step: FileStep) -> Edits | None:
    """The edits that do to a tree what was done to another; None where that does not fit."""
    here = _file(store, tree, step.old_path)
    if step.old is None:
        there = _file(store, tree, step.path)
        if step.new is None or there == step.new:
            return {}
        return {step.path: step.new} if there is None else None
    if step.new is None:
        return {step.old_path: None} if here is not None else {}
    if step.path != step.old_path:
        return _renamed(store, tree, step, here)
    if here is None:
        return None
    merged = _merged(store, step.old, here, step.new)
    return None if merged is None else {step.path: merged}


def _renamed(
    store: ObjectStore, tree: str, step: FileStep, here: FileEdit | None
) -> Mapping[str, FileEdit | None] | None:
    assert step.old is not None, "what is renamed was there"
    assert step.new is not None, "what is renamed stays"
    there = _file(store, tree, step.path)
    if here is None:
        # The person renamed it too, and has committed that.
        merged = _merged(store, step.old, there, step.new) if there is not None else None
        return None if merged is None else {step.path: merged}
    merged = _merged(store, step.old, here, step.new)
    return None if there is not None or merged is None else {step.old_path: None, step.path: merged}


def _merged(store: ObjectStore, old: FileEdit, here: FileEdit, new: FileEdit) -> FileEdit | None:
    """One file with what was done to another version of it; None where that clashes."""
    mode = new.mode if new.mode != old.mode else here.mode
    if here.data in (old.data, new.data):
        return FileEdit(new.data, mode)
    if new.data == old.data:
        return FileEdit(here.data, mode)
    if not all(is_plain_file(one.mode) for one in (old, here, new)):
        return None
    data = merge_contents(store, old.data, here.data, new.data)
    return None if data is None else FileEdit(data, mode)


def _file(store: ObjectStore, tree: str, path: str) -> FileEdit | None:
    entry = store.trees.find(tree, path)
    version: FileVersion | None = None
    if entry is not None and not entry.is_tree:
        version = store.version(entry)
    return version.as_edit() if version is not None else None
