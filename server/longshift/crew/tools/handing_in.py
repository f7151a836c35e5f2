"""The end of an attempt: `submit` and `give_up`.

Owns what stands between a worker and its landing: the gate that is heard once, conflicts, and the
conflict markers that must not land. Must never merge anything: the desk lands, and on a conflict
the same worker resolves.
"""

from collections.abc import Iterable, Mapping, Sequence
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
from longshift.crew.commands_run import CommandsRun
from longshift.crew.conversation import CallAllowance
from longshift.crew.desk import Conflict, Landed, SentBack, WorkerDesk
from longshift.crew.gates.acceptance import commands_not_run
from longshift.crew.gates.edits import paths_outside
from longshift.crew.gates.languages import Kind
from longshift.crew.gates.scan import Hit, as_changes, by_kind, scan
from longshift.crew.prompts import say
from longshift.crew.texts import head_and_tail
from longshift.crew.toolbox import Answer, Arguments, End, Result, Tool, bind
from longshift.domain.model import Handoff
from longshift.domain.reserving import EARLY
from longshift.errors import TellModel
from longshift.repository.hunks import split_lines
from longshift.repository.workspace import Workspace

CONFLICTS: Final = EARLY + 2
"""Conflicts of one attempt that its worker resolves; after one more a fresh context does better."""
DIFF_CHARACTERS: Final = 6_000
"""Most characters of the attempt's own difference that a submission is answered with."""
HITS_NAMED: Final = 12
"""Most places that one reason names."""
HIT_CHARACTERS: Final = 120
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
    desk: WorkerDesk, brief: WorkerBrief, allowance: CallAllowance, ran: CommandsRun
) -> list[Tool[WorkerOutcome]]:
    """The tools that end an attempt.

    Args:
        desk: what lands.
        brief: the task, and how the gate acts.
        allowance: the attempt's calls; a conflict leaves it some more.
        ran: the commands that the worker has run so far.
    """

    async def give_up(given: GiveUp) -> End[WorkerOutcome]:
        return End(WorkGivenUp(given.reason), {"status": "given_up"})

    return [
        bind("give_up", GiveUp, give_up, ends=True),
        submit_tool(desk, brief, allowance, ran),
    ]


def submit_tool(
    desk: WorkerDesk,
    brief: WorkerBrief,
    allowance: CallAllowance,
    ran: CommandsRun,
    markers: Mapping[str, frozenset[str]] | None = None,
) -> Tool[WorkLanded | WorkUnfinished]:
    """The tool that lands.

    Args:
        desk: what lands.
        brief: the task, and how the gate acts.
        allowance: the calls; a conflict leaves it some more.
        ran: the commands that were run so far.
        markers: the lines of a conflict that stands in files from the start, by path.
    """
    handing_in = _HandingIn(desk, brief, allowance, ran, markers=markers or {})
    return bind("submit", Submit, handing_in.submit, ends=True)


