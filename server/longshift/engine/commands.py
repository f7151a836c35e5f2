"""The commands that drive an engine: one table for the editor, the command line and the socket.

Owns each command's name, arguments and answer (CONTRACT sections 3 and 6; an editor's names carry
the prefix `longshift.`). Every caller is untrusted: arguments are parsed here, and what does not
fit is a `UsageError` that names the field.
"""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Final, Literal

from longshift.domain.model import Goal, HunkDecision
from longshift.domain.transitions import Refused
from longshift.engine.arguments import Arguments, parse
from longshift.engine.command_shapes import (
    Accept,
    AcceptAll,
    AddConstraint,
    Answer,
    Export,
    FixFinding,
    LiftConstraint,
    Nothing,
    OfAll,
    OfFinding,
    OfHunk,
    OfHunks,
    OfRun,
    Resume,
    Rework,
    ShowChange,
    StartGoal,
    Steer,
)
from longshift.engine.deciding.reviewing import listed_hunks, shown_hunk
from longshift.engine.describe import Json, describe_in_present
from longshift.engine.engine import Engine
from longshift.engine.exporting import export_run
from longshift.engine.restriction import refuse_restricted
from longshift.errors import TellModel, UsageError
from longshift.repository.paths import checked_folder_path
from longshift.review.decisions import Target
from longshift.review.elsewhere import with_elsewhere
from longshift.review.unified import change_diff

Handler = Callable[[Engine, Mapping[str, object]], Awaitable[Json]]


async def execute(engine: Engine, name: str, arguments: Mapping[str, object]) -> Json:
    """Carry a command out.

    Args:
        engine: the owner of the repository's runs.
        name: the command's, without the editor's prefix.
        arguments: its one object argument, unchecked.

    Raises:
        UsageError: there is no such command, or its arguments do not fit.
        NeedsPerson: it can't be done as things stand.
    """
    if engine.is_restricted:
        refuse_restricted(name, engine.shop.worktree.root)
    engine.shop.chronicle.require_sound()
    try:
        return await _handler_of(name)(engine, arguments)
    except Refused as refused:  # by the state, which has moved on since the handler looked
        raise UsageError(
            f"{name} does not fit how things stand now: {refused}. Nothing was done. Look again, "
            "then decide anew."
        ) from refused


def _handler_of(name: str) -> Handler:
    handler = COMMANDS.get(name)
    if handler is None:
        raise UsageError(f"There is no command {name}. There are: {', '.join(sorted(COMMANDS))}.")
    return handler


async def _start_goal(engine: Engine, given: StartGoal) -> Json:
    here = engine.shop.worktree.root
    if given.repo not in (None, here.as_uri()):
        raise UsageError(
            f"The process that owns this repository works in {here}, and the goal is for "
            f"{given.repo}. Nothing was started. Close that one first, or start the goal there."
        )
    goal = Goal(
        text=given.goal,
        paths=tuple(dict.fromkeys(map(_path_of_scope, given.paths))),
        selection=given.selection,
        diagnostics=given.diagnostics,
        template=given.template,
    )
    overrides = dict(given.settings)
    if given.workers is not None:
        overrides["workers"] = given.workers
    if given.strategy is not None:
        overrides["strategy"] = given.strategy
    run_id, notices = await engine.start(goal, overrides)
    return {"runId": run_id, "notices": list(notices)}


def _path_of_scope(path: str) -> str:
    """The canonical form of a path that a goal is to stay within."""
    try:
        return checked_folder_path(path) or "."
    except TellModel as error:
        raise UsageError(f"startGoal: `paths`: {error} Nothing was started.") from error


async def _state(engine: Engine, run_id: str) -> Json:
    run = engine.shop.chronicle.run(run_id)
    return {"runId": run_id, "state": run.lifecycle}


async def _pause(engine: Engine, given: OfRun) -> Json:
    await engine.pause(given.run_id)
    return await _state(engine, given.run_id)


async def _resume(engine: Engine, given: Resume) -> Json:
    await engine.resume(given.run_id, limits=given.budget)
    return await _state(engine, given.run_id)


