"""Planners and their sub-planners: from a goal to tasks on the run's list.

Owns what a planner's tools do to the run. Must never edit a file, nor wait for a task.
"""

from collections.abc import Callable, Collection
from typing import Final

from longshift import telemetry
from longshift.crew.briefs import Planned, PlannerBrief, StaleNote
from longshift.crew.desk import AddedTask, News
from longshift.crew.planner import plan
from longshift.domain import events
from longshift.domain.contention import Contended, hottest
from longshift.domain.decide import waits_behind
from longshift.domain.designs import MOST_NOTES, may_revise, standing_note
from longshift.domain.model import PlannerRecord, TaskPlan
from longshift.domain.state import Run
from longshift.engine.desks.briefing import call_limits, ground, reads_by_rule
from longshift.engine.desks.desk import AgentDesk
from longshift.engine.desks.news import Newsroom
from longshift.engine.room import RunRoom
from longshift.engine.spending import Spending
from longshift.errors import OutOfBounds, TellModel
from longshift.screening.secrets import mask

MOST_PLANNERS: Final = 50
"""Planners and sub-planners of one cycle."""
MANY_CONFLICTS: Final = 3
"""Conflicts on one file from which on the next planner is told of it."""
MOST_TASKS: Final = 20_000
"""Tasks of one run: a planner that loops must not fill the disk. A task takes 3 KB of memory and as
much of the journal before anyone works on it, and a release of a large project may take thousands
at once; what a fact costs does not grow with them (`domain/queue.py`)."""


class PlanningDesk(AgentDesk):
    """The desk of one planner."""

    def __init__(
        self,
        room: RunRoom,
        spending: Spending,
        news: Newsroom,
        planner_id: str,
        start_planner: Callable[[str], None],
    ) -> None:
        """Sit a planner down at the run's head; `start_planner` sets a sub-planner to work."""
        workspace = room.workspace(room.run.head)
        super().__init__(room, spending, "planner", planner_id, workspace)
        self._news = news
        self._start_planner = start_planner
        self._was_refused = False

    def take_news(self) -> News:
        """Hand over what workers of its tasks handed in, and what other planners decided."""
        return self._news.take(self._agent)

    def task_ids(self) -> Collection[str]:
        """All tasks of the run so far."""
        return self._room.run.tasks.keys()

    async def add_task(self, plan: TaskPlan) -> AddedTask:
        """Put a task on the run's list."""
        run = self._room.run
        if len(run.tasks) >= MOST_TASKS:
            if self._is_first_time():
                raise OutOfBounds("size", "too_many_tasks", most=MOST_TASKS)
            raise TellModel("too_many_tasks", most=MOST_TASKS)
        task_id = run.next_task_id
        added = events.TaskAdded(run=run.id, task=task_id, plan=plan, planner=self._agent)
        await self._room.chronicle.record(added)
        behind = waits_behind(self._room.run, task_id)
        return AddedTask(task_id, tuple(id_ for id_ in behind if id_ not in plan.depends_on))

    async def delegate(self, scope: str, objective: str) -> str:
        """Start a sub-planner on a slice, at once."""
        run = self._room.run
        if sum(planner.cycle == run.cycle for planner in run.planners.values()) >= MOST_PLANNERS:
            if self._is_first_time():
                raise OutOfBounds("size", "too_many_planners", most=MOST_PLANNERS)
            raise TellModel("too_many_planners", most=MOST_PLANNERS)
        planner_id = run.next_planner_id
        await self._room.chronicle.record(
            events.PlannerStarted(
                run=run.id,
                planner=planner_id,
                parent=self._agent,
                scope=scope,
                objective=objective,
            )
        )
        self._start_planner(planner_id)
        return planner_id

    async def note_design(self, topic: str, decision: str) -> str:
        """Decide a topic for every task of the run."""
        run = self._room.run
        topic = mask(topic)  # as it will stand in the journal: two spellings of one are one
        standing = standing_note(run, topic)
        if standing is not None and not may_revise(run, self._agent, standing):
            raise TellModel(
                "design_stands",
                note=standing.id,
                agent=standing.planner,
                topic=standing.topic,
                decision=standing.decision,
            )
        if standing is None and len(run.designs) >= MOST_NOTES:
            raise TellModel("too_many_designs", most=MOST_NOTES)
        note_id = self._room.chronicle.state.next_id("D") if standing is None else standing.id
        await self._room.chronicle.record(
            events.DesignNoted(
                run=run.id, note=note_id, topic=topic, decision=decision, planner=self._agent
            )
        )
        return note_id

    def _is_first_time(self) -> bool:
        """Whether it asks for too many for the first time: that is on record, a loop's rest not."""
        first, self._was_refused = not self._was_refused, True
        return first


def stale_notes(run: Run) -> tuple[StaleNote, ...]:
    """Where the last cycle's landings did not fit what the person was writing."""
    return tuple(
        StaleNote(change.task_id, path)
        for change in run.changes.values()
        if run.tasks[change.task_id].cycle == run.cycle - 1
        for path in change.stale_paths
    )


def contended_files(run: Run) -> tuple[Contended, ...]:
    """The files that drew so many conflicts that the plan should say who has them."""
    return tuple(one for one in hottest(run.contention) if one.conflicts >= MANY_CONFLICTS)


async def run_planner(
    room: RunRoom,
    spending: Spending,
    news: Newsroom,
    planner_id: str,
    start_planner: Callable[[str], None],
) -> events.PlannerFinished:
    """Let a planner work until it has made its tasks.

    Returns:
        How it ended, to be recorded.
    """
    desk = PlanningDesk(room, spending, news, planner_id, start_planner)
    with news.at_desk(planner_id), telemetry.agent("planner", planner_id, room.run_id):
        outcome = await plan(desk, await _brief(room, room.run.planners[planner_id]))
    if isinstance(outcome, Planned):
        return events.PlannerFinished(
            run=room.run_id,
            planner=planner_id,
            summary=outcome.summary,
            evidence=outcome.evidence,
            heard=desk.messages_heard,
        )
    return events.PlannerFinished(
        run=room.run_id, planner=planner_id, outcome="failed", summary=outcome.reason
    )


async def _brief(room: RunRoom, planner: PlannerRecord) -> PlannerBrief:
    run = room.run
    cycle = run.cycles[-1]
    told = await room.for_agent(ground, room, "planner", run.started.goal.paths)
    return PlannerBrief(
        goal=run.started.goal,
        planner_id=planner.id,
        cycle=cycle.number,
        mode="replan" if cycle.mode == "replan" else "plan",
        constraints=room.chronicle.constraints(),
        designs=tuple(run.designs.values()),
        scope=planner.scope,
        objective=planner.objective,
        earlier=tuple(run.tasks.values()),
        findings=tuple(f for f in run.findings.values() if f.state == "open"),
        verdict=run.cycles[-2].verdict if len(run.cycles) > 1 else None,
        stale=stale_notes(run),
        contended=() if planner.parent else contended_files(run),
        whole=reads_by_rule(room, "planner"),
        limits=call_limits(room, "planner"),
        agents_md=told.agents_md,
        overview=told.overview,
        gates=room.settings.gates,
        prompts=room.prompts,
    )
