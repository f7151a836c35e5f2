"""Three-way merges of whole trees, and the check that nothing vanished in a merge.

Owns the merge of trees with renames followed, by `git merge-tree`; single files' lines are
`text_merge`'s. Nothing here moves a ref, and no merge driver or attribute of the person's
configuration is used.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from longshift.repository.files import (
    FileEdit,
    FileVersion,
    is_binary,
    is_plain_file,
    path_from_bytes,
)
from longshift.repository.gitcommand import OWN_RULES, run_git
from longshift.repository.hunks import line_hunks
from longshift.repository.store import ObjectStore
from longshift.repository.text_merge import merge_favouring
from longshift.repository.trees import TreeEntry


@dataclass(frozen=True)
class Revision:
    """One file in the four states of a merge; None where there is no such file, or no text."""

    base: bytes | None
    head: bytes | None
    yours: bytes | None
    merged: bytes | None


def keeps_landed_lines(revisions: Iterable[Revision]) -> bool:
    r"""Certify a merge: no line that landed since the base vanishes unsaid.

    The rule, over all files of the merge together, lines being bytes up to and with `\\n` (an end
    of file counts as a line end): for every line L,

        count of L in merged  >=  count of L in head  -  times that base -> yours removes L

    where a removal is an old line of a hunk. So a line that a landed parent added is still there,
    unless the submission's own edit took such a line out of a base that had it. Files that moved
    are covered because lines are counted over all files together.
    """
    revisions = tuple(revisions)
    missing: Counter[bytes] = Counter()
    come: Counter[bytes] = Counter()
    for revision in revisions:
        head, merged = _without_common_ends(revision.head or b"", revision.merged or b"")
        missing.update(_lines(head))
        come.update(_lines(merged))
    missing -= come  # and what is not above zero is gone with it
    for revision in revisions if missing else ():
        removed = Counter(_removed_lines(revision.base or b"", revision.yours or b""))
        missing -= removed
    return not missing


@dataclass(frozen=True)
class TreeMerge:
    """What `git merge-tree` made of two trees.

    Attributes:
        tree: the merged tree; with conflicts, it holds git's own markers.
        stages: the entries of base, ours and theirs (stages 1, 2, 3) of each path in conflict; a
            file that git set aside counts under its own path.
        notes: git's sentences on the conflicts.
    """

    tree: str
    stages: dict[str, dict[int, TreeEntry]]
    notes: tuple[str, ...]


def merge_trees(store: ObjectStore, base: str, ours: str, theirs: str) -> TreeMerge:
    """Merge whole trees, given by their ids, with renames of files and folders followed."""
    # Commits made for this alone give git the merge base that we mean, whatever the history is.
    objects = store.objects
    root = objects.write_commit(base, [], "base", 0)
    head = objects.write_commit(ours, [root], "head", 0)
    yours = objects.write_commit(theirs, [root], "yours", 1)
    objects.put_down()  # git reads the disk
    arguments = ["merge-tree", "--write-tree", "-z", "--messages", head, yours]
    answer = run_git(arguments, cwd=store.git_dir, configuration=OWN_RULES, accept=(0, 1))
    tree, _, rest = answer.output.partition(b"\0")
    if answer.status == 0:
        return TreeMerge(tree.decode("ascii"), {}, ())
    entries, _, messages = rest.partition(b"\0\0")
    notes = tuple(
        _relabel(note.decode("utf-8", "replace").strip(), head, yours)
        for note in messages.split(b"\0")
        if note.startswith(b"CONFLICT")
    )
    return TreeMerge(tree.decode("ascii"), _stages(entries.split(b"\0")), notes)


def plain_path(path: str) -> str:
    """Give the path of a file that git set aside in a clash, as `path~<commit id>`."""
    return re.sub(r"~[0-9a-f]{40}(_\d+)?$", "", path)


@dataclass(frozen=True)
class FavouredMerge:
    """A whole-tree merge in which one side wins.

    Attributes:
        commit: the merge. Its first parent is `theirs`, the line of history that goes on; the
            second is `ours`. `theirs` itself where `ours` brings nothing.
        lost: paths where `theirs` lost something to `ours`, sorted.
    """

    commit: str
    lost: tuple[str, ...]


def merge_trees_favouring(
    store: ObjectStore, base: str, ours: str, theirs: str, *, message: str, when: int
) -> FavouredMerge:
    """Merge two commits, `ours` standing wherever they clash: the person's text at a cycle's start.

    Within a text, only the clashing lines are taken from `ours`; a clash of deletions, renames,
    file types or binary contents takes the whole path from `ours`.

    Args:
        store: where it all is.
        base: commit from which both come: what was last taken from the person.
        ours: the side that wins.
        theirs: the run's head.
        message: of the merge commit.
        when: its time in seconds since 1970.
    """
    objects = store.objects
    base_tree, our_tree, their_tree = map(objects.tree_of, (base, ours, theirs))
    if our_tree in (base_tree, their_tree):
        return FavouredMerge(theirs, ())
    merged = merge_trees(store, base_tree, our_tree, their_tree)
    tree, lost = _favour(store, merged, our_tree, their_tree)
    lost |= _unseen(store, merged.tree, base_tree, our_tree, their_tree)
    tree = _with_both_names(store, tree, base, ours, theirs)
    commit = objects.write_commit(tree, [theirs, ours], message, when)
    return FavouredMerge(commit, tuple(sorted(lost)))


def are_texts(*files: FileVersion | FileEdit | None) -> bool:
    """Tell whether all of these, where they exist, have lines."""
    return all(
        file is None or (is_plain_file(file.mode) and not is_binary(file.data)) for file in files
    )


# Beneath.


def _favour(
    store: ObjectStore, merged: TreeMerge, our_tree: str, their_tree: str
) -> tuple[str, set[str]]:
    """Settle each clash of a whole-tree merge for ours; gives the tree and what theirs lost."""
    ours, result = store.trees.files(our_tree), store.trees.files(merged.tree)
    clashing = merged.stages
    edits: dict[str, TreeEntry | None] = {
        path: None for path in result if plain_path(path) != path or _is_within(path, clashing)
    }
    edits |= {path: entry for path, entry in ours.items() if _is_within(path, clashing)}
    for path, stages in clashing.items():
        if entry := _favoured_text(store, stages):
            edits[path] = entry
        elif path not in ours and 2 in stages:  # theirs renamed it: our content, under their name
            edits[path] = stages[2]
    tree = store.trees.edit(merged.tree, edits)
    theirs = store.trees.files(their_tree)
    lost = {path for path in clashing if ours.get(path) != theirs.get(path)}
    return tree, lost


def _unseen(store: ObjectStore, merged: str, base: str, ours: str, theirs: str) -> set[str]:
    """Paths that a merge calls clean though all that theirs did there is gone.

    Where both sides have a file that the base has not, git merges from an empty one: to empty it
    again is nothing to git.
    """
    before, our_files, their_files, result = map(store.trees.files, (base, ours, theirs, merged))
    added = our_files.keys() - before.keys()
    return {
        path
        for path in added & their_files.keys()
        if their_files[path] != our_files[path] == result.get(path)
    }


def _with_both_names(store: ObjectStore, tree: str, base: str, ours: str, theirs: str) -> str:
    """Keep our file of a name that theirs renamed away, where we have one of the new name, too.

    Git takes both for one and the same, and what stands at the old name would be gone.
    """
    before, our_files, result = (
        store.trees.files(one) for one in (*map(store.objects.tree_of, (base, ours)), tree)
    )
    gone = {
        path: entry
        for path, entry in our_files.items()
        if path not in result and entry != before.get(path)
    }
    if not gone:
        return tree
    renamed = {one.old_path: one.path for one in store.differences(base, theirs) if one.old_path}
    kept = {path: entry for path, entry in gone.items() if renamed.get(path) in our_files}
    return store.trees.edit(tree, kept) if kept else tree


def _favoured_text(store: ObjectStore, stages: Mapping[int, TreeEntry]) -> TreeEntry | None:
    if not stages.keys() >= {1, 2, 3}:
        return None
    base, ours, theirs = (store.version(stages[stage]) for stage in (1, 2, 3))
    if not are_texts(base, ours, theirs):
        return None
    merged = merge_favouring(store, base.data, ours.data, theirs.data)
    return None if merged is None else store.write_entry(FileEdit(merged, ours.mode))


def _is_within(path: str, clashing: Mapping[str, object]) -> bool:
    parts = path.split("/")
    return any("/".join(parts[:depth]) in clashing for depth in range(1, len(parts) + 1))


def _stages(lines: Sequence[bytes]) -> dict[str, dict[int, TreeEntry]]:
    stages: dict[str, dict[int, TreeEntry]] = {}
    for line in lines:
        info, _, raw_path = line.partition(b"\t")
        mode, oid, stage = info.decode("ascii").split(" ")
        path = plain_path(path_from_bytes(raw_path))
        stages.setdefault(path, {})[int(stage)] = TreeEntry(int(mode, 8), oid)
    return stages


def _relabel(text: str, head: str, yours: str) -> str:
    return text.replace(head, "head").replace(yours, "yours")


def _without_common_ends(one: bytes, other: bytes) -> tuple[bytes, bytes]:
    """What is left of two texts without the lines at start and end that are the same in both."""
    most = min(len(one), len(other))
    start = one.rfind(b"\n", 0, _length_alike(lambda n: one[:n] == other[:n], most)) + 1
    most -= start
    end = _length_alike(lambda n: n == 0 or one[-n:] == other[-n:], most)
    # Up to behind the first line end of what is alike, so that whole lines stay.
    cut = one.find(b"\n", len(one) - end)
    end = len(one) - cut - 1 if end and cut >= 0 else 0
    return one[start : len(one) - end], other[start : len(other) - end]


def _length_alike(are_alike: Callable[[int], bool], most: int) -> int:
    """The greatest length, up to `most`, at which two texts are alike; whatever is shorter is."""
    least = 0
    while least < most:
        middle = (least + most + 1) // 2
        if are_alike(middle):
            least = middle
        else:
            most = middle - 1
    return least


def _removed_lines(base: bytes, yours: bytes) -> Iterator[bytes]:
    """The lines of a text that another form of it takes out, without their ends."""
    # Latin-1 takes every byte for one character: lossless, and only line ends matter here.
    old, new = (one.decode("latin-1") for one in _without_common_ends(base, yours))
    for hunk in line_hunks(old, new):
        for line in hunk.old_lines:
            yield line.removesuffix("\n").encode("latin-1")


def _lines(data: bytes) -> list[bytes]:
    return data.removesuffix(b"\n").split(b"\n") if data else []
