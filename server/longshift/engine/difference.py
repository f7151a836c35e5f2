"""What differs between two commits of a run, counted by lines.

Pure but for reading blobs; blocking, so it is called off the loop.
"""

import hashlib
import re
from dataclasses import dataclass

from longshift.repository.files import FileVersion, is_binary
from longshift.repository.hunks import line_hunks
from longshift.repository.store import ObjectStore


@dataclass(frozen=True, slots=True)
class PathStat:
    """How much of one file differs; a binary one counts no lines."""

    path: str
    kind: str
    added: int
    removed: int


def path_stats(store: ObjectStore, old: str, new: str) -> list[PathStat]:
    """Count what differs between two commits, by path."""
    stats: list[PathStat] = []
    for difference in store.differences(old, new):
        hunks = line_hunks(_text(difference.old), _text(difference.new))
        added = sum(len(hunk.new_lines) for hunk in hunks)
        removed = sum(len(hunk.old_lines) for hunk in hunks)
        stats.append(PathStat(difference.path, difference.kind, added, removed))
    return stats


def lies_on_difference(
    store: ObjectStore, old: str, new: str, path: str, first_line: int, last_line: int
) -> bool:
    """Whether lines (from 1) of a file at `new` were written since `old`.

    A deletion counts for the line that now stands in its place.
    """
    before, after = store.read_file(old, path), store.read_file(new, path)
    for hunk in line_hunks(_text(before), _text(after)):
        start = hunk.new_start + 1
        end = hunk.new_start + max(1, len(hunk.new_lines))
        if start <= last_line and first_line <= end:
            return True
    return False


def place_in_order(seed: str, text: str) -> bytes:
    """A place in an order that is another for each seed, and for one seed always the same.

    What is read first weighs most with a model, and the alphabet is no judge of that.
    """
    return hashlib.sha256(f"{seed}.{text}".encode()).digest()


def in_seeded_order(diff: str, seed: str) -> str:
    """A unified difference with its files in the order of a seed."""
    files = re.split(r"(?m)^(?=diff --git )", diff)
    return "".join(sorted(files, key=lambda one: place_in_order(seed, one.partition("\n")[0])))


def sayable(text: str) -> str:
    """A text that can be sent: bytes that are no UTF-8 come as question marks."""
    return text.encode(errors="replace").decode()


def _text(version: FileVersion | None) -> str:
    if version is None or is_binary(version.data):
        return ""
    return version.data.decode("utf-8", errors="surrogateescape")
