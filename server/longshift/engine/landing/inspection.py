"""What landed, looked at for what a reader would miss: secrets, and characters that do not show.

Owns these findings: reported as soon as they are at the head, resolved as soon as they no longer
are, by nobody's judgement. Must never put a secret into a finding, nor lay at the run's door what
stood in the person's text before.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Final, Literal

from longshift.domain import events
from longshift.domain.fingerprints import fingerprint
from longshift.domain.model import Finding
from longshift.domain.state import Run
from longshift.engine.recognising import dismissed_of
from longshift.engine.room import RunRoom, is_text
from longshift.repository.cache import Cache
from longshift.repository.files import FileVersion, is_binary, is_plain_file
from longshift.repository.hunks import alike, line_hunks, split_lines
from longshift.repository.store import ObjectStore
from longshift.screening import detector
from longshift.screening.hidden import HiddenCharacter, find_hidden
from longshift.screening.known import KNOWN
from longshift.screening.secrets import Secret, find_secrets, mask

INSPECTED: Final = "Longshift's own inspection of what landed"
"""The evidence of these findings, by which they are told from a judge's."""
SECRET: Final = "secret"  # noqa: S105 - the word, and none
HIDDEN: Final = "hidden-characters"
LARGEST_BYTES: Final = 2_000_000
"""A larger file is not looked into."""
MOST_OF_A_FILE: Final = 20
"""Findings of one kind in one file; the last one says that there are more."""
MOST_OF_A_SCOPE: Final = 2_000
"""Files of a goal's scope that are looked into before anything is done."""
MOST_NAMED: Final = 5
"""Characters that one finding names."""


@dataclass(frozen=True, slots=True)
class Defect:
    """Something found, before it has an id."""

    path: str
    line: int
    code: str
    message: str
    origin: Literal["run", "base"] = "run"
    fingerprint: str = ""


def standing(run: Run) -> Iterator[Finding]:
    """The open findings of this inspection."""
    return (
        finding
        for finding in run.findings.values()
        if finding.state == "open" and finding.evidence == INSPECTED
    )


async def look(room: RunRoom, head: str, paths: Collection[str]) -> list[Defect]:
    """Hold a head against what the run took from the person.

    Args:
        room: the run's.
        head: a commit, at the run's head or on its way there.
        paths: the files to look at.
    """
    return await room.off_loop(defects_of, room.store, room.run.taken, head, paths)


def news(
    room: RunRoom, head: str, paths: Collection[str], defects: Sequence[Defect]
) -> list[events.Event]:
    """What `look` found that is not on record, and what is on record that it no longer found.

    To be recorded at once: the ids of new findings follow from what is on record now.
    """
    run, next_id = room.run, room.chronicle.state.next_id("F")
    dismissed = {
        one.fingerprint
        for one in dismissed_of(room.chronicle.state, run)
        # Not for secrets: masked, as fingerprints are made, another one reads the same.
        if one.fingerprint and one.id not in run.findings and one.code != SECRET
    }
    standing_ones = [one for one in defects if one.fingerprint not in dismissed]
    return [*_resolved(run, paths, defects), *_reported(run, standing_ones, head, next_id)]


async def inspect_all(room: RunRoom) -> None:
    """Look at all that differs from what the person has, and at the goal's scope; record it.

    To be called while nothing lands.
    """
    run = room.run
    differences = await room.off_loop(room.store.differences, run.taken, run.head)
    paths = {difference.path for difference in differences if is_text(difference.path)}
    paths |= {finding.path for finding in standing(run)}
    paths |= await room.off_loop(_in_scope, room, run)
    defects = await look(room, run.head, paths)
    if found := news(room, run.head, paths, defects):
        await room.chronicle.record(*found)


def _in_scope(room: RunRoom, run: Run) -> set[str]:
    goal = run.started.goal
    scope = {*goal.paths, *([goal.selection.path] if goal.selection else [])}
    if not scope:
        return set()
    inside = (
        path
        for path in room.store.list_files(run.head)
        if is_text(path) and any(path == one or path.startswith(f"{one}/") for one in scope)
    )
    return set(islice(inside, MOST_OF_A_SCOPE))