async def _stop(engine: Engine, given: OfRun) -> Json:
    await engine.stop(given.run_id)
    return await _state(engine, given.run_id)


async def _steer(engine: Engine, given: Steer) -> Json:
    await engine.steer(given.run_id, given.message)
    return await _state(engine, given.run_id)


async def _answer(engine: Engine, given: Answer) -> Json:
    await engine.answer(given.run_id, given.question_id, given.answer)
    return await _state(engine, given.run_id)


async def _add_constraint(engine: Engine, given: AddConstraint) -> Json:
    constraint = await engine.add_constraint(given.text)
    return {"constraintId": constraint.id, "text": constraint.text}


async def _list_constraints(engine: Engine, given: Nothing) -> Json:
    del given
    return {
        "constraints": [
            {"constraintId": c.id, "text": c.text, "source": c.source, "runId": c.run_id}
            for c in engine.shop.chronicle.constraints()
        ]
    }


async def _lift_constraint(engine: Engine, given: LiftConstraint) -> Json:
    await engine.lift_constraint(given.constraint_id)
    return {"constraintId": given.constraint_id}


async def _list_runs(engine: Engine, given: Nothing) -> Json:
    del given
    return {"runs": [await _described(engine, run_id) for run_id in engine.state.runs]}


async def _describe_run(engine: Engine, given: OfRun) -> Json:
    return await _described(engine, given.run_id)


async def _described(engine: Engine, run_id: str) -> Json:
    shop, run = engine.shop, engine.shop.chronicle.run(run_id)
    repo, present = shop.worktree.root.as_uri(), shop.hand.present()
    now, others = shop.clock.now(), engine.editors.others
    return await shop.off_loop(describe_in_present, run, repo, shop.proposals, present, now, others)


async def _list_agents(engine: Engine, given: Nothing) -> Json:
    """What is under way, which no fact tells yet; the runs too, for one may be forgotten."""
    del given
    return {
        "runs": [{"runId": id_} for id_ in engine.state.runs],
        "agents": [
            {
                "runId": one.run,
                "agent": one.agent,
                "role": one.role,
                "doing": one.doing,
                "since": one.since.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            }
            for one in engine.shop.activities.all()
        ],
    }


async def _show_change(engine: Engine, given: ShowChange) -> Json:
    run = engine.shop.chronicle.run(given.run_id)
    diff = await engine.shop.off_loop(
        change_diff, engine.shop.store, run, given.change_id, given.path
    )
    return {"runId": run.id, "changeId": given.change_id, "diff": diff}


async def _list_hunks(engine: Engine, given: OfRun) -> Json:
    run = engine.shop.chronicle.run(given.run_id)
    hunks = with_elsewhere(run, await engine.decisions.hunks(run), engine.editors.others)
    return {"runId": run.id, "hunks": listed_hunks(hunks)}


async def _show_hunk(engine: Engine, given: OfHunk) -> Json:
    shop, run = engine.shop, engine.shop.chronicle.run(given.run_id)
    target = Target(given.change_id, given.path, given.hunk)
    found, present = await engine.decisions.looked_at(run, given.change_id)
    hunks = with_elsewhere(run, found, engine.editors.others)
    shown = await shop.off_loop(shown_hunk, run, hunks, shop.proposals, present, target)
    return {"runId": run.id, **shown}


def _decides(decision: HunkDecision) -> Callable[[Engine, OfHunks], Awaitable[Json]]:
    async def decide(engine: Engine, given: OfHunks) -> Json:
        run = engine.shop.chronicle.run(given.run_id)
        target = Target(given.change_id, given.path, given.hunk)
        protected = isinstance(given, Accept) and given.protected
        decide_it = partial(
            engine.decisions.decide,
            run,
            target,
            decision,
            given.reason,
            protected=protected,
            shown=given.shown,
            text=given.text if isinstance(given, Accept) else None,
        )
        try:
            decided = await decide_it()
        except UsageError:
            # What was accepted in another editor is taken back where it stands.
            holder = engine.editors.holder(run, target) if decision == "pending" else None
            if holder is None:
                raise
            with engine.editors.acting(holder):
                decided = await decide_it()
        if not isinstance(given, Rework) or given.go_on:
            await engine.go_on(given.run_id)
        answer: Json = {
            "runId": given.run_id,
            "changeId": given.change_id,
            "state": decided.state,
        }
        return {**answer, "protected": list(decided.left)} if decided.left else answer

    return decide


