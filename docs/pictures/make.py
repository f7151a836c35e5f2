"""Draw the README's pictures, called by `make pictures`: both live views, and a review.

Owns the SVG files beside it. They show a real run of the demonstration, never an invented one;
its journal is read, and one change of it is accepted for the picture.
"""

import asyncio
import io
import re
import shlex
import subprocess
import sys
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.text import Text

from longshift.cli.board.drawing import Board
from longshift.cli.board.drawing import draw as draw_board
from longshift.cli.board.spectator import Spectator
from longshift.cli.commands.diff import coloured
from longshift.cli.commands.watch import KEYS
from longshift.cli.frame import Pulse, draw
from longshift.cli.session import find_worktree, journal_path, read_state
from longshift.cli.told import Told, told
from longshift.cli.views import EVENTS_SHOWN
from longshift.domain.events import Recorded
from longshift.domain.fold import apply
from longshift.domain.model import TaskState
from longshift.domain.state import Run, State
from longshift.journal.reader import JournalReader
from longshift.repository.store import ObjectStore
from longshift.repository.worktree import Worktree
from longshift.review.unified import change_diff

HERE: Final = Path(__file__).resolve().parent
REPOSITORY: Final = HERE.parent.parent / "demo" / "toolz"
COLUMNS: Final = 104
ROWS: Final = 14
ROWS_OF_WATCH: Final = 30
LINES_OF_A_DIFF: Final = range(18, 34)
"""How long a change may be that fits the picture."""

GOAL: Final = "Modernise the code to Python 3.11 and fix what the linter finds"

# Without the faces that rich would have the reader's browser fetch from elsewhere.
FORMAT: Final = re.sub(r"@font-face \{\{.*?\}\}\s*", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)


@dataclass(frozen=True)
class Moment:
    """What a live view shows at one moment of a run."""

    record: Recorded
    run: Run
    pulse: Pulse
    events: tuple[Told, ...]

    @property
    def busyness(self) -> tuple[int, int]:
        """How much there is to see: workers at work, and tasks that landed by then."""
        return self.run.count(TaskState.RUNNING), self.run.count(TaskState.LANDED)


def main() -> None:
    """Draw all pictures from the demonstration's first run."""
    demo = HERE.parent / "demo.py"
    subprocess.run([sys.executable, str(demo)], check=True, stdout=subprocess.DEVNULL)
    worktree = find_worktree(REPOSITORY)
    _draw_live_view(worktree)
    _draw_watch(worktree)
    _draw_review(worktree)


def _draw_live_view(worktree: Worktree) -> None:
    moment = max(_moments(worktree), key=lambda one: one.busyness)
    console = _console()
    console.print(draw(moment.run, moment.pulse, moment.events, moment.record.time, ROWS))
    _save(console, "live-view", "longshift run")


def _draw_watch(worktree: Worktree) -> None:
    """A second run, looked at from beside: the moment with most agents is drawn."""
    command = [sys.executable, "-m", "longshift", "run", GOAL, "--json"]
    spectator, best = Spectator(worktree), (0, "")
    with subprocess.Popen(command, cwd=worktree.root, stdout=subprocess.DEVNULL) as run:
        while run.poll() is None:
            asyncio.run(spectator.look())
            console, now = _console(), datetime.now(UTC)
            board = Board(spectator.known, spectator.live, spectator.owner, chosen="R2", keys=KEYS)
            console.print(draw_board(board, now, COLUMNS, ROWS_OF_WATCH))
            busy = len(spectator.live or ()) if "R2" in spectator.known.state.runs else 0
            if busy > best[0]:
                best = (
                    busy,
                    console.export_svg(
                        title="longshift watch", code_format=FORMAT, unique_id="longshift-watch"
                    ),
                )
    (HERE / "watch.svg").write_text(best[1], encoding="utf-8")


def _draw_review(worktree: Worktree) -> None:
    run = read_state(worktree).runs["R1"]
    store = ObjectStore.open(worktree)
    diffs = {id_: change_diff(store, run, id_) for id_ in run.changes}
    store.close()
    change = next(id_ for id_, diff in diffs.items() if diff.count("\n") in LINES_OF_A_DIFF)
    generated = next(one.id for one in run.changes.values() if "versioneer.py" in one.paths)
    console = _console()
    _prompt(console, f"longshift diff R1 {change}")
    console.print(coloured(diffs[change]))
    for command in (
        f"accept R1 {change}",
        f"reject R1 {generated} --reason 'versioneer.py is generated: leave it alone'",
        "constraint list",
    ):
        _prompt(console, f"longshift {command}")
        console.print(_output(worktree, shlex.split(command)), end="")
    _save(console, "review", "longshift diff, accept, reject")


def _moments(worktree: Worktree) -> Iterator[Moment]:
    state, pulse, said = State(), Pulse(), deque[Told](maxlen=EVENTS_SHOWN)
    with JournalReader.open(journal_path(worktree)) as reader:
        for record in reader.read():
            state, pulse = apply(state, record), pulse.after(record)
            run = state.runs["R1"]
            line = told(record.event, run)
            if not line.minor:
                said.append(line)
            yield Moment(record, run, pulse, tuple(said))


def _output(worktree: Worktree, arguments: list[str]) -> Text:
    command = [sys.executable, "-m", "longshift", *arguments]
    done = subprocess.run(command, cwd=worktree.root, capture_output=True, check=True, text=True)
    return Text(done.stdout)


def _prompt(console: Console, command: str) -> None:
    console.print(Text("$ ", "dim").append(command, "bold"))


def _console() -> Console:
    return Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True)


def _save(console: Console, name: str, title: str) -> None:
    path = HERE / f"{name}.svg"
    console.save_svg(str(path), title=title, code_format=FORMAT, unique_id=f"longshift-{name}")


if __name__ == "__main__":
    main()
