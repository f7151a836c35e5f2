r"""Offsets and lines of a text as positions in the client's encoding, and back.

Pure. Offsets count code points; LSP's lines end at "\n", "\r\n" and a lone "\r", review's only at
"\n", so that everything crosses by way of offsets.
"""

import re
from bisect import bisect_right
from functools import cached_property
from itertools import accumulate

from lsprotocol.types import Position, Range

_LINE_END = re.compile(r"\r\n|\r|\n")


class Lines:
    """One text with its lines, for many questions; they are found at the first."""

    def __init__(self, text: str, encoding: str) -> None:
        """Hold the text.

        Args:
            text: as the client has it.
            encoding: `utf-8`, `utf-16` or `utf-32`.
        """
        self.text = text
        self._encoding = encoding
        self._is_ascii = text.isascii()

    @cached_property
    def _starts(self) -> list[int]:
        if "\r" not in self.text:
            return _after_newlines(self.text)
        return [0, *[end.end() for end in _LINE_END.finditer(self.text)]]

    @cached_property
    def _review_starts(self) -> list[int]:
        return self._starts if "\r" not in self.text else _after_newlines(self.text)

    def position(self, offset: int) -> Position:
        """Where a code point stands; the length of the text is its end."""
        line = bisect_right(self._starts, offset) - 1
        start = self._starts[line]
        if self._is_ascii:
            return Position(line, offset - start)
        return Position(line, units(self.text[start:offset], self._encoding))

    def range(self, start: int, end: int) -> Range:
        """The half-open range between two offsets."""
        return Range(self.position(start), self.position(end))

    def lines_range(self, start_line: int, end_line: int) -> Range:
        """Whole lines of review's counting, half-open; past the end means the end."""
        return self.range(self._line_start(start_line), self._line_start(end_line))

    def line_range(self, line: int) -> Range:
        """One line of review's counting without its line end."""
        start, end = self._line_start(line), self._line_start(line + 1)
        return self.range(start, start + len(self.text[start:end].rstrip("\r\n")))

    def _line_start(self, line: int) -> int:
        return self._review_starts[line] if line < len(self._review_starts) else len(self.text)


def units(text: str, encoding: str) -> int:
    """How many of the encoding's units a text takes; a lone surrogate counts as one character."""
    match encoding:
        case "utf-8":
            return len(text.encode("utf-8", "surrogatepass"))
        case "utf-32":
            return len(text)
        case _:
            return len(text.encode("utf-16-le", "surrogatepass")) // 2


def meets(range_: Range, start: Position, end: Position) -> bool:
    """Whether a range that was asked for touches the lines from `start` to `end`.

    A cursor on the last of the lines meets them; one on the line after them does not, unless they
    are none at all: then also one on the line before, behind which something is inserted.
    """
    last = end.line - 1 if end.character == 0 and end.line > start.line else end.line
    first = (
        start.line - 1 if (start.line, start.character) == (end.line, end.character) else start.line
    )
    return first <= range_.end.line and range_.start.line <= last


def _after_newlines(text: str) -> list[int]:
    lengths = [len(line) + 1 for line in text.split("\n")]
    return list(accumulate(lengths[:-1], initial=0))