def _decides_all(
    decision: Literal["accepted", "rejected"],
) -> Callable[[Engine, OfAll], Awaitable[Json]]:
    async def decide(engine: Engine, given: OfAll) -> Json:
        run = engine.shop.chronicle.run(given.run_id)
        protected = isinstance(given, AcceptAll) and given.protected
        decided = await engine.decisions.decide_all(run, decision, given.path, protected=protected)
        return {
            "runId": given.run_id,
            "state": decided.state,
            "hunks": decided.hunks,
            "protected": list(decided.left),
        }

    return decide


async def _fix_finding(engine: Engine, given: FixFinding) -> Json:
    ids = tuple(dict.fromkeys(filter(None, (given.finding_id, *given.finding_ids))))
    if not ids:
        raise UsageError("fixFinding: `findingId`: name a finding. Nothing was done.")
    await engine.fix_findings(given.run_id, ids, given.reason)
    answer = {**await _state(engine, given.run_id), "findingIds": list(ids)}
    return answer if given.finding_id is None else {**answer, "findingId": given.finding_id}


async def _dismiss_finding(engine: Engine, given: OfFinding) -> Json:
    await engine.dismiss_finding(given.run_id, given.finding_id, given.reason)
    return {**await _state(engine, given.run_id), "findingId": given.finding_id}


async def _export(engine: Engine, given: Export) -> Json:
    return await export_run(engine.shop, given.run_id, given.branch, accepted=given.accepted)


async def _forget(engine: Engine, given: OfRun) -> Json:
    await engine.forget(given.run_id)
    return {"runId": given.run_id}


def _handler(
    name: str, shape: type[Arguments], carry_out: Callable[..., Awaitable[Json]]
) -> Handler:
    async def handle(engine: Engine, arguments: Mapping[str, object]) -> Json:
        return await carry_out(engine, parse(name, shape, arguments))

    return handle


_TABLE: Final[Mapping[str, tuple[type[Arguments], Callable[..., Awaitable[Json]]]]] = {
    "startGoal": (StartGoal, _start_goal),
    "pauseRun": (OfRun, _pause),
    "resumeRun": (Resume, _resume),
    "stopRun": (OfRun, _stop),
    "steerRun": (Steer, _steer),
    "answerQuestion": (Answer, _answer),
    "addConstraint": (AddConstraint, _add_constraint),
    "listConstraints": (Nothing, _list_constraints),
    "liftConstraint": (LiftConstraint, _lift_constraint),
    "listRuns": (Nothing, _list_runs),
    "describeRun": (OfRun, _describe_run),
    "listAgents": (Nothing, _list_agents),
    "acceptChange": (Accept, _decides("accepted")),
    "rejectChange": (OfHunks, _decides("rejected")),
    "reworkChange": (Rework, _decides("rework")),
    "undoDecision": (OfHunks, _decides("pending")),
    "acceptAll": (AcceptAll, _decides_all("accepted")),
    "rejectAll": (OfAll, _decides_all("rejected")),
    "fixFinding": (FixFinding, _fix_finding),
    "dismissFinding": (OfFinding, _dismiss_finding),
    "showChange": (ShowChange, _show_change),
    "listHunks": (OfRun, _list_hunks),
    "showHunk": (OfHunk, _show_hunk),
    "exportRun": (Export, _export),
    "forgetRun": (OfRun, _forget),
}

COMMANDS: Final[Mapping[str, Handler]] = {
    name: _handler(name, shape, carry_out) for name, (shape, carry_out) in _TABLE.items()
}
"""Every command by its name."""
