"""Planning: `add_task`, `delegate`, `finish`.

Only planners have them; a sub-planner has no `delegate`. Must never edit a file.
"""

from collections.abc import Collection
from typing import Annotated, Never

from pydantic import Field, StringConstraints

from longshift.crew.briefs import Planned, PlannerBrief
from longshift.crew.desk import PlannerDesk
from longshift.crew.gates import Gate, find_same_failed
from longshift.crew.prompts import say
from longshift.crew.toolbox import Arguments, End, Result, Tool, bind, error
from longshift.domain.model import TaskPlan
from longshift.repository.workspace import Workspace
from longshift.screening.hidden import visible


class AddTask(Arguments):
    """Arguments of `add_task`."""

    title: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
    instructions: Annotated[str, Field(min_length=1)]
    paths: tuple[str, ...] = ()
    acceptance: tuple[str, ...] = ()
    depends_on: tuple[str, ...] = ()


class Delegate(Arguments):
    """Arguments of `delegate`."""

    scope: Annotated[str, Field(min_length=1)]
    objective: Annotated[str, Field(min_length=1)]


class Finish(Arguments):
    """Arguments of `finish`."""

    summary: str
    evidence: str = ""


def planning_tools(desk: PlannerDesk, brief: PlannerBrief) -> list[Tool[Planned]]:
    """The tools of one planner or sub-planner."""
    tools: list[Tool[Planned]] = [_adding(desk, brief), _finishing()]
    return tools if brief.is_sub_planner else [*tools, _delegating(desk)]


def _adding(desk: PlannerDesk, brief: PlannerBrief) -> Tool[Never]:
    gate = Gate(brief.gates)

    async def add_task(given: AddTask) -> Result:
        plan = await desk.off_loop(_read_plan, given, desk.workspace)
        if mistake := _unknown(plan.depends_on, desk.task_ids()):
            return error(mistake)
        reason = _reason_against(plan, brief)
        if reason is not None and gate.holds_back(reason):
            return error(reason)
        added = await desk.add_task(plan)
        ordered = {"ordered_after": list(added.overlaps)} if added.overlaps else {}
        return {"task": added.task_id, **ordered}

    return bind("add_task", AddTask, add_task)


def _delegating(desk: PlannerDesk) -> Tool[Never]:
    async def delegate(given: Delegate) -> Result:
        return {"planner": await desk.delegate(given.scope, given.objective)}

    return bind("delegate", Delegate, delegate)


def _finishing() -> Tool[Planned]:
    async def finish(given: Finish) -> End[Planned]:
        return End(Planned(given.summary, given.evidence), {"finished": True})

    return bind("finish", Finish, finish, ends=True)


def _read_plan(given: AddTask, workspace: Workspace) -> TaskPlan:
    """The task as it is kept: canonical paths, each once, and no blank lines of acceptance.

    The title becomes the subject of a commit and a line in menus and terminals, so it is one line
    in which everything is seen.

    Raises:
        OutOfBounds, TellModel: a path leaves the repository, or nothing can be there.
    """
    paths = dict.fromkeys(workspace.checked_scope(path) or "." for path in given.paths)
    acceptance = tuple(line.strip() for line in given.acceptance if line.strip())
    return TaskPlan(
        title=" ".join(visible(given.title).split()),
        instructions=given.instructions,
        paths=tuple(paths),
        acceptance=acceptance,
        depends_on=tuple(dict.fromkeys(given.depends_on)),
    )


def _unknown(depends_on: Collection[str], known: Collection[str]) -> str | None:
    unknown = [task for task in depends_on if task not in known]
    return say("unknown_tasks", unknown=unknown, known=sorted(known)) if unknown else None


def _reason_against(plan: TaskPlan, brief: PlannerBrief) -> str | None:
    if not plan.acceptance:
        return say("acceptance_empty")
    failed = find_same_failed(plan, brief.earlier)
    if failed is None:
        return None
    return say("task_failed_before", task=failed.id, reason=failed.attempts[-1].reason)
