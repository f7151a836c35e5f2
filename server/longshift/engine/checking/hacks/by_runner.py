"""Tests that still stand, and that their runner no longer finds.

Owns the customs of the runners, by the name of a file and of a class. A name that other tests
import or inherit from is no loss. Pure.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from fnmatch import fnmatchcase
from posixpath import basename, splitext
from typing import Final

from longshift.domain.model import Severity
from longshift.engine.checking.hacks.scripted import is_script
from longshift.engine.checking.hacks.settings.settings_of import (
    flat_settings,
    is_settings,
    words_of,
)
from longshift.engine.checking.hacks.shape import LONGEST_LINE, SKIPPED, Change, Hack, quoted
from longshift.engine.checking.hacks.tested import Placed, Test

_SCRIPT: Final = re.compile(
    r"(?:^|/)(?:__tests__|tests?|specs?|e2e|cypress)/|(?:^|[/._-])(?:tests?|specs?|e2e|cy)[._-]"
)
_BASES: Final = re.compile(r"^[ \t]*class\s+\w+\s?\(([^()]{0,500})\)", re.MULTILINE)
_IMPORTS: Final = re.compile(r"\b(?:import|require|from)\b")
_TOLD: Final = re.compile(
    r"testMatch|testRegex|python_(?:files|classes)|\binclude\b|\bspec\b|\bdiscover\b|--test\b"
)
"""What may tell a runner to look for other names than before."""
_WORD: Final = re.compile(r"[^\W\d][\w.-]*")


def no_longer_found(
    pairs: Sequence[tuple[Placed, Placed]], changes: Sequence[Change]
) -> Iterator[Hack]:
    """Find those that were found before, each with what it is now."""
    runner: _Runner | None = None
    lost: dict[tuple[str, str], list[Test]] = defaultdict(list)
    for before, now in pairs:
        if before.is_like(now):
            continue
        runner = runner or _Runner(changes)
        path = now.change.path
        reason = runner.misses(path, now.test)
        if reason and not runner.misses(before.path_before, before.test):
            lost[path, reason].append(now.test)
    severity: Severity = "warning" if lost and _is_told(changes) else "error"
    for (path, reason), tests in lost.items():
        names = [test.name for test in tests]
        count = "One test is" if len(tests) == 1 else f"{len(tests)} tests are"
        message = f"{count} no longer found by the runner, as {reason}: {quoted(names)}."
        yield Hack(
            path, tests[0].line, SKIPPED, message, severity, names=tuple(t.short for t in tests)
        )


def _is_told(changes: Sequence[Change]) -> bool:
    asked = (one for one in changes if is_settings(one.path) or is_script(one.path))
    return any(_TOLD.search(line) for one in asked for _, line in one.added)


class _Runner:
    """What runners look for, as far as the files that differ say."""

    def __init__(self, changes: Sequence[Change]) -> None:
        self._files: list[str] = []
        self._classes: list[str] = []
        for one in changes:
            if is_settings(one.path):
                settings = flat_settings(one.path, one.new or "")
                self._files += words_of(settings.get("pytest.python_files"))
                self._classes += words_of(settings.get("pytest.python_classes"))
        tests = [(one.path, one.new or "") for one in changes if one.is_test]
        self._bases = set(_words(found for _, text in tests for found in _BASES.findall(text)))
        self._imports = {
            path: set(_words(line for line in text.splitlines() if _IMPORTS.search(line)))
            for path, text in tests
        }

    def misses(self, path: str, test: Test) -> str:
        """Why a test there is not found; "" if it is, or if that can't be told."""
        stem, suffix = splitext(basename(path))
        if not self._is_file_of_tests(path, stem, suffix) and not self._is_imported(path, stem):
            return f"the name of the file {basename(path)[:120]} is not one of tests"
        name, _, constructor = test.hidden.partition(".")
        if constructor:
            return f"its class {name[:120]} has a constructor"
        if name and name not in self._bases and not _fits(name, self._classes):
            return f"the name of the class {name[:120]} is not one of tests"
        return ""

    def _is_imported(self, path: str, stem: str) -> bool:
        return any(stem in names for other, names in self._imports.items() if other != path)

    def _is_file_of_tests(self, path: str, stem: str, suffix: str) -> bool:
        if suffix == ".py":
            usual = stem.startswith("test") or stem.endswith(("_test", "_tests"))
            return usual or _fits(basename(path), self._files) or _fits(path, self._files)
        if suffix == ".go":
            return stem.endswith("_test")
        if suffix in (".js", ".jsx", ".mjs", ".cjs", ".ts", ".tsx", ".mts", ".cts"):
            return bool(_SCRIPT.search(path))
        return True


def _words(texts: Iterable[str]) -> Iterator[str]:
    for text in texts:
        for word in _WORD.findall(text[:LONGEST_LINE]):
            yield from (word, splitext(word)[0], *word.split("."))


def _fits(name: str, patterns: Sequence[str]) -> bool:
    return any(name.startswith(one) or fnmatchcase(name, one) for one in patterns[:50])
