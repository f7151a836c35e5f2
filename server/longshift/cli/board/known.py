"""What is known of a repository's runs from its facts: the state, and what is remembered beside it.

Owns how one more fact is taken in. Never reads anything by itself.
"""

from collections import deque
from collections.abc import Iterable
from typing import Final

from longshift.cli.board.vitals import Vitals
from longshift.cli.told import Told, told
from longshift.domain import events as e
from longshift.domain.events import Recorded
from longshift.domain.fold import apply
from longshift.domain.state import Run, State

FACTS_KEPT: Final = 50
_UNTOLD: Final = (e.ModelCalled, e.ConversationOpened, e.CommandRan, e.LandingIntended)
"""Most of all facts, and none of them matters for long: words would cost more than all the rest."""


class Known:
    """What facts say, up to one of them. Changed by `take` alone."""

    def __init__(self, records: Iterable[Recorded] = ()) -> None:
        """Take facts in, oldest first.

        Raises:
            Refused: one of them cannot have happened where it stands.
        """
        self.state = State()
        self.vitals: dict[str, Vitals] = {}
        self.said: dict[str, deque[Told]] = {}
        """By run, its last facts in words, oldest first."""
        for record in records:
            self.take(record)

    def take(self, record: Recorded) -> Run | None:
        """Take one more fact in.

        Returns:
            Its run as it stands then; None: it is of no run.

        Raises:
            Refused: it cannot have happened here; nothing is changed.
        """
        self.state = apply(self.state, record)
        run = self.state.runs.get(record.event.run or "")
        if run is None:
            return None
        if isinstance(record.event, e.RunStarted):
            self.vitals[run.id] = Vitals(record.time)
            self.said[run.id] = deque(maxlen=FACTS_KEPT)
        self.vitals[run.id].take(record)
        if not isinstance(record.event, _UNTOLD):
            line = told(record.event, run)
            if not line.minor:
                self.said[run.id].append(line)
        return run
