"""Planning: `add_task`, `delegate`, `note_design`, `finish`.

Only planners have them; a sub-planner has no `delegate`, and of equal agents each has `add_task`.
Must never edit a file.
"""

import functools
from collections import ChainMap
from collections.abc import Collection, Mapping, Sequence
from typing import Annotated, Final, Never

from pydantic import Field, StringConstraints

from longshift.crew.briefs import AgentBrief, Planned, PlannerBrief
from longshift.crew.conversation import CallAllowance
from longshift.crew.desk import AddedTask, ListDesk, PlannerDesk
from longshift.crew.gates.acceptance import vague_items
from longshift.crew.gates.gate import Gate
from longshift.crew.gates.slices import outside, paths_of_slice, shared
from longshift.crew.gates.tasks import (
    MEGAFILE_LINES,
    find_same_failed,
    may_not_grow,
    not_in_evidence,
    tasks_on_one_file,
)
from longshift.crew.lists import TASKS_NAMED
from longshift.crew.prompts import say
from longshift.crew.texts import start_that_fits
from longshift.crew.toolbox import Answer, Arguments, End, Result, Tool, bind, error
from longshift.domain.designs import DECISION_CHARACTERS, TOPIC_CHARACTERS
from longshift.domain.model import TaskPlan
from longshift.repository.workspace import Workspace
from longshift.screening.hidden import visible

SLICE_CHARACTERS: Final = 2_000
"""Most characters of a slice's scope, and of its objective."""


class AddTask(Arguments):
    """Arguments of `add_task`."""

    title: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
    instructions: Annotated[str, Field(min_length=1)]
    paths: tuple[str, ...] = ()
    acceptance: tuple[str, ...] = ()
    depends_on: tuple[str, ...] = ()


class Delegate(Arguments):
    """Arguments of `delegate`."""

    scope: Annotated[str, Field(min_length=1, max_length=SLICE_CHARACTERS)]
    objective: Annotated[str, Field(min_length=1, max_length=SLICE_CHARACTERS)]


class NoteDesign(Arguments):
    """Arguments of `note_design`."""

    topic: Annotated[
        str, StringConstraints(strip_whitespace=True, min_length=1, max_length=TOPIC_CHARACTERS)
    ]
    decision: Annotated[
        str, StringConstraints(strip_whitespace=True, min_length=1, max_length=DECISION_CHARACTERS)
    ]


class Finish(Arguments):
    """Arguments of `finish`."""

    summary: str
    evidence: str = ""


def planning_tools(
    desk: PlannerDesk, brief: PlannerBrief, allowance: CallAllowance
) -> list[Tool[Planned]]:
    """The tools of one planner or sub-planner, which may take so many calls of the model."""
    planning = _Planning(desk, brief, allowance)
    tools: list[Tool[Planned]] = [
        bind("add_task", AddTask, planning.add_task),
        bind("note_design", NoteDesign, planning.note_design),
        bind("finish", Finish, planning.finish, ends=True),
    ]
    return tools if brief.is_sub_planner else [*tools, planning.delegating()]


def adding_tool(desk: ListDesk, brief: AgentBrief) -> Tool[Never]:
    """The tool by which an equal agent adds tasks, with a planner's gates."""
    return bind("add_task", AddTask, _Adding(desk, brief).add_task)


class _Adding:
    """The tasks that one conversation has added."""

    def __init__(self, desk: ListDesk, brief: PlannerBrief | AgentBrief) -> None:
        self._desk = desk
        self._brief = brief
        self._gate = Gate(brief.gates)
        self._once = Gate("advise" if brief.gates == "enforce" else "off")
        """Of what is held back once, and only where gates are enforced."""
        self._added: dict[str, TaskPlan] = {}
        self._of_paths: dict[tuple[str, ...], dict[str, TaskPlan]] = {}

    @functools.cached_property
    def _earlier(self) -> dict[str, TaskPlan]:
        return {task.id: task.plan for task in self._brief.earlier}

    async def add_task(self, given: AddTask) -> Result:
        plan, reason, told = await self._desk.off_loop(self._look_at, given)
        if mistake := _unknown(plan.depends_on, self._desk.task_ids()):
            return error(mistake)
        if self._gate.holds_back(reason):
            return error(str(reason))
        if told and self._once.holds_back(told[0]):
            return error(told[0])
        of_paths = self._of_paths.setdefault(plan.paths, {})
        same_file = tasks_on_one_file(plan, of_paths)
        added = await self._desk.add_task(plan)
        self._added[added.task_id] = of_paths[added.task_id] = plan
        ordered = {"ordered_after": list(added.overlaps)} if added.overlaps else {}
        return {"task": added.task_id, **ordered, **self._advice(plan, added, same_file, told[1:])}

    def _look_at(self, given: AddTask) -> tuple[TaskPlan, str | None, Sequence[str]]:
        """The task as it is kept, what stands against it, and what is told beside it; blocking."""
        plan = _read_plan(given, self._desk.workspace)
        return plan, self._reason_against(plan), self._beside_its_slice(plan)

    def _reason_against(self, plan: TaskPlan) -> str | None:
        if self._brief.gates == "off":
            return None
        if not plan.acceptance:
            return say("acceptance_empty")
        if vague := vague_items(plan.acceptance):
            return say("acceptance_vague", items=vague)
        failed = find_same_failed(plan, self._brief.earlier)
        if failed is not None:
            last = failed.attempts[-1].reason
            return say("task_failed_before", task=failed.id, reason=last)
        plans = ChainMap(self._added, self._earlier)
        long = may_not_grow(plan, _lines_of(plan.paths, self._desk.workspace), plans)
        return None if long is None else say("file_too_long", path=long, most=MEGAFILE_LINES)

    def _beside_its_slice(self, plan: TaskPlan) -> Sequence[str]:
        """What is told of paths outside of one's slice: to hold the task back, and beside it."""
        del plan
        return ()

    def _advice(
        self, plan: TaskPlan, added: AddedTask, same_file: list[str], told_before: Sequence[str]
    ) -> Result:
        """What a result says beside its id: nothing here stands against the task."""
        if self._brief.gates == "off":
            return {}
        told = list(told_before)
        if added.overlaps:
            told.append(say("task_ordered", task=added.task_id, after=list(added.overlaps)))
        if same_file:
            told.append(say("tasks_on_one_file", path=plan.paths[0], tasks=same_file))
        return {"next": told} if told else {}