@dataclass(slots=True)
class _HandingIn:
    """One attempt's submissions."""

    desk: WorkerDesk
    brief: WorkerBrief
    allowance: CallAllowance
    ran: CommandsRun
    conflicts: int = 0
    gate_has_spoken: bool = False
    markers: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Lines that the last conflict laid into files, by path; none of them may land."""

    async def submit(self, given: Submit) -> Answer[WorkLanded | WorkUnfinished]:
        if self.markers:
            left = await self.desk.off_loop(_still_marked, self.desk.workspace, self.markers)
            if left:
                raise TellModel("markers_left", paths=left)
        if held_back := await self._reasons_against(given):
            self.gate_has_spoken = True
            return {"status": "not_yet", **held_back}
        handoff = Handoff(
            summary=given.summary,
            concerns=given.concerns,
            deviations=given.deviations,
            findings=given.findings,
            commands=self.ran.last,
            evidence=self.ran.evidence(self.desk.workspace.state),
        )
        match await self.desk.submit(handoff):
            case Landed(commit, change):
                result = {"status": "landed", "commit": commit}
                return End(WorkLanded(handoff, commit, change), result)
            case Conflict(paths, notes):
                told = {"status": "conflict", "next": say("conflict", paths=list(paths))}
                return await self._take(told, paths, notes)
            case SentBack(reason, paths, notes):
                told = {"status": "sent_back", "reason": reason, "next": say("sent_back")}
                return await self._take(told, paths, notes)

    async def _reasons_against(self, given: Submit) -> Result:
        """What stands against handing in, all at once; nothing once it was said."""
        # The grace call is the last: held back there, the work would be lost.
        if self.brief.gates == "off" or self.gate_has_spoken or self.allowance.in_grace:
            return {}
        plan, workspace = self.brief.task.plan, self.desk.workspace
        reasons = []
        outside = paths_outside(workspace.changed_paths(), plan.paths)
        if outside and not given.deviations.strip():
            reasons.append(say("edits_outside_paths", outside=outside, paths=list(plan.paths)))
        hits = await self.desk.off_loop(_evasions, workspace)
        reasons += _told(hit for hit in hits if hit.path not in given.deviations)
        unrun = commands_not_run(plan.acceptance, self.ran.commands)
        if unrun and self.desk.can_run_commands:
            reasons.append(say("acceptance_not_run", commands=unrun))
            diff = await self.desk.off_loop(workspace.diff)
            sayable = diff.encode(errors="replace").decode()
            shown = head_and_tail(sayable, DIFF_CHARACTERS, how_to_see="how_to_see_diff")
            return {"reasons": reasons, "diff": shown}
        return {"reasons": reasons} if reasons else {}

    async def _take(
        self, told: Result, paths: tuple[str, ...], notes: tuple[str, ...]
    ) -> Answer[WorkUnfinished]:
        """Hand a submission back to who made it, as often as one attempt bears."""
        result: Result = {**told, "paths": list(paths), "notes": list(notes)}
        self.conflicts += 1
        if self.conflicts > CONFLICTS:
            return End(WorkUnfinished("conflict", _too_often(told, self.conflicts)), result)
        self.allowance.leave_at_least(self.brief.limits.after_conflict)
        self.markers = await self.desk.off_loop(find_markers, self.desk.workspace, paths)
        return result


_EVASIONS: Final[Mapping[Kind, str]] = {
    "stub": "stubs_added",
    "suppression": "suppressions_added",
    "skipped_test": "tests_weakened",
}


def _evasions(workspace: Workspace) -> list[Hit]:
    """What the edits add that no task asks for."""
    return scan(as_changes(workspace.changes()))


def _told(hits: Iterable[Hit]) -> list[str]:
    """One reason for each kind of hit, with the places."""
    return [
        say(
            _EVASIONS[kind],
            places=[
                {"path": hit.path, "line": hit.line, "text": hit.text[:HIT_CHARACTERS]}
                if hit.line
                else {"path": hit.path, "gone": hit.text[:HIT_CHARACTERS]}
                for hit in found[:HITS_NAMED]
            ],
            more=max(0, len(found) - HITS_NAMED),
        )
        for kind, found in by_kind(hits).items()
    ]


def _too_often(told: Result, times: int) -> str:
    if told["status"] == "sent_back":
        return f"Its submission came back {times} times, at last with: {told['reason']}"
    return f"Its submission conflicted {times} times with what others landed."


def find_markers(workspace: Workspace, paths: Sequence[str]) -> Mapping[str, frozenset[str]]:
    """The marker lines of a conflict that stands in some files, by path."""
    return {path: frozenset(_marker_lines(workspace, path)) for path in paths}


def _still_marked(workspace: Workspace, markers: Mapping[str, frozenset[str]]) -> list[str]:
    return [path for path, lines in markers.items() if lines & set(_marker_lines(workspace, path))]


def _marker_lines(workspace: Workspace, path: str) -> list[str]:
    try:
        text = workspace.read_text(path).text
    except TellModel:  # deleted, or binary: nothing to mark
        return []
    return [line.rstrip() for line in split_lines(text) if line.startswith(_MARKERS)]
