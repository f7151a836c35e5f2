"""How much memory the C library may keep of what was let go of.

glibc gives threads that allocate at one moment an arena each, up to eight for each processor, and
none of them lends to another: with the threads of an engine, each arena in turn grows to what the
largest moment took, for hours. It also keeps ever larger blocks among the small ones once some were
let go of, and what lies behind a small one that stays can't be given back. Python holds its one
lock for nearly all that is allocated here, so that few arenas cost nobody a wait.
"""

import sys
from typing import Final

MOST_ARENAS: Final = 2
LARGE_BYTES: Final = 128 * 1024
"""What is as large as this has pages of its own, which go back to the system with it. glibc begins
with the same, but raises it."""
_M_ARENA_MAX: Final = -8
_M_MMAP_THRESHOLD: Final = -3
"""The parameters' numbers in glibc's `malloc.h`."""


def keep_little() -> None:
    """Have this process make few arenas and give large blocks back; nothing but with glibc.

    Arenas that are there stay: call it before threads are started.
    """
    _call("mallopt", _M_ARENA_MAX, MOST_ARENAS)
    _call("mallopt", _M_MMAP_THRESHOLD, LARGE_BYTES)


def give_back() -> None:
    """Give the system what nobody uses; some milliseconds, in which others that allocate wait."""
    _call("malloc_trim", 0)


def _call(name: str, *numbers: int) -> None:
    if sys.platform == "linux":
        import ctypes  # some milliseconds, which an editor's start would take longer

        function = getattr(ctypes.CDLL(None), name, None)  # musl has neither
        if function is not None:
            function(*numbers)
