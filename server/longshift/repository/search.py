"""Finding lines by a regular expression that a model wrote.

Pure: is handed the files. Lines are searched one by one, so a pattern never crosses a line end.
Python's `re` can't be interrupted, so a pattern whose time may explode is refused before it runs:
an unbounded repeat inside another, back references beside repeats, and three or more overlapping
repeats in a row. Lines are searched in their first 2,000 characters, and a search stops after five
seconds with a `TellModel` that says how to narrow it.
"""

import re
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

# The parser that re itself uses. It has no public name, and so no types, since sre_parse went.
from re import _constants as codes  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Final

from longshift.errors import TellModel
from longshift.repository.textfile import decode

_MAX_LINE_CHARS: Final = 2_000
_TIME_LIMIT_S: Final = 5.0
_MAX_PATTERN_CHARS: Final = 1_000
_MANY: Final = 20  # a repeat that may run longer than this counts as unbounded
_REPEATS: Final = (codes.MAX_REPEAT, codes.MIN_REPEAT)


@dataclass(frozen=True, slots=True)
class Match:
    """One line that matches.

    Attributes:
        path: the file.
        line: the line's number, from 1.
        text: the line without its end, at most 2,000 characters of it.
    """

    path: str
    line: int
    text: str


class Query:
    """A pattern found harmless, ready to search with."""

    def __init__(self, pattern: str) -> None:
        """Check and compile a pattern.

        Raises:
            TellModel: it is no regular expression, or one whose time may explode.
        """
        if len(pattern) > _MAX_PATTERN_CHARS:
            raise TellModel(f"The pattern is longer than {_MAX_PATTERN_CHARS} characters.")
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # "possible nested set" and its kin
                self._pattern = re.compile(pattern)
                parsed = parser.parse(pattern)
        except (re.error, OverflowError, RecursionError) as error:
            raise TellModel(f"{pattern!r} is not a regular expression: {error}.") from None
        if _is_explosive(parsed):
            raise TellModel(
                f"{pattern!r} could take unbounded time: it nests or strings together repeats "
                "such as (a+)+ or .*.*.*; search for a simpler part of it."
            )
        self._literal = b"" if self._pattern.flags & re.IGNORECASE else _literal(parsed)

    def search(
        self,
        files: Iterable[tuple[str, bytes]],
        limit: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> list[Match]:
        """Search files in the order given, up to `limit` matching lines.

        Raises:
            TellModel: five seconds have passed.
        """
        end = clock() + _TIME_LIMIT_S
        found: list[Match] = []
        for path, data in files:
            for match in self._matches(path, data):
                found.append(match)
                if len(found) >= limit:
                    return found
            if clock() > end:
                raise TellModel(
                    f"The search was stopped at {path!r} after {_TIME_LIMIT_S:g} seconds. Give a "
                    "folder as `path`, a `glob`, or a pattern with more fixed letters."
                )
        return found

    def _matches(self, path: str, data: bytes) -> Iterator[Match]:
        if self._literal not in data:
            return
        file = decode(data)
        if file is None:
            return
        for number, line in enumerate(file.text.split("\n"), 1):
            text = line[:_MAX_LINE_CHARS].removesuffix("\r")
            if self._pattern.search(text):
                yield Match(path, number, text)


def _is_explosive(parsed: "parser.SubPattern") -> bool:
    return _nests(parsed, inside=False) or _overlaps(parsed) or _refers_back(parsed)


def _nests(parsed: "parser.SubPattern", inside: bool) -> bool:
    """Tell whether an unbounded repeat stands inside another."""
    for code, argument in parsed:
        unbounded = code in _REPEATS and argument[1] > _MANY
        if unbounded and inside:
            return True
        if any(_nests(part, inside or unbounded) for part in _parts(argument)):
            return True
    return False


def _overlaps(parsed: "parser.SubPattern") -> bool:
    """Tell whether three unbounded repeats follow each other with no fixed letter between."""
    row = 0
    for code, argument in parsed:
        if code in _REPEATS and argument[1] > _MANY:
            row += 1
        elif code is codes.LITERAL:
            row = 0
        if row > 2 or any(_overlaps(part) for part in _parts(argument)):
            return True
    return False


def _refers_back(parsed: "parser.SubPattern") -> bool:
    flat = repr(parsed)
    return "GROUPREF" in flat and "MAXREPEAT" in flat


def _parts(argument: object) -> "Iterator[parser.SubPattern]":
    """Give the patterns that a node of the parsed tree holds, at any depth of its tuples."""
    if isinstance(argument, parser.SubPattern):
        yield argument
    elif isinstance(argument, tuple | list):
        for part in argument:
            yield from _parts(part)


def _literal(parsed: "parser.SubPattern") -> bytes:
    """Give the longest run of ASCII letters that every match contains."""
    best = run = ""
    for code, argument in parsed:
        run = run + chr(argument) if code is codes.LITERAL and argument < 128 else ""
        best = max(best, run, key=len)
    return best.encode("ascii")
