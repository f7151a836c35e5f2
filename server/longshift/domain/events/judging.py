"""The judge, its verdicts, and findings, whoever reports them."""

from typing import Literal

from longshift.domain.events.fact import OfRun
from longshift.domain.model import Finding, VerdictDecision


class JudgeStarted(OfRun):
    """The judge looks at the head."""

    event: Literal["judge.started"] = "judge.started"
    cycle: int


class VerdictReached(OfRun):
    """The judge, or the engine where the judge could not, said what comes next."""

    event: Literal["verdict"] = "verdict"
    cycle: int
    decision: VerdictDecision
    reason: str
    tasks: tuple[str, ...] = ()


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
