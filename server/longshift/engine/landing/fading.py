"""Findings that stand on nothing any more: their line, or their file, is gone from the head.

Owns saying so as soon as it lands. What can still be read is for a judge or a check to let go.
Blocking, so it is called off the loop; never records anything.
"""

from collections.abc import Collection, Sequence

from longshift.domain import events
from longshift.domain.model import Finding
from longshift.domain.state import Run
from longshift.engine.checking.hacking import COMPARED
from longshift.engine.landing.inspection import INSPECTED
from longshift.repository.files import FileVersion, is_binary
from longshift.repository.hunks import line_hunks
from longshift.repository.store import ObjectStore


def told(run: Run) -> list[Finding]:
    """The open findings of judges and checks; the engine's own looks let theirs go."""
    own = (INSPECTED, COMPARED)
    return [f for f in run.findings.values() if f.state == "open" and f.evidence not in own]


def faded(
    store: ObjectStore, findings: Collection[Finding], head: str, paths: Collection[str]
) -> list[str]:
    """The ids of findings whose line or file a head no longer has; blocking.

    Args:
        store: the run's.
        findings: those to look at.
        head: a commit.
        paths: the files that differ from before.
    """
    renamed: dict[str, set[str | None]] = {}
    gone: list[str] = []
    for finding in findings:
        if finding.path not in paths:
            continue
        now = store.read_file(head, finding.path)
        if now is None:
            commit = finding.commit
            if commit not in renamed:
                renamed[commit] = {one.old_path for one in store.differences(commit, head)}
            if finding.path not in renamed[commit]:
                gone.append(finding.id)
        elif _is_deleted(store.read_file(finding.commit, finding.path), now, finding.line - 1):
            gone.append(finding.id)
    return gone


def resolved(run: Run, ids: Sequence[str]) -> list[events.FindingResolved]:
    """The facts for those of them that are still open; to be recorded at once."""
    return [
        events.FindingResolved(run=run.id, finding=id_)
        for id_ in ids
        if run.findings[id_].state == "open"
    ]


def _is_deleted(before: FileVersion | None, now: FileVersion, line: int) -> bool:
    """Whether a line, from zero, was taken away, and nothing written in its place."""
    if before is None or is_binary(before.data) or is_binary(now.data):
        return False
    old, new = (one.data.decode("utf-8", "replace") for one in (before, now))
    return any(
        not hunk.new_lines and hunk.old_start <= line < hunk.old_start + len(hunk.old_lines)
        for hunk in line_hunks(old, new)
    )
