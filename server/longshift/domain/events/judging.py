"""The judge, its verdicts, and findings, whoever reports them."""

from typing import Literal

from longshift.domain.events.fact import OfRun
from longshift.domain.model import ChecksWord, Finding, VerdictDecision


class JudgeStarted(OfRun):
    """The judge looks at the head."""

    event: Literal["judge.started"] = "judge.started"
    cycle: int
    look: int = 1
    """2: a second judge, because the first one's `done` was marginal."""
    because: str = ""
    """What made it marginal, in words."""


class VerdictReached(OfRun):
    """The judge, or the engine where the judge could not, said what comes next.

    With it stands what was measured of the head that it speaks of, for the rules that end a run.
    """

    event: Literal["verdict"] = "verdict"
    cycle: int
    decision: VerdictDecision
    reason: str
    tasks: tuple[str, ...] = ()
    head: str = ""
    """The commit that was judged; "" here and below: not known, as of an older version."""
    tree: str = ""
    diff_lines: int | None = None
    """Lines added and removed between what the person has and the head; None: not known."""
    edits: int = 0
    """Hunks by which the head differs from the one that the cycle began with; 0 in a first one."""
    undone: int = 0
    """How many of these undo a hunk of an earlier cycle: the same lines of the same file."""
    undone_paths: tuple[str, ...] = ()
    """The first few files in which they stand."""
    checks: ChecksWord = ""


class CheckRan(OfRun):
    """A check said of a head what it has to say, after as many tries as that took."""

    event: Literal["check.ran"] = "check.ran"
    command: str
    """Its first 2,000 characters, secrets masked."""
    commit: str
    """The head that it ran on."""
    exit_status: int | None
    """Of its first try; None: it could not be run, or not be brought to an end."""
    new_failure: bool = False
    """It counts against the run: it fails here, and not so at the base."""
    tries: int = 1
    passed: int = 0
    """On how many of its tries it passed."""
    flaky: bool = False
    findings: int = 0
    """What it reports, without what stood at the base."""
    stood_before: int = 0
    left_out: bool = False
    """Its program is not there; it was found in the repository's files."""


class FindingReported(OfRun):
    """A judge or a check reported a defect.

    With an id that is known, it has come back after it was resolved, or weighs more than before.
    """

    event: Literal["finding.reported"] = "finding.reported"
    finding: str
    detail: Finding


class FindingResolved(OfRun):
    """A defect no longer stands at the head."""

    event: Literal["finding.resolved"] = "finding.resolved"
    finding: str


class FindingDismissed(OfRun):
    """A person said that a finding is none, or said why afterwards; it is not reported again."""

    event: Literal["finding.dismissed"] = "finding.dismissed"
    finding: str
    reason: str = ""
