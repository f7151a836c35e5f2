"""When Python looks for cycles of objects that nothing else holds, and gives back what is free.

Owns the collector's settings in a process that serves an editor. A look at every object stops all
threads, for a third of a second with a long run in memory, and it would come while a person types:
so it waits until they have not touched anything for a while, or for a moment where it is overdue.
What is not in a cycle is freed at once all the same.
"""

import gc
import time
from typing import Final

from longshift.allocator import give_back

YOUNG: Final = 2_000
"""Objects made beyond those that went, before the youngest are looked at: about 1 ms, twenty at
the worst."""
NEVER: Final = 1_000_000
"""Looks at the youngest before the collector would look at older ones by itself."""
KEPT_AFTER: Final = 20
"""Looks at the youngest before what has survived them is left alone."""
QUIET_S: Final = 60.0
"""How long nobody has typed when all is looked at."""
OVERDUE_S: Final = 300.0
"""How long that may be put off: then a short pause is enough, for whoever types the whole day."""
SHORT_QUIET_S: Final = 1.0


class Collector:
    """The collector of this process, held off while a person types."""

    def __init__(self) -> None:
        """Change nothing yet."""
        self._looks = 0
        self._touched_at = 0.0
        self._tidied_at = time.monotonic()
        self._has_more = False

    def settle(self) -> None:
        """Never look again at what is there now: modules, and what was read from the journal."""
        gc.set_threshold(YOUNG, NEVER, NEVER)
        if self._count not in gc.callbacks:
            gc.callbacks.append(self._count)
        gc.freeze()

    def touch(self) -> None:
        """Take note that the person is at work."""
        self._touched_at = time.monotonic()

    def tidy(self) -> bool:
        """Look at everything, where nobody would notice; whether it was done."""
        now = time.monotonic()
        needed = SHORT_QUIET_S if self._is_overdue else QUIET_S
        if not self._has_more or now - self._touched_at < needed:
            return False
        gc.unfreeze()
        gc.collect()
        gc.freeze()
        give_back()
        self._has_more = False
        self._tidied_at = now
        return True

    @property
    def look_again_s(self) -> float:
        """After how long to ask `tidy` once more."""
        return (SHORT_QUIET_S if self._is_overdue else QUIET_S) / 2

    @property
    def _is_overdue(self) -> bool:
        return self._has_more and time.monotonic() - self._tidied_at > OVERDUE_S

    def _count(self, phase: str, info: dict[str, int]) -> None:
        if phase == "stop" and info["generation"] == 0:
            self._looks += 1
            if self._looks >= KEPT_AFTER:
                self._looks, self._has_more = 0, True
                gc.freeze()


COLLECTOR: Final = Collector()
"""The one of this process."""
