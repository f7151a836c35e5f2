"""Judging: `run_checks`, `report_finding`, `verdict`.

Only the judge has them. Must never let `done` stand against what the engine measured.
"""

import re
from collections.abc import Collection, Iterable
from typing import Annotated, Final, Never

from pydantic import Field

from longshift.crew.briefs import JudgeBrief, VerdictGiven
from longshift.crew.desk import CheckOutcome, Desk, FindingReport, JudgeDesk
from longshift.crew.gates.gate import Gate
from longshift.crew.lists import TASKS_NAMED, telling_part, tells_of_more
from longshift.crew.prompts import say
from longshift.crew.texts import count_that_fit, head_and_tail
from longshift.crew.toolbox import (
    RESULT_CHARACTERS,
    Answer,
    Arguments,
    End,
    Result,
    Tool,
    bind,
    error,
)
from longshift.domain.decide import failures_counted
from longshift.domain.model import (
    WITHOUT_EVIDENCE,
    Line,
    RelatedPlace,
    Severity,
    Task,
    TaskState,
    VerdictDecision,
)
from longshift.errors import TellModel
from longshift.repository.hunks import split_lines
from longshift.repository.paths import checked_file_path

HANDOFF_CHARACTERS: Final = 1_200
"""How much of each of a worker's words the judge is told."""
COMMANDS_NAMED: Final = 6
"""How much of what was run it is told."""
MOST_RELATED: Final = 8
"""Further places that one finding may name."""
MOST_FAILURES: Final = 2
"""A task that failed so often needs another plan, no further try at the same."""


class RunChecks(Arguments):
    """Arguments of `run_checks`: none."""


class Related(Arguments):
    """Another place that a finding speaks of."""

    path: str
    line: Line
    message: Annotated[str, Field(max_length=300)] = ""


class ReportFinding(Arguments):
    """Arguments of `report_finding`; the message comes before the severity that rests on it."""

    path: str
    line: Line
    end_line: Line | None = None
    message: Annotated[str, Field(min_length=1)]
    code: Annotated[str, Field(min_length=1)]
    severity: Severity
    suggestion: str = ""
    evidence: str = ""
    related: Annotated[tuple[Related, ...], Field(max_length=MOST_RELATED)] = ()


class GiveVerdict(Arguments):
    """Arguments of `verdict`; the reason comes first, because models write in this order."""

    reason: str
    decision: VerdictDecision
    tasks: tuple[str, ...] = ()


def judging_tools(desk: JudgeDesk, brief: JudgeBrief) -> list[Tool[VerdictGiven]]:
    """The tools of one judge."""
    return [_checking(desk, brief), _reporting(desk, brief), _deciding(desk, brief)]


def _checking(desk: JudgeDesk, brief: JudgeBrief) -> Tool[Never]:
    # What workers say of their work is told after what was measured, or it would colour it.
    def rank(task: Task) -> int:
        return 2 * (task.cycle != brief.cycle) + (not tells_of_more(task))

    tried = [task for task in brief.tasks if task.attempts]
    handoffs = telling_part(tried, rank, _handed_in, RESULT_CHARACTERS).shown

    async def run_checks(given: RunChecks) -> Result:
        del given
        checks = await desk.run_checks()
        room = RESULT_CHARACTERS // max(1, len(checks))
        return {"checks": [_shown(check, room) for check in checks], "handoffs": handoffs}

    return bind("run_checks", RunChecks, run_checks)


