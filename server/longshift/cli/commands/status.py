"""`longshift status`: all runs of a repository, or one of them.

Owns the tables. Only looks, whoever drives the runs; an editor's unsaved text is not seen here.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import click
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from longshift.cli.ending import tell_findings
from longshift.cli.frame import MARKS
from longshift.cli.session import (
    find_worktree,
    interrupted,
    json_option,
    known_run,
    owner_of,
    read_state,
    repo_option,
    running_runs,
)
from longshift.cli.terminal import one_line, output, say
from longshift.cli.told import (
    budget_words,
    cost_words,
    counted,
    sandbox_words,
    usage_words,
)
from longshift.domain.contention import MOST_SHOWN, hottest, rework_rate
from longshift.domain.model import TaskState
from longshift.domain.state import Run, State
from longshift.engine.describe import Json, describe_in_present
from longshift.engine.ports import DiskPresent
from longshift.repository.store import ObjectStore
from longshift.repository.worktree import Worktree
from longshift.review.proposals import HunkState, PendingHunk, Proposals

NARROW: Final = 80
"""Columns of a terminal below which tables leave out what says little."""
_NEEDS: Final[Mapping[str, int]] = {"started": NARROW, "cycle": 50, "failed": 50}
"""Columns of a terminal below which the list of runs leaves out what can be looked up."""
_GIVING_WAY: Final = frozenset({"", "goal", "title", "changes", "file", "prices from", "protected"})


@click.command()
@click.argument("run", required=False)
@repo_option
@json_option
def command(run: str | None, repo: Path, as_json: bool) -> None:
    """Show all runs, or RUN with its tasks, changes and findings."""
    worktree = find_worktree(repo)
    state = _as_it_is(worktree, read_state(worktree))
    if run is not None and as_json:
        click.echo(json.dumps(_describe(worktree, [known_run(state, run)])[0]))
    elif run is not None:
        _show_one(worktree, known_run(state, run))
    elif as_json:
        click.echo(json.dumps({"runs": _describe(worktree, state.runs.values())}))
    else:
        _show_all(output(), state)


def _as_it_is(worktree: Worktree, state: State) -> State:
    """A run whose process was killed is journalled as running: say what its next owner would."""
    if not running_runs(state) or owner_of(worktree) is not None:
        return state
    return interrupted(state)


def _show_all(console: Console, state: State) -> None:
    if not state.runs:
        say(console, 'No runs here yet. Start one with `longshift run "GOAL"`.')
        return
    left_out = {name for name, columns in _NEEDS.items() if console.width < columns}
    table = _table(*(name for name in _RUNS if name not in left_out))
    for run in state.runs.values():
        table.add_row(*(cell(run) for name, cell in _RUNS.items() if name not in left_out))
    console.print(table)


_RUNS: Final[Mapping[str, Callable[[Run], RenderableType]]] = {
    "run": lambda run: run.id,
    "state": lambda run: Text(run.outcome or run.lifecycle, _style(run)),
    "cycle": lambda run: str(run.cycle),
    "landed": lambda run: f"{run.count(TaskState.LANDED)} of {len(run.tasks)}",
    "failed": lambda run: str(run.count(TaskState.FAILED)),
    "started": lambda run: f"{run.started_at.astimezone():%Y-%m-%d %H:%M}",
    "goal": lambda run: _words(run.started.goal.text),
}


def _describe(worktree: Worktree, runs: Iterable[Run]) -> list[Json]:
    with closing(ObjectStore.open(worktree)) as store:
        proposals = Proposals(store)
        return [
            describe_in_present(run, root.as_uri(), proposals, DiskPresent(root), datetime.now(UTC))
            for run in runs
            for root in [_home(worktree, run)]
        ]


def _home(worktree: Worktree, run: Run) -> Path:
    """Where a run's files are: where it was started, unless the repository was moved since."""
    moved = worktree.is_home_of(run.started.repo)
    return worktree.root if moved else Path(run.started.repo)


def _show_one(worktree: Worktree, run: Run) -> None:
    with closing(ObjectStore.open(worktree)) as store:
        hunks = Proposals(store).of_run(run, DiskPresent(_home(worktree, run)))
    console = output()
    say(console, f"{run.id}: {run.started.goal.text}", "bold")
    reason = run.outcome_reason or run.pause_reason
    say(console, f"{run.outcome or run.lifecycle}{f': {reason}' if reason else ''}", _style(run))
    for sentence in run.recovered:
        say(console, f"put in order: {sentence}", "yellow")
    say(console, f"cycle {run.cycle}, {run.phase}; {usage_words(run.usage)}", "dim")
    budgets = budget_words(run, datetime.now(UTC))
    if budgets:
        say(console, f"of its budget: {budgets}", "dim")
    if run.sandbox is not None:
        say(console, sandbox_words(run.sandbox), "dim" if run.sandbox.commands else "yellow")
    if run.refusals:
        times = counted(run.refusals, "time")
        say(console, f"guards stepped in {times}: `longshift log {run.id}` shows where", "yellow")
    _show_usage(console, run)
    _show_designs(console, run)
    _show_tasks(console, run)
    _show_contention(console, run)
    _show_changes(console, run, hunks)
    _show_questions(console, run)
    tell_findings(console, run)