class _Planning(_Adding):
    """One planner's plan, as far as it has come."""

    def __init__(self, desk: PlannerDesk, brief: PlannerBrief, allowance: CallAllowance) -> None:
        super().__init__(desk, brief)
        self._planners = desk
        self._allowance = allowance
        self._delegated: list[str] = []
        self._slice = brief
        self._slices: dict[str, Collection[str]] = {}
        """By sub-planner, the paths of the slice that was given to it."""
        self._finish_was_held_back = False

    def delegating(self) -> Tool[Never]:
        """The tool that gives a slice away."""

        async def delegate(given: Delegate) -> Result:
            paths = await self._desk.off_loop(self._paths_of, given.scope)
            told = self._overlapping(given.scope, paths)
            if told and self._once.holds_back(told[0]):
                return error(told[0])
            planner = await self._planners.delegate(given.scope, given.objective)
            self._delegated.append(planner)
            self._slices[planner] = paths
            return {"planner": planner, **({"next": told[1:]} if told else {})}

        return bind("delegate", Delegate, delegate)

    def _overlapping(self, scope: str, paths: Collection[str]) -> Sequence[str]:
        """What is told of a slice that meets another, or a task of this plan: held back or not."""
        if self._brief.gates == "off":
            return ()
        owned = {**self._slices, **{id_: plan.paths for id_, plan in self._added.items()}}
        met = {id_: common for id_, others in owned.items() if (common := shared(paths, others))}
        if not met:
            return ()
        named = list(dict.fromkeys(path or "." for common in met.values() for path in common))
        return [
            say("slices_overlap", scope=scope, paths=named, owners=list(met), held=held)
            for held in (True, False)
        ]

    def _beside_its_slice(self, plan: TaskPlan) -> Sequence[str]:
        if self._brief.gates == "off":
            return ()
        outer = outside(plan.paths, self._own_paths)
        if not outer:
            return ()
        return [
            say(
                "outside_slice", title=plan.title, outside=outer, scope=self._slice.scope, held=held
            )
            for held in (True, False)
        ]

    @functools.cached_property
    def _own_paths(self) -> Collection[str]:
        """The paths that a sub-planner's own slice names."""
        return self._paths_of(self._slice.scope) if self._slice.scope else ()

    def _paths_of(self, scope: str) -> Collection[str]:
        return paths_of_slice(scope, self._desk.workspace.list_files())

    async def note_design(self, given: NoteDesign) -> Result:
        topic = start_that_fits(" ".join(visible(given.topic).split()), TOPIC_CHARACTERS)
        decision = start_that_fits(given.decision, DECISION_CHARACTERS)
        return {"note": await self._planners.note_design(topic, decision)}

    async def finish(self, given: Finish) -> Answer[Planned]:
        missing = not_in_evidence(given.evidence, [*self._added, *self._delegated])
        # The grace call is the last: held back there, the plan would count as failed.
        passes = self._finish_was_held_back or self._allowance.in_grace
        heard = passes or self._brief.gates == "off"
        if missing is not None and not heard:
            self._finish_was_held_back = True
            return error(say("finish_without_evidence", missing=missing))
        return End(Planned(given.summary, given.evidence), {"finished": True})


def _lines_of(paths: Collection[str], workspace: Workspace) -> Mapping[str, int]:
    """The lines of those of some paths that are files."""
    files = {path: workspace.read(path) for path in paths if path != "."}
    return {path: file.data.count(b"\n") for path, file in files.items() if file is not None}


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
    return (
        say("unknown_tasks", unknown=unknown, known=list(known)[-TASKS_NAMED:]) if unknown else None
    )
