"""Which of a check's findings stood at the run's base already, and which are new at the head.

Owns the comparing: by the text of the line and the kind of defect, never by its number, because
the run's own edits move lines. Blocking.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from longshift.domain.fingerprints import fold_code, fold_line, fold_message
from longshift.engine.checking.locating import Located
from longshift.repository.files import FileDifference
from longshift.repository.hunks import LineHunk, line_hunks

Key = tuple[str, str, str, str]


@dataclass(frozen=True, slots=True)
class Compared:
    """The findings at a head, told apart; each part in their order."""

    new: Sequence[Located]
    before: Sequence[Located]
    """Those that stood at the base too."""

    @property
    def errors(self) -> list[Located]:
        """What is new and an error."""
        return [one for one in self.new if one.said.severity == "error"]


def compare(
    base: Collection[Located], head: Collection[Located], differences: Sequence[FileDifference]
) -> Compared:
    """Hold the findings at a head against those at its base; blocking.

    Args:
        base: what the same check says of the base.
        head: what it says of the head.
        differences: between the two commits, for files that were renamed and lines that changed.
    """
    former = {one.path: one.old_path for one in differences if one.old_path}
    left: dict[Key, list[Located]] = defaultdict(list)
    for one in base:
        left[key_of(one, {})].append(one)
    unmatched: list[Located] = []
    before: set[int] = set()
    for one in head:
        alike = left.get(key_of(one, former))
        if alike:
            alike.pop()
            before.add(id(one))
        else:
            unmatched.append(one)
    before |= _on_changed_lines(unmatched, left, differences)
    return Compared(
        new=[one for one in head if id(one) not in before],
        before=[one for one in head if id(one) in before],
    )


def key_of(one: Located, former: Mapping[str, str]) -> Key:
    """What makes two findings one, at whatever line they stand.

    Args:
        one: a finding.
        former: what files were called at the base, by their path at the head.
    """
    path = former.get(one.path, one.path)
    if one.said.test:  # what an assertion says of its values changes from run to run
        return "", "", "", _former_test(one, path)
    code = one.said.code
    return path, fold_code(code), fold_message(one.said.message, code), fold_line(one.text)


def _former_test(one: Located, path: str) -> str:
    """What a test was called when its file had this path.

    Its name may begin with the path from a folder below the root, which both paths have then.
    """
    printed, apart, name = one.said.test.partition("::")
    above = one.path.removesuffix(printed)
    below = above == "" or above.endswith("/")
    if one.path in (path, above) or not (below and path.startswith(above)):
        return one.said.test
    return f"{path.removeprefix(above)}{apart}{name}"


def _on_changed_lines(
    unmatched: Sequence[Located],
    left: Mapping[Key, Sequence[Located]],
    differences: Sequence[FileDifference],
) -> set[int]:
    """Those that stood, with the same words, on lines for which theirs were written.

    A line that is too long before and after an edit was too long already.
    """
    hunks = {one.path: one for one in differences if one.kind == "edit"}
    now = {one.old_path or one.path: one.path for one in differences}
    stood: Counter[tuple[str, int, str, str]] = Counter()
    by_path: dict[str, list[LineHunk]] = {}
    for one in unmatched:
        if one.path in hunks and one.path not in by_path:
            by_path[one.path] = _hunks(hunks[one.path])
    for key, alike in left.items():
        for one in alike:
            new_path = now.get(key[0], "")
            for number, hunk in enumerate(by_path.get(new_path, ())):
                if hunk.old_start < one.line <= hunk.old_start + len(hunk.old_lines):
                    stood[new_path, number, key[1], key[2]] += 1
    found: set[int] = set()
    for one in unmatched:
        code = one.said.code
        words = fold_code(code), fold_message(one.said.message, code)
        for number, hunk in enumerate(by_path.get(one.path, ())):
            inside = hunk.new_start < one.line <= hunk.new_start + len(hunk.new_lines)
            if inside and stood[one.path, number, *words] > 0:
                stood[one.path, number, *words] -= 1
                found.add(id(one))
    return found


def _hunks(difference: FileDifference) -> list[LineHunk]:
    old, new = (
        version.data.decode("utf-8", "replace") if version else ""
        for version in (difference.old, difference.new)
    )
    return line_hunks(old, new)