def _shown(check: CheckOutcome, room: int) -> Result:
    """A check's outcome in at most about `room` characters, half of it for its findings."""
    findings = [
        {
            "path": f.path,
            "line": f.line,
            "code": f.code,
            "message": f.message,
            **({"origin": f.origin} if f.origin == "base" else {}),
        }
        for f in check.findings
    ]
    fitting = count_that_fit((len(str(finding)) for finding in findings), room // 2)
    measured = {
        "flaky": check.flaky and {"tries": check.tries, "passed": check.passed},
        "stood_before": check.stood_before,
        "left_out": check.left_out and say("check_left_out"),
    }
    return {
        "command": check.command,
        "exit_status": check.exit_status,
        "new_failure": check.new_failure,
        **{name: value for name, value in measured.items() if value},
        "findings": findings[:fitting],
        "findings_total": len(findings),
        "output": head_and_tail(check.output, room // 2, how_to_see="how_to_see_output"),
    }


def _handed_in(task: Task) -> Result:
    """What the last attempt at a task reports: its worker's word, then what was measured."""
    handoff = task.attempts[-1].handoff
    ran = [f"{one.command} -> {one.exit_status}" for one in handoff.commands]
    words = {
        "summary": handoff.summary,
        "concerns": handoff.concerns,
        "deviations": handoff.deviations,
    }
    return {
        "task": task.id,
        **{
            name: head_and_tail(text, HANDOFF_CHARACTERS, how_to_see="how_to_see_diff")
            for name, text in words.items()
            if text
        },
        "commands": ran[-COMMANDS_NAMED:],
        "evidence": handoff.evidence,
    }


def _reporting(desk: JudgeDesk, brief: JudgeBrief) -> Tool[Never]:
    async def report_finding(given: ReportFinding) -> Result:
        path = checked_file_path(given.path)
        await desk.off_loop(_check_lines, desk, path, given.line, given.end_line)
        related = tuple([await desk.off_loop(_related, desk, one) for one in given.related])
        told = _words_on(given, brief)
        lowered = {"severity": "warning"} if "finding_lowered" in told else {}
        marked = {"evidence": WITHOUT_EVIDENCE} if told else {}
        words = {**given.model_dump(), "path": path, "related": related}
        reported = await desk.report_finding(FindingReport(**{**words, **lowered, **marked}))
        shown = {"finding": reported.finding_id, "origin": reported.origin}
        if reported.dismissed:
            said = say("finding_dismissed", reason=reported.reason)
            return {**shown, "state": "dismissed", "next": [said]}
        shown |= lowered
        return {**shown, "next": [say(name) for name in told]} if told else shown

    return bind("report_finding", ReportFinding, report_finding)


def _words_on(given: ReportFinding, brief: JudgeBrief) -> list[str]:
    """Names of the messages that answer a finding which shows nothing for itself."""
    broken = re.search(r"\bK\d+\b", given.message)  # a constraint speaks for itself
    if brief.gates == "off" or given.evidence.strip() or broken:
        return []
    lowers = given.severity == "error" and brief.gates == "enforce"
    return ["finding_lowered" if lowers else "finding_without_evidence"]


def _related(desk: Desk, given: Related) -> RelatedPlace:
    """Another place, checked as the finding's own is."""
    path = checked_file_path(given.path)
    _check_lines(desk, path, given.line, None)
    return RelatedPlace(path=path, line=given.line, message=given.message.strip())


def _check_lines(desk: Desk, path: str, line: int, end_line: int | None) -> None:
    """Refuse a finding that points nowhere; a person could not be shown it.

    Raises:
        TellModel: the head has no such text file, or the file no such lines.
    """
    lines = len(split_lines(desk.workspace.read_text(path).text))
    last = end_line or line
    # An empty file has a line 1 to editors, with nothing in it.
    if not line <= last <= max(1, lines):
        raise TellModel("no_such_lines", path=path, lines=lines)


def _deciding(desk: JudgeDesk, brief: JudgeBrief) -> Tool[VerdictGiven]:
    gate = Gate(brief.gates)
    known = [task.id for task in brief.tasks]

    async def verdict(given: GiveVerdict) -> Answer[VerdictGiven]:
        reason, tasks = given.reason.strip(), tuple(dict.fromkeys(given.tasks))
        if not reason:
            return error(say("verdict_without_reason"))
        if given.decision == "retry" and (not tasks or not set(tasks) <= set(known)):
            return error(say("retry_names_tasks", named=list(tasks), known=known[-TASKS_NAMED:]))
        lost = _failed_twice(brief.tasks, tasks) if given.decision == "retry" else []
        if lost:
            reason_against = say("retry_failed_twice", tasks=lost)
            if gate.holds_back(reason_against):
                return error(reason_against)
        refusal = desk.refusal_of_done() if given.decision == "done" else None
        if refusal is not None and gate.holds_back(refusal):
            return error(say("done_refused", reason=refusal))
        named = tasks if given.decision == "retry" else ()
        return End(VerdictGiven(given.decision, reason, named), {"decision": given.decision})

    return bind("verdict", GiveVerdict, verdict, ends=True)


def _failed_twice(tasks: Iterable[Task], named: Collection[str]) -> list[str]:
    """Named tasks that lie failed, and have failed of themselves as often as is tried."""
    return [
        task.id
        for task in tasks
        if task.id in named
        and task.state is TaskState.FAILED
        and failures_counted(task) >= MOST_FAILURES
    ]
