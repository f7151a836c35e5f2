"""`longshift watch`: a live view of the runs of a repository, whoever drives them.

Owns the screen and its keys. Looks on; what a key changes goes to the owner as any command does.
"""

import asyncio
import json
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import click
from rich.console import Console, RenderableType
from rich.live import Live

from longshift.cli.board.drawing import Board, Page, default_run, draw
from longshift.cli.board.keys import Keys
from longshift.cli.board.spectator import Spectator
from longshift.cli.board.standing import standings
from longshift.cli.session import find_worktree, json_option, known_run, repo_option, run_async
from longshift.cli.terminal import can_be_drawn_on, output
from longshift.cli.told import told
from longshift.domain.events import Recorded
from longshift.domain.state import Phase, Run
from longshift.engine.describe import Json
from longshift.errors import LongshiftError
from longshift.repository.worktree import Worktree

FRAME_EVERY_S: Final = 0.25
CLOCK_EVERY_S: Final = 1.0
"""How often a frame is drawn of which only the clock has changed."""
ROWS_OF_PIPE: Final = 60
KEYS: Final = "q quit · ←→ or 1-9 run · t tasks or agents · p pause · s stop"


@click.command()
@click.argument("run", required=False)
@repo_option
@click.option("--once", is_flag=True, help="Print one frame and end.")
@json_option
def command(run: str | None, repo: Path, once: bool, as_json: bool) -> None:
    """Show what happens in all runs, RUN first: agents, tasks, landings, conflicts, cost.

    Where the output is no terminal, each event is a line.
    """
    worktree = find_worktree(repo)
    if once:
        run_async(_once(worktree, run, as_json=as_json))
    elif as_json or not can_be_drawn_on(output()):
        run_async(_lines(worktree, run, as_json=as_json))
    else:
        run_async(_live(worktree, run))


async def _once(worktree: Worktree, run_id: str | None, *, as_json: bool) -> None:
    spectator = Spectator(worktree)
    await spectator.look()
    chosen = _chosen(spectator, run_id)
    now = datetime.now(UTC)
    if as_json:
        click.echo(json.dumps(_as_json(spectator, run_id and chosen, now)))
        return
    console = output()
    rows = console.height if console.is_terminal else ROWS_OF_PIPE
    console.print(draw(_board(spectator, chosen), now, console.width, rows))


async def _lines(worktree: Worktree, run_id: str | None, *, as_json: bool) -> None:
    """A line for each fact, until the person interrupts."""
    spectator = Spectator(worktree, lambda record, run: _print(record, run, only, as_json=as_json))
    await spectator.look()
    only = _chosen(spectator, run_id) if run_id else None
    await spectator.follow()


def _print(record: Recorded, run: Run | None, only: str | None, *, as_json: bool) -> None:
    if only not in (None, record.event.run):
        return
    if as_json:
        sys.stdout.write(json.dumps(record.as_line()) + "\n")
    else:
        said = told(record.event, run)
        if said.minor:
            return
        where = f"{record.event.run} " if record.event.run else ""
        sys.stdout.write(f"{record.time.astimezone():%H:%M:%S} {where}{said.text}\n")
    sys.stdout.flush()


async def _live(worktree: Worktree, run_id: str | None) -> None:
    spectator = Spectator(worktree)
    await spectator.look()
    async with Keys() as keys:
        screen = Screen(spectator, _chosen(spectator, run_id), has_keys=keys.are_there)
        tasks = [asyncio.create_task(spectator.follow()), asyncio.create_task(screen.draw())]
        try:
            while not await screen.press(await keys.next()):
                pass
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


