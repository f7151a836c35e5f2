"""Tests that are gone, skipped, or check less than they did.

Owns what explains such a change honestly: the test moved, was renamed, merged with others or made
into cases of one, or what it tested is gone as well. Pure.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence, Set
from posixpath import splitext
from typing import Final

from longshift.crew.gates.languages import BY_SUFFIX
from longshift.engine.checking.hacks.by_runner import no_longer_found
from longshift.engine.checking.hacks.live import live
from longshift.engine.checking.hacks.shape import (
    DELETED,
    SKIPPED,
    WEAKENED,
    Change,
    Hack,
    quoted,
    words,
)
from longshift.engine.checking.hacks.suites import tests_of
from longshift.engine.checking.hacks.tested import Placed, Test

ENOUGH: Final = 0.7
"""The share of a test's literals that must come back for it to be merged into another."""
_DEFINED: Final = re.compile(
    r"^(?:\s*(?:export\s+)?(?:default\s+)?(?:pub(?:\([^)]*\))?\s+)?(?:async\s+)?"
    r"(?:def|class|func|fn|function\*?|struct|enum|trait|interface|type)"
    r"|(?:\s*(?:export|pub(?:\([^)]*\))?)\s+)?(?:const|let|var))\s+"
    r"(?:\([^)]{0,80}\)\s*)?(?P<name>\w+)"
)
"""What others may use: a value only where it stands outermost, or is given out."""
_TOLERANCE: Final = re.compile(
    r"approx|abs\b|rel\b|tol|delta|places|almost|close|epsilon|<|InDelta", re.IGNORECASE
)
_EQUAL: Final = re.compile(r"==|[Ee]qual|toBe\(|assert_eq|\braises\b")
_CALLED: Final = re.compile(r"\b([^\W\d]\w*)\s?\(")
_SAYS_CHECK: Final = re.compile(
    r"_?(?:assert|expect|fail|raises|warns|to[A-Z]|skip|print|pass|if|for)"
)
_LITERAL: Final = re.compile(r"\"[^\"\n]*\"|'[^'\n]*'|`[^`\n]*`|\b\d[\w.]*")


def lost_tests(changes: Sequence[Change]) -> Iterator[Hack]:
    """Hold the tests of two trees against each other, over all files that differ."""
    changes = [live(one) for one in changes]
    old = [
        Placed(test, one)
        for one in changes
        if one.is_test or one.path.endswith(".rs")
        for test in tests_of(one.old_path or one.path, one.old or "")
    ]
    new = [
        Placed(test, one)
        for one in changes
        if one.is_test or one.path.endswith(".rs")
        for test in tests_of(one.path, one.new or "")
    ]
    pairs, gone, come = _paired(old, new)
    yield from no_longer_found(pairs, changes)
    pairs = [(before, now) for before, now in pairs if _differ(before.test, now.test)]
    excuse = _Excuse(changes, old, [*(now for _, now in pairs), *come])
    yield from _deleted([one for one in gone if not excuse.holds(one.test)], come)
    yield from _skipped(pairs, come)
    for before, now in pairs:
        yield from _weakened(before, now, excuse)


def _paired(
    old: Sequence[Placed], new: Sequence[Placed]
) -> tuple[list[tuple[Placed, Placed]], list[Placed], list[Placed]]:
    """Which test is which: by place and name, by name alone, then by what it checks."""
    pairs: list[tuple[Placed, Placed]] = []
    left_old, left_new = list(old), list(new)
    keys = (
        lambda one: (one.change.path, one.test.name),
        lambda one: one.test.short,
        lambda one: one.test.checks or one.test.body,
    )
    for key in keys:
        waiting: dict[object, list[Placed]] = defaultdict(list)
        for one in reversed(left_new):
            waiting[key(one)].append(one)
        found = [(one, waiting[key(one)].pop()) for one in left_old if waiting[key(one)]]
        pairs += found
        taken = {id(one) for pair in found for one in pair}
        left_old = [one for one in left_old if id(one) not in taken]
        left_new = [one for one in left_new if id(one) not in taken]
    return pairs, left_old, left_new


def _differ(old: Test, new: Test) -> bool:
    return (old.body, old.skipped, old.cases) != (new.body, new.skipped, new.cases)


class _Excuse:
    """What came to the tests, and what went from the code that they test.

    `old` are all tests that there were, `new` those of now that differ from them.
    """

    def __init__(
        self, changes: Sequence[Change], old: Sequence[Placed], new: Sequence[Placed]
    ) -> None:
        tests = [one for one in changes if one.is_test or one.path.endswith(".rs")]
        live = {tuple(words(check)) for one in new for check in one.test.checks}
        added = "\n".join(line for one in tests for line in _counting(one, live))
        self._added = Counter(word for word, _ in words(added))
        self._now = {word for one in tests for word, _ in words(one.new or "")}
        code = [one for one in changes if not one.is_test]
        before = {name for one in code for name in _defined(one.old or "")}
        after = {name for one in code for name in _defined(one.new or "")}
        self._gone = before - after - {one.test.short for one in old}

    def holds(self, test: Test) -> bool:
        """Whether nothing is lost with a test."""
        names = {word for word, is_literal in words(test.body) if not is_literal}
        if names & self._gone:
            return True  # what it tested is gone too
        _, _, body = test.body.partition("\n")
        literals = [word in self._now for word, is_literal in words(body) if is_literal and word]
        known = [
            word in self._now for word in {w for w, is_literal in words(body) if not is_literal}
        ]
        if sum(literals) < ENOUGH * len(literals) or sum(known) * 2 < len(known):
            return False
        return self._came_back(test.checks)

    def has(self, checks: Sequence[str]) -> bool:
        """Whether what was checked came back in other tests."""
        names = {word for check in checks for word, is_literal in words(check) if not is_literal}
        known = sum(name in self._now for name in names)
        return known * 2 >= len(names) and self._came_back(checks)

    def _came_back(self, checks: Sequence[str]) -> bool:
        found = [one for check in checks for one in words(check)]
        counted = [word for word, is_literal in found if is_literal and word]
        counted = counted or [word for word, _ in found]
        back = sum(self._added[word] > 0 for word in counted)
        return bool(counted) and back >= ENOUGH * len(counted)


