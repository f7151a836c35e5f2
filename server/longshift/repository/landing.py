"""Putting a worker's edits on a head that has moved on since.

Owns the choice of the cheapest merge that is right, and the refusal to lose a landed line. Makes
commits; moves no ref: the caller's `ObjectStore.swap_head` does, and calls again where it failed.
Idempotent: edits that the head already holds make no commit.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from longshift.repository.files import Edits, FileEdit, FileVersion
from longshift.repository.merge import (
    Revision,
    TreeMerge,
    are_texts,
    keeps_landed_lines,
    merge_trees,
    plain_path,
)
from longshift.repository.store import ObjectStore
from longshift.repository.text_merge import mark_conflict, merge_contents
from longshift.repository.trees import TreeEntry


@dataclass(frozen=True)
class Submission:
    """What a worker hands in.

    Attributes:
        base: the commit that its workspace lay over.
        edits: its edits by path; None deletes.
        message: of the commit to be made.
    """

    base: str
    edits: Mapping[str, FileEdit | None]
    message: str


@dataclass(frozen=True)
class Merged:
    """A submission that fits.

    Attributes:
        commit: the head with the edits, its parent the head; the head itself where it holds them.
        paths: what differs from the head, sorted.
    """

    commit: str
    paths: tuple[str, ...]


@dataclass(frozen=True)
class Conflict:
    """A submission that clashes with what has landed.

    Attributes:
        paths: the files that clash, sorted.
        head: the commit to work on from here.
        edits: what to lay over `head`: all that fits, and clashing text between conflict markers
            (`head`, `base`, `yours`). A clashing file without lines is laid as the worker has it;
            one that the worker deleted and someone else changed is left as it stands at `head`;
            one that meets a folder, or a folder that meets a file, lies beside it as `…~yours`.
        notes: a sentence for the worker on each clash.
    """

    paths: tuple[str, ...]
    head: str
    edits: Mapping[str, FileEdit | None]
    notes: tuple[str, ...]


def merge_submission(
    store: ObjectStore, head: str, submission: Submission, *, when: int
) -> Merged | Conflict:
    """Merge a submission into a head.

    Files that the head has not touched since the submission's base are put in place, whatever the
    tree's size. A file that both changed is merged by lines. Where the head deleted or moved one,
    or a file meets a folder, whole trees are merged with renames followed. A merge of lines counts
    only if `keeps_landed_lines` certifies it.

    Args:
        store: where it all is.
        head: the run's head.
        submission: edits on an earlier (or the same) head.
        when: the commit's time in seconds since 1970.
    """
    base = submission.base
    edits = _real_edits(store, base, submission.edits)
    if head == base:
        return _commit(store, head, edits, submission.message, when)
    if any(_needs_trees(store, base, head, path, edit) for path, edit in edits.items()):
        return _merge_whole(store, head, base, edits, submission.message, when)
    laid, clashes = _merge_files(store, base, head, edits)
    if clashes:
        return Conflict(tuple(sorted(clashes)), head, laid, tuple(clashes.values()))
    return _commit(store, head, laid, submission.message, when)


def foreseen_conflict(store: ObjectStore, head: str, submission: Submission) -> Conflict | None:
    """The conflict that `merge_submission` would give; makes nothing.

    None as well where only a merge of whole trees could tell.
    """
    base = submission.base
    edits = _real_edits(store, base, submission.edits)
    if head == base or any(_needs_trees(store, base, head, *one) for one in edits.items()):
        return None
    laid, clashes = _merge_files(store, base, head, edits)
    return (
        Conflict(tuple(sorted(clashes)), head, laid, tuple(clashes.values())) if clashes else None
    )


# Files.


def _merge_files(
    store: ObjectStore, base: str, head: str, edits: Edits
) -> tuple[dict[str, FileEdit | None], dict[str, str]]:
    """What to lay over the head, and by path how the two sides clash where they do."""
    laid: dict[str, FileEdit | None] = {}
    clashes: dict[str, str] = {}
    for path, edit in edits.items():
        if store.find(base, path) == store.find(head, path):
            laid[path] = edit
            continue
        versions = store.read_file(base, path), store.read_file(head, path)
        laid[path], clash = _merge_file(store, *versions, edit)
        if clash:
            clashes[path] = f"{path}: {clash}"
    return _real_edits(store, head, laid), clashes


def _merge_file(
    store: ObjectStore, base: FileVersion | None, head: FileVersion | None, yours: FileEdit | None
) -> tuple[FileEdit | None, str]:
    """Merge one file that both sides changed; the second value says how they clash, or is ""."""
    present = head.as_edit() if head else None
    if yours == present:
        return yours, ""
    if yours is None or head is None:
        # `head` is None here for a new file only; deletions by the head went to whole trees.
        return present, "you deleted it, but it has changed since; it stands as it is at the head"
    mode = yours.mode if base and head.mode == base.mode else head.mode
    if yours.data == head.data:
        return FileEdit(head.data, mode), ""
    if not are_texts(base, head, yours):
        return yours, "both changed it and it has no lines to merge; yours stands here"
    before = base.data if base else b""
    merged = merge_contents(store, before, head.data, yours.data) if base else None
    revision = Revision(before, head.data, yours.data, merged)
    if merged is not None and keeps_landed_lines([revision]):
        return FileEdit(merged, mode), ""
    marked = mark_conflict(store, before, head.data, yours.data)
    return FileEdit(marked, mode), "both changed the same lines; resolve between the markers"


# Whole trees.


def _needs_trees(
    store: ObjectStore, base: str, head: str, path: str, edit: FileEdit | None
) -> bool:
    """Tell whether renames, folders or deletions of the head touch this edit."""
    before, now = store.find(base, path), store.find(head, path)
    if before is not None and now is None:
        return True  # deleted or moved by the head
    if edit is None:
        return before != now  # perhaps moved by the worker, and changed by the head
    if now is not None and now.is_tree:
        return True  # a folder has come where the file should be
    return now is None and _folder_changed(store, base, head, path)


def _folder_changed(store: ObjectStore, base: str, head: str, path: str) -> bool:
    """Tell whether the folder for a new file is gone, or has become a file, at the head."""
    folder = path.rpartition("/")[0]
    while folder:
        before, now = store.find(base, folder), store.find(head, folder)
        if now is not None:
            return not now.is_tree
        if before is not None:
            return True
        folder = folder.rpartition("/")[0]
    return False


def _merge_whole(
    store: ObjectStore, head: str, base: str, edits: Edits, message: str, when: int
) -> Merged | Conflict:
    base_tree, head_tree = store.objects.tree_of(base), store.objects.tree_of(head)
    merged = merge_trees(store, base_tree, head_tree, store.write_edits(base_tree, edits))
    changes = _edits_between(store, head_tree, merged.tree)
    if not merged.stages and keeps_landed_lines(_revisions(store, base, head, edits, changes)):
        return _commit(store, head, changes, message, when)
    if not merged.stages:
        return _whole_clash(store, head, edits)
    return _conflict_of_trees(store, head, merged, changes)


def _revisions(
    store: ObjectStore, base: str, head: str, edits: Edits, changes: Edits
) -> list[Revision]:
    revisions = []
    for path in sorted({*edits, *changes}):
        before, now = store.read_file(base, path), store.read_file(head, path)
        present = now.as_edit() if now else None
        original = before.as_edit() if before else None
        files = (original, present, edits.get(path, original), changes.get(path, present))
        if are_texts(*files):
            revisions.append(Revision(*(file.data if file else None for file in files)))
    return revisions


def _whole_clash(store: ObjectStore, head: str, edits: Edits) -> Conflict:
    """Hand everything back: git merged it, but lines of the head would be lost."""
    note = "merging would lose lines that landed meanwhile; compare your files with the head"
    return Conflict(tuple(sorted(edits)), head, _layable(store, head, edits), (note,))


def _conflict_of_trees(
    store: ObjectStore, head: str, merged: TreeMerge, changes: Edits
) -> Conflict:
    laid = {path: edit for path, edit in changes.items() if plain_path(path) not in merged.stages}
    for path, stages in merged.stages.items():
        if 3 in stages:
            laid[path] = _laid_form(store, stages)
    return Conflict(tuple(sorted(merged.stages)), head, _layable(store, head, laid), merged.notes)


def _laid_form(store: ObjectStore, stages: Mapping[int, TreeEntry]) -> FileEdit:
    """Give the worker's version, between markers where the head has a text there too."""
    base, head, yours = (
        store.version(stages[stage]) if stage in stages else None for stage in (1, 2, 3)
    )
    assert yours is not None
    if head is None or not are_texts(base, head, yours):
        return yours.as_edit()
    merged, _clash = _merge_file(store, base, head, yours.as_edit())
    assert merged is not None
    return merged


