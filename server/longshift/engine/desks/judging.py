"""The judge: the head's checks and difference, findings, and a verdict.

Owns what a judge's tools do to the run, and what a judge cannot overrule: a check that newly
fails and an open error of the run's own stand in the way of `done`, whatever a model says.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Final

from longshift import telemetry
from longshift.crew.briefs import JudgeBrief, VerdictGiven
from longshift.crew.desk import CheckOutcome, CommandOutcome, FindingReport, ReportedFinding
from longshift.crew.judge import judge
from longshift.crew.prompts import say
from longshift.domain import events
from longshift.domain.model import ChecksWord, Finding, Severity
from longshift.domain.state import Run
from longshift.engine.checking import hacking
from longshift.engine.checking.checks import Checks
from longshift.engine.commanding import COMMAND_CHARACTERS, run_and_discard
from longshift.engine.desks.briefing import call_limits, reads_by_rule
from longshift.engine.desks.desk import AgentDesk
from longshift.engine.desks.measuring import Measured, measure
from longshift.engine.difference import (
    in_seeded_order,
    lies_on_difference,
    path_stats,
    place_in_order,
    sayable,
)
from longshift.engine.landing.inspection import inspect_all, standing
from longshift.engine.recognising import dismissed_to_tell, recognise
from longshift.engine.room import RunRoom
from longshift.engine.spending import Spending
from longshift.errors import TellModel
from longshift.review.unified import run_diff
from longshift.screening.hidden import visible
from longshift.screening.secrets import mask

_WEIGHT: Final[Mapping[Severity, int]] = {"hint": 0, "info": 1, "warning": 2, "error": 3}


class JudgingDesk(AgentDesk):
    """The desk of the judge of one cycle."""

    def __init__(self, room: RunRoom, spending: Spending, checks: Checks) -> None:
        """Sit a judge down at the run's head."""
        self._head = room.run.head
        talk = f"judge.{room.run.cycle}"
        if room.run.cycles[-1].looks:  # a second judge, in a conversation of its own
            talk += f".{room.run.cycles[-1].looks + 1}"
        super().__init__(room, spending, "judge", "judge", room.workspace(self._head), talk)
        self._checks = checks
        self._one_at_a_time = asyncio.Lock()
        # What the inspection found stands until the inspection no longer finds it.
        own = (*standing(room.run), *hacking.standing(room.run))
        self.reported: set[str] = {finding.id for finding in own}

    async def run_checks(self) -> Sequence[CheckOutcome]:
        """Run every check on the head, and report what they find."""
        run = self._room.run
        outcomes = await self._checks.run(self._head, run.taken, self._note)
        if outcomes:
            ran = (_check_ran(run.id, self._head, outcome) for outcome in outcomes)
            await self._room.chronicle.record(*ran)
        for outcome in outcomes:
            for report in outcome.findings:
                await self.report_finding(report)
        return outcomes

    async def report_finding(self, report: FindingReport) -> ReportedFinding:
        """Record a finding, or find it known already."""
        version = await self._room.off_loop(self._room.store.read_file, self._head, report.path)
        if version is None:
            raise TellModel("no_such_path", path=report.path)
        lines = version.data.count(b"\n") + 1
        if report.line > lines:
            raise TellModel("no_such_lines", path=report.path, lines=lines)
        async with self._one_at_a_time:  # or two reports of one defect would both be new
            return await self._record(report)

    async def run_command(self, command: str, timeout_s: int) -> CommandOutcome:
        """Run a command on the head; what it changes is thrown away."""
        with self._doing("command"):
            result = await run_and_discard(
                self._room, self._room.cage_of_models, self._agent, self._head, command, timeout_s
            )
        return CommandOutcome(result.exit_status, result.output, result.truncated, result.timed_out)

    def refusal_of_done(self) -> str | None:
        """Why the goal can't be called met as things stand."""
        unrunnable = self._checks.unrunnable(self._head)
        failing = self._checks.standing_failures(self._head)
        errors = [
            finding.id
            for finding in self._room.run.findings.values()
            if finding.state == "open"
            and finding.id in self.reported
            and finding.origin == "run"
            and finding.severity == "error"
        ]
        if self._checks.are_due(self._head):
            return say("done_needs_checks_run")
        if unrunnable:
            return say("done_needs_runnable_checks", commands=unrunnable)
        if failing:
            return say("done_needs_checks_passing", commands=failing)
        if errors:
            return say("done_needs_findings_resolved", findings=errors)
        return None

    async def _record(self, report: FindingReport) -> ReportedFinding:
        room, run = self._room, self._room.run
        found = await room.off_loop(
            recognise,
            room.store,
            room.shop.proposals,
            room.chronicle.state,
            run,
            report,
            frozenset(self.reported),
        )
        on_difference = await room.off_loop(
            lies_on_difference,
            room.store,
            run.taken,
            self._head,
            report.path,
            report.line,
            report.end_line or report.line,
        )
        known = found.known and room.run.findings.get(found.known.id, found.known)
        if known is not None:
            self.reported.add(known.id)
            weighs_more = _WEIGHT[report.severity] > _WEIGHT[known.severity]
            if known.state == "dismissed" or (known.state == "open" and not weighs_more):
                dismissed = known.state == "dismissed"
                return ReportedFinding(known.id, known.origin, dismissed, known.reason)
        id_ = room.chronicle.state.next_id("F") if known is None else known.id
        finding = Finding(
            id=id_,
            path=report.path,
            line=report.line,
            end_line=report.end_line,
            severity=report.severity,
            code=report.code,
            message=report.message,
            suggestion=report.suggestion,
            evidence=report.evidence,
            origin=report.origin or ("run" if on_difference else "base"),
            commit=self._head,
            related=report.related,
            check=report.check,
            cycle=run.cycle,
            fingerprint=found.fingerprint,
        )
        self.reported.add(id_)
        await room.chronicle.record(events.FindingReported(run=run.id, finding=id_, detail=finding))
        return ReportedFinding(id_, finding.origin)


