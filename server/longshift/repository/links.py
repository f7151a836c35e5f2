"""Where symbolic links lead. Follows them as text, never on a disk.

Owns the question whether a link leads out of the repository, by itself or through other links, on
any system: a backslash is read as a slash, and names are compared as the most careless would.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from longshift.places.spelling import folded, names_git
from longshift.repository.files import SYMLINK, Edits, path_from_bytes
from longshift.repository.store import ObjectStore

_MOST_STEPS: Final = 64
"""Links in one way; systems give up after 40 or 63."""


@dataclass(frozen=True)
class Links:
    """The links of a tree.

    Attributes:
        targets: what each holds, by its folded path.
    """

    targets: Mapping[str, bytes]

    @cached_property
    def destinations(self) -> Mapping[str, str]:
        """Where those lead that stay in the repository: folded paths, "" for the root."""
        found = {path: destination(path, to, self) for path, to in self.targets.items()}
        return {path: place for path, place in found.items() if place is not None}


def links_of(store: ObjectStore, commit: str, edits: Edits | None = None) -> Links:
    """The links of a commit with edits laid over it; for `leads_out`."""
    found = {
        folded(path): store.version(entry).data
        for path, entry in store.list_links(commit).items()
        if path not in (edits or {})
    }
    for path, edit in (edits or {}).items():
        if edit is not None and edit.mode == SYMLINK:
            found[folded(path)] = edit.data
    return Links(found)


def leads_out(path: str, target: bytes, links: Links) -> bool:
    """Whether a link leads out of the repository, to git's own files, or round in a circle.

    Arguments as those of `destination`.
    """
    return destination(path, target, links) is None


def destination(path: str, target: bytes, links: Links) -> str | None:
    """The path where a link leads in the end, folded; "" is the root, None: it leads out.

    Args:
        path: where it stands.
        target: what it holds.
        links: all links of the tree, which it may lead through.
    """
    at = [folded(part) for part in path.split("/")[:-1]]
    waiting = _steps(target)
    followed = 0
    while waiting:
        part = waiting.pop()
        if part == ".." and at:
            at.pop()
            continue
        if part == ".." or names_git(part):
            return None
        at.append(folded(part))
        link = links.targets.get("/".join(at))
        if link is None:
            continue
        steps, followed = _steps(link), followed + 1
        if steps is None or followed > _MOST_STEPS:
            return None
        at.pop()
        waiting += steps
    return None if waiting is None else "/".join(at)


def new_ways_out(store: ObjectStore, before: str, after: str, paths: Collection[str]) -> list[str]:
    """The links of a commit that lead out of the repository and did not in another.

    Args:
        store: where both commits are.
        before: the commit before.
        after: the commit after.
        paths: those that differ between them; where no link is among them, nothing is new.
    """
    versions = (store.read_file(commit, path) for commit in (before, after) for path in paths)
    if not any(version is not None and version.mode == SYMLINK for version in versions):
        return []
    old, new = links_of(store, before), links_of(store, after)
    return [
        path
        for path in store.list_links(after)
        if folded(path) not in new.destinations
        and not (folded(path) in old.targets and folded(path) not in old.destinations)
    ]


def _steps(target: bytes) -> list[str] | None:
    """The names that a target goes through, last first; None: it starts at a root or a drive."""
    text = path_from_bytes(target).replace("\\", "/")
    if text.startswith("/") or text[1:2] == ":":
        return None
    return [part for part in reversed(text.split("/")) if part not in ("", ".")]
