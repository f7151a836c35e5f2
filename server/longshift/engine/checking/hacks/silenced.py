"""Comments that keep a check from speaking, and marks that keep whole groups of tests from running.

Owns telling a new one from one that moved with its line. Pure.
"""

import re
from collections.abc import Iterator, Sequence, Set
from functools import cached_property
from posixpath import splitext
from typing import Final

from longshift.crew.gates.languages import BY_SUFFIX
from longshift.crew.gates.scan import in_string, is_test_path
from longshift.engine.checking.hacks.narrowed import Narrowed, bare
from longshift.engine.checking.hacks.outcomes import HOOKS, Outcomes, outcomes
from longshift.engine.checking.hacks.shape import DISABLED, SKIPPED, Change, Hack, Moved

MOST_OF_A_FILE: Final = 20
_WHOLE: Final = re.compile(
    r"#\s*noqa(?!\s*:)|#\s*type:\s*ignore(?!\[)|#\s*pyright:\s*ignore(?!\[)|mypy:\s*ignore-errors"
    r"|(?:ruff|flake8):\s*noqa(?!\s*:)|pylint:\s*(?:disable=all|skip-file)|@ts-(?:ignore|nocheck)"
    r"|/\*\s*(?:eslint|oxlint)-disable(?!-(?:next-)?line)"
    r"|(?:eslint|oxlint)-disable(?:-next-line|-line)?\s*(?:\*/|--|$)|//\s*nolint(?!:)"
    r"|#!\[\s*allow\(|allow\(\s*(?:warnings|unused|clippy::all)\b|noqa:\s*ALL"
)
"""One that silences a whole file, or everything that could be said of a line."""
_GROUP: Final = re.compile(
    r"\b(?P<only>(?:it|test|describe|context|suite)\.only\b|f(?:it|describe)\s*\(\s*[\"'`])"
    r"|(?:^|\s)(?:xdescribe|xcontext)\s*\(|\b(?:describe|context|suite)\.(?:skip|todo)\b"
)
_HOW: Final = "A check is kept from speaking here"
_ENDS: Final = re.compile(
    r"\b(?:os\._exit|sys\.exit|process\.exit|os\.Exit|pytest\.exit)\(\s*(?:0\s*)?\)"
    r"|\bexitstatus\s*=\s*0"
)
"""What ends all tests well, whatever they found."""
_TOLD: Final = re.compile(rf"\bdef (?:{'|'.join(HOOKS)})\b")
_FEELS: Final = re.compile(
    r"PYTEST_CURRENT_TEST|[\"']pytest[\"'] in sys\.modules|\bJEST_WORKER_ID\b"
    r"|process\.env\.VITEST\b|\btesting\.Testing\(\)"
)
"""Code that may do otherwise where it is tested."""
_COLLECTION: Final = re.compile(r"^\s*collect_ignore(?:_glob)?\b|\bdef pytest_ignore_collect\b")
_HOOK: Final = "pytest_collection_modifyitems"
_ITEMS: Final = re.compile(
    r"^\s*items\[:\]\s*=[^#]*\bif\b|^\s*items\.(?:remove|pop|clear)\(|^\s*del items\b"
    r"|\bpytest_deselected\("
)
"""What takes tests from those that were collected."""
_PERHAPS: Final = re.compile(
    r"^\s*items\[:\]\s*=(?!\s*(?:sorted|reversed|list\(reversed)\b)"
    r"|\badd_marker\([^#]{0,80}(?:skip|xfail)"
)
"""What may do so, and may only put them in order, or ask first."""


def silenced(changes: Sequence[Change]) -> Iterator[Hack]:
    """Find what silences a check, or a group of tests, and stood nowhere before."""
    stood = Moved(
        key for one in changes for _, line in one.removed for key in [_key(one.path, line)] if key
    )
    narrowed = Narrowed(changes)
    for one in changes:
        if one.new is not None:
            yield from _of_file(one, stood, narrowed)


