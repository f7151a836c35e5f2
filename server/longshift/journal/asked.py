"""A connection to the owner of a repository over which the owner may ask, too.

Owns the matching of answers with requests, which may be under way at once, and the passing on of
what is asked. Must never know what a question means.
"""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Final, Self

from pydantic import ValidationError

from longshift.errors import LongshiftError, NeedsPerson
from longshift.journal import wire
from longshift.journal.client import ANSWER_WITHIN_S
from longshift.journal.doors import knock
from longshift.journal.wire import Json

OnAsk = Callable[[Json], Coroutine[Any, Any, None]]

MOST_QUESTIONS: Final = 64
"""That are being answered at a time; one more ends the connection, since no owner asks so much."""


class AskedClient:
    """Speaks to the owner, and is spoken to."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        on_ask: OnAsk,
        on_gone: Callable[[], None],
    ) -> None:
        """Speak on an open connection; `connect` is the usual way."""
        self._reader = reader
        self._writer = writer
        self._on_ask = on_ask
        self._on_gone = on_gone
        self._last_id = 0
        self._waiting: dict[int, asyncio.Future[Json]] = {}
        self._answering: set[asyncio.Task[None]] = set()
        self._is_gone = False
        self._reading = asyncio.create_task(self._read(), name="asked")

    @classmethod
    async def connect(cls, address: str, on_ask: OnAsk, on_gone: Callable[[], None]) -> Self:
        """Connect to the address that an owner announced.

        Args:
            address: the owner's.
            on_ask: answers one question, with requests of its own; several at once.
            on_gone: called once, when the owner has gone, and not for `close`.

        Raises:
            OSError, ValueError: nobody answers there.
        """
        return cls(*await knock(address), on_ask, on_gone)

    async def call(self, command: str, arguments: Mapping[str, object]) -> Json:
        """Send one command and wait for its result.

        Raises:
            LongshiftError: the owner refuses it, is gone or too slow.
            ValueError: it is longer than a line may be.
        """
        self._last_id += 1
        id_ = self._last_id
        request = {"id": id_, "command": command, "arguments": dict(arguments)}
        line = await asyncio.to_thread(wire.encode, request)  # it may hold a whole text
        if self._is_gone:
            raise _gone()
        waiting: asyncio.Future[Json] = asyncio.get_running_loop().create_future()
        self._waiting[id_] = waiting
        try:
            async with asyncio.timeout(ANSWER_WITHIN_S):
                self._writer.write(line)
                await self._writer.drain()
                return await waiting
        except ConnectionError as error:
            raise _gone() from error
        except TimeoutError as error:
            raise NeedsPerson(
                f"The process that owns this repository has not answered `{command}` within "
                f"{ANSWER_WITHIN_S:g} s. Nothing more was sent."
            ) from error
        finally:
            del self._waiting[id_]
            if waiting.done() and not waiting.cancelled():
                waiting.exception()  # seen, even where nobody waits any more

    async def close(self) -> None:
        """End the connection, and what was asked over it. May be called twice."""
        tasks = [self._reading, *self._answering]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._writer.close()

    async def _read(self) -> None:
        try:
            while True:
                line = await self._reader.readuntil(b"\n")
                self._take(wire.Reply.model_validate_json(line))
        except (
            asyncio.IncompleteReadError,
            asyncio.LimitOverrunError,
            ConnectionError,
            ValidationError,
        ):
            self._leave()
            self._on_gone()
        finally:
            self._leave()

    def _take(self, reply: wire.Reply) -> None:
        if reply.ask is not None:
            if len(self._answering) >= MOST_QUESTIONS:
                raise ConnectionError("more questions than any owner asks")
            task = asyncio.create_task(self._on_ask(reply.ask), name="answering")
            self._answering.add(task)
            task.add_done_callback(self._answering.discard)
            return
        waiting = self._waiting.get(reply.id or 0)
        if waiting is None or waiting.done():
            return
        if reply.error is not None:
            waiting.set_exception(reply.error.as_exception())
        else:
            waiting.set_result(reply.result or {})

    def _leave(self) -> None:
        self._is_gone = True
        self._writer.close()
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(_gone())


def _gone() -> LongshiftError:
    return NeedsPerson(
        "The process that owned this repository is gone. What it had journalled is kept. Try again."
    )
