"""Where the files went that a setting names: a folder that got another name is the same folder.

Owns following the renames of a diff. Pure; its time grows with the paths.
"""

import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from posixpath import dirname
from typing import Final

from longshift.engine.checking.hacks.shape import Change

DEEPEST: Final = 40
"""Folders above a file that are looked at."""

_NAMED: Final = re.compile(r"(\^?(?:\./)?)(\.?[\w-]+(?:[./][\w-]+)*)(.*)", re.DOTALL)


class Renamed:
    """Files and folders that have another name now."""

    def __init__(
        self, changes: Sequence[Change], base: Sequence[str], gone: Collection[str]
    ) -> None:
        """Learn of them.

        Args:
            changes: the files that differ.
            base: every path of the old tree.
            gone: those of them that are no more.
        """
        self._to: dict[str, set[str]] = defaultdict(set)
        for one in changes:
            if one.old_path and one.old_path != one.path:
                self._learn(one.old_path, one.path)
        stood = base if self._to else ()
        self._stood = {".", *(above for path in stood for above in _up(path))}
        self._left = {above for path in stood if path not in gone for above in _up(path)}

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self._to)

    def names(self, name: str, folder: str, *, is_left_out: bool) -> list[str]:
        """What a name is called by now; nothing where it is what it was.

        Args:
            name: a path, perhaps with a pattern behind it, or a module.
            folder: where the name is spoken of.
            is_left_out: a folder that took in others is not what was left out before; otherwise,
                one that others stayed in is still to be named.
        """
        found = _NAMED.fullmatch(name)
        if not found or not self._to:
            return []
        lead, path, tail = found.groups()
        if tail and tail[0] not in "/.":
            path, slash, last = path.rpartition("/")
            tail = f"{slash}{last}{tail}"
        inside = f"{folder}/" if folder else ""
        for old, as_module in _spellings(inside, path):
            now = self._now(old, is_left_out=is_left_out)
            if now:
                return sorted(_spelled(lead, one, tail, inside, as_module) for one in now)
        return []

    def _now(self, path: str, *, is_left_out: bool) -> set[str]:
        """The names of a path; those of the folder it is in, where that has one other name."""
        known = next((above for above in _up(path) if above in self._to), "")
        if not known or (not is_left_out and known in self._left):
            return set()
        now = self._to[known] - (self._stood if is_left_out else set())
        rest = path.removeprefix(known)
        return {f"{one}{rest}" for one in now} if not rest or len(now) == 1 else set()

    def _learn(self, old: str, new: str) -> None:
        self._to[old].add(new)
        if old.endswith(".py") and new.endswith(".py"):
            self._to[old.removesuffix(".py")].add(new.removesuffix(".py"))
        for above in list(_up(old))[1:]:
            rest = old[len(above) :]
            is_below = f"/{new}".endswith(rest)  # or its own name is another, too
            self._to[above].add(new[: -len(rest)].rstrip("/") or "." if is_below else new)


def _up(path: str) -> Iterator[str]:
    for _ in range(DEEPEST):
        if not path:
            return
        yield path
        path = dirname(path)


def _spellings(inside: str, path: str) -> Iterator[tuple[str, bool]]:
    """Paths that a name may speak of, each with whether it does so as a module."""
    yield f"{inside}{path}", False
    if "/" not in path:
        yield f"{inside}{path.replace('.', '/')}", True
        yield f"{inside}src/{path.replace('.', '/')}", True


def _spelled(lead: str, path: str, tail: str, inside: str, as_module: bool) -> str:
    path = path.removeprefix(inside)
    if as_module:
        path = path.removeprefix("src/").replace("/", ".")
    return f"{lead}{path}{tail}"
