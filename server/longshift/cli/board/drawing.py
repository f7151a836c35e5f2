"""One frame of `longshift watch`: all runs in a few lines, and one of them in full.

Pure: draws what it is given, into the room that there is. What models and repositories wrote is
made harmless here. Colours only repeat what the words say.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, TypeAlias

from rich.console import Group, RenderableType
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from longshift.cli.board.known import Known
from longshift.cli.board.sparks import sparks
from longshift.cli.board.standing import Kind, Standing, standings
from longshift.cli.board.vitals import Vitals
from longshift.cli.frame import MARKS, headline, progress
from longshift.cli.session import interrupted
from longshift.cli.terminal import one_line
from longshift.cli.told import STYLES, cost_words, counted
from longshift.domain.contention import hottest
from longshift.domain.model import Task, TaskState
from longshift.domain.state import Run, State
from longshift.engine.activities import Activity

WIDE: Final = 90
"""Columns from which on there is room for more than what must be seen."""
MOST_RUNS: Final = 5
MOST_FACTS: Final = 6
COLUMNS_OF_SPARKS: Final = 40

Page: TypeAlias = Literal["agents", "tasks"]
_STYLES: Final[Mapping[Kind, str]] = {"hung": "bold red", "waiting": "yellow", "working": "cyan"}
_MARKS: Final[Mapping[Kind, str]] = {"hung": "!", "waiting": "·", "working": "▶"}


@dataclass(frozen=True, slots=True)
class Board:
    """What is to be drawn.

    Attributes:
        known: what facts say.
        live: what the owner says that each agent does; None: nobody says anything.
        owner: the process that drives the runs; None: nobody does.
        is_silent: whether it does not answer.
        chosen: the run that is shown in full; None: there is none.
        page: what of it is listed.
        says: a line to the person, instead of the keys.
        keys: what can be pressed; "": nothing can.
    """

    known: Known
    live: Mapping[tuple[str, str], Activity] | None = None
    owner: int | None = None
    is_silent: bool = False
    chosen: str | None = None
    page: Page = "agents"
    says: str = ""
    keys: str = ""

    @property
    def state(self) -> State:
        """The runs as they are: without an owner, none of them is under way."""
        return self.known.state if self.owner is not None else interrupted(self.known.state)

    def of_run(self, run_id: str) -> Mapping[str, Activity] | None:
        """What the owner says of one run's agents, by agent."""
        if self.live is None:
            return None
        return {agent: one for (id_, agent), one in self.live.items() if id_ == run_id}


def draw(board: Board, now: datetime, columns: int, rows: int) -> RenderableType:
    """Draw a frame.

    Args:
        board: what there is to see.
        now: the present moment.
        columns: how wide it may be.
        rows: how high.
    """
    state = board.state
    parts: list[RenderableType] = [Rule(Text(f"longshift: {_driven(board)}", "bold"), style="dim")]
    run = state.runs.get(board.chosen or "")
    if run is None:
        parts.append(Text('No runs here yet. Start one with `longshift run "GOAL"`.'))
        return Group(*parts, *_foot(board))
    listed = _listed(state, run)
    if len(state.runs) > 1:
        parts.append(_runs(listed, run, len(state.runs), columns))
    parts += _of_run(board, run, now, columns, rows - len(listed))
    return Group(*parts, *_foot(board))


def _driven(board: Board) -> str:
    if board.owner is None:
        return "nobody drives it"
    silent = ", which does not answer" if board.is_silent else ""
    return f"driven by process {board.owner}{silent}"


def default_run(state: State) -> str | None:
    """The run that is looked at first: the latest that is not over, or else the latest."""
    ids = [run.id for run in state.runs.values() if run.lifecycle != "ended"] or list(state.runs)
    return ids[-1] if ids else None


def _foot(board: Board) -> list[RenderableType]:
    if board.says:
        return [Text(one_line(board.says, 400), "bold yellow")]
    return [Text(board.keys, "dim", no_wrap=True, overflow="ellipsis")] if board.keys else []


def _listed(state: State, chosen: Run) -> list[Run]:
    """The last runs, and the one that is shown, in their order."""
    runs = list(state.runs.values())
    last = runs[-MOST_RUNS:]
    return last if chosen in last else [chosen, *last[1:]]


