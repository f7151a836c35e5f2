"""What a verdict is recorded with: how large the difference is, and which edits undo earlier ones.

Owns these measures, which the rules of `domain.stopping` read. Blocking, so it is called off the
loop. Must never judge: a number is no rule.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from longshift.domain.state import CycleRecord, Run
from longshift.engine.difference import PathStat, sayable
from longshift.repository.files import FileVersion, is_binary
from longshift.repository.hunks import line_hunks
from longshift.repository.store import ObjectStore

MOST_FILES: Final = 500
"""Files of one cycle that are held against earlier cycles."""
MOST_PATHS: Final = 5
"""Files that are named of those with undone edits."""

_Edit = tuple[tuple[str, ...], tuple[str, ...]]
"""The lines that one hunk takes out and those that it puts in."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What a judged head comes to."""

    tree: str
    diff_lines: int
    edits: int
    undone: int
    undone_paths: tuple[str, ...]


def measure(store: ObjectStore, run: Run, head: str, stats: Iterable[PathStat]) -> Measured:
    """Measure the head that a judge has looked at.

    Args:
        store: holds the commits.
        run: the run, in the cycle that is judged.
        head: the commit that was judged.
        stats: the difference between what the person has and the head.
    """
    lines = sum(one.added + one.removed for one in stats)
    edits, undone, paths = 0, 0, []
    now = _edits(store, run.cycles[-1].start, head, None) if _earlier(run) else {}
    before = [_edits(store, one.start, one.head, set(now)) for one in _earlier(run)] if now else []
    for path, hunks in now.items():
        taken_back = {(new, old) for edits in before for old, new in edits.get(path, ())}
        undoing = sum(hunk in taken_back for hunk in hunks)
        edits, undone = edits + len(hunks), undone + undoing
        if undoing:
            paths.append(sayable(path))
    tree = store.objects.tree_of(head)
    return Measured(str(tree), lines, edits, undone, tuple(paths[:MOST_PATHS]))


def _earlier(run: Run) -> list[CycleRecord]:
    """The cycles whose edits can be undone; those of older versions are not known."""
    return [one for one in run.cycles[run.counted_from : -1] if one.start and one.head]


def _edits(
    store: ObjectStore, old: str, new: str, among: set[str] | None
) -> Mapping[str, list[_Edit]]:
    """The hunks between two commits, by path; of some paths alone where `among` names them."""
    found: dict[str, list[_Edit]] = {}
    for difference in store.differences(old, new):
        path = difference.path
        if (among is not None and path not in among) or len(found) == MOST_FILES:
            continue
        hunks = line_hunks(_text(difference.old), _text(difference.new))
        edits = [(one.old_lines, one.new_lines) for one in hunks]
        # Blank lines and brackets come and go with anything.
        found[path] = [edit for edit in edits if _says_something(edit)]
    return found


def _says_something(edit: _Edit) -> bool:
    return any(character.isalnum() for lines in edit for line in lines for character in line)


def _text(version: FileVersion | None) -> str:
    if version is None or is_binary(version.data):
        return ""
    return version.data.decode("utf-8", errors="surrogateescape")
