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


class OwnerGone(NeedsPerson):
    """The process that owned the repository ended while it was spoken to."""


class OwnerSilent(NeedsPerson):
    """The process that owns the repository does not answer; it may still do what it was asked."""


def about_silence(pid: int) -> str:
    """What a person is told of an owner that does not answer, and can do about it."""
    who = f"Process {pid}, which owns" if pid else "The process that owns"
    return (
        f"{who} this repository{',' if pid else ''} does not answer. Where it was suspended, "
        f"`kill -CONT {pid or 'PID'}` lets it go on; where it hangs, end it: what it journalled is "
        "kept."
    )


class ControlClient:
    """Speaks to the owner of a repository. For one task at a time."""

    def __init__(
        self,
        address: str,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        pid: int = 0,
    ) -> None:
        """Speak on an open connection; `connect` is the usual way."""
        self._address = address
        self._pid = pid
        self._reader = reader
        self._writer = writer
        self._last_id = 0

    @classmethod
    async def connect(cls, address: str, pid: int = 0) -> Self:
        """Connect to the address that an owner announced.

        Args:
            address: where its door is.
            pid: its process id, to be told to a person; 0: it is not known.

        Raises:
            NeedsPerson: nobody answers there.
        """
        try:
            reader, writer = await knock(address)
        except (OSError, ValueError) as error:
            raise NeedsPerson(
                f"The process that owns this repository does not answer at {shown(address)} "
                f"({error}). Nothing was changed. If it has just ended, try again."
            ) from error
        return cls(address, reader, writer, pid)

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
            OwnerGone: the owner has ended.
            OwnerSilent: it does not answer in time. The connection is of no further use then.
            NeedsPerson: the owner says what a person has to mend.
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
            raise OwnerSilent(
                f"{about_silence(self._pid)} `{command}` was sent {timeout_s:g} s ago and may "
                "still be done: look with `longshift status`."
            ) from error
        return reply.result or {}

    async def follow(self, after: int = 0) -> AsyncIterator[Json]:
        """Yield the facts behind number `after`, and each that happens, as `as_line` objects.

        The connection serves nothing else from then on. Ends when the owner has no more to tell.

        Raises:
            OwnerGone: the owner is gone; what it journalled is kept.
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
            raise OwnerGone(
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
