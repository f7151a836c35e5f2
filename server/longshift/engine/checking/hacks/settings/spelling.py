"""One spelling for settings that may be written in several.

Owns which keys and values are the same: ruff's lint keys of old and `lint.`, the options of pytest
as a line and as a list, regexes that hold commas. Pure.
"""

import re
import shlex
from collections.abc import Iterator
from posixpath import normpath
from typing import Final

LONGEST: Final = 2_000
"""Characters of the options that are read."""
LEAST: Final = "--cov-fail-under"

_LINTS: Final = frozenset(
    {
        "select", "ignore", "extend-select", "extend-ignore", "fixable", "extend-fixable",
        "unfixable", "extend-unfixable", "per-file-ignores", "extend-per-file-ignores",
    }
)  # fmt: skip
"""Keys that ruff takes in its own table as in `lint`, which it has them in by now."""
_REGEXES: Final = re.compile(
    r"coverage\.(?:report\.)?(?:exclude_lines|exclude_also|partial_branches)$|mypy\..*exclude$"
)
_VALUED: Final = re.compile(rf"(--ignore(?:-glob)?|--deselect|{LEAST})(?:=(.*))?", re.DOTALL)
_SHORT: Final = re.compile(r"-[qvxsl]{0,20}([kmW])(.*)", re.DOTALL)


def in_one_spelling(key: str, value: object) -> Iterator[tuple[str, object]]:
    """A setting as it is compared, whichever way it was written."""
    if key == "pytest.addopts":
        yield from _of_options(key, value)
        return
    tool, _, rest = key.partition(".")
    if tool == "ruff" and rest.split(".")[0] in _LINTS:
        yield f"ruff.lint.{rest}", value
    elif isinstance(value, str) and _REGEXES.match(key):
        yield key, [line.strip() for line in value.splitlines() if line.strip()]
    else:
        yield key, value


def is_old_spelling(key: str) -> bool:
    """Whether what the newer key says goes before what this one does."""
    tool, _, rest = key.partition(".")
    return tool == "ruff" and rest.split(".")[0] in _LINTS


def holds_regexes(key: str) -> bool:
    """Whether the values of a key may hold commas."""
    return bool(_REGEXES.match(key))


def _of_options(key: str, value: object) -> Iterator[tuple[str, object]]:
    """The options, each with its value; the coverage that is asked for is a key of its own."""
    kept: list[str] = []
    for name, said in _options(_words(value)):
        if name == LEAST and re.fullmatch(r"\d{1,3}(?:\.\d{1,4})?", said) and float(said):
            yield f"{key}.{LEAST}", float(said)
        else:
            kept.append(f"{name}={said}" if name.startswith("--") and said else _short(name, said))
    yield key, kept


def _short(name: str, said: str) -> str:
    return f"{name} {said}" if said else name


def _words(value: object) -> list[str]:
    """The words of a line; the parts of a list are words already."""
    if isinstance(value, list):
        return [str(one) for one in value][:LONGEST]
    text = str(value)[:LONGEST]
    try:
        return shlex.split(text)
    except ValueError:  # a quote without its other half
        return text.split()


def _options(words: list[str]) -> Iterator[tuple[str, str]]:
    left = iter(words)
    for word in left:
        if found := _VALUED.fullmatch(word):
            said = next(left, "") if found[2] is None else found[2]
            is_path = found[1].startswith("--ignore")
            yield found[1], normpath(said) if is_path and said else said
        elif found := _SHORT.fullmatch(word):
            yield f"-{found[1]}", " ".join((found[2].removeprefix("=") or next(left, "")).split())
        else:
            yield word, ""
