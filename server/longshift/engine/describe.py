"""What clients are told of a run: the shapes of CONTRACT section 6.

Owns those shapes; computes nothing that another room owns. Lines count from zero, and a range
covers whole lines of the person's present text, so its characters are always 0.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime

from longshift.domain.budgets import Share, shares
from longshift.domain.contention import hottest, rework_rate
from longshift.domain.model import Finding, Question, Task, TaskState, Usage
from longshift.domain.state import Run
from longshift.engine.checking.hacking import COMPARED
from longshift.engine.landing.inspection import INSPECTED
from longshift.review.elsewhere import with_elsewhere
from longshift.review.placing import Standing, place_findings
from longshift.review.proposals import Proposals
from longshift.review.shapes import PendingHunk, Present

Json = dict[str, object]


def describe_run(
    run: Run, repo: str, hunks: Sequence[PendingHunk], findings: Sequence[Json], now: datetime
) -> Json:
    """A run, whole, as it stands at a moment."""
    return {
        "runId": run.id,
        "repo": repo,
        "goal": run.started.goal.text,
        "state": run.lifecycle,
        "outcome": run.outcome,
        "reason": run.outcome_reason or run.pause_reason,
        "rule": run.outcome_rule or None,
        "figures": dict(run.outcome_figures),
        "phase": str(run.phase),
        "cycle": run.cycle,
        "head": run.head,
        "designs": [note.model_dump() for note in run.designs.values()],
        "tasks": [_task(run, task) for task in run.tasks.values()],
        "changes": _changes(run, hunks),
        "findings": list(findings),
        "questions": [_question(question) for question in run.questions.values()],
        "usage": run.usage.model_dump(mode="json"),
        "usageByRole": _usages(run.usage_by_role),
        "usageByModel": _usages(run.usage_by_model),
        "prices": dict(run.prices),
        "budgets": [_share(share) for share in shares(run, now)],
        "conflicts": run.conflicts,
        "contention": _contention(run),
        "sandbox": _sandbox(run),
        "refusals": run.refusals,
    }


def _contention(run: Run) -> Json:
    landed = run.count(TaskState.LANDED)
    return {
        "conflictsPerLanding": run.conflicts / landed if landed else 0.0,
        "reworkRate": rework_rate(run.tasks.values()),
        "hottest": [
            {"path": one.path, "conflicts": one.conflicts, "landings": one.landings}
            for one in hottest(run.contention)
        ],
        "reserved": [{"path": path, "task": task} for path, task in run.reserved.items()],
        "predicted": [{"path": path, "tasks": list(tasks)} for path, tasks in run.predicted],
    }


def describe_in_present(
    run: Run,
    repo: str,
    proposals: Proposals,
    present: Present,
    now: datetime,
    others: Collection[str] = (),
) -> Json:
    """A run, whole, its hunks and findings where they stand in what the person has; blocking.

    Args:
        run: the run.
        repo: its repository's root, as a URI.
        proposals: where its hunks are read.
        present: what the person has.
        now: the present moment.
        others: as for `with_elsewhere`.
    """
    hunks = with_elsewhere(run, proposals.of_run(run, present), others)
    return describe_run(run, repo, hunks, findings_in_present(run, proposals, present), now)


def findings_in_present(run: Run, proposals: Proposals, present: Present) -> list[Json]:
    """A run's findings at the lines where they stand in the person's text; blocking."""
    placed = {
        one.finding.id: one
        for one in place_findings(proposals, run, run.findings.values(), present)
    }
    return [finding(one, placed.get(one.id)) for one in run.findings.values()]


def finding(one: Finding, standing: Standing | None) -> Json:
    """A finding; `standing` where it stands now, None where its line is in nobody's text."""
    first, last = one.line - 1, (one.end_line or one.line) - 1
    if standing is not None:
        first, last = standing.start_line, standing.end_line
    hunk = standing.hunk if standing is not None else None
    return {
        "id": one.id,
        "path": one.path,
        "range": line_range(first, last + 1),
        "standing": standing is not None,
        "proposedIn": hunk and {"changeId": hunk.change_id, "path": hunk.path, "hunk": hunk.hunk},
        "severity": one.severity,
        "code": one.code,
        "message": one.message,
        "suggestion": one.suggestion,
        "evidence": one.evidence,
        "reportedBy": reporter(one),
        "cycle": one.cycle,
        "related": [
            {"path": place.path, "line": place.line - 1, "message": place.message}
            for place in one.related
        ],
        "origin": one.origin,
        "state": one.state,
        "reason": one.reason,
    }


