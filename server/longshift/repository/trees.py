"""Git trees: looking up, listing, comparing and changing paths in them.

Works on raw trees rather than through pygit2's, which refuses names that are no UTF-8. A change
rewrites only the trees along the changed paths, whatever the size of the rest.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from longshift.repository.cache import Cache
from longshift.repository.files import DIRECTORY, SUBMODULE, SYMLINK, path_from_bytes, path_to_bytes
from longshift.repository.objects import Objects

_MOST_SPLICED: Final = 8
"""Entries of one tree that are replaced one by one: for more it is quicker to write it anew."""
_ENTRY: Final = re.compile(rb"([0-7]+) ([^\0]+)\0(.{20})", re.DOTALL)


class TreeEntry(NamedTuple):
    """What stands at a path: a git mode and an object id in hex."""

    mode: int
    oid: str

    @property
    def is_tree(self) -> bool:
        """Tell a folder from everything else."""
        return self.mode == DIRECTORY


class TreeChange(NamedTuple):
    """One path that differs; folders never appear, only what is in them."""

    path: str
    old: TreeEntry | None
    new: TreeEntry | None


Entries = Mapping[str, TreeEntry]


class Trees:
    """Trees of one object database, remembered by their ids."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        # Bounded by the number of entries held, about 200 bytes each.
        self._parsed: Cache[str, Entries] = Cache(200_000, size=lambda entries: len(entries) + 1)
        self._links: Cache[str, Entries] = Cache(100_000, size=lambda entries: len(entries) + 1)
        self._listings: Cache[str, Entries] = Cache(400_000, size=lambda entries: len(entries) + 1)

    def clear(self) -> None:
        """Forget every tree."""
        for cache in (self._parsed, self._links, self._listings):
            cache.clear()

    def find(self, tree: str, path: str) -> TreeEntry | None:
        """Give what stands at a path, a folder included; None where nothing does."""
        entry: TreeEntry | None = TreeEntry(DIRECTORY, tree)
        for part in path.split("/"):
            if entry is None or not entry.is_tree:
                return None
            entry = self.entries(entry.oid).get(part)
        return entry

    def entries(self, tree: str) -> Entries:
        """Give one tree's own entries by name, in git's order."""
        return self._parsed.get(tree, self._parse)

    def files(self, tree: str) -> Entries:
        """Give every file beneath a tree by its path, in git's order."""
        return self._listings.get(tree, lambda oid: dict(self._walk(oid, "")))

    def links(self, tree: str) -> Entries:
        """Give every symbolic link beneath a tree by its path, in git's order.

        Remembered for each folder: after a landing only the changed ones are looked at.
        """
        return self._links.get(tree, lambda oid: dict(self._links_beneath(oid)))

    def changes(self, old: str | None, new: str | None, prefix: str = "") -> Iterator[TreeChange]:
        """Compare two trees, None being the empty one; equal subtrees are never opened."""
        if old == new:
            return
        before: Entries = self.entries(old) if old else {}
        after: Entries = self.entries(new) if new else {}
        # Of a folder of hundreds one entry has changed, most often: the others cost nothing more.
        differing = [name for name, entry in after.items() if before.get(name) != entry]
        differing += [name for name in before if name not in after]
        for name in sorted(differing):
            yield from self._changes_at(prefix + name, before.get(name), after.get(name))

    def new_objects(self, old: str | None, new: str) -> Iterator[str]:
        """Give the ids of trees and blobs beneath `new` that differ from those at `old`'s paths."""
        if old == new:
            return
        before = self.entries(old) if old else {}
        for name, entry in self.entries(new).items():
            other = before.get(name)
            if entry.is_tree:
                yield from self.new_objects(
                    other.oid if other and other.is_tree else None, entry.oid
                )
            elif entry != other and entry.mode != SUBMODULE:
                yield entry.oid
        yield new

    def edit(self, tree: str | None, edits: Mapping[str, TreeEntry | None]) -> str:
        """Write a tree in which some paths are changed.

        Args:
            tree: the tree to start from; None for an empty one.
            edits: what shall stand at each path; None removes a file and is no error where there
                is none. Removals come first, so a file may become a folder.

        Returns:
            The new root tree's id. Folders that become empty vanish.

        Raises:
            ValueError: a file would stand where a folder is, or the other way round.
        """
        return self._edit(tree, edits) or self._objects.write_tree(b"")

    def _edit(self, tree: str | None, edits: Mapping[str, TreeEntry | None]) -> str | None:
        here: dict[str, TreeEntry | None] = {}
        below: dict[str, dict[str, TreeEntry | None]] = {}
        for path, entry in edits.items():
            name, slash, rest = path.partition("/")
            if slash:
                below.setdefault(name, {})[rest] = entry
            else:
                here[name] = entry
        entries = dict(self.entries(tree)) if tree else {}
        _remove(entries, here)
        for name, inner in below.items():
            self._edit_folder(entries, name, inner)
        _write(entries, here)
        if tree and (raw := self._spliced(tree, entries, [*here, *below])) is not None:
            oid = self._objects.write_tree(raw)
            self._parsed.put(oid, entries)
            return oid
        return self._store(entries) if entries else None

    def _spliced(self, tree: str, entries: Entries, changed: Sequence[str]) -> bytes | None:
        """A tree's own bytes with a few entries replaced; None where it must be put together anew.

        That is where a name comes or goes, or where it can't be told for sure where an entry is: a
        landing in a folder of hundreds costs a fraction of what it costs to write them all.
        """
        if len(changed) > _MOST_SPLICED:
            return None
        before, raw = self.entries(tree), self._objects.read_tree(tree)
        for name in changed:
            old, new = before.get(name), entries.get(name)
            if old is None or new is None or old.is_tree != new.is_tree:
                return None
            key = b" %b\0" % path_to_bytes(name)
            at = raw.find(key)
            start = at - len(b"%o" % old.mode)
            by_chance = raw.find(key, at + 1) != -1  # as the end of another name, or in an id
            padded = start > 0 and raw[start - 1 : start] == b"0"  # as some old programs did
            if by_chance or padded:
                return None
            end = at + len(key) + 20
            raw = b"%b%o%b%b%b" % (raw[:start], new.mode, key, bytes.fromhex(new.oid), raw[end:])
        return raw

    def _edit_folder(
        self, entries: dict[str, TreeEntry], name: str, inner: Mapping[str, TreeEntry | None]
    ) -> None:
        existing = entries.get(name)
        if existing is not None and not existing.is_tree:
            if any(entry is not None for entry in inner.values()):
                raise ValueError(f"{name!r} is a file; nothing can be put beneath it")
            return
        if (oid := self._edit(existing.oid if existing else None, inner)) is not None:
            entries[name] = TreeEntry(DIRECTORY, oid)
        else:
            entries.pop(name, None)

    def _store(self, entries: dict[str, TreeEntry]) -> str:
        ordered = sorted(
            (path_to_bytes(name) + (b"/" if entry.is_tree else b""), name, entry)
            for name, entry in entries.items()
        )
        raw = b"".join(
            b"%o %b\0%b" % (entry.mode, key.removesuffix(b"/"), bytes.fromhex(entry.oid))
            for key, _name, entry in ordered
        )
        oid = self._objects.write_tree(raw)
        self._parsed.put(oid, {name: entry for _key, name, entry in ordered})
        return oid

    def _parse(self, tree: str) -> Entries:
        return {
            path_from_bytes(name): TreeEntry(int(mode, 8), oid.hex())
            for mode, name, oid in _ENTRY.findall(self._objects.read_tree(tree))
        }

    def _walk(self, tree: str, prefix: str) -> Iterator[tuple[str, TreeEntry]]:
        for name, entry in self.entries(tree).items():
            if entry.is_tree:
                yield from self._walk(entry.oid, f"{prefix}{name}/")
            else:
                yield prefix + name, entry

    def _links_beneath(self, tree: str) -> Iterator[tuple[str, TreeEntry]]:
        for name, entry in self.entries(tree).items():
            if entry.is_tree:
                for path, link in self.links(entry.oid).items():
                    yield f"{name}/{path}", link
            elif entry.mode == SYMLINK:
                yield name, entry

    def _changes_at(
        self, path: str, old: TreeEntry | None, new: TreeEntry | None
    ) -> Iterator[TreeChange]:
        if old == new:
            return
        old_tree = old.oid if old and old.is_tree else None
        new_tree = new.oid if new and new.is_tree else None
        old_file = None if old_tree else old
        new_file = None if new_tree else new
        if old_file or new_file:
            yield TreeChange(path, old_file, new_file)
        if old_tree or new_tree:
            yield from self.changes(old_tree, new_tree, path + "/")


def _remove(entries: dict[str, TreeEntry], here: Mapping[str, TreeEntry | None]) -> None:
    for name, entry in here.items():
        existing = entries.get(name)
        if entry is None and existing is not None and not existing.is_tree:
            del entries[name]


def _write(entries: dict[str, TreeEntry], here: Mapping[str, TreeEntry | None]) -> None:
    for name, entry in here.items():
        if entry is None:
            continue
        existing = entries.get(name)
        if existing is not None and existing.is_tree:
            raise ValueError(f"{name!r} is a folder; no file can stand there")
        entries[name] = entry
