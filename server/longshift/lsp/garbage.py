"""When Python looks for cycles of objects that nothing else holds.

Owns the collector's settings in a process that serves an editor. A look at every object stops all
threads, for a third of a second with a long run in memory, and it would come while a person types:
so it waits until they have not touched anything for a while. What is not in a cycle is freed at
once all the same.
"""

import gc
import time
from typing import Final

YOUNG: Final = 2_000
"""Objects made beyond those that went, before the youngest are looked at: about 1 ms, twenty at
the worst."""
NEVER: Final = 1_000_000
"""Looks at the youngest before the collector would look at older ones by itself."""
KEPT_AFTER: Final = 20
"""Looks at the youngest before what has survived them is left alone."""
QUIET_S: Final = 60.0
"""How long nobody has typed when all is looked at."""


class Collector:
    """The collector of this process, held off while a person types."""

    def __init__(self) -> None:
        """Change nothing yet."""
        self._looks = 0
        self._touched_at = 0.0
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
        if not self._has_more or time.monotonic() - self._touched_at < QUIET_S:
            return False
        gc.unfreeze()
        gc.collect()
        gc.freeze()
        self._has_more = False
        return True

    def _count(self, phase: str, info: dict[str, int]) -> None:
        if phase == "stop" and info["generation"] == 0:
            self._looks += 1
            if self._looks >= KEPT_AFTER:
                self._looks, self._has_more = 0, True
                gc.freeze()


COLLECTOR: Final = Collector()
"""The one of this process."""