def defects_of(
    store: ObjectStore, taken: str, head: str, paths: Collection[str], parent: str = ""
) -> list[Defect]:
    """What a head has that the person's text has not, and should not have; blocking.

    Args:
        store: the run's.
        taken: the person's text as the run last took it.
        head: a commit, perhaps not written yet.
        paths: the files to look at.
        parent: a commit of which much is known already: of a file that had nothing in it there,
            only what changed since is looked at.
    """
    looked = ((path, _suspect(store, head, path, parent)) for path in sorted(paths))
    suspects = {path: suspect for path, suspect in looked if suspect is not None}
    before = _before(store, taken, head, suspects)
    found: list[Defect] = []
    for path, suspect in suspects.items():
        added = _added_lines(_text(before[path]) or "", suspect.text)
        defects = _bounded(_secrets(path, suspect, added))
        defects += _bounded(_hidden(path, suspect, added))
        defects += _hidden_before(path, suspect, added)
        lines = split_lines(suspect.text) if defects else []
        found += [_with_fingerprint(one, lines) for one in defects]
    return found


@dataclass(frozen=True, slots=True)
class _Suspect:
    """A text that has something in it, whoever brought it."""

    text: str
    secrets: Sequence[Secret]
    hidden: Sequence[HiddenCharacter]


def _suspect(store: ObjectStore, head: str, path: str, parent: str) -> _Suspect | None:
    """What is in a file; None where there is nothing, as in nearly all."""
    entry = store.find(head, path)
    if entry is None or not is_plain_file(entry.mode):
        return None
    looked_by = KNOWN.n_changes, detector.is_loaded()

    def is_clean(_: object) -> bool:
        before = store.find(parent, path) if parent else None
        text = _text(store.version(entry)) or ""
        if before is not None and _CLEAN.find((before.oid, *looked_by)):
            start, end = alike(_text(store.version(before)) or "", text)
            text = text[start : len(text) - end]  # what is about the change is in it too
        return _look_into(text) is None

    if _CLEAN.get((entry.oid, *looked_by), is_clean):
        return None
    return _look_into(_text(store.version(entry)) or "")


def _look_into(text: str) -> _Suspect | None:
    found = _Suspect(text, find_secrets(text), tuple(find_hidden(text)))
    return found if found.secrets or found.hidden else None


_CLEAN: Final[Cache[tuple[str, int, bool], bool]] = Cache(20_000)
"""Whether a blob has nothing in it, by its id and by what was known of secrets: what landed is
looked at once more when the judge begins, and hardly any of it has changed since."""


def _before(
    store: ObjectStore, taken: str, head: str, paths: Collection[str]
) -> dict[str, FileVersion | None]:
    """What files were that the run took from the person, under whatever name."""
    before = {path: store.read_file(taken, path) for path in paths}
    if None in before.values():  # renamed, or the run's own; to tell goes over all that differs
        for difference in store.differences(taken, head):
            if difference.path in paths:
                before[difference.path] = difference.old
    return before


def _with_fingerprint(defect: Defect, lines: Sequence[str]) -> Defect:
    text = mask(lines[defect.line - 1])
    print_ = fingerprint(defect.path, defect.code, defect.message, text)
    return replace(defect, fingerprint=print_)


def _added_lines(old: str, new: str) -> frozenset[int]:
    """Lines of the new text, from 1, that the old one does not have."""
    return frozenset(
        hunk.new_start + offset + 1
        for hunk in line_hunks(old, new)
        for offset in range(len(hunk.new_lines))
    )


