"""How two commits differ, file by file, with renames found and each kind named.

Reads only. Renames are libgit2's: at least half of the lines alike.
"""

import stat

import pygit2
from pygit2.enums import DeltaStatus, DiffFind

from longshift.repository.files import (
    DifferenceKind,
    FileDifference,
    FileVersion,
    is_binary,
    is_plain_file,
    path_from_bytes,
)
from longshift.repository.objects import Objects
from longshift.repository.trees import TreeChange, TreeEntry, Trees


def compare(objects: Objects, trees: Trees, old: str, new: str) -> list[FileDifference]:
    """Compare two commits; differences in the order of the paths where files are now."""
    old_tree, new_tree = objects.tree_of(old), objects.tree_of(new)
    changes = {change.path: change for change in trees.changes(old_tree, new_tree)}
    renames = _renames(objects, old_tree, new_tree) if _may_hold_renames(changes) else {}
    differences = [
        _rename(objects, changes[old_path], changes[new_path])
        for new_path, old_path in renames.items()
    ]
    settled = {*renames.keys(), *renames.values()}
    differences += [
        _difference(objects, change) for change in changes.values() if change.path not in settled
    ]
    return sorted(differences, key=lambda difference: difference.path)


def _may_hold_renames(changes: dict[str, TreeChange]) -> bool:
    created = any(change.old is None for change in changes.values())
    return created and any(change.new is None for change in changes.values())


def _renames(objects: Objects, old_tree: str, new_tree: str) -> dict[str, str]:
    """Give the old path of each renamed file by its new one."""
    objects.put_down()  # libgit2 reads the disk
    repository = objects.repository
    diff = (
        repository[old_tree]
        .peel(pygit2.Tree)
        .diff_to_tree(repository[new_tree].peel(pygit2.Tree), context_lines=0)
    )
    diff.find_similar(DiffFind.FIND_RENAMES)
    return {
        path_from_bytes(delta.new_file.raw_path): path_from_bytes(delta.old_file.raw_path)
        for delta in diff.deltas
        if delta.status == DeltaStatus.RENAMED
    }


def _rename(objects: Objects, left: TreeChange, came: TreeChange) -> FileDifference:
    old, new = _version(objects, left.old), _version(objects, came.new)
    return FileDifference(came.path, left.path, "rename", old, new)


def _difference(objects: Objects, change: TreeChange) -> FileDifference:
    old, new = _version(objects, change.old), _version(objects, change.new)
    return FileDifference(change.path, None, _kind(old, new), old, new)


def _kind(old: FileVersion | None, new: FileVersion | None) -> DifferenceKind:
    if old is None:
        return "create"
    if new is None:
        return "delete"
    if old.oid == new.oid or stat.S_IFMT(old.mode) != stat.S_IFMT(new.mode):
        return "mode"
    if not is_plain_file(new.mode) or is_binary(old.data) or is_binary(new.data):
        return "binary"
    return "edit"


def _version(objects: Objects, entry: TreeEntry | None) -> FileVersion | None:
    return None if entry is None else objects.read_version(entry.mode, entry.oid)
