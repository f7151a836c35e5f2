"""The end of an attempt: `submit` and `give_up`.

Owns what stands between a worker and its landing: the gate that is heard once, conflicts, and the
conflict markers that must not land. Must never merge anything: the desk lands, and on a conflict
the same worker resolves.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Final

from pydantic import Field

from longshift.crew.briefs import (
    WorkerBrief,
    WorkerOutcome,
    WorkGivenUp,
    WorkLanded,
    WorkUnfinished,
)
from longshift.crew.conversation import CallAllowance
from longshift.crew.desk import Conflict, Landed, WorkerDesk
from longshift.crew.gates.acceptance import commands_not_run
from longshift.crew.gates.edits import paths_outside
from longshift.crew.prompts import say
from longshift.crew.toolbox import Answer, Arguments, End, Result, Tool, bind, error
from longshift.domain.model import Handoff
from longshift.errors import TellModel
from longshift.repository.hunks import split_lines
from longshift.repository.workspace import Workspace

CONFLICTS: Final = 3
"""Conflicts of one attempt that its worker resolves; after one more a fresh context does better."""
_MARKERS: Final = ("<<<<<<<", ">>>>>>>", "|||||||")


class Submit(Arguments):
    """Arguments of `submit`."""

    summary: str
    concerns: str = ""
    deviations: str = ""
    findings: tuple[str, ...] = ()


class GiveUp(Arguments):
    """Arguments of `give_up`."""

    reason: Annotated[str, Field(min_length=1)]


def handing_in_tools(
    desk: WorkerDesk, brief: WorkerBrief, allowance: CallAllowance, ran: list[str]
) -> list[Tool[WorkerOutcome]]:
    """The tools that end an attempt.

    Args:
        desk: what lands.
        brief: the task, and how the gate acts.
        allowance: the attempt's calls; a conflict leaves it some more.
        ran: the commands that the worker has run so far.
    """
    handing_in = _HandingIn(desk, brief, allowance, ran)

    async def give_up(given: GiveUp) -> End[WorkerOutcome]:
        return End(WorkGivenUp(given.reason), {"status": "given_up"})

    return [
        bind("give_up", GiveUp, give_up, ends=True),
        bind("submit", Submit, handing_in.submit, ends=True),
    ]


@dataclass(slots=True)
class _HandingIn:
    """One attempt's submissions."""

    desk: WorkerDesk
    brief: WorkerBrief
    allowance: CallAllowance
    ran: list[str]
    conflicts: int = 0
    gate_has_spoken: bool = False
    markers: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Lines that the last conflict laid into files, by path; none of them may land."""

    async def submit(self, given: Submit) -> Answer[WorkerOutcome]:
        left = await self.desk.off_loop(_still_marked, self.desk.workspace, self.markers)
        if left:
            return error(say("markers_left", paths=left))
        if reasons := self._reasons_against(given):
            self.gate_has_spoken = True
            return {"status": "not_yet", "reasons": reasons}
        handoff = Handoff(
            summary=given.summary,
            concerns=given.concerns,
            deviations=given.deviations,
            findings=given.findings,
        )
        match await self.desk.submit(handoff):
            case Landed(commit, change):
                result = {"status": "landed", "commit": commit}
                return End(WorkLanded(handoff, commit, change), result)
            case Conflict() as conflict:
                return await self._take(conflict)

    def _reasons_against(self, given: Submit) -> list[str]:
        # The grace call is the last: held back there, the work would be lost.
        in_grace = self.allowance.left < 0
        if self.brief.gates == "off" or self.gate_has_spoken or in_grace:
            return []
        plan = self.brief.task.plan
        reasons = []
        outside = paths_outside(self.desk.workspace.changed_paths(), plan.paths)
        if outside and not given.deviations.strip():
            reasons.append(say("edits_outside_paths", outside=outside, paths=list(plan.paths)))
        unrun = commands_not_run(plan.acceptance, self.ran)
        if unrun and self.desk.can_run_commands:
            reasons.append(say("acceptance_not_run", commands=unrun))
        return reasons

    async def _take(self, conflict: Conflict) -> Answer[WorkerOutcome]:
        result: Result = {
            "status": "conflict",
            "paths": list(conflict.paths),
            "notes": list(conflict.notes),
            "next": say("conflict", paths=list(conflict.paths)),
        }
        self.conflicts += 1
        if self.conflicts > CONFLICTS:
            reason = f"Its submission conflicted {self.conflicts} times with what others landed."
            return End(WorkUnfinished("conflict", reason), result)
        self.allowance.leave_at_least(self.brief.limits.after_conflict)
        self.markers = await self.desk.off_loop(_find_markers, self.desk.workspace, conflict.paths)
        return result


def _find_markers(workspace: Workspace, paths: tuple[str, ...]) -> Mapping[str, frozenset[str]]:
    return {path: frozenset(_marker_lines(workspace, path)) for path in paths}


def _still_marked(workspace: Workspace, markers: Mapping[str, frozenset[str]]) -> list[str]:
    return [path for path, lines in markers.items() if lines & set(_marker_lines(workspace, path))]


def _marker_lines(workspace: Workspace, path: str) -> list[str]:
    try:
        text = workspace.read_text(path).text
    except TellModel:  # deleted, or binary: nothing to mark
        return []
    return [line.rstrip() for line in split_lines(text) if line.startswith(_MARKERS)]
