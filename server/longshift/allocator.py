"""How much memory the C library may keep for threads that have let go of it.

glibc gives threads that allocate at one moment an arena each, up to eight for each processor, and
none of them lends to another: with the threads of an engine, each arena in turn grows to what the
largest moment took, for hours. Python holds its one lock for nearly all that is allocated here, so
that few arenas cost nobody a wait.
"""

import sys
from typing import Final

MOST_ARENAS: Final = 2
_M_ARENA_MAX: Final = -8
"""The parameter's number in glibc's `malloc.h`."""


def keep_few_arenas() -> None:
    """Have this process make no more arenas than a few; nothing where its C library has none.

    Those that are there stay: call it before threads are started.
    """
    _call("mallopt", _M_ARENA_MAX, MOST_ARENAS)


def give_back() -> None:
    """Give the system what nobody uses; some milliseconds, in which others that allocate wait."""
    _call("malloc_trim", 0)


def _call(name: str, *numbers: int) -> None:
    if sys.platform == "linux":
        import ctypes  # some milliseconds, which an editor's start would take longer

        function = getattr(ctypes.CDLL(None), name, None)  # musl has neither
        if function is not None:
            function(*numbers)
