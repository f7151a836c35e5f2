"""Who goes first: what a person waits for, before what agents do.

Owns the word that a person waits, for the whole process: all threads share Python's one lock, and
a menu that takes 5 ms alone takes ten times as long among threads that merge and search. Agents'
work is let run in pieces, each of which gives way first. Must never hold agents up for long,
however often an editor asks.
"""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

LONGEST_S: Final = 0.1
"""How long a piece of work gives way: an editor that asks all the time slows agents down, and
does not stop them."""

ROUNDS: Final = 20
"""How often it is looked again meanwhile."""


class Precedence:
    """Whether a person waits for something."""

    def __init__(self) -> None:
        """Nobody waits yet."""
        self._lock = threading.Lock()
        self._waiting = 0
        self._is_free = threading.Event()
        self._is_free.set()

    @contextmanager
    def person(self) -> Iterator[None]:
        """Go before agents for as long as it is open; a person waits for what is done in it."""
        with self._lock:
            self._waiting += 1
            self._is_free.clear()
        try:
            yield
        finally:
            with self._lock:
                self._waiting -= 1
                if not self._waiting:
                    self._is_free.set()

    def give_way(self) -> None:
        """Wait while a person does, for a while at most. Blocking: never in the loop's thread."""
        self._is_free.wait(LONGEST_S)

    async def give_way_in_loop(self) -> None:
        """The same for what an agent does in the loop's thread, which is not held up."""
        for _ in range(ROUNDS):
            if not self._waiting:
                return
            await asyncio.sleep(LONGEST_S / ROUNDS)


PRECEDENCE: Final = Precedence()
"""The one of this process."""
