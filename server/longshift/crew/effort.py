"""Noticing that a worker's turns come to nothing: no edit for long, or edits that are taken back.

Owns what counts as either, and when a word is due. Whole replies are counted and not calls, and a
file is looked at only through the number that stands for the workspace's files. Pure.
"""

from dataclasses import dataclass, field
from typing import Final, Literal

NO_EDITS_NUDGE: Final = 30
NO_EDITS_OVER: Final = 50
"""Replies in a row that change no file: reading, searching and running commands on and on."""
UNDONE_NUDGE: Final = 4
UNDONE_OVER: Final = 8
"""Edits in a row by which the files are once more as they were before. Taking a fix out to see a
test fail, and putting it back, are two; after that there is something new."""

FruitlessCause = Literal["no_edits", "undone_edits"]


@dataclass(frozen=True, slots=True)
class Heeded:
    """What is to follow from a reply."""

    cause: FruitlessCause
    times: int
    is_over: bool
    """Whether the next reply is the last; else a word is due."""


@dataclass(slots=True)
class Effort:
    """What the turns of one attempt have come to."""

    state: int
    """Stands for the files of the workspace as they are."""
    _seen: set[int] = field(default_factory=set)
    _without_edit: int = 0
    _undone: int = 0

    def count(self, state: int) -> Heeded | None:
        """Take in a reply whose calls were run; None: nothing follows from it."""
        if state == self.state:
            self._without_edit += 1
            return _heeded("no_edits", self._without_edit, NO_EDITS_NUDGE, NO_EDITS_OVER)
        self._seen.add(self.state)
        self.state, self._without_edit = state, 0
        self._undone = self._undone + 1 if state in self._seen else 0
        return _heeded("undone_edits", self._undone, UNDONE_NUDGE, UNDONE_OVER)


def _heeded(cause: FruitlessCause, times: int, nudge: int, over: int) -> Heeded | None:
    return Heeded(cause, times, times >= over) if times == nudge or times >= over else None
