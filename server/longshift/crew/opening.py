"""The first message of each role: a brief as text.

Owns the machine block: the one code block that opens with the line "```json longshift", holds one
JSON object on one line, and is closed by a line "```". Every model reads it, and readers without
understanding (the builtin rules) read nothing else, so its keys are a promise: add to them freely,
change none. No value in the message can open a second block or end this one (see `fences`).
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final, TypeVar, get_args

from longshift.crew.briefs import (
    AgentBrief,
    IntegratorBrief,
    JudgeBrief,
    PlannerBrief,
    WorkerBrief,
)
from longshift.crew.fences import to_json
from longshift.crew.lists import Entry, Part, cut, first_part, for_planning, telling_part
from longshift.crew.prompts import say
from longshift.crew.texts import head_and_tail
from longshift.domain.model import (
    Constraint,
    DesignNote,
    Finding,
    Goal,
    Severity,
    Task,
    TaskState,
    Verdict,
)

AGENTS_MD_BYTES = 8 * 1024
DIFF_CHARACTERS = 30_000
EARLIER_CHARACTERS: Final = 40_000
TASKS_CHARACTERS: Final = 30_000
FINDINGS_CHARACTERS: Final = 15_000
PATHS_CHARACTERS: Final = 10_000
DISMISSED_CHARACTERS: Final = 8_000
STALE_CHARACTERS: Final = 5_000
"""How much room each list takes in a first message, at most."""
REASON_CHARACTERS: Final = 4_000
"""Most of what the last verdict says."""
TOLD_CHARACTERS: Final = 800
"""Most of one text that a worker or a finding tells."""
ITEM_CHARACTERS: Final = 200
"""Most of one item of a task's acceptance, for who judges."""
SEVERITIES: Final = get_args(Severity)
"""The gravest first."""
Item = TypeVar("Item")


def planner_opening(brief: PlannerBrief) -> str:
    """What a planner or sub-planner is told first."""
    verdict = brief.verdict
    lists: dict[str, Part[Any]] = {
        "earlier": _tasks(
            brief.earlier,
            for_planning,
            _earlier,
            EARLIER_CHARACTERS,
            TOLD_CHARACTERS,
            brief.whole,
        ),
        "findings": _findings(brief.findings, brief.whole),
        "stale": _first([asdict(one) for one in brief.stale], STALE_CHARACTERS, brief.whole),
    }
    block = {
        "role": "planner",
        "goal": brief.goal.text,
        **_scope(brief.goal),
        "slice": {"scope": brief.scope, "objective": brief.objective},
        "constraints": _constraints(brief.constraints),
        "designs": _designs(brief.designs),
        "cycle": brief.cycle,
        "mode": brief.mode,
        "earlier": lists["earlier"].shown,
        "findings": lists["findings"].shown,
        "verdict": _verdict(verdict),
        "stale": lists["stale"].shown,
        "contended": [
            {"path": one.path, "conflicts": one.conflicts, "landings": one.landings}
            for one in brief.contended
        ],
        "task_counts": _counts(brief.earlier),
        "left_out": _left_out(lists),
    }
    return say(
        "planner_opening",
        block=to_json(block),
        goal=brief.goal.text,
        sub_planner=brief.is_sub_planner,
        scope=brief.scope,
        objective=brief.objective,
        mode=brief.mode,
        stale=bool(brief.stale),
        contended=bool(brief.contended),
        cut=bool(_left_out(lists)),
        agents_md=_agents_md(brief.agents_md),
        overview=brief.overview,
    )