@dataclass
class Screen:
    """What the person looks at, and what their keys do."""

    spectator: Spectator
    chosen: str | None
    has_keys: bool = True
    page: Page = "agents"
    says: str = ""
    asks_to_stop: str | None = None
    """The run that is stopped once the person says yes."""
    presses: int = 0

    async def draw(self) -> None:
        """Draw frame after frame, as long as nobody ends it."""
        console = output()
        drawn: tuple[object, ...] = ()
        with Live(
            console=console, screen=True, auto_refresh=False, redirect_stdout=False,
            redirect_stderr=False,
        ) as live:  # fmt: skip
            while True:
                now = datetime.now(UTC)
                seen = (self.spectator.changes, self.presses, console.size, int(now.timestamp()))
                if seen != drawn:
                    drawn = seen
                    live.update(self._frame(console, now), refresh=True)
                await asyncio.sleep(FRAME_EVERY_S)

    async def press(self, key: str) -> bool:
        """Do what a key says; whether it ends the view."""
        self.presses += 1
        self.says = ""
        if self.asks_to_stop is not None:
            run_id, self.asks_to_stop = self.asks_to_stop, None
            if key == "y":
                await self._order("stopRun", run_id, "is stopped; what landed stays for review")
            return False
        match key:
            case "q" | "escape":
                return True
            case "right" | "down":
                self._turn(1)
            case "left" | "up":
                self._turn(-1)
            case "t" | "enter":
                self.page = "tasks" if self.page == "agents" else "agents"
            case "p" if self.chosen is not None:
                await self._pause(self.chosen)
            case "s" if self.chosen is not None:
                self._ask_to_stop(self.chosen)
            case digit if digit.isdigit():
                self._choose(int(digit))
        return False

    def _frame(self, console: Console, now: datetime) -> RenderableType:
        if self.chosen not in self.spectator.known.state.runs:
            self.chosen = default_run(self.spectator.known.state)
        board = _board(self.spectator, self.chosen, self.page, self.says, KEYS * self.has_keys)
        return draw(board, now, console.width, console.height)

    def _turn(self, by: int) -> None:
        runs = list(self.spectator.known.state.runs)
        if self.chosen in runs:
            self.chosen = runs[(runs.index(self.chosen) + by) % len(runs)]

    def _choose(self, number: int) -> None:
        """The run of that number, or the last one whose number ends so."""
        ids = [id_ for id_ in self.spectator.known.state.runs if id_[1:].endswith(str(number))]
        if ids:
            self.chosen = f"R{number}" if f"R{number}" in ids else ids[-1]

    async def _pause(self, run_id: str) -> None:
        run = self.spectator.known.state.runs.get(run_id)
        if run is None or run.phase is Phase.ENDED:
            self.says = f"{run_id} has ended: there is nothing to pause."
        elif run.paused:
            await self._order("resumeRun", run_id, "goes on")
        else:
            await self._order("pauseRun", run_id, "is paused")

    def _ask_to_stop(self, run_id: str) -> None:
        run = self.spectator.known.state.runs.get(run_id)
        if run is None or run.phase is Phase.ENDED:
            self.says = f"{run_id} has ended already."
            return
        self.asks_to_stop = run_id
        self.says = f"Stop {run_id}? What landed stays. y: yes, any other key: no"

    async def _order(self, name: str, run_id: str, words: str) -> None:
        try:
            await self.spectator.call(name, {"runId": run_id})
        except LongshiftError as error:
            self.says = str(error)
        else:
            self.says = f"{run_id} {words}."
        self.presses += 1


def _chosen(spectator: Spectator, run_id: str | None) -> str | None:
    state = spectator.known.state
    return known_run(state, run_id).id if run_id else default_run(state)


def _board(
    spectator: Spectator, chosen: str | None, page: Page = "agents", says: str = "", keys: str = ""
) -> Board:
    owner, silent = spectator.owner, spectator.is_silent
    return Board(spectator.known, spectator.live, owner, silent, chosen, page, says, keys)


def _as_json(spectator: Spectator, only: str | None, now: datetime) -> Json:
    """The frame for programs: each run with its figures and how its agents stand."""
    board = _board(spectator, only)
    return {
        "owner": spectator.owner,
        "silent": spectator.is_silent,
        "runs": [
            _run_as_json(board, run, now)
            for run in board.state.runs.values()
            if only in (None, run.id)
        ],
    }


def _run_as_json(board: Board, run: Run, now: datetime) -> Json:
    vitals = board.known.vitals[run.id]
    live = board.of_run(run.id)
    agents = standings(run, vitals, live, now) if run.lifecycle != "ended" else []
    return {
        "runId": run.id,
        "state": run.lifecycle,
        "outcome": run.outcome,
        "cycle": run.cycle,
        "seconds": round(run.seconds_at(now), 1),
        "tasks": {str(state): number for state, number in run.task_counts.items()},
        "conflicts": run.conflicts,
        "usage": run.usage.model_dump(mode="json"),
        "landings": {"stepSeconds": vitals.landings.step_s, "steps": vitals.landings.steps},
        "cost": {"stepSeconds": vitals.cost.step_s, "steps": vitals.cost.steps},
        "agents": [
            {
                "agent": one.agent,
                "role": one.role,
                "standing": one.kind,
                "doing": one.words,
                "seconds": round(one.seconds, 1),
                "calls": one.calls,
            }
            for one in agents
        ],
    }
