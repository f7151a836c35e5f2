"""Files that agents get in each other's way on: what is counted of them.

Without structure most conflicts fall on a few files. Owns the figures that a person and the next
planner see, and that `domain.reserving` goes by. Pure.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from longshift.domain.model import Task, TaskState
from longshift.domain.table import Table

MOST_SHOWN: Final = 5


@dataclass(frozen=True, slots=True)
class Contended:
    """One file that a submission has clashed on.

    Attributes:
        path: the file.
        conflicts: submissions that clashed on it.
        landings: landings that changed it since the first of them.
        heat: conflicts that no clean landing has made up for.
    """

    path: str
    conflicts: int = 0
    landings: int = 0
    heat: int = 0


Contention = Table[str, Contended]
"""By path, the files on which anything has clashed."""


def with_conflict(known: Contention, paths: Iterable[str]) -> Contention:
    """What is known after a submission has clashed."""
    for path in paths:
        one = known.get(path) or Contended(path)
        known = known.put(path, replace(one, conflicts=one.conflicts + 1, heat=one.heat + 1))
    return known


def with_landing(known: Contention, paths: Iterable[str]) -> Contention:
    """What is known after a submission has landed."""
    for path in paths if len(known) else ():
        if one := known.get(path):
            heat = max(0, one.heat - 1)
            known = known.put(path, replace(one, landings=one.landings + 1, heat=heat))
    return known


def hottest(known: Contention, most: int = MOST_SHOWN) -> Sequence[Contended]:
    """The files that drew most conflicts, most first."""
    return sorted(known.values(), key=lambda one: (-one.conflicts, one.path))[:most]


def rework_rate(tasks: Iterable[Task]) -> float:
    """The share of landed tasks that took more than one submission; 0.0 where none has landed."""
    landed = [task for task in tasks if task.state is TaskState.LANDED]
    again = sum(len(t.attempts) > 1 or any(a.conflicts for a in t.attempts) for t in landed)
    return again / len(landed) if landed else 0.0