async def run_judge(room: RunRoom, spending: Spending, checks: Checks) -> list[events.Event]:
    """Let a judge look at the head until it has a verdict.

    Returns:
        The findings that it no longer saw, and the verdict, to be recorded together. A judge
        that came to no verdict is answered for by the engine: the next cycle goes on.
    """
    compared, stats, diff, _ = await asyncio.gather(
        hacking.compare_with_base(room),
        room.off_loop(path_stats, room.store, room.run.taken, room.run.head),
        room.off_loop(run_diff, room.store, room.run),
        inspect_all(room),
    )
    await hacking.record_compared(room, compared)
    run = room.run
    desk = JudgingDesk(room, spending, checks)
    seed = f"{run.id}.{run.cycle}"
    stats.sort(key=lambda stat: place_in_order(seed, sayable(stat.path)))
    open_before = [f for f in run.findings.values() if f.state == "open"]
    brief = JudgeBrief(
        goal=run.started.goal,
        cycle=run.cycle,
        tasks=tuple(run.tasks.values()),
        constraints=room.chronicle.constraints(),
        designs=tuple(run.designs.values()),
        changed_paths=tuple(sayable(stat.path) for stat in stats),
        findings=tuple(open_before),
        dismissed=dismissed_to_tell(room.chronicle.state, run, (stat.path for stat in stats)),
        diff_stat="\n".join(f"{sayable(s.path)} +{s.added} -{s.removed}" for s in stats),
        diff=in_seeded_order(sayable(diff), seed),
        whole=reads_by_rule(room, "judge"),
        limits=call_limits(room, "judge"),
        gates=room.settings.gates,
        prompts=room.prompts,
    )
    with telemetry.agent("judge", desk.agent, room.run_id):
        outcome = await judge(desk, brief)
    measured = await room.off_loop(measure, room.store, run, run.head, stats)
    unseen = [
        finding
        for finding in open_before
        if finding.id not in desk.reported and room.run.findings[finding.id].state == "open"
    ]
    # What a check reports is let go by the check, and by no judge that did not run it.
    gone = [one for one in unseen if one.check and checks.is_through_with(one.check, run.head)]
    if isinstance(outcome, VerdictGiven):
        gone += [one for one in unseen if not one.check]
    else:
        outcome = VerdictGiven("continue", outcome.reason)
    word = checks.word(run.head)
    return [*_resolved(run, gone), _verdict(run, outcome, measured, word)]


def _check_ran(run_id: str, head: str, outcome: CheckOutcome) -> events.CheckRan:
    passed_at_once = outcome.tries == 1 and outcome.exit_status == 0
    return events.CheckRan(
        run=run_id,
        command=visible(mask(sayable(outcome.command)))[:COMMAND_CHARACTERS],
        commit=head,
        exit_status=outcome.exit_status,
        new_failure=outcome.new_failure,
        tries=outcome.tries,
        passed=1 if passed_at_once else outcome.passed,
        flaky=outcome.flaky,
        findings=sum(one.origin != "base" for one in outcome.findings),
        stood_before=outcome.stood_before,
        left_out=outcome.left_out,
    )


def _resolved(run: Run, findings: Sequence[Finding]) -> list[events.FindingResolved]:
    return [events.FindingResolved(run=run.id, finding=one.id) for one in findings]


def _verdict(
    run: Run, given: VerdictGiven, measured: Measured, checks: ChecksWord
) -> events.VerdictReached:
    return events.VerdictReached(
        run=run.id,
        cycle=run.cycle,
        decision=given.decision,
        reason=given.reason,
        tasks=given.tasks,
        head=run.head,
        checks=checks,
        **asdict(measured),
    )
