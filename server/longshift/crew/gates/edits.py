"""The rule of paths: what an attempt may change.

Pure.
"""

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase


def paths_outside(changed: Iterable[str], named: Sequence[str]) -> list[str]:
    """Changed paths that a task did not name; a task that names none may touch all."""
    if not named:
        return []
    return [path for path in changed if not any(_covers(name, path) for name in named)]


def _covers(name: str, path: str) -> bool:
    folder = name.removeprefix("./").rstrip("/")
    if folder in ("", "."):
        return True
    return path == folder or path.startswith(f"{folder}/") or fnmatchcase(path, folder)