def _of_file(one: Change, stood: Moved, narrowed: Narrowed) -> Iterator[Hack]:
    text = _Text(one)
    count = 0
    for number, line in one.added:
        key = _key(one.path, line)
        if key is None or stood.takes(key) or count == MOST_OF_A_FILE:
            continue
        if not text.means(key, number, line):
            continue
        came = narrowed.takes(one, text.lines, number, line)
        if came == "narrower":
            continue
        count += 1
        group = _GROUP.search(line)
        if group is not None and key.startswith("tests:"):
            how = "All other tests are" if group["only"] else "A group of tests is"
            message = f"{how} kept from running: {line.strip()[:120]}"
            yield Hack(one.path, number, SKIPPED, message)
            continue
        plain = came != "other" and text.is_plain(key, number, line)
        how = "Code asks whether it is tested" if key.startswith("feels:") else _HOW
        message = f"{how}: {line.strip()[:160]}"
        yield Hack(one.path, number, DISABLED, message, "error" if plain else "warning")


class _Text:
    """A file that differs, read no further than it is asked about."""

    def __init__(self, one: Change) -> None:
        self._one = one

    @cached_property
    def lines(self) -> Sequence[str]:
        return (self._one.new or "").splitlines()

    @cached_property
    def _before(self) -> Set[str]:
        return {bare(each) for each in (self._one.old or "").splitlines()}

    @cached_property
    def _added(self) -> Set[int]:
        return {number for number, _ in self._one.added}

    @cached_property
    def _outcomes(self) -> Outcomes | None:
        return outcomes(self._one.new or "") if self._one.path.endswith(".py") else None

    def means(self, key: str, number: int, line: str) -> bool:
        """Whether a line is what it looks like."""
        if key.startswith(("items:", "perhaps:")):
            return _HOOK in (self._one.new or "")  # or else other items than those of pytest
        if key.startswith("ends:"):
            if self._outcomes is not None:
                return number in self._outcomes.ends
            ends = _ENDS.search(line)
            return ends is None or not in_string(line, ends.start())
        return True

    def is_plain(self, key: str, number: int, line: str) -> bool:
        """Whether nothing honest explains a line."""
        if key.startswith(("feels:", "perhaps:")):
            return False
        if key.startswith("told:"):
            return self._outcomes is None or number in self._outcomes.hooks
        alone = bare(line)
        return (
            bool(_WHOLE.search(line))
            or (bool(alone) and alone in self._before)
            or key.startswith(("collected:", "items:", "ends:"))
            # What stands on a line of its own speaks of the next one: is that one the run's?
            or (not alone and number + 1 not in self._added)
        )


def _key(path: str, line: str) -> str | None:
    """What of a line silences something, folded; None: nothing does."""
    language = BY_SUFFIX.get(splitext(path)[1].lower())
    if language is None:
        return None
    found = re.search(language.suppression, line)
    if found and not in_string(line, found.start()):
        return " ".join(line[found.start() :].split())
    group = _GROUP.search(line) if path.endswith(_SCRIPTS) else None
    if group and not in_string(line, group.start()):
        return f"tests:{' '.join(line.split())}"
    told = " ".join(line.split())
    if path.endswith("conftest.py") and _COLLECTION.match(line):
        return f"collected:{told}"
    if path.endswith("conftest.py") and _ITEMS.search(line):
        return f"items:{told}"
    if path.endswith("conftest.py") and _PERHAPS.search(line):
        return f"perhaps:{told}"
    if is_test_path(path) or path.endswith("conftest.py"):
        kind = "ends" if _ENDS.search(line) else "told" if _TOLD.search(line) else ""
        return f"{kind}:{told}" if kind else None
    return f"feels:{told}" if _FEELS.search(line) else None


_SCRIPTS: Final = (".js", ".jsx", ".mjs", ".cjs", ".ts", ".tsx", ".mts", ".cts")