def _secrets(path: str, suspect: _Suspect, added: frozenset[int]) -> Iterator[Defect]:
    for secret in suspect.secrets:
        first = suspect.text.count("\n", 0, secret.start) + 1
        last = first + suspect.text.count("\n", secret.start, secret.end)
        lines = [line for line in range(first, last + 1) if line in added]
        if lines:
            message = (
                f"This looks like a secret ({secret.kind}). Take it out; if it is real and was "
                "shown to anyone, replace it."
            )
            yield Defect(path, lines[0], SECRET, message)


def _hidden(path: str, suspect: _Suspect, added: frozenset[int]) -> Iterator[Defect]:
    by_line: dict[int, list[str]] = defaultdict(list)
    for character in suspect.hidden:
        if character.line in added:
            by_line[character.line].append(character.name)
    for line, names in by_line.items():
        message = f"Characters that a reader does not see: {_named(names)}. Take them out."
        yield Defect(path, line, HIDDEN, message)


def _hidden_before(path: str, suspect: _Suspect, added: frozenset[int]) -> Iterator[Defect]:
    """What stood there before: one for the file, and nothing that is in the run's way."""
    stood = [one for one in suspect.hidden if one.line not in added]
    if stood:
        message = (
            f"This file had characters that a reader does not see before the run: "
            f"{_named([one.name for one in stood])}."
        )
        yield Defect(path, stood[0].line, HIDDEN, message, "base")


def _named(names: Iterable[str]) -> str:
    counted = Counter(names)
    told = [f"{name} ({count} times)" if count > 1 else name for name, count in counted.items()]
    more = [f"and {len(told) - MOST_NAMED} others"] if len(told) > MOST_NAMED else []
    return ", ".join([*told[:MOST_NAMED], *more])


def _bounded(defects: Iterator[Defect]) -> list[Defect]:
    found = list(defects)
    if len(found) <= MOST_OF_A_FILE:
        return found
    last = found[MOST_OF_A_FILE - 1]
    more = f"{last.message} There are {len(found) - MOST_OF_A_FILE} more below."
    return [*found[: MOST_OF_A_FILE - 1], Defect(last.path, last.line, last.code, more)]


def _key(one: Defect | Finding) -> tuple[str, str, str, str]:
    return one.path, one.code, one.message, one.origin


def _resolved(
    run: Run, paths: Collection[str], defects: Sequence[Defect]
) -> list[events.FindingResolved]:
    """Those that no longer stand: as many of each sort as there are fewer of it now."""
    left = Counter(map(_key, defects))
    gone: list[events.FindingResolved] = []
    for finding in standing(run):
        if finding.path not in paths:
            continue
        if left[_key(finding)]:
            left[_key(finding)] -= 1
        else:
            gone.append(events.FindingResolved(run=run.id, finding=finding.id))
    return gone


def _reported(
    run: Run, defects: Sequence[Defect], head: str, next_id: str
) -> list[events.FindingReported]:
    """Those that are new; of what a person has dismissed, none is said again."""
    known = Counter(
        _key(finding)
        for finding in run.findings.values()
        if finding.evidence == INSPECTED and finding.state != "resolved"
    )
    first = int(next_id[1:])
    reported: list[events.FindingReported] = []
    for defect in defects:
        if known[_key(defect)]:
            known[_key(defect)] -= 1
            continue
        id_ = f"F{first + len(reported)}"
        finding = Finding(
            id=id_,
            path=defect.path,
            line=defect.line,
            severity="error" if defect.origin == "run" else "warning",
            code=defect.code,
            message=defect.message,
            evidence=INSPECTED,
            origin=defect.origin,
            commit=head,
            cycle=run.cycle,
            fingerprint=defect.fingerprint,
        )
        reported.append(events.FindingReported(run=run.id, finding=id_, detail=finding))
    return reported


def _text(version: FileVersion | None) -> str | None:
    """A version's text; None where it is no UTF-8 text, or a large one."""
    if version is None or not is_plain_file(version.mode) or len(version.data) > LARGEST_BYTES:
        return None
    if is_binary(version.data):
        return None
    try:
        return version.data.decode()
    except UnicodeDecodeError:
        return None
