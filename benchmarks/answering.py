"""The least of an HTTP server that answers model calls faster than a client can make them.

Owns the framing of requests, each with its whole body, and of answers. What is answered, and after
how long, is the caller's.
"""

import asyncio
import re
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Final

_LENGTH: Final = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_HEAD: Final = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"


class Answering(asyncio.Protocol, ABC):
    """One connection: a request at a time."""

    def __init__(self) -> None:
        """Wait for a request."""
        self._parts: list[bytes] = []
        self._missing = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the way back."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Gather a request until it is whole, then have it answered."""
        self._parts.append(data)
        self._missing -= len(data)
        if self._missing > 0:
            return
        whole = b"".join(self._parts)
        head, end, rest = whole.partition(b"\r\n\r\n")
        if not end:
            self._parts, self._missing = [whole], 0
            return
        told = _LENGTH.search(head)
        self._missing = (int(told[1]) if told else 0) - len(rest)
        self._parts = [whole]
        if self._missing <= 0:
            self._parts, self._missing = [], 0
            self.answer(head, rest)

    @abstractmethod
    def answer(self, head: bytes, body: bytes) -> None:
        """Have `send` called once, now or later, with what this request is answered."""

    def send(self, body: bytes, after_s: float = 0.0) -> None:
        """Answer with a JSON text.

        Args:
            body: the text.
            after_s: how long the answer takes.
        """
        if after_s:
            asyncio.get_running_loop().call_later(after_s, self.send, body)
        elif not self._transport.is_closing():
            self._transport.write(_HEAD % len(body) + body)


async def serve_until_told(connection: Callable[[], Answering]) -> None:
    """Listen on a free port, print it, and serve until standard input ends."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(connection, "127.0.0.1", 0, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)
    server.close()
