"""One frame of the live view: a run as tables, bars and counts.

Pure: draws what it is given. What models wrote is made harmless before it gets here or is here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from longshift.cli.terminal import one_line
from longshift.cli.told import (
    STYLES,
    Told,
    budget_words,
    counted,
    ordinal,
    sandbox_line,
    usage_words,
)
from longshift.domain import events as e
from longshift.domain.events import Recorded
from longshift.domain.model import Task, TaskState
from longshift.domain.state import Phase, Run

MARKS: Final[Mapping[TaskState, tuple[str, str]]] = {
    TaskState.RUNNING: ("▶", "cyan"),
    TaskState.FAILED: ("✗", "red"),
    TaskState.WAITING: ("·", "dim"),
    TaskState.LANDED: ("✓", "green"),
    TaskState.DROPPED: ("-", "dim"),
}
"""A sign and a style for each state, in the order in which tasks are listed."""
TITLE_CHARACTERS: Final = 60


@dataclass(frozen=True, slots=True)
class Pulse:
    """What tells working from hung: since when each task is tried, and how often a model spoke."""

    since: Mapping[str, datetime] = field(default_factory=dict)
    turns: Mapping[str, int] = field(default_factory=dict)

    def after(self, record: Recorded) -> "Pulse":
        """The pulse after one more fact."""
        match record.event:
            case e.AttemptStarted(task=task):
                return Pulse({**self.since, task: record.time}, {**self.turns, task: 0})
            case e.ModelCalled(agent=agent, outcome="" | "answered"):
                task = agent.partition(".")[0]
                return Pulse(self.since, {**self.turns, task: self.turns.get(task, 0) + 1})
            case _:
                return self


def draw(
    run: Run, pulse: Pulse, events: Sequence[Told], now: datetime, rows: int
) -> RenderableType:
    """Draw a run as it stands.

    Args:
        run: the run.
        pulse: of its workers.
        events: the last ones, oldest first.
        now: the present moment.
        rows: how many tasks there is room for.
    """
    said = Group(
        *(
            Text(f"  {one.text}", STYLES[one.tone], no_wrap=True, overflow="ellipsis")
            for one in events
        )
    )
    parts = [headline(run, now), progress(run), _tasks(run, pulse, now, rows), said]
    title = Text(f" longshift {run.id} ", "bold")
    return Panel(Group(*parts), title=title, title_align="left", border_style=_border(run))


def headline(run: Run, now: datetime) -> Text:
    """What a run is about, how far it is, and what it has used."""
    minutes, seconds = divmod(int(run.seconds_at(now)), 60)
    where = run.outcome or ("paused" if run.paused else str(run.phase))
    text = Text(one_line(run.started.goal.text, 160), "bold")
    text.append(f"\ncycle {run.cycle} · {where} · {minutes}:{seconds:02}", "cyan")
    text.append(f" · {usage_words(run.usage)}", "dim")
    budgets = budget_words(run, now)
    if budgets:
        text.append(f"\nof its budget: {budgets}", "not bold dim")
    if run.sandbox is not None:
        text.append(f"\n{one_line(sandbox_line(run.sandbox))}", "not bold dim")
    return text


def progress(run: Run) -> RenderableType:
    """How much of a run is done: a bar, and counts."""
    counts = {state: run.count(state) for state in TaskState}
    line = Table.grid(padding=(0, 2))
    total = len(run.tasks) - counts[TaskState.DROPPED]
    landed = counts[TaskState.LANDED]
    findings = sum(f.state == "open" and f.origin == "run" for f in run.findings.values())
    line.add_row(
        ProgressBar(total=max(total, 1), completed=landed, width=30),
        Text(f"{landed} of {total} landed", "green"),
        Text(f"{counts[TaskState.RUNNING]} at work", "cyan"),
        Text(f"{counts[TaskState.FAILED]} failed", "red" if counts[TaskState.FAILED] else "dim"),
        Text(counted(run.conflicts, "conflict"), "yellow" if run.conflicts else "dim"),
        Text(counted(findings, "open finding"), "yellow" if findings else "dim"),
    )
    return line


def _tasks(run: Run, pulse: Pulse, now: datetime, rows: int) -> Table:
    order = list(MARKS)
    tasks = sorted(run.tasks.values(), key=lambda task: order.index(task.state))
    # Of those that landed, the last ones are the news.
    landed = [task for task in tasks if task.state is TaskState.LANDED]
    open_ = [task for task in tasks if task.state not in (TaskState.LANDED, TaskState.DROPPED)]
    shown = (open_ + landed[::-1])[:rows]
    table = Table(box=None, padding=(0, 1), expand=True, header_style="dim")
    table.add_column("", width=1)
    table.add_column("task", width=5)
    table.add_column("title", ratio=3, no_wrap=True, overflow="ellipsis")
    table.add_column("attempt", width=8)
    table.add_column("", ratio=2, no_wrap=True, overflow="ellipsis")
    for task in shown:
        mark, style = MARKS[task.state]
        table.add_row(
            Text(mark, style),
            Text(task.id, style),
            Text(one_line(task.plan.title, TITLE_CHARACTERS)),
            Text(ordinal(len(task.attempts)) if task.attempts else "", "dim"),
            Text(one_line(_doing(run, task, pulse, now), TITLE_CHARACTERS), style),
        )
    if len(tasks) > len(shown):
        table.add_row("", "", Text(f"… and {len(tasks) - len(shown)} more", "dim"), "", "")
    return table


def _doing(run: Run, task: Task, pulse: Pulse, now: datetime) -> str:
    last = task.attempts[-1] if task.attempts else None
    match task.state:
        case TaskState.RUNNING:
            since = pulse.since.get(task.id)
            seconds = f"{max(0, int((now - since).total_seconds()))} s" if since else ""
            turns = pulse.turns.get(task.id, 0)
            conflict = ", resolving a conflict" if last and last.conflicts else ""
            return f"{seconds}, turn {turns}{conflict}"
        case TaskState.LANDED:
            paths = [path for id_ in task.change_ids for path in run.changes[id_].paths]
            return f"{', '.join(task.change_ids) or 'nothing to change'}  {' '.join(paths)}"
        case TaskState.WAITING:
            behind = [id_ for id_ in task.plan.depends_on if _is_open(run, id_)]
            return f"after {', '.join(behind)}" if behind else "waiting"
        case TaskState.FAILED | TaskState.DROPPED:
            return last.reason if last else str(task.state)


def _is_open(run: Run, task_id: str) -> bool:
    return run.tasks[task_id].state in (TaskState.WAITING, TaskState.RUNNING)


def _border(run: Run) -> str:
    if run.phase is Phase.ENDED:
        return "green" if run.outcome == "done" else "red"
    return "yellow" if run.paused else "cyan"
