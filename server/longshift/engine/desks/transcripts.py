"""What is kept of one agent's conversation, for a person to read.

Owns which messages are new. Must never keep one that has not been masked.
"""

from collections.abc import Sequence

from longshift.engine.chronicle import Chronicle
from longshift.models.port import Message


class Transcript:
    """One conversation as it is kept."""

    def __init__(self, chronicle: Chronicle, run_id: str, conversation: str) -> None:
        """Keep a conversation of this name; nothing of it is kept so far."""
        self._chronicle = chronicle
        self._run_id = run_id
        self._conversation = conversation
        self._kept: list[Message] = []

    def keep(self, messages: Sequence[Message]) -> None:
        """Keep what is new in a conversation as it stands now.

        Args:
            messages: all of it, masked; the same objects as before where they are the same.
        """
        for number in range(self._first_new(messages), len(messages)):
            self._chronicle.keep(self._run_id, self._conversation, number, messages[number])
        self._kept = list(messages)

    def _first_new(self, messages: Sequence[Message]) -> int:
        known = self._kept
        if known and len(known) <= len(messages) and known[-1] is messages[len(known) - 1]:
            return len(known)  # it has only grown, as it nearly always has
        pairs = zip(known, messages, strict=False)
        same = (number for number, (was, now) in enumerate(pairs) if was is not now)
        return next(same, min(len(known), len(messages)))