def _counting(one: Change, live: Set[tuple[tuple[str, bool], ...]]) -> Iterator[str]:
    """The added lines that may stand for what is lost: no assertion that can't fail."""
    language = BY_SUFFIX.get(splitext(one.path)[1].lower())
    check = re.compile(language.check) if language else None
    for _, line in one.added:
        said = tuple(words(line)) if check and check.search(line) else ()
        if not said or any(said[:count] in live for count in range(1, len(said) + 1)):
            yield line


def _defined(text: str) -> Iterator[str]:
    return (found["name"] for line in text.splitlines() if (found := _DEFINED.match(line)))


def _deleted(gone: Sequence[Placed], come: Sequence[Placed]) -> Iterator[Hack]:
    real = sum(bool(one.test.checks) for one in come)
    by_file: dict[str, list[Placed]] = defaultdict(list)
    for one in gone:
        by_file[one.change.path].append(one)
    is_plain = len(gone) > real
    for lost in by_file.values():
        change, names = lost[0].change, [one.test.name for one in lost]
        is_gone = change.new is None
        line = lost[0].test.line
        yield Hack(
            path=change.path,
            line=line if is_gone else change.now(line),
            code=DELETED,
            message=(
                f"{_counted(names, 'test')} gone that nothing replaces, while what "
                f"{'it' if len(names) == 1 else 'they'} tested still stands: {quoted(names)}."
            ),
            severity="error" if is_plain else "warning",
            is_gone=is_gone,
            names=tuple(one.test.short for one in lost),
        )


def _counted(names: Sequence[str], word: str) -> str:
    return f"One {word} is" if len(names) == 1 else f"{len(names)} {word}s are"


def _skipped(pairs: Sequence[tuple[Placed, Placed]], come: Sequence[Placed]) -> Iterator[Hack]:
    for before, now in pairs:
        test = now.test
        if test.skipped and before.test.skipped not in (test.skipped, "always"):
            always = test.skipped == "always"
            how = "no longer runs or counts" if always else "runs under a condition only"
            yield Hack(
                now.change.path,
                test.line,
                SKIPPED,
                f"The test {test.name} {how}; before the run it always did.",
                "error" if always else "warning",
                names=(test.short,),
            )
    for one in come:
        if one.test.skipped == "always":
            message = f"The new test {one.test.name} is skipped or expected to fail."
            yield Hack(one.change.path, one.test.line, SKIPPED, message, "warning")


def _weakened(before: Placed, now: Placed, excuse: _Excuse) -> Iterator[Hack]:
    old, new = before.test, now.test
    lost = list((Counter(old.checks) - Counter(new.checks)).elements())
    came = list((Counter(new.checks) - Counter(old.checks)).elements())
    said = _what_weakened(old, new, lost, came, excuse)
    if said:
        severity, message = said
        path, names = now.change.path, (new.short,)
        message = f"The test {new.name} {message}."
        if severity == "error":
            yield Hack(path, new.line, WEAKENED, message, names=names)
        else:
            yield Hack(path, new.line, WEAKENED, message, "warning", names=names)


def _what_weakened(
    old: Test, new: Test, lost: Sequence[str], came: Sequence[str], excuse: _Excuse
) -> tuple[str, str] | None:
    if old.checks and not new.checks:
        severity = "warning" if _calls_others(old, new) else "error"
        return None if excuse.has(lost) else (severity, "checks nothing any more")
    if len(new.checks) < len(old.checks) and not excuse.has(lost):
        count = len(old.checks) - len(new.checks)
        known = came or _calls_others(old, new)
        return "warning" if known else "error", f"makes {count} fewer of its checks: {quoted(lost)}"
    if new.cases < old.cases:
        return "warning", f"runs for {new.cases} cases, and ran for {old.cases}"
    changed = _only_values(lost, came)
    if changed and any(map(_TOLERANCE.search, changed)):
        return "warning", f"allows another tolerance: {quoted(changed)}"
    if changed:
        return "warning", f"expects other values than before: {quoted(changed)}"
    if any(map(_EQUAL.search, lost)) and came and not any(map(_EQUAL.search, new.checks)):
        return "warning", f"no longer says what exactly it expects: {quoted(came)}"
    return None


def _calls_others(old: Test, new: Test) -> bool:
    """Whether a test calls what it did not: a helper, perhaps, that checks in its place."""
    called = set(_CALLED.findall(new.body)) - set(_CALLED.findall(old.body))
    return any(not _SAYS_CHECK.match(name) for name in called)


def _only_values(lost: Sequence[str], came: Sequence[str]) -> list[str]:
    """Checks that say the same of other literals."""
    forms = Counter(_LITERAL.sub("_", one) for one in lost)
    changed: list[str] = []
    for one in came:
        form = _LITERAL.sub("_", one)
        if forms[form] > 0:
            forms[form] -= 1
            changed.append(one)
    return changed
