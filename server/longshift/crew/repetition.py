"""Noticing that a model goes round in circles.

Owns what counts as the same: a call, its arguments, its result and the state of the workspace
after it. A command run again after an edit is therefore no repetition. Costs one pass over each
result, and remembers nine calls, however long the conversation grows. Pure.
"""

import re
from collections import deque
from typing import Final, Literal

SAME_ERRORS: Final = 3
"""The same call with the same error so often in a row is a repetition."""
SAME_RESULTS: Final = 4
"""The same call with the same result so often in a row is one."""
ALTERNATING: Final = 6
"""So many calls that go A, B, A, B are one."""
THREE_IN_TURN: Final = 9
"""So many calls that go A, B, C, A, B, C are one."""
_CLOCK: Final = r"\d{1,2}:\d\d:\d\d(?:[.,]\d+)?"
_MOMENT: Final = rf"\d{{4}}-\d\d-\d\d(?:T{_CLOCK}(?:Z|[+-]\d\d:?\d\d)?)?|{_CLOCK}"
_HOW_LONG: Final = (
    r"(?:\d+h\s?)?(?:\d+m\s?)?\d+(?:\.\d+)?\s?(?:[mnu\u00b5]?s|secs?|seconds?|minutes?)"
    r"|\d+:\d\d\s?min|duration_ms:?\s\d+(?:\.\d+)?"
)
_PASSING: Final = re.compile(rf"\b(?:{_MOMENT}|0x[0-9a-f]+|{_HOW_LONG})\b", re.IGNORECASE)
"""What differs each time that a command is run on the same files: how long it took, when that was,
where something lay in memory. A count that differs is something else: of tests that fail, say. So
is a bare `12:03`, which is more often a line and a column than an hour and a minute."""

Word = Literal["", "nudge", "over"]
"""What is to follow from a call: nothing, a word to the model, or the end."""


class Repetition:
    """What one conversation has repeated lately."""

    def __init__(self) -> None:
        """Start with nothing seen."""
        self._seen: deque[int] = deque(maxlen=THREE_IN_TURN)
        self._circle: frozenset[int] = frozenset()
        self.times = 0
        """How many calls the repetition that was last found is made of."""

    def count(self, name: str, arguments: str, result: str, state: int, *, failed: bool) -> Word:
        """Take in a call and what came of it.

        Args:
            name: the tool.
            arguments: as the model wrote them.
            result: as the model reads it.
            state: stands for the files of the workspace as they are after the call.
            failed: whether the result is an error.
        """
        # Python's own hash: seeded anew in each process, so that no text can be made to collide.
        digest = hash((name, arguments, _PASSING.sub("", result), state))
        self._seen.append(digest)
        if digest in self._circle:
            return "over"
        self._circle = self._found(SAME_ERRORS if failed else SAME_RESULTS)
        return "nudge" if self._circle else ""

    def _found(self, same: int) -> frozenset[int]:
        seen = list(self._seen)
        for length, kinds in ((same, 1), (ALTERNATING, 2), (THREE_IN_TURN, 3)):
            last = seen[-length:]
            if len(last) == length and len(set(last)) == kinds and _goes_round(last, kinds):
                self.times = length
                return frozenset(last)
        return frozenset()


def _goes_round(seen: list[int], kinds: int) -> bool:
    return seen[kinds:] == seen[:-kinds]