def why(run: Run, change_id: str) -> str:
    """Why a change of the run was made: its task and what its worker said when handing it in."""
    change = run.changes[change_id]
    task = run.tasks[change.task_id]
    handoff = task.attempts[-1].handoff
    said = [
        f"{change.id}, {task.id}: {task.plan.title}",
        task.plan.instructions,
        handoff.summary,
        handoff.concerns and f"Concerns: {handoff.concerns}",
        handoff.deviations and f"Deviations: {handoff.deviations}",
    ]
    return "\n".join(part for part in said if part)


def reporter(one: Finding) -> str:
    """Who reported it: `check`, `inspection` or `judge`."""
    if one.check:
        return "check"
    return "inspection" if one.evidence in (INSPECTED, COMPARED) else "judge"


def line_range(start_line: int, end_line: int) -> Json:
    """Whole lines, half-open, from zero."""
    return {
        "start": {"line": start_line, "character": 0},
        "end": {"line": end_line, "character": 0},
    }


def _sandbox(run: Run) -> Json | None:
    """What holds the run's commands, and whether any are run; None: it was never recorded."""
    opened = run.sandbox
    return {"profile": opened.profile, "commands": opened.commands} if opened else None


def _usages(usages: Mapping[str, Usage]) -> Json:
    return {name: usage.model_dump(mode="json") for name, usage in usages.items()}


def _share(share: Share) -> Json:
    """What is used of one limit; `budget` is its name among the settings."""
    return {
        "budget": share.setting,
        "used": float(share.used),
        "limit": float(share.limit),
        "percent": share.percent,
    }


def _task(run: Run, task: Task) -> Json:
    last = task.attempts[-1] if task.attempts else None
    return {
        "id": task.id,
        "title": task.plan.title,
        "paths": list(task.plan.paths),
        "dependsOn": list(task.plan.depends_on),
        "state": str(task.state),
        "attempts": len(task.attempts),
        "reason": last.reason if last else "",
        "changeIds": list(task.change_ids),
        "usage": run.usage_by_task.get(task.id, Usage()).model_dump(mode="json"),
    }


def _question(question: Question) -> Json:
    return {
        "id": question.id,
        "question": question.text,
        "options": list(question.options),
        "askedBy": question.asked_by,
        "answer": question.answer,
    }


def _changes(run: Run, hunks: Iterable[PendingHunk]) -> list[Json]:
    by_change: dict[str, dict[str, list[PendingHunk]]] = {id_: {} for id_ in run.changes}
    for hunk in hunks:
        by_change[hunk.change_id].setdefault(hunk.path, []).append(hunk)
    return [
        {
            "id": change.id,
            "taskId": change.task_id,
            "title": change.title,
            "commit": change.commit,
            "state": _summary([h for file in by_change[change.id].values() for h in file]),
            "files": [_file(path, file) for path, file in sorted(by_change[change.id].items())],
        }
        for change in run.changes.values()
    ]


def _file(path: str, hunks: Sequence[PendingHunk]) -> Json:
    return {
        "path": path,
        "oldPath": hunks[0].old_path,
        "kind": hunks[0].kind,
        "flag": hunks[0].flag or None,
        "hunks": [
            {
                "hunk": hunk.hunk,
                "range": line_range(hunk.start_line, hunk.end_line),
                "added": hunk.added,
                "removed": hunk.removed,
                "state": hunk.state,
                "reason": hunk.reason,
            }
            for hunk in sorted(hunks, key=lambda hunk: hunk.hunk)
        ],
    }


def _summary(hunks: Sequence[PendingHunk]) -> str:
    """One word for a change: what its hunks have in common, `pending` while one is."""
    states = {hunk.state for hunk in hunks}
    order: Mapping[str, int] = {
        "pending": 0,
        "stale": 1,
        "rework": 2,
        "accepted": 3,
        "rejected": 4,
        "superseded": 5,
    }
    return min(states, key=lambda state: order[state]) if states else "superseded"
