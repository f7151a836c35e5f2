"""Tests that pytest no longer looks for since its configuration says for the first time where.

Owns pytest's own customs of what is a test, which hold as long as nothing is set. Pure.
"""

import re
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from posixpath import basename, dirname
from typing import Final

from longshift.engine.checking.hacks.settings.settings_of import Flat, words_of
from longshift.engine.checking.hacks.shape import quoted

_NAMES: Final = {"pytest.python_functions": "test_it", "pytest.python_classes": "TestIt"}
MOST: Final = 3_000
"""Files of tests that are looked at."""
MOST_PATTERNS: Final = 20
"""Patterns of a setting that each is held against."""


def is_test_file(path: str) -> bool:
    """Whether pytest takes a file for one of tests, where nothing is set."""
    return basename(path).startswith("test_") or path.endswith("_test.py")


def no_longer_collected(
    folder: str, files: Sequence[str], old: Flat, new: Flat
) -> Iterator[tuple[str, str]]:
    """Settings that came and leave out tests that there were, each with what to say of it.

    Args:
        folder: where pytest is configured.
        files: what of Python there was below it, and still is.
        old: what was set before.
        new: what is set now.
    """
    ran = _ran(folder, files, old)
    for key in _LOOKS:
        lost = [path for path in ran if key not in old and not _looks_for(path, key, new)]
        if lost:
            yield key, f"leaves out tests that ran before: {quoted(lost)}."
    for key, name in _NAMES.items() if ran else ():
        patterns = _patterns(new.get(key))
        if key not in old and patterns and not any(_fits_name(name, one) for one in patterns):
            yield key, f"leaves out tests by their usual names: only {', '.join(patterns)[:200]}."


def without_vain_ignores(
    options: Sequence[object], folder: str, files: Sequence[str], old: Flat
) -> list[object]:
    """Options of pytest without those that leave out what holds no test.

    Where pytest is started they are read from there, so that a name counts wherever it stands.

    Args:
        options: they, one by one.
        folder: where pytest is configured.
        files: what of Python there is below it.
        old: what was set before.
    """
    before = old.get("pytest.addopts")
    listed = before if isinstance(before, list) else []
    all_run = any(str(one).startswith("--doctest") for one in listed)  # of any file
    ran = list(_below(folder, files)) if all_run else _ran(folder, files, old)
    if len(ran) >= MOST:  # there may be more
        return list(options)
    names = [
        name
        for one in options
        if str(one).startswith(_IGNORE)
        and _PLAIN.fullmatch(name := str(one).removeprefix(_IGNORE))
        and ".." not in name
    ][:MOST_PATTERNS]
    vain = {name for name in names if not any(f"/{name}/" in f"/{path}/" for path in ran)}
    return [one for one in options if str(one).removeprefix(_IGNORE) not in vain]


_IGNORE: Final = "--ignore="
_PLAIN: Final = re.compile(r"\w[\w./-]{0,200}")


def _below(folder: str, files: Sequence[str]) -> Iterator[str]:
    return (path.removeprefix(f"{folder}/") for path in files)


def _ran(folder: str, files: Sequence[str], old: Flat) -> list[str]:
    """The files of tests, as seen from a folder, that pytest found there before."""
    below = _below(folder, files)
    tests = [path for path in below if _looks_for(path, "pytest.python_files", old)][:MOST]
    return [path for path in tests if all(_looks_for(path, key, old) for key in _LOOKS)]


_LOOKS: Final = ("pytest.testpaths", "pytest.python_files", "pytest.norecursedirs")


def _looks_for(path: str, key: str, settings: Flat) -> bool:
    patterns = _patterns(settings.get(key))
    if key == "pytest.testpaths":
        return not patterns or any(_is_below(path, one) for one in patterns)
    if key == "pytest.python_files":
        if not patterns:
            return is_test_file(path)
        return any(fnmatchcase(path if "/" in one else basename(path), one) for one in patterns)
    return not any(
        fnmatchcase(above if "/" in one else basename(above), one)
        for above in _above(path)
        for one in patterns
    )


def _is_below(path: str, place: str) -> bool:
    place = place.removeprefix("./").rstrip("/")
    return place in ("", ".") or any(fnmatchcase(one, place) for one in (path, *_above(path)))


def _above(path: str) -> Iterator[str]:
    while path := dirname(path):
        yield path


def _fits_name(name: str, pattern: str) -> bool:
    return name.startswith(pattern) or fnmatchcase(name, pattern)


def _patterns(value: object) -> list[str]:
    return words_of(value)[:MOST_PATTERNS]
