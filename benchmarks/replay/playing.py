"""One replay: a real language server with an editor attached, and what is read off it.

Owns the processes and the temporary repository. Must never ask the server for more than a person's
editor would: that the run is over, and what came of it, is read from its journal.
"""

import contextlib
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from benchmarks.editor import Editor
from benchmarks.replay.releases import CACHE, make_repository
from benchmarks.replay.schedule import shortest_s
from benchmarks.replay.tasks import Plan, Replay
from benchmarks.review.measure import idle_loop
from benchmarks.review.watched import BEATS, WATCH, Report

ASKED_EVERY_S: Final = 0.25
WITHIN_S: Final = 1_800.0
WINDOW_TOKENS: Final = 10_000_000
"""A task's file may be of any size: no conversation is to be shortened."""
_ROOT: Final = Path(__file__).parents[2]


@dataclass(frozen=True)
class Played:
    """What one replay came to.

    Attributes:
        is_identical: whether the head's tree is the release's.
        course: what the journal says.
        menus_s: how long each question for code actions took.
        stalls_s: how late the server's loop was, and one with nothing to do beside it.
        memory_gb: the most that the server's process held.
        cpu_s: what it used.
        bare: what the bare client took for as many calls.
        scheduled_s: the models' share of the bound.
        strange: what the models' server could make nothing of.
    """

    is_identical: bool
    course: "Course"
    menus_s: Sequence[float]
    stalls_s: tuple[Sequence[float], Sequence[float]]
    memory_gb: float
    cpu_s: float
    bare: "Bare"
    scheduled_s: float
    strange: Sequence[str]

    @property
    def bound_s(self) -> float:
        """The time below which no crew could be."""
        return max(self.bare.wall_s, self.scheduled_s)


@dataclass(frozen=True)
class Course:
    """A run as its journal has it.

    Attributes:
        outcome: its last word.
        counts: its facts by name.
        wall_s: from its start to its end.
        first_attempt_s: from its start until the first worker began.
        planned_s: … until the last task was there.
        landed_s: … until the last one had landed.
    """

    outcome: str
    counts: Counter[str]
    wall_s: float
    first_attempt_s: float
    planned_s: float
    landed_s: float


@dataclass(frozen=True)
class Bare:
    """What the bare client took."""

    wall_s: float
    cpu_s: float


def play(it: Replay, *, workers: int, latency_s: float) -> Played:
    """Play one replay from a person's folder to the run's head."""
    with tempfile.TemporaryDirectory(prefix="longshift-bench-") as place:
        folder = Path(place).resolve() / "repository"
        folder.mkdir()
        wanted = make_repository(folder, it.before, it.after)
        seen, idle = folder / ".git" / "seen.json", folder / ".git" / "idle.json"
        with (
            idle_loop(idle),
            models(it.plan, latency_s, folder / ".git") as port,
            _editor(folder, port, workers, seen) as editor,
        ):
            begun, used = time.perf_counter(), _cpu_s(editor.pid)
            menus_s, journal = _be_a_person(editor, folder, it)
            ended, used = time.perf_counter(), _cpu_s(editor.pid) - used
            memory_gb = _most_held_gb(editor.pid)
            course = _course(journal)
            strange = _told(port)["strange"]
            bare = lead_bare(port, course.counts["model.called"], workers)
            tree = _git(folder, "rev-parse", "refs/longshift/R1/head^{tree}")
        return Played(
            is_identical=tree == wanted,
            course=course,
            menus_s=menus_s,
            stalls_s=(
                Report.read(seen).stalls(begun, ended),
                Report.read(idle).stalls(begun, ended),
            ),
            memory_gb=memory_gb,
            cpu_s=used,
            bare=bare,
            scheduled_s=shortest_s(it.plan, workers=workers, latency_s=latency_s),
            strange=strange,
        )


@contextlib.contextmanager
def models(plan: Plan, latency_s: float, folder: Path) -> Iterator[int]:
    """Serve a plan from a process of its own; gives the port."""
    place = folder / "plan.json"
    plan.write(place)
    command = [sys.executable, "-m", "benchmarks.replay.server", str(place), str(latency_s)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=_ROOT, text=True, stdin=pipe, stdout=pipe) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        try:
            yield int(server.stdout.readline())
        finally:
            server.stdin.close()