def _show_usage(console: Console, run: Run) -> None:
    """What each role and each model has used, and where the prices are from."""
    if not run.usage.calls:
        return
    columns = ["", "calls", "tokens in", "cached", "tokens out", "cost"]
    table = _table(*columns, *(["prices from"] if run.prices else []))
    for usages in (run.usage_by_role, run.usage_by_model):
        for name, used in usages.items():
            mark = "~" if used.estimated_calls else ""  # some of it is our estimate
            table.add_row(
                _words(name),
                f"{used.calls:,}",
                f"{mark}{used.input_tokens:,}",
                f"{used.cached_tokens:,}",
                f"{mark}{used.output_tokens:,}",
                cost_words(used),
                *([_words(run.prices.get(name, ""))] if run.prices else []),
            )
    console.print(table)


def _show_designs(console: Console, run: Run) -> None:
    """What planners have decided for all tasks."""
    for note in run.designs.values():
        decided = f"{one_line(note.topic)}: {one_line(note.decision, 1000)}"
        say(console, f"{note.id}, decided by {note.planner}: {decided}")


def _show_tasks(console: Console, run: Run) -> None:
    if not run.tasks:
        return
    table = _table("", "task", "state", "attempts", "title", "changes")
    for task in run.tasks.values():
        mark, style = MARKS[task.state]
        table.add_row(
            Text(mark, style),
            task.id,
            Text(str(task.state), style),
            str(len(task.attempts)),
            _words(task.plan.title),
            _words(", ".join(task.change_ids)),
        )
    console.print(table)


def _show_contention(console: Console, run: Run) -> None:
    """Where tasks got in each other's way, and where they are about to."""
    if not run.conflicts and not run.predicted:
        return
    again = f"{rework_rate(run.tasks.values()):.0%} of the landed tasks took more than one try"
    say(console, f"{counted(run.conflicts, 'conflict')}; {again}", "dim")
    table = _table("file", "conflicts", "landings", "goes first")
    for one in hottest(run.contention):
        first = run.reserved.get(one.path, "")
        table.add_row(Text(one_line(one.path)), str(one.conflicts), str(one.landings), first)
    console.print(table)
    for path, tasks in run.predicted[-MOST_SHOWN:]:
        say(console, f"{' and '.join(tasks)} will clash in {path}: both are at work", "yellow")


def _show_changes(console: Console, run: Run, hunks: tuple[PendingHunk, ...]) -> None:
    if not run.changes:
        return
    words: dict[str, HunkState] = {
        "undecided": "pending",
        "accepted": "accepted",
        "rejected": "rejected",
        "stale": "stale",
    }
    if console.width < NARROW:
        there = {hunk.state for hunk in hunks}
        words = {name: state for name, state in words.items() if state in there}
    flags = {(hunk.change_id, hunk.path): hunk.flag for hunk in hunks if hunk.flag}
    table = _table("change", "file", "hunks", *words, *(["protected"] if flags else []))
    for change in run.changes.values():
        for path in sorted({h.path for h in hunks if h.change_id == change.id}):
            states = [h.state for h in hunks if (h.change_id, h.path) == (change.id, path)]
            counts = [str(len(states)), *(str(states.count(state)) for state in words.values())]
            flag = [_words(flags.get((change.id, path), ""))] if flags else []
            table.add_row(change.id, Text(one_line(path)), *counts, *flag)
    console.print(table)


def _show_questions(console: Console, run: Run) -> None:
    for question in run.questions.values():
        if question.answer is None:
            say(console, f"{question.id} is open: {one_line(question.text, 1000)}", "bold")
            for option in question.options:
                say(console, f"  - {one_line(option)}")
            say(console, f'  longshift answer {run.id} {question.id} "…"')


def _table(*columns: str) -> Table:
    """A table of which the columns with words give way where it is too wide for the terminal."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for name in columns:
        table.add_column(name, overflow="fold", no_wrap=name not in _GIVING_WAY)
    return table


def _words(text: str) -> Text:
    """Somebody's text in one line of a table: cut to the room on a terminal, whole in a pipe."""
    cut = output().is_terminal
    return Text(one_line(text), no_wrap=cut, overflow="ellipsis" if cut else "fold")


def _style(run: Run) -> str:
    if run.outcome == "done":
        return "green"
    return {"running": "cyan", "paused": "yellow"}.get(run.lifecycle, "red")
