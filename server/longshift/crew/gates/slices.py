"""The rules of slices: what a sub-planner's slice names, and what lies outside of it.

Owns how a slice's words are read as paths. Pure.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import takewhile
from typing import Final

_WORD: Final = re.compile(r"[^\s,;:()\[\]{}<>'\"`]+")
_PATTERN: Final = set("*?")
_ROOT: Final = frozenset({".", "./", "*", "**", "**/*", "/"})


def paths_of_slice(scope: str, files: Iterable[str]) -> tuple[str, ...]:
    """The files and folders that a slice's words name; "" is the root; none: only words.

    A word names a path where that is there, or ends as a folder's does, or has a slash and would
    lie in a folder that is there.

    Args:
        scope: the slice, in a planner's words.
        files: all paths that there are.
    """
    there = {folder for path in files for folder in _with_folders(path)}
    named = []
    for word in _WORD.findall(scope):
        if word in _ROOT:
            named.append("")
            continue
        parts = [part for part in word.rstrip(".").split("/") if part not in ("", ".")]
        plain = list(takewhile(lambda part: not _PATTERN & set(part), parts))
        path = "/".join(plain)
        if path in there or (plain and "/" in word and (word[-1] == "/" or plain[0] in there)):
            named.append(path)
    return tuple(dict.fromkeys(named))


def outside(paths: Iterable[str], slice_paths: Collection[str]) -> list[str]:
    """The paths of a task that do not lie in a slice; none lies outside of a slice of words."""
    if not slice_paths:
        return []
    return [path for path in paths if not any(_is_in(path, one) for one in slice_paths)]


def shared(paths: Collection[str], others: Collection[str]) -> Sequence[str]:
    """The paths of one slice that lie in those of another, or hold some of them."""
    return [p for p in paths if any(_is_in(p, one) or _is_in(one, p) for one in others)]


def _is_in(path: str, folder: str) -> bool:
    name = "" if path == "." else path
    return folder in {"", name} or name.startswith(f"{folder}/")


def _with_folders(path: str) -> Iterator[str]:
    while path:
        yield path
        path = path.rpartition("/")[0]
