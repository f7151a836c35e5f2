"""When Python looks for cycles of objects that nothing else holds.

Owns the collector's settings in a process that serves an editor. A look at every object stops all
threads, for 0.2 s once the engine is loaded, and it would come while a person types.
"""

import gc
from typing import Final

YOUNG: Final = 1_000
"""Objects made beyond those that went, before the youngest are looked at: 0.1 ms."""
MIDDLE: Final = 5
OLD: Final = 1_000
"""Looks at the middle ones before all are looked at; most of what is old is the state of runs,
which is in no cycle."""


def settle() -> None:
    """Never look again at what is there now: modules, and what was read from the journal."""
    gc.set_threshold(YOUNG, MIDDLE, OLD)
    gc.freeze()
