"""Turns: how many workers may be at it at one moment, of the hundreds that wait for their models.

Owns the places, and who comes next. What waits for a model, a landing or a command holds none.
Must never be held by what an editor or a person asks for: those go before.
"""

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Final

from longshift.precedence import PRECEDENCE

MOST_AT_ONCE: Final = 5
"""All that is ready is done in one round of the loop, and a key or a menu waits for the round's
end: with no bound, hundreds of workers whose answers come at one moment make a round of a tenth of
a second. So many keep the threads busy; more only make rounds longer."""


class Turns:
    """The places of one repository's workers; first come, first served."""

    def __init__(self, most: int = MOST_AT_ONCE) -> None:
        """Let so many be at it at once."""
        self._places: Final = asyncio.Semaphore(most)

    def one(self, waits: Callable[[bool], None] = lambda _: None) -> "Turn":
        """One worker's turn, which it does not have yet.

        Args:
            waits: told True when it begins to stand in line, and False once it has a place.
        """
        return Turn(self._places, waits)


class Turn:
    """One worker's turn: `async with` it takes a place and gives it back at the end."""

    def __init__(self, places: asyncio.Semaphore, waits: Callable[[bool], None]) -> None:
        """Hold no place so far."""
        self._places: Final = places
        self._waits: Final = waits
        self._is_held = False

    def away(self) -> "Away":
        """Leave the place to others within an `async with`; nothing where none is held."""
        return Away(self)

    async def take(self) -> None:
        """Wait for a place."""
        self._waits(True)
        await PRECEDENCE.give_way_in_loop()
        await self._places.acquire()
        self._is_held = True
        self._waits(False)

    def leave(self) -> bool:
        """Give the place back; False: none was held."""
        was_held, self._is_held = self._is_held, False
        if was_held:
            self._places.release()
        return was_held

    async def __aenter__(self) -> None:
        """Wait for a place."""
        await self.take()

    async def __aexit__(self, *_: object) -> None:
        """Give it back."""
        self.leave()


class Away:
    """A wait in which a worker holds no place."""

    def __init__(self, turn: Turn) -> None:
        """Be away from a turn."""
        self._turn = turn
        self._was_held = False

    async def __aenter__(self) -> None:
        """Give the place back."""
        self._was_held = self._turn.leave()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Wait for a place again; what failed or was cancelled ends without one."""
        if self._was_held and error is None:
            await self._turn.take()