def _layable(store: ObjectStore, head: str, edits: Edits) -> dict[str, FileEdit | None]:
    """Give edits that can lie over the head: files that meet a folder lie beside it."""
    free = {
        path if edit is None else _free_path(store, head, path): edit
        for path, edit in edits.items()
    }
    return _real_edits(store, head, free)


def _free_path(store: ObjectStore, head: str, path: str) -> str:
    """Give the path, or one with `~yours` where the head has a folder there or a file above."""
    parts = path.split("/")
    for depth in range(1, len(parts) + 1):
        upper = "/".join(parts[:depth])
        present = store.find(head, upper)
        if present is not None and present.is_tree == (depth == len(parts)):
            return "/".join([f"{upper}~yours", *parts[depth:]])
    return path


# Edits.


def _commit(store: ObjectStore, head: str, edits: Edits, message: str, when: int) -> Merged:
    if not edits:
        return Merged(head, ())
    commit = store.commit_edits(head, edits, message, when=when)
    return Merged(commit, tuple(sorted(edits)))


def _real_edits(store: ObjectStore, commit: str, edits: Edits) -> dict[str, FileEdit | None]:
    """Leave out what the commit already holds: carried along, it would undo what others did."""
    real: dict[str, FileEdit | None] = {}
    for path, edit in edits.items():
        version = store.read_file(commit, path)
        if edit != (version.as_edit() if version else None):
            real[path] = edit
    return real


def _edits_between(store: ObjectStore, old: str, new: str) -> dict[str, FileEdit | None]:
    return {
        change.path: None if change.new is None else store.version(change.new).as_edit()
        for change in store.trees.changes(old, new)
    }
