"""What the names in a list reach: one that is wider stands for those within it.

Owns, for each kind of name, which ones are wider. Pure; a name of more than 200 characters
has none.
"""

import fnmatch
import re
from collections.abc import Callable, Iterator, Sequence
from posixpath import dirname
from typing import Final

LONGEST: Final = 200
MOST: Final = 30
"""Patterns that are held against the files; those behind them are taken to fit one."""

_PLAIN: Final = re.compile(r"[\w./*-]{1,200}")
_RENAMED: Final = {"TCH": "TC", "TC": "TCH"}
"""Letters of rules that ruff gave other ones; it takes both."""
_CODE: Final = re.compile(r"([A-Z]{1,10})(\d{0,10})")

Wider = Callable[[str], Iterator[str]]


def beyond(names: set[str], others: set[str], wider: Wider) -> list[str]:
    """The names that neither are among the others nor within one of them."""
    stripped = others | {_stripped(one) for one in others}
    return sorted(
        one for one in names - others if not any(outer in stripped for outer in wider(one))
    )


def held(names: Sequence[str], paths: Sequence[str]) -> list[str]:
    """Of patterns those that any of the paths fits, or is below."""
    below = [text for path in paths for text in (path, f"/{path}")]  # for what begins with `**/`
    return [
        name
        for at, name in enumerate(names)
        if at >= MOST or any(fnmatch.filter(below, one) for one in _globs(name))
    ]


def _globs(name: str) -> tuple[str, str]:
    plain = _stripped(name)
    folder = plain.removesuffix("/*").removesuffix("/**")
    return plain, "*" if folder in (".", "**") else f"{folder}/*"


def none_wider(_: str) -> Iterator[str]:
    """Of names that say nothing of one another."""
    yield from ()


def expressions(_: str) -> Iterator[str]:
    """Of regular expressions that paths are held against: which is wider can't be told."""
    yield from ()


def folders(name: str) -> Iterator[str]:
    """Of a path: itself in another spelling, and the folders that it is in."""
    if _PLAIN.fullmatch(name) and ".." not in name:
        name = _stripped(name)
        while name and name != "/":
            yield name
            name = dirname(name)
        yield "."


def packages(name: str) -> Iterator[str]:
    """Of what may be a path or a module."""
    yield from folders(name)
    if "/" not in name and _PLAIN.fullmatch(name):
        while "." in name:
            name = name.rpartition(".")[0]
            yield name


def patterns(name: str) -> Iterator[str]:
    """Of a path that has to fit a pattern as a whole."""
    for folder in list(folders(name))[1:]:
        yield "*" if folder == "." else f"{folder}/*"


def beginnings(name: str) -> Iterator[str]:
    """Of names that are known by how they begin."""
    if len(name) <= LONGEST:
        yield from (name[:end] for end in range(1, len(name)))


def codes(name: str) -> Iterator[str]:
    """Of a rule of ruff: `E` is wider than `E501`, but not than `ERA001`."""
    if found := _CODE.fullmatch(name):
        yield "ALL"
        if found[1] in ("PLC", "PLE", "PLR", "PLW"):
            yield "PL"
        yield from (found[1] + found[2][:end] for end in range(len(found[2])))
        if other := _RENAMED.get(found[1]):
            yield from (other + found[2][:end] for end in range(len(found[2]) + 1))


OF_FILES: Final = (folders, packages, patterns, expressions)
"""The kinds that name files, which may be renamed."""


def _stripped(name: str) -> str:
    return name.removeprefix("./").rstrip("/") or "."
