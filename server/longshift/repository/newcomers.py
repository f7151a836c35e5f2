"""Whether a new file fits beside what stands in a workspace, on every file system.

Owns the refusal of names that would be another file, or none, somewhere. Only looks: at a commit
and at edits laid over it, which may go on changing as long as `add` is told of what comes.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator

from longshift.errors import OutOfBounds
from longshift.places.spelling import folded, why_no_file
from longshift.repository.files import DIRECTORY, Edits
from longshift.repository.store import ObjectStore
from longshift.repository.trees import TreeEntry


class Newcomers:
    """Checks paths at which nothing stands yet."""

    def __init__(self, store: ObjectStore, commit: str, edits: Edits) -> None:
        self._store = store
        self._commit = commit
        self._edits = edits
        self._added: dict[str, set[str]] = defaultdict(set)  # folder: names in it
        for path, edit in edits.items():
            if edit is not None:
                self.add(path)

    def add(self, path: str) -> None:
        """Take note that a file stands at a path now."""
        while path:
            path, _, name = path.rpartition("/")
            if name in self._added[path]:
                return
            self._added[path].add(name)

    def check(self, path: str) -> None:
        """Refuse a new file that would be another one, or none, on some file system.

        Raises:
            OutOfBounds: it would.
        """
        self.check_meaning(path)
        first = next(self._missing(path), None)
        if first is None:
            return
        folder, name = first
        wanted = folded(name)
        for other in self._names_in(folder):
            there = _joined(folder, other)
            if other != name and folded(other) == wanted and self.stands(there):
                raise OutOfBounds(
                    "path", "path_like_another", path=_joined(folder, name), other=there
                )

    def check_meaning(self, path: str) -> None:
        """Refuse a path where nothing stands and that means something else on some file system.

        Raises:
            OutOfBounds: it does.
        """
        for folder, name in self._missing(path):
            if why := why_no_file(name):
                where = _joined(folder, name)
                raise OutOfBounds("path", "path_means_another", path=where, name=name, why=why)

    def stands(self, path: str) -> bool:
        """Whether a file or a folder is at a path."""
        folder, _, name = path.rpartition("/")
        if name in self._added.get(folder, ()):
            return True
        entry = self._store.find(self._commit, path)
        if entry is None or entry.is_tree:
            return self.is_folder(path)
        return path not in self._edits

    def is_folder(self, path: str) -> bool:
        """Whether a folder is at a path: something stands beneath it."""
        if self._added.get(path):
            return True
        entry = self._store.find(self._commit, path)
        if entry is None or not entry.is_tree:
            return False
        if not any(edited.startswith(f"{path}/") for edited in self._edits):
            return True  # as committed; to list a large folder for each new file would cost most
        inside = self._store.trees.files(entry.oid)
        return any(f"{path}/{inner}" not in self._edits for inner in inside)

    def _missing(self, path: str) -> Iterator[tuple[str, str]]:
        """The names on a path's way at which nothing stands, each with its folder."""
        folder = ""
        for name in path.split("/"):
            if not self.stands(_joined(folder, name)):
                yield folder, name
            folder = _joined(folder, name)

    def _names_in(self, folder: str) -> set[str]:
        """The names in a folder, some of which may be deleted."""
        tree: TreeEntry | None = TreeEntry(DIRECTORY, self._store.objects.tree_of(self._commit))
        if folder:
            tree = self._store.find(self._commit, folder)
        committed = self._store.trees.entries(tree.oid) if tree and tree.is_tree else {}
        return self._added.get(folder, set()) | committed.keys()


def _joined(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name


def check_landing(store: ObjectStore, before: str, after: str, paths: Iterable[str]) -> None:
    """Refuse a landing whose new files would be others that stand at the head meanwhile.

    Args:
        store: where both commits are.
        before: the head as it is.
        after: the head as it would be.
        paths: those that differ.

    Raises:
        OutOfBounds: they would.
    """
    changed = sorted(paths)
    gone = {path: None for path in changed if not _is_file(store, after, path)}
    beside = Newcomers(store, before, gone)
    for path in changed:
        if path not in gone and not _is_file(store, before, path):
            beside.check(path)
            beside.add(path)


def _is_file(store: ObjectStore, commit: str, path: str) -> bool:
    entry = store.find(commit, path)
    return entry is not None and not entry.is_tree
