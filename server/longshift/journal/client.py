"""Speak to the process that owns a repository, from any other process.

Owns one connection. Must never drive a run itself, whatever the owner answers.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from typing import Final, Self

from pydantic import ValidationError

from longshift.errors import NeedsPerson, UsageError
from longshift.journal import wire
from longshift.journal.doors import knock, shown
from longshift.journal.wire import Json

ANSWER_WITHIN_S: Final = 60.0


class ControlClient:
    """Speaks to the owner of a repository. For one task at a time."""

    def __init__(
        self, address: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Speak on an open connection; `connect` is the usual way."""
        self._address = address
        self._reader = reader
        self._writer = writer
        self._last_id = 0

    @classmethod
    async def connect(cls, address: str) -> Self:
        """Connect to the address that an owner announced.

        Raises:
            NeedsPerson: nobody answers there.
        """
        try:
            return cls(address, *await knock(address))
        except (OSError, ValueError) as error:
            raise NeedsPerson(
                f"The process that owns this repository does not answer at {shown(address)} "
                f"({error}). Nothing was changed. If it has just ended, try again."
            ) from error

    async def call(
        self,
        command: str,
        arguments: Mapping[str, object] | None = None,
        *,
        timeout_s: float = ANSWER_WITHIN_S,
    ) -> Json:
        """Send one command and wait for its result.

        Raises:
            UsageError: the owner says that the command or its arguments can't be.
            NeedsPerson: the owner says what a person has to mend, or it is gone, or too slow;
                then the connection is of no further use.
            LongshiftError: the owner failed by a defect of its own.
        """
        self._last_id += 1
        request = {"id": self._last_id, "command": command, "arguments": dict(arguments or {})}
        try:
            line = wire.encode(request)
        except ValueError as error:
            raise UsageError(f"`{command}` can't be sent: {error}.") from error
        try:
            async with asyncio.timeout(timeout_s):
                reply = await self._exchange(line)
        except TimeoutError as error:
            self._writer.close()
            raise NeedsPerson(
                f"The process that owns this repository has not answered `{command}` within "
                f"{timeout_s:g} s. It may still do it: look with `longshift status`."
            ) from error
        return reply.result or {}

    async def follow(self, after: int = 0) -> AsyncIterator[Json]:
        """Yield the facts behind number `after`, and each that happens, as `as_line` objects.

        The connection serves nothing else from then on. Ends when the owner has no more to tell.

        Raises:
            NeedsPerson: the owner is gone; what it journalled is kept.
        """
        await self.call("follow", {"after": after})
        while not (reply := await self._receive()).end:
            if reply.event is not None:
                yield reply.event

    async def close(self) -> None:
        """End the connection. May be called twice."""
        self._writer.close()
        with contextlib.suppress(ConnectionError):
            await self._writer.wait_closed()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def _exchange(self, line: bytes) -> wire.Reply:
        # A server that refuses us may have closed already, leaving its reason to be read.
        with contextlib.suppress(ConnectionError):
            self._writer.write(line)
            await self._writer.drain()
        return await self._receive()

    async def _receive(self) -> wire.Reply:
        try:
            reply = wire.Reply.model_validate_json(await self._reader.readuntil(b"\n"))
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            raise NeedsPerson(
                "The process that owned this repository is gone. What it had journalled is kept: "
                "look with `longshift status`, continue with `longshift resume`."
            ) from error
        except (asyncio.LimitOverrunError, ValidationError) as error:
            raise NeedsPerson(
                f"What answers at {shown(self._address)} does not speak as this Longshift does. "
                "Nothing more was sent. End it and start it anew with the same version."
            ) from error
        if reply.error is not None:
            raise reply.error.as_exception()
        return reply