def _runs(runs: Sequence[Run], chosen: Run, number: int, columns: int) -> Table:
    table = _table(1, 5, 10, 7, 14)
    if columns >= WIDE:
        table.add_column(width=14, no_wrap=True)
    table.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
    for run in runs:
        style = "bold" if run is chosen else ""
        cells = [
            "▸" if run is chosen else "",
            run.id,
            run.outcome or run.lifecycle,
            f"cycle {run.cycle}",
            f"{run.count(TaskState.LANDED)} of {len(run.tasks)} landed",
            *([cost_words(run.usage)] if columns >= WIDE else []),
            one_line(run.started.goal.text),
        ]
        table.add_row(*(Text(cell, style, no_wrap=True, overflow="ellipsis") for cell in cells))
    if number > len(runs):
        table.add_row("", Text(f"+{number - len(runs)}", "dim"))
    return table


def _of_run(
    board: Board, run: Run, now: datetime, columns: int, rows: int
) -> Sequence[RenderableType]:
    vitals = board.known.vitals[run.id]
    agents = standings(run, vitals, board.of_run(run.id), now) if run.lifecycle != "ended" else []
    facts = list(board.known.said[run.id])[-MOST_FACTS:]
    reason = run.outcome_reason or run.pause_reason
    parts: list[RenderableType] = [_one_row_each(headline(run, now))]
    if reason:
        parts.append(_one_row_each(Text(one_line(reason, 300), "yellow" if run.paused else "")))
    parts.append(progress(run) if columns >= WIDE else _progress_words(run))
    trouble = _trouble(run)
    parts += [_over_time(run, vitals, now, columns), *trouble]
    left = max(3, rows - (12 + len(facts) + len(trouble) + bool(reason)))
    if board.page == "agents" and run.lifecycle != "ended":
        parts += [
            Rule(Text(_agents_words(agents)), style="dim"),
            _agents(run, agents, columns, left),
        ]
    else:
        parts += [Rule(Text("tasks"), style="dim"), _tasks(run, left)]
    if facts:
        parts.append(Rule(style="dim"))
    parts += [Text(one.text, STYLES[one.tone], no_wrap=True, overflow="ellipsis") for one in facts]
    return parts


def _over_time(run: Run, vitals: Vitals, now: datetime, columns: int) -> RenderableType:
    """The landing rate and the cost, each with its course so far."""
    most = min(COLUMNS_OF_SPARKS, max(8, columns - 45))
    # An ended run's figures stand still, as they were in its last minutes.
    at = vitals.ended if run.lifecycle == "ended" and vitals.ended else now
    rate = vitals.landings_lately.a_minute(at)
    table = _table(9, 20)
    table.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
    table.add_row(
        "landings",
        Text(f"{rate:.1f} a minute lately", "green"),
        Text(sparks(vitals.landings.columns(at, most)), "green"),
    )
    table.add_row(
        "cost",
        Text(cost_words(run.usage), "magenta"),
        Text(sparks(vitals.cost.columns(at, most)), "magenta"),
    )
    return table


def _trouble(run: Run) -> list[Text]:
    """Where tasks get in each other's way, and what is open to complaint."""
    lines: list[Text] = []
    if run.conflicts:
        landed = run.count(TaskState.LANDED)
        each = f", {run.conflicts / landed:.2f} a landing" if landed else ""
        files = hottest(run.contention, 3)
        hot = ", ".join(f"{one_line(one.path, 60)} {one.conflicts}" for one in files)
        lines.append(Text(f"{counted(run.conflicts, 'conflict')}{each}; hottest: {hot}", "yellow"))
    if run.reserved:
        reserved = run.reserved.items()
        held = ", ".join(f"{one_line(path, 60)} goes to {task}" for path, task in reserved)
        lines.append(Text(f"reserved: {held}", "yellow"))
    open_ = [one for one in run.findings.values() if one.state == "open" and one.origin == "run"]
    if open_:
        last = open_[-1]
        words = one_line(f"{last.id} {last.path}:{last.line}: {last.message}", 200)
        lines.append(Text(f"{counted(len(open_), 'open finding')}, last {words}", "yellow"))
    asked = [one for one in run.questions.values() if one.answer is None]
    if asked:
        text = f"{asked[-1].id} waits for your answer: {one_line(asked[-1].text, 200)}"
        lines.append(Text(text, "bold"))
    return [_one_row_each(line) for line in lines]


