"""Time in which the machine slept, told from time in which agents were at work.

Owns the comparison of two clocks: the one that facts are dated by, and the one that stands still
while the machine is suspended. Must never decide what follows.
"""

from datetime import datetime, timedelta
from typing import Final

from longshift.engine.ports import Clock

LEAST_S: Final = 60.0
"""What differs by less is a clock that was corrected, or a moment in which nothing ran."""


class Wakefulness:
    """Notices that the machine has slept since it was asked last."""

    def __init__(self, clock: Clock) -> None:
        """Begin to watch now."""
        self._clock = clock
        self._seen = clock.now()
        self._awake = clock.awake()

    def slept_since(self) -> datetime | None:
        """So long before now as it has slept since the last call; None: it has not."""
        before, awake = self._seen, self._awake
        self._seen, self._awake = self._clock.now(), self._clock.awake()
        slept_s = (self._seen - before).total_seconds() - (self._awake - awake)
        return self._seen - timedelta(seconds=slept_s) if slept_s > LEAST_S else None