def lead_bare(port: int, calls: int, at_once: int) -> Bare:
    """Have the bare client make as many calls."""
    command = [sys.executable, "-m", "benchmarks.replay.bare", str(port), str(calls), str(at_once)]
    done = subprocess.run(command, cwd=_ROOT, check=True, stdout=subprocess.PIPE)
    return Bare(**json.loads(done.stdout))


def _editor(folder: Path, port: int, workers: int, seen: Path) -> Editor:
    base_url = f"http://127.0.0.1:{port}/v1"
    model = {"model": "replayed", "base_url": base_url, "context_tokens": WINDOW_TOKENS}
    settings = {
        "models": {"default": model},
        "workers": workers,
        "overlap": "allow",
        "budget": {"usd": 0.0, "tokens": 0},
        "stop": {"second_judge": "never"},  # it would read the whole difference once more
    }
    command = (sys.executable, "-m", "benchmarks.review.watched", str(seen))
    home = CACHE / "home"  # the rules by which secrets are found are compiled once, and kept there
    home.mkdir(parents=True, exist_ok=True)
    return Editor(command, folder, base_url, settings, home)


def _be_a_person(editor: Editor, folder: Path, it: Replay) -> tuple[list[float], Path]:
    """Start the goal, and type and ask for the menu until the run is over."""
    path = _busiest(it)
    uri = (folder / path).as_uri()
    text = (it.before[path].text or "") if path in it.before else ""
    editor.open(uri, text)
    editor.request(WATCH, BEATS)
    editor.command("startGoal", goal="Bring it to the next release")
    journal = folder / ".git" / "longshift" / "journal.sqlite"
    menus_s: list[float] = []
    deadline_s = time.monotonic() + WITHIN_S
    while not _is_over(journal):
        if time.monotonic() > deadline_s:
            raise RuntimeError(f"The run has not ended within {WITHIN_S:.0f} s.")
        editor.type(uri, 0, "#")
        line = 3 * len(menus_s) % max(1, text.count("\n"))
        menus_s.append(editor.time_code_action(uri, line, line))
        time.sleep(ASKED_EVERY_S)
    return menus_s, journal


def _busiest(it: Replay) -> str:
    """The file at which the person is: of Python's, where there are any, the one most changed."""
    changes: Counter[str] = Counter()
    for task in it.plan.tasks:
        changes[task.paths[-1]] += sum(map(len, task.turns)) or 1
    return max(changes, key=lambda path: (path.endswith(".py"), changes[path], path))


def _is_over(journal: Path) -> bool:
    with contextlib.closing(_open(journal)) as db:
        newest = db.execute("SELECT event FROM events ORDER BY seq DESC LIMIT 5")
        return any(name in ("run.finished", "run.paused") for (name,) in newest)


def _course(journal: Path) -> Course:
    with contextlib.closing(_open(journal)) as db:
        rows = db.execute("SELECT event, count(*), min(time), max(time) FROM events GROUP BY event")
        facts = {name: (count, first, last) for name, count, first, last in rows}
        (body,) = db.execute(
            "SELECT body FROM events WHERE event IN ('run.finished', 'run.paused') "
            "ORDER BY seq DESC LIMIT 1"
        ).fetchone()
    last = json.loads(body)
    start = datetime.fromisoformat(facts["run.started"][1])

    def since(name: str, column: int) -> float:
        moment = facts[name][column] if name in facts else facts["run.started"][1]
        return (datetime.fromisoformat(moment) - start).total_seconds()

    return Course(
        outcome=last.get("outcome") or f"paused: {last.get('reason')}",
        counts=Counter({name: fact[0] for name, fact in facts.items()}),
        wall_s=since("run.finished", 2),
        first_attempt_s=since("attempt.started", 1),
        planned_s=since("task.added", 2),
        landed_s=since("task.landed", 2),
    )


def _open(journal: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{journal}?mode=ro", uri=True)


def _told(port: int) -> dict[str, Any]:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/told") as answer:
        told: dict[str, Any] = json.loads(answer.read())
    return told


def _git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def _most_held_gb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
    line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024**2


def _cpu_s(pid: int) -> float:
    stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    fields = stat.rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
