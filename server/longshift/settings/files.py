"""Read one TOML file that anybody may have written.

Owns the guards around reading: regular files only, of bounded size. Must never take part of a
file for the whole, and never wait (a named pipe in a project's folder must not hang the start).
"""

import os
import re
import stat
import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Final

from longshift.errors import UsageError

LARGEST_FILE_BYTES: Final = 256 * 1024
DEEPEST_TABLE: Final = 64
_LONG_DOTTED_KEY: Final = re.compile(
    r"""(?<![A-Za-z0-9_-])
    (?: (?: [A-Za-z0-9_-]++ | "(?:[^"\\\n]|\\.){0,200}+" | '[^'\n]{0,200}+' )
    [ \t]*+ \. [ \t]*+ ){16}""",
    re.VERBOSE,
)
"""More parts than any table of settings has. `tomllib` keeps every prefix of a dotted key: one of
100,000 parts, which fits into the largest file, would take all the memory of the machine.
A quoted part is looked through up to 200 characters only: a line of escaped quotes would otherwise
be gone through once for each of them. Longer parts are too few in a file to do harm."""
_WRITTEN: Final = re.compile(r"""\(['"].*['"],?\)|(?<=table key )['"].*['"]""", re.DOTALL)
"""A name as `tomllib` repeats it from the file: of any length, and perhaps a key."""


class TooLargeError(UsageError):
    """A file of settings is larger than any that was written by hand."""


class NotTomlError(UsageError):
    """A file is not TOML."""


def read_text(path: Path) -> str | None:
    """A file's text, or None where there is no such file.

    Raises:
        UsageError: it is there and can't be read: no file, no permission, too large, not UTF-8.
    """
    try:
        data = _read_bounded(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise _unreadable(path, error.strerror or "it can't be read") from error
    if len(data) > LARGEST_FILE_BYTES:
        limit = f"{LARGEST_FILE_BYTES // 1024} KiB"
        raise TooLargeError(f"{path} was not read: it is larger than {limit}. {_NEXT}")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise NotTomlError(f"{path}, line {line}: it is not UTF-8 text. {_NEXT}") from error


def parse_toml(path: Path, text: str) -> dict[str, object]:
    """A TOML text as tables; decimal fractions are exact.

    Raises:
        NotTomlError: naming file and line.
    """
    if _LONG_DOTTED_KEY.search(text):
        raise NotTomlError(f"{path} was not read: {_TOO_DEEP}. {_NEXT}")
    try:
        tables = tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        last = f"at line {text.rstrip().count(chr(10)) + 1}, the end of the file"
        what = _WRITTEN.sub("a name", str(error)).replace("at end of document", last)
        raise NotTomlError(f"{path} is not valid TOML: {what}. {_NEXT}") from error
    except RecursionError:
        raise NotTomlError(f"{path} was not read: {_TOO_DEEP}. {_NEXT}") from None
    except (ValueError, ArithmeticError):
        raise NotTomlError(f"{path} was not read: {_TOO_LARGE}. {_NEXT}") from None
    fault = _fault(tables)
    if fault:
        raise NotTomlError(f"{path} was not read: {fault}. {_NEXT}")
    return tables


def _fault(tables: dict[str, object]) -> str | None:
    """What would break those who walk or print the tables, although TOML allows it to be written.

    Walks by hand: dotted keys nest more deeply than calls can.
    """
    waiting: list[tuple[int, object]] = [(0, tables)]
    while waiting:
        depth, value = waiting.pop()
        if depth > DEEPEST_TABLE:
            return _TOO_DEEP
        if isinstance(value, int) and abs(value) >= 2**63:
            return _TOO_LARGE
        if isinstance(value, dict):
            waiting.extend((depth + 1, below) for below in value.values())
        elif isinstance(value, list):
            waiting.extend((depth + 1, item) for item in value)
    return None


_TOO_DEEP: Final = "it is nested too deeply"
_TOO_LARGE: Final = "a number in it is too large"
_NEXT: Final = "Nothing was started; mend the file and try again."


def _unreadable(path: Path, why: str) -> UsageError:
    return UsageError(f"{path} can't be read: {why}. {_NEXT}")


def _read_bounded(path: Path) -> bytes:
    """At most one byte more than the limit, so that "too large" is known without reading on."""
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    with open(descriptor, "rb") as file:  # noqa: PTH123  from a descriptor, not a path
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(0, "it is not a regular file")
        return file.read(LARGEST_FILE_BYTES + 1)
