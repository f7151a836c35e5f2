"""Which finding on record a report speaks of, so that one defect keeps one id.

Owns the recognising: over cycles, whoever reports it (a check or a judge), and over the runs of
the repository for what a person has dismissed. Blocking, so it is called off the loop. Never
records anything.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from longshift.crew.desk import FindingReport
from longshift.domain.fingerprints import fingerprint, fold_code, fold_line, fold_message
from longshift.domain.model import Finding
from longshift.domain.state import Run, State
from longshift.repository.files import FileVersion
from longshift.repository.hunks import split_lines
from longshift.repository.store import ObjectStore
from longshift.review.proposals import Proposals
from longshift.review.shapes import PresentFile
from longshift.screening.secrets import mask

NEAR_LINES: Final = 3
"""How far a finding may stand from where the last head's difference puts it."""
MOST_TOLD: Final = 40
"""Dismissed findings that a judge is told of."""


@dataclass(frozen=True, slots=True)
class Recognised:
    """What is known of a report.

    Attributes:
        fingerprint: what the finding is recorded under.
        known: the finding that it speaks of, of this run or dismissed in another; None: a new one.
    """

    fingerprint: str
    known: Finding | None


@dataclass(frozen=True, slots=True)
class _Read:
    """A report as it is looked for."""

    names: tuple[str, ...]
    """The path at the head, and what it was called when findings on record spoke of it."""
    code: str
    message: str
    line: int
    by_check: bool
    prints: frozenset[str]
    is_only: bool
    """Whether no other line of the file reads the same, so that the fingerprint is of one place."""


def recognise(
    store: ObjectStore,
    proposals: Proposals,
    state: State,
    run: Run,
    report: FindingReport,
    met: Collection[str],
) -> Recognised:
    """Find what a report at the run's head speaks of; blocking.

    Args:
        store: the run's.
        proposals: what follows a line from commit to commit.
        state: every run of the repository.
        run: the run.
        report: at a line that the head has.
        met: ids that were reported at this head already: a second report of the same words at
            another line is another defect.
    """
    version = store.read_file(run.head, report.path)
    assert version is not None, "a report is of a file at the head"
    lines = split_lines(version.data.decode("utf-8", "replace"))
    text = fold_line(lines[report.line - 1]) if report.line <= len(lines) else ""
    names = (report.path, *_former_names(store, run, report.path))
    code, message = mask(report.code), mask(report.message)  # as they are recorded
    prints = [fingerprint(name, code, message, mask(text)) for name in names]
    read = _Read(
        names=names,
        code=fold_code(code),
        message=fold_message(message, code),
        line=report.line,
        by_check=bool(report.check),
        prints=frozenset(prints),
        is_only=sum(fold_line(one) == text for one in lines) <= 1,
    )
    own = _among(read, run, proposals, version, met)
    if own is None and mask(text) == text:
        # Two secrets read alike once they are masked: one that was dismissed excuses no other.
        own = _dismissed_elsewhere(read, state, run)
    return Recognised(prints[0], own)


def dismissed_of(state: State, run: Run) -> Iterator[Finding]:
    """What a person has dismissed in any run of the repository, this run's first; latest first."""
    for one in (run, *(other for other in reversed([*state.runs.values()]) if other.id != run.id)):
        yield from (f for f in reversed([*one.findings.values()]) if f.state == "dismissed")


def dismissed_to_tell(state: State, run: Run, changed: Iterable[str]) -> list[Finding]:
    """Those that a judge is told of: each once, of the changed files first, a bounded number."""
    seen: dict[str, Finding] = {}
    for finding in dismissed_of(state, run):
        seen.setdefault(finding.fingerprint or finding.id, finding)
    on_changed = set(changed)
    return sorted(seen.values(), key=lambda one: one.path not in on_changed)[:MOST_TOLD]


def _among(
    read: _Read, run: Run, proposals: Proposals, version: FileVersion, met: Collection[str]
) -> Finding | None:
    """The finding of this run: by its fingerprint before by its words, then the nearest."""
    present = PresentFile(data=version.data, mode=version.mode)
    found: dict[tuple[bool, int], Finding] = {}
    for finding in run.findings.values():
        if finding.path not in read.names or fold_code(finding.code) != read.code:
            continue
        moved = proposals.line_in_present(finding.commit, finding.path, finding.line - 1, present)
        distance = abs((finding.line if moved is None else moved + 1) - read.line)
        same = finding.fingerprint in read.prints
        elsewhere = finding.commit == run.head or finding.id in met
        if _is_same(read, finding, distance, same=same, elsewhere=elsewhere):
            found.setdefault((not same, distance), finding)
    return found[min(found)] if found else None


def _is_same(read: _Read, finding: Finding, distance: int, *, same: bool, elsewhere: bool) -> bool:
    """Whether a finding of the same file and code is what a report speaks of.

    Of several with the same words, an open one that this judge has not met yet may be anywhere:
    its line may have been written anew. A dismissed or resolved one must stand near, unless the
    text of its line leaves no doubt: a person has spoken of that place and of no other.
    """
    alike = same or fold_message(finding.message, finding.code) == read.message
    # A check and a judge word one defect differently, and call it by the same rule.
    crossed = distance == 0 and bool(finding.check) != read.by_check
    if not (alike or crossed):
        return False
    if elsewhere or not alike:
        return distance == 0
    if finding.state == "open" or (same and read.is_only):
        return True
    return distance <= NEAR_LINES and (same or finding.state == "dismissed")


def _dismissed_elsewhere(read: _Read, state: State, run: Run) -> Finding | None:
    for finding in dismissed_of(state, run):
        near = read.is_only or abs(finding.line - read.line) <= NEAR_LINES
        if finding.id not in run.findings and finding.fingerprint in read.prints and near:
            return finding
    return None


def _former_names(store: ObjectStore, run: Run, path: str) -> list[str]:
    """What a file was called where a finding on record speaks of a name that is gone."""
    files = store.list_files(run.head)
    commits = {one.commit for one in run.findings.values() if one.path not in files}
    return sorted(
        {
            one.old_path
            for commit in commits
            for one in store.differences(commit, run.head)
            if one.path == path and one.old_path not in (None, path)
        }
    )
