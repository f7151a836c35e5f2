"""Time in which the machine slept, or by which its clock was set, told from time at work.

Owns the comparison of two clocks: the one that facts are dated by, and the one that stands still
while the machine is suspended. Must never decide what follows.
"""

from datetime import datetime, timedelta
from typing import Final, NamedTuple

from longshift.engine.ports import Clock

LEAST_S: Final = 60.0
"""What differs by less is a clock that was corrected, or a moment in which nothing ran."""
SLEPT: Final = "The machine slept; that time does not count."
SET_BACK: Final = "The clock was set back; the minutes that were used up stay so."


class Leap(NamedTuple):
    """How the dates of facts leapt away from the time that agents were at work."""

    since: datetime
    """The moment of the leap by the clock before it: who counts up to here, and then from now on,
    counts each minute of work once. It lies after now where the clock was set back."""
    words: str
    """What happened, for a person."""


class Wakefulness:
    """Notices that the clock has leapt since it was asked last."""

    def __init__(self, clock: Clock) -> None:
        """Begin to watch now."""
        self._clock = clock
        self._seen = clock.now()
        self._awake = clock.awake()

    def leapt(self) -> Leap | None:
        """What has happened to the clock since the last call; None: nothing."""
        before, awake = self._seen, self._awake
        self._seen, self._awake = self._clock.now(), self._clock.awake()
        leap_s = (self._seen - before).total_seconds() - (self._awake - awake)
        if abs(leap_s) <= LEAST_S:
            return None
        return Leap(self._seen - timedelta(seconds=leap_s), SLEPT if leap_s > 0 else SET_BACK)