def agent_opening(brief: AgentBrief) -> str:
    """What an equal agent is told first when it is to choose a task."""
    verdict = brief.verdict
    lists: dict[str, Part[Any]] = {
        "findings": _findings(brief.findings, whole=False),
        "stale": _first([asdict(one) for one in brief.stale], STALE_CHARACTERS, whole=False),
    }
    block = {
        "role": "agent",
        "agent": brief.agent_id,
        "goal": brief.goal.text,
        **_scope(brief.goal),
        "constraints": _constraints(brief.constraints),
        "cycle": brief.cycle,
        "mode": brief.mode,
        "findings": lists["findings"].shown,
        "verdict": _verdict(verdict),
        "stale": lists["stale"].shown,
        "left_out": _left_out(lists),
    }
    return say(
        "agent_opening",
        block=to_json(block),
        goal=brief.goal.text,
        mode=brief.mode,
        stale=bool(brief.stale),
        cut=bool(_left_out(lists)),
        agents_md=_agents_md(brief.agents_md),
        overview=brief.overview,
    )


def worker_opening(brief: WorkerBrief) -> str:
    """What a worker is told first."""
    task, rework = brief.task, brief.rework
    block = {
        "role": "worker",
        "goal": brief.goal.text,
        **_scope(brief.goal),
        "task": {
            "id": task.id,
            "title": task.plan.title,
            "instructions": task.plan.instructions,
            "paths": task.plan.paths,
            "acceptance": task.plan.acceptance,
        },
        "constraints": _constraints(brief.constraints),
        "designs": _designs(brief.designs),
        "earlier_attempts": [
            {
                "number": attempt.number,
                "failure": attempt.failure,
                "reason": attempt.reason,
                "summary": attempt.handoff.summary,
            }
            for attempt in brief.earlier_attempts
        ],
    }
    return say(
        "worker_opening",
        block=to_json(block),
        retry=bool(brief.earlier_attempts),
        rework=None if rework is None else asdict(rework),
        agents_md=_agents_md(brief.agents_md),
        overview=brief.overview,
        title=task.plan.title,
        instructions=task.plan.instructions,
        acceptance=list(task.plan.acceptance),
    )


def integrator_opening(brief: IntegratorBrief) -> str:
    """What the integrator is told first of one submission."""
    plan = brief.task.plan
    block = {
        "role": "integrator",
        "goal": brief.goal.text,
        **_scope(brief.goal),
        "task": {
            "id": brief.task.id,
            "title": plan.title,
            "instructions": plan.instructions,
            "paths": plan.paths,
            "acceptance": plan.acceptance,
        },
        "constraints": _constraints(brief.constraints),
        "designs": _designs(brief.designs),
        "handoff": brief.handoff.model_dump(
            include={"summary", "concerns", "deviations", "findings", "evidence"}
        ),
        "clashes": list(brief.clashes),
        "notes": list(brief.notes),
    }
    return say(
        "integrator_opening",
        block=to_json(block),
        diff=head_and_tail(brief.diff, DIFF_CHARACTERS, how_to_see="how_to_see_diff"),
    )


def judge_opening(brief: JudgeBrief) -> str:
    """What a judge is told first."""

    def rank(task: Task) -> int:
        return 0 if task.cycle == brief.cycle else 1 if task.state is TaskState.FAILED else 2

    paths = list(brief.changed_paths)
    lists: dict[str, Part[Any]] = {
        "tasks": _tasks(brief.tasks, rank, _judged, TASKS_CHARACTERS, ITEM_CHARACTERS, brief.whole),
        "changed_paths": _first(paths, PATHS_CHARACTERS, brief.whole),
        "findings": _findings(brief.findings, brief.whole),
        "dismissed": _first(
            [_cut(_dismissed(one), TOLD_CHARACTERS) for one in brief.dismissed],
            DISMISSED_CHARACTERS,
            brief.whole,
        ),
    }
    block = {
        "role": "judge",
        "goal": brief.goal.text,
        **_scope(brief.goal),
        "cycle": brief.cycle,
        "constraints": _constraints(brief.constraints),
        "designs": _designs(brief.designs),
        **{name: part.shown for name, part in lists.items()},
        "task_counts": _counts(brief.tasks),
        "left_out": _left_out(lists),
    }
    return say(
        "judge_opening",
        block=to_json(block),
        diff_stat=head_and_tail(brief.diff_stat, PATHS_CHARACTERS, how_to_see="how_to_see_diff"),
        diff=head_and_tail(brief.diff, DIFF_CHARACTERS, how_to_see="how_to_see_diff"),
        goal=brief.goal.text,
        cut=bool(_left_out(lists)),
    )


