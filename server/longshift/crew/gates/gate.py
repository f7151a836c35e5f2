"""How strictly the gates of one conversation act.

Owns a gate's memory of what it has said, and nothing of why.
"""

from longshift.crew.briefs import Gates


class Gate:
    """How strictly the gates of one conversation act."""

    def __init__(self, mode: Gates) -> None:
        """Start with nothing said."""
        self._mode = mode
        self._said: set[str] = set()

    def holds_back(self, reason: str | None) -> bool:
        """Whether a call is held back for this reason; None: there is no reason to.

        `enforce` holds it back each time, `advise` the first time, `off` never.
        """
        if reason is None or self._mode == "off":
            return False
        if self._mode == "advise" and reason in self._said:
            return False
        self._said.add(reason)
        return True
