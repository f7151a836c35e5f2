"""Finding lines by a regular expression that a model wrote.

Is handed the files. Lines are searched one by one, so a pattern never crosses a line end.
Python's `re` can't be interrupted and holds up every thread meanwhile. So a pattern whose time
may explode is refused before it runs: an unbounded repeat inside another, back references beside
repeats, and three or more overlapping repeats in a row. One whose time is not plainly small (more
than one repeat, or repeated choices) is matched in a process of its own, which is ended when the
time is over. Lines are searched in their first 2,000 characters, and a search stops after five
seconds with a `TellModel` that says how to narrow it.
"""

import json
import re
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

# The parser that re itself uses. It has no public name, and so no types, since sre_parse went.
from re import _constants as codes  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Final

from longshift.errors import TellModel
from longshift.repository import matching
from longshift.repository.matching import LONGEST_LINE, matching_lines
from longshift.repository.textfile import decode

_TIME_LIMIT_S: Final = 5.0
_MAX_PATTERN_CHARS: Final = 1_000
_MANY: Final = 20  # a repeat that may run longer than this counts as unbounded
_REPEATS: Final = (codes.MAX_REPEAT, codes.MIN_REPEAT, codes.POSSESSIVE_REPEAT)
_SINGLE: Final = (codes.LITERAL, codes.NOT_LITERAL, codes.ANY, codes.IN, codes.AT)
_FEW_WAYS: Final = 2 * LONGEST_LINE
"""From each place of a line, so many ways to match are tried out in a blink: one repeat, or two
choices of one."""
_TOO_MANY_WAYS: Final = _FEW_WAYS + 1
_CHARACTERS_AT_ONCE: Final = 4_000_000
"""Of text, for one process that searches."""


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
            raise TellModel("pattern_too_long", most=_MAX_PATTERN_CHARS)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # "possible nested set" and its kin
                self._pattern = re.compile(pattern)
                parsed = parser.parse(pattern)
            explosive, self._is_quick = _is_explosive(parsed), _ways(parsed) <= _FEW_WAYS
        except (re.error, ValueError, OverflowError, RecursionError) as error:
            raise TellModel("pattern_unreadable", pattern=pattern, problem=str(error)) from None
        if explosive:
            raise TellModel("pattern_explosive", pattern=pattern)
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
        clock_end = clock() + _TIME_LIMIT_S
        texts = self._texts(files)
        search = self._search_here if self._is_quick else self._search_apart
        return search(texts, limit, lambda: clock_end - clock())

    def _texts(self, files: Iterable[tuple[str, bytes]]) -> Iterator[tuple[str, str]]:
        """Leave out what is no text, or can't match because a fixed part is missing."""
        for path, data in files:
            file = decode(data) if self._literal in data else None
            yield path, "" if file is None else file.text

    def _search_here(
        self, texts: Iterable[tuple[str, str]], limit: int, left_s: Callable[[], float]
    ) -> list[Match]:
        found: list[Match] = []
        for path, text in texts:
            for match in matching_lines(self._pattern, text) if text else ():
                if match is not None:
                    found.append(Match(path, *match))
                if len(found) >= limit:
                    return found
                if left_s() < 0:
                    raise _too_slow(path)
            if left_s() < 0:
                raise _too_slow(path)
        return found

    def _search_apart(
        self, texts: Iterable[tuple[str, str]], limit: int, left_s: Callable[[], float]
    ) -> list[Match]:
        found: list[Match] = []
        for batch in _batches(texts):
            last = batch[-1][0]
            if left_s() < 0:
                raise _too_slow(last)
            order = {
                "pattern": self._pattern.pattern,
                "texts": [text for _, text in batch],
                "limit": limit - len(found),
            }
            lines = _answer(order, last, left_s())
            found += [Match(batch[index][0], line, text) for index, line, text in lines]
            if len(found) >= limit:
                break
        return found


def _batches(texts: Iterable[tuple[str, str]]) -> Iterator[list[tuple[str, str]]]:
    batch: list[tuple[str, str]] = []
    size = 0
    for path, text in texts:
        if not text:
            continue
        batch.append((path, text))
        size += len(text)
        if size >= _CHARACTERS_AT_ONCE:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _answer(order: dict[str, object], last: str, timeout_s: float) -> list[tuple[int, int, str]]:
    """Have a process of its own match, isolated from whatever the environment says to Python."""
    command = [sys.executable, "-I", "-S", str(Path(matching.__file__))]
    try:
        done = subprocess.run(
            command,
            input=json.dumps(order).encode(),
            capture_output=True,
            timeout=timeout_s,
            check=True,
        )
    except subprocess.TimeoutExpired:
        raise _too_slow(last) from None
    found: list[tuple[int, int, str]] = json.loads(done.stdout)
    return found


def _too_slow(path: str) -> TellModel:
    return TellModel("search_too_slow", path=path, seconds=int(_TIME_LIMIT_S))


def _ways(parsed: "parser.SubPattern") -> int:
    """In how many ways a pattern can be tried out from one place of a line, at most; capped."""
    ways = 1
    for code, argument in parsed:
        if code in _SINGLE:
            continue
        if code in _REPEATS and _ways(argument[2]) == 1:
            ways *= max(1, min(argument[1], LONGEST_LINE))
        elif code is codes.BRANCH:
            ways *= sum(map(_ways, argument[1]))
        elif code is codes.SUBPATTERN:
            ways *= _ways(argument[-1])
        else:  # repeated choices, and what looks around or back
            return _TOO_MANY_WAYS
        ways = min(ways, _TOO_MANY_WAYS)
    return ways


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