def _tasks(
    tasks: Sequence[Task],
    rank: Callable[[Task], int],
    entry: Callable[[Task], Entry],
    room: int,
    characters: int,
    whole: bool,
) -> Part[Entry]:
    if whole:
        return Part([entry(task) for task in tasks])
    return telling_part(tasks, rank, lambda task: _cut(entry(task), characters), room)


def _findings(findings: Sequence[Finding], whole: bool) -> Part[Entry]:
    if whole:
        return Part([_finding(one) for one in findings])

    def rank(one: Finding) -> int:
        return 2 * SEVERITIES.index(one.severity) + (one.origin == "base")

    return telling_part(
        findings, rank, lambda one: _cut(_finding(one), TOLD_CHARACTERS), FINDINGS_CHARACTERS
    )


def _first(items: Sequence[Item], room: int, whole: bool) -> Part[Item]:
    return Part(items) if whole else first_part(items, room)


def _cut(entry: Entry, characters: int) -> Entry:
    return {name: cut(value, characters) for name, value in entry.items()}


def _counts(tasks: Iterable[Task]) -> Mapping[str, int]:
    return Counter(str(task.state) for task in tasks)


def _verdict(verdict: Verdict | None) -> Entry | None:
    if verdict is None:
        return None
    return {"decision": verdict.decision, "reason": cut(verdict.reason, REASON_CHARACTERS)}


def _left_out(lists: Mapping[str, Part[Any]]) -> Mapping[str, int]:
    return {name: part.left_out for name, part in lists.items() if part.left_out}


def _scope(goal: Goal) -> Mapping[str, object]:
    return {
        "scope": goal.paths,
        "selection": goal.selection and goal.selection.model_dump(),
        "diagnostics": [diagnostic.model_dump() for diagnostic in goal.diagnostics],
    }


def _constraints(constraints: Iterable[Constraint]) -> Sequence[Mapping[str, str]]:
    return [{"id": one.id, "text": one.text} for one in constraints if not one.lifted]


def _designs(notes: Iterable[DesignNote]) -> Sequence[Mapping[str, str]]:
    return [{"id": one.id, "topic": one.topic, "decision": one.decision} for one in notes]


def _earlier(task: Task) -> Mapping[str, object]:
    last = task.attempts[-1] if task.attempts else None
    return {
        "task": task.id,
        "title": task.plan.title,
        "paths": task.plan.paths,
        "state": task.state,
        "summary": last.handoff.summary if last else "",
        "failure": last and last.failure,
        "reason": last.reason if last else "",
        "concerns": last.handoff.concerns if last else "",
        "deviations": last.handoff.deviations if last else "",
        "findings": last.handoff.findings if last else (),
    }


def _judged(task: Task) -> Mapping[str, object]:
    return {
        "id": task.id,
        "title": task.plan.title,
        "state": task.state,
        "paths": task.plan.paths,
        "acceptance": task.plan.acceptance,
        "attempts": len(task.attempts),
    }


def _finding(finding: Finding) -> Mapping[str, object]:
    return finding.model_dump(
        include={"id", "path", "line", "code", "message", "severity", "origin"}
    )


def _dismissed(finding: Finding) -> Mapping[str, object]:
    return finding.model_dump(include={"id", "path", "line", "code", "message", "reason"})


def _agents_md(text: str | None) -> str:
    """The repository's own words, the start of them where they are long."""
    return (text or "").encode()[:AGENTS_MD_BYTES].decode(errors="ignore")