def _progress_words(run: Run) -> Text:
    """How far it is, where there is no room for a bar."""
    at_work, failed = run.count(TaskState.RUNNING), run.count(TaskState.FAILED)
    landed = f"{run.count(TaskState.LANDED)} of {len(run.tasks)} landed"
    return _one_row_each(Text(f"{landed} · {at_work} at work · {failed} failed", "green"))


def _one_row_each(text: Text) -> Text:
    """A text whose lines are cut and not broken: how many rows a frame has is known beforehand."""
    text.no_wrap, text.overflow = True, "ellipsis"
    return text


def _agents_words(agents: Sequence[Standing]) -> str:
    counts = {kind: sum(one.kind == kind for one in agents) for kind in _MARKS}
    told = ", ".join(f"{counts[kind]} {kind}" for kind in ("working", "waiting", "hung"))
    return f"{counted(len(agents), 'agent')}: {told}"


def _agents(run: Run, agents: Sequence[Standing], columns: int, rows: int) -> Table:
    table = _table(1, 8, *([8] if columns >= WIDE else []), 7, 9)
    table.add_column(ratio=5, no_wrap=True, overflow="ellipsis")
    table.add_column(ratio=4, no_wrap=True, overflow="ellipsis")
    shown = agents if len(agents) <= rows else agents[: rows - 1]
    for one in shown:
        task = run.tasks.get(one.agent.partition(".")[0])
        style = _STYLES[one.kind]
        cells = [
            Text(_MARKS[one.kind], style),
            Text(one.agent, style),
            *([Text(one.role, "dim")] if columns >= WIDE else []),
            Text(one.kind, style),
            Text(lasting(one.seconds), style),
            Text(f"{one.words}{f', turn {one.calls}' if one.calls else ''}"),
            Text(one_line(task.plan.title) if task else "", "dim"),
        ]
        table.add_row(*cells)
    if len(agents) > len(shown):
        table.add_row("", Text(f"+{len(agents) - len(shown)}", "dim"))
    return table


def _tasks(run: Run, rows: int) -> Table:
    table = _table(1, 6, 8)
    table.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
    tasks = _newest(run, rows)
    for task in tasks:
        mark, style = MARKS[task.state]
        table.add_row(
            Text(mark, style),
            Text(task.id, style),
            Text(str(task.state), style),
            Text(one_line(task.plan.title)),
        )
    if len(run.tasks) > len(tasks):
        table.add_row("", Text(f"+{len(run.tasks) - len(tasks)}", "dim"))
    return table


def _newest(run: Run, rows: int) -> Sequence[Task]:
    """What is at work, then what waits, then what is over, the last first; no more than fit."""
    found: list[Task] = []
    for task in run.at_work:
        found.append(task)
        if len(found) >= rows:
            return found
    over = reversed(range(len(run.tasks)))
    for task in (*_waiting(run, rows), *(run.tasks.at(place) for place in over)):
        if len(found) >= rows:
            break
        if task not in found:
            found.append(task)
    return found


def _waiting(run: Run, rows: int) -> Sequence[Task]:
    found: list[Task] = []
    for task in run.to_do:
        if len(found) >= rows:
            break
        found.append(task)
    return found


def lasting(seconds: float) -> str:
    """A time that has passed, as short as a person reads it: `12 s`, `3 min`, `2 h`."""
    if seconds < 100:
        return f"{int(seconds)} s"
    return f"{int(seconds / 60)} min" if seconds < 6000 else f"{int(seconds / 3600)} h"


def _table(*widths: int) -> Table:
    """A table without lines whose first columns are so wide."""
    table = Table(box=None, show_header=False, padding=(0, 1, 0, 0), expand=True)
    for width in widths:
        table.add_column(width=width, no_wrap=True, overflow="ellipsis")
    return table
