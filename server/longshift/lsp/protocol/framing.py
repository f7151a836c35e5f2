"""Cut a byte stream into JSON-RPC bodies, and wrap bodies for sending.

Owns the header part of the base protocol. Pure: no I/O, no JSON; never gives up on a stream,
because whatever a client sends, the next well-formed message must still be understood.

Replaces the reading loop of pygls 2.1.1, which skips a broken header in silence, reads header
names case-sensitively, and waits for ever after `Content-Length: 0` (not reported upstream).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

MAX_BODY_BYTES: Final = 64 * 1024 * 1024
"""A longer announcement is taken for garbage: no text that is edited by hand is so long, and
waiting for it would swallow the whole session."""

MAX_HEADER_BYTES: Final = 16 * 1024
_KEPT_BYTES: Final = 1024
"""Of a header that was given up."""

_HEADER_END: Final = re.compile(rb"\r?\n\r?\n")
_LENGTH: Final = re.compile(
    rb"content-length:[ \t]*(\d{1,18})[ \t]*\r?$", re.IGNORECASE | re.MULTILINE
)


@dataclass(frozen=True, slots=True)
class BadHeader:
    """A header that announced no usable length; what followed it was skipped."""

    reason: str


class Framer:
    """Collects bytes and gives out what is complete."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._awaited: int | None = None  # body bytes still to come; None while in a header

    def feed(self, data: bytes) -> Iterator[bytes | BadHeader]:
        """Take bytes as they arrive.

        Args:
            data: any piece of the stream, cut anywhere.

        Yields:
            Each complete body, and a `BadHeader` for each header that could not be used, in the
            order of the stream. Exhaust the iterator: it does the work.
        """
        self._buffer += data
        while True:
            item = self._header() if self._awaited is None else self._body(self._awaited)
            if item is None:
                return
            if item:  # an empty piece is a header understood: go on to its body
                yield item if isinstance(item, BadHeader) else bytes(item)

    def _body(self, length: int) -> bytes | None:
        if len(self._buffer) < length:
            return None
        body = bytes(self._buffer[:length])
        del self._buffer[:length]
        self._awaited = None
        return body

    def _header(self) -> bytes | BadHeader | None:
        end = _HEADER_END.search(self._buffer)
        if end is None:
            return self._overlong_header()
        block = bytes(self._buffer[: end.start()])
        del self._buffer[: end.end()]
        lengths = _LENGTH.findall(block)
        if not lengths:
            return BadHeader("The header has no Content-Length.")
        # The last one counts: what stands before it may be the body of a header that was refused.
        length = int(lengths[-1])
        if not 0 < length <= MAX_BODY_BYTES:
            return BadHeader(f"A Content-Length of {length} can't be read.")
        self._awaited = length
        return b""

    def _overlong_header(self) -> BadHeader | None:
        if len(self._buffer) <= MAX_HEADER_BYTES:
            return None
        # Keep a tail: the start of a good header, with its content's type, may be in it.
        del self._buffer[:-_KEPT_BYTES]
        return BadHeader(f"No header ended within {MAX_HEADER_BYTES} bytes.")


def frame(body: bytes) -> bytes:
    """Return the body with the header that the base protocol asks for."""
    return b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
