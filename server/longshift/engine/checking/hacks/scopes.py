"""What the names in a list reach: one that is wider stands for those within it.

Owns, for each kind of name, which ones are wider. Pure; a name of more than 200 characters
has none.
"""

import re
from collections.abc import Callable, Iterator
from posixpath import dirname
from typing import Final

LONGEST: Final = 200

_PLAIN: Final = re.compile(r"[\w./*-]{1,200}")
_CODE: Final = re.compile(r"([A-Z]{1,10})(\d{0,10})")

Wider = Callable[[str], Iterator[str]]


def beyond(names: set[str], others: set[str], wider: Wider) -> list[str]:
    """The names that neither are among the others nor within one of them."""
    stripped = others | {_stripped(one) for one in others}
    return sorted(
        one for one in names - others if not any(outer in stripped for outer in wider(one))
    )


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


OF_FILES: Final = (folders, packages, patterns, expressions)
"""The kinds that name files, which may be renamed."""


def _stripped(name: str) -> str:
    return name.removeprefix("./").rstrip("/") or "."
