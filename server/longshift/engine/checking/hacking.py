"""The run's head held against what it took from the person: tests and checks that ask for less.

Owns these findings: reported when the judge begins, resolved as soon as a later look no longer
finds them, by nobody's judgement; an error among them stands in the way of `done` until a person
dismisses it. Must never hold against the run what it took from the person.
"""

import logging
from collections.abc import Iterator, Sequence, Set
from itertools import islice
from posixpath import dirname
from typing import Final

from longshift.domain import events
from longshift.domain.fingerprints import fingerprint
from longshift.domain.model import Finding
from longshift.domain.state import Run
from longshift.engine.checking.hacks import Change, Compared, Hack, find_hacks
from longshift.engine.checking.hacks.settings.settings_of import is_settings
from longshift.engine.checking.sources import Sources
from longshift.engine.recognising import dismissed_of
from longshift.engine.room import RunRoom, is_text
from longshift.repository.aside import WORTH_IT_BYTES, aside
from longshift.repository.files import FileVersion, is_binary, is_plain_file
from longshift.repository.hunks import split_lines
from longshift.repository.store import ObjectStore
from longshift.screening.hidden import visible
from longshift.screening.secrets import mask

logger = logging.getLogger(__name__)

COMPARED: Final = "Longshift's own comparison of tests and checks with the run's base"
"""The evidence of these findings, by which they are told from a judge's."""
LARGEST_BYTES: Final = 500_000
"""A larger file is not looked into."""
MOST_BYTES: Final = 40_000_000
"""How much of a difference is looked into, old and new together."""
MOST_BESIDE: Final = 100
"""Files of configuration that are read though they don't differ."""


def standing(run: Run) -> Iterator[Finding]:
    """The open findings of this comparison."""
    return (
        finding
        for finding in run.findings.values()
        if finding.state == "open" and finding.evidence == COMPARED
    )


async def compare_with_base(room: RunRoom) -> list[Finding]:
    """Hold the head against the person's text; findings without an id, for `record_compared`.

    To be called while nothing lands.
    """
    run = room.run
    said = [run.started.goal.text, *(one.text for one in run.messages)]
    said += [one.text for one in room.chronicle.constraints() if one.source == "person"]
    return await room.off_loop(_found, room.store, run, "\n".join(said))


async def record_compared(room: RunRoom, found: Sequence[Finding]) -> None:
    """Record what is new of what was found, and what is gone."""
    if facts := _news(room, found):
        await room.chronicle.record(*facts)


def _found(store: ObjectStore, run: Run, said: str) -> list[Finding]:
    """What stands at the head, as findings without an id; blocking."""
    base = Sources(store, run.taken)
    compared = Compared(_changes(store, run, base), said, tuple(base.paths))
    size = sum(len(one.old or "") + len(one.new or "") for one in compared.changes)
    if size < WORTH_IT_BYTES:
        hacks = find_hacks(compared)
    else:
        (hacks,) = aside(find_hacks, [compared])
    return [_finding(store, run, hack) for hack in hacks]


def _changes(store: ObjectStore, run: Run, base: Sources) -> list[Change]:
    changes: list[Change] = []
    left = MOST_BYTES
    differences = store.differences(run.taken, run.head)
    for one in differences:
        old, new = _text(one.old), _text(one.new)
        unread = (one.old is not None and old is None) or (one.new is not None and new is None)
        if unread or not is_text(one.path):
            continue  # to look at one side alone would make all of the other new, or gone
        left -= len(old or "") + len(new or "")
        if left < 0:
            logger.warning("Run %s changes too much to compare all of its tests.", run.id)
            break
        changes.append(Change(one.path, old, new, one.old_path or ""))
    differ = {path for one in differences for path in (one.path, one.old_path) if path}
    return [*changes, *islice(_beside(base, differ), MOST_BESIDE)]


def _beside(base: Sources, differ: Set[str]) -> Iterator[Change]:
    """The configuration that is as it was: the root's, and beside or above one that differs."""
    folders = {""} | {dirname(path) for path in differ if is_settings(path)}
    while above := {dirname(folder) for folder in folders} - folders:
        folders |= above
    for path in base.paths:
        if path not in differ and dirname(path) in folders and is_settings(path):
            text = base.text(path)
            yield Change(path, text, text)


def _text(version: FileVersion | None) -> str | None:
    if version is None or not is_plain_file(version.mode) or len(version.data) > LARGEST_BYTES:
        return None
    return None if is_binary(version.data) else version.data.decode("utf-8", "replace")


def _finding(store: ObjectStore, run: Run, hack: Hack) -> Finding:
    commit = run.taken if hack.is_gone else run.head
    version = store.read_file(commit, hack.path)
    lines = split_lines(version.data.decode("utf-8", "replace")) if version else []
    line = min(hack.line, max(1, len(lines)))
    text = mask(lines[line - 1]) if lines else ""
    message = visible(mask(hack.message))
    return Finding(
        id="F0",
        path=hack.path,
        line=line,
        severity=hack.severity,
        code=hack.code,
        message=message,
        evidence=COMPARED,
        origin="run",
        commit=commit,
        cycle=run.cycle,
        fingerprint=fingerprint(hack.path, hack.code, message, text),
    )


def _news(room: RunRoom, found: Sequence[Finding]) -> list[events.Event]:
    """The facts that make the record say what was found, no more and no less."""
    run = room.run
    settled = {one.fingerprint for one in dismissed_of(room.chronicle.state, run)}
    known = {_key(one): one for one in run.findings.values() if one.evidence == COMPARED}
    first = int(room.chronicle.state.next_id("F")[1:])
    reported: list[events.Event] = []
    met: set[tuple[str, str, str]] = set()
    count = 0
    for one in found:
        before = known.get(_key(one))
        if _key(one) in met or (before is None and one.fingerprint in settled):
            continue
        met.add(_key(one))
        if before and (before.state == "dismissed" or _says_the_same(run, before, one)):
            continue
        if before is None:
            id_, count = f"F{first + count}", count + 1
        else:
            id_ = before.id
        detail = one.model_copy(update={"id": id_})
        reported.append(events.FindingReported(run=run.id, finding=id_, detail=detail))
    gone = [one.id for one in standing(run) if _key(one) not in met]
    return [*(events.FindingResolved(run=run.id, finding=id_) for id_ in gone), *reported]


def _key(one: Finding) -> tuple[str, str, str]:
    return one.path, one.code, one.message


def _says_the_same(run: Run, before: Finding, now: Finding) -> bool:
    # One that speaks of the person's text is placed in what they have now.
    same_place = now.commit in (before.commit, run.head)
    return before.state == "open" and before.severity == now.severity and same_place
