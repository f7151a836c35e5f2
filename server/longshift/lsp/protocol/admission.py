"""Let in the one client that shows the token; everyone else on the port is asked for it, once.

Owns connections until one of them is let in. Must never show a client without the token anything
but the sentence that asks for it, and never let one that keeps still or brings friends keep the
right one out.
"""

import asyncio
import hmac
import logging
from typing import Final

from lsprotocol.types import INITIALIZE, LSPErrorCodes

from longshift.lsp.protocol.answers import ErrorAnswer
from longshift.lsp.protocol.envelope import VERSION, MalformedError, MsgId, Request, encode, parse
from longshift.lsp.protocol.framing import BadHeader, Framer, frame
from longshift.lsp.protocol.transport import CHUNK_BYTES, SocketTransport

logger = logging.getLogger(__name__)

WITHIN_S: Final = 10.0
"""How long a connection may take to send its `initialize`."""

MOST_WAITING: Final = 16
"""Connections that may wait at a time; one more ends the oldest, which had its time to speak."""

MOST_BYTES: Final = 1024 * 1024
"""How much a connection may send before it is let in."""

ASKS: Final = (
    "This server lets in the one client that sends its token as `initializationOptions.token`. "
    "The token stands on the standard error of `longshift serve --tcp`, or in LONGSHIFT_TOKEN "
    "where that was set. This connection is closed; connect again with it."
)


class Admission:
    """The door of one server: many may knock, one is let in."""

    def __init__(self, token: str, *, within_s: float = WITHIN_S) -> None:
        """Wait for the client that knows this token; needs a running loop."""
        self._token = token.encode("utf-8", "surrogatepass")
        self._within_s = within_s
        self._admitted: asyncio.Future[SocketTransport] = asyncio.get_running_loop().create_future()
        self._waiting: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    def knock(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take a connection, as `asyncio.start_server` gives it."""
        if self._admitted.done():
            writer.transport.abort()
            return
        if len(self._waiting) >= MOST_WAITING:
            oldest = next(iter(self._waiting))
            self._waiting.pop(oldest).transport.abort()
            oldest.cancel()
        task = asyncio.get_running_loop().create_task(self._meet(reader, writer), name="admission")
        self._waiting[task] = writer
        task.add_done_callback(lambda done: self._waiting.pop(done, None))

    async def admitted(self) -> SocketTransport:
        """The connection of the client with the token; all others are closed by then."""
        try:
            return await self._admitted
        finally:
            for task, writer in list(self._waiting.items()):
                if not task.done():
                    writer.transport.abort()
                    task.cancel()
            await asyncio.gather(*self._waiting, return_exceptions=True)

    async def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        said = bytearray()
        try:
            async with asyncio.timeout(self._within_s):
                asked = await self._first_request(reader, said)
        except (TimeoutError, OSError, MalformedError):
            asked = None
        if asked is not None and self._shows_token(asked):
            if not self._admitted.done():
                self._admitted.set_result(SocketTransport(reader, writer, bytes(said)))
                return
        elif asked is not None:
            logger.warning("A client without the right token was refused.")
            writer.write(frame(_refusal(asked.msg_id)))
        else:
            logger.warning("A connection that did not begin with initialize was closed.")
        await _close(writer)

    async def _first_request(self, reader: asyncio.StreamReader, said: bytearray) -> Request | None:
        """The `initialize` that a client must begin with; None: it does not.

        Args:
            reader: of its connection.
            said: takes every byte that it sent.
        """
        framer = Framer()
        while len(said) <= MOST_BYTES and (data := await reader.read(CHUNK_BYTES)):
            said += data
            for item in framer.feed(data):
                first = None if isinstance(item, BadHeader) else parse(item)
                if isinstance(first, Request) and first.method == INITIALIZE:
                    return first
                return None
        return None

    def _shows_token(self, asked: Request) -> bool:
        options = _member(asked.params, "initializationOptions")
        shown = _member(options, "token")
        given = shown if isinstance(shown, str) else ""
        return hmac.compare_digest(given.encode("utf-8", "surrogatepass"), self._token)


def _member(value: object, name: str) -> object:
    return value.get(name) if isinstance(value, dict) else None


def _refusal(msg_id: MsgId) -> bytes:
    answer = ErrorAnswer(LSPErrorCodes.RequestFailed, ASKS)
    return encode({"jsonrpc": VERSION, "id": msg_id, "error": answer.to_wire()})


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    try:
        async with asyncio.timeout(1.0):
            await writer.wait_closed()
    except (OSError, TimeoutError):
        writer.transport.abort()  # it does not read why
