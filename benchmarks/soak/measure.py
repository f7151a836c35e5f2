"""The soak itself: round after round, a reading now and then, and what the readings come to.

Owns the limits. Readings are taken between two runs, where nothing that belongs to a run may be
left. Of the first minutes nothing is said: that is how long caches take to fill.
"""

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Final, Self

from benchmarks.result import Chart, Line, Result
from benchmarks.soak.person import Person
from benchmarks.soak.readings import Reading, read, slope
from benchmarks.soak.rounds import FILES, NOTES, SHARED, script, write_repository
from longshift.journal.client import ControlClient
from longshift.journal.lease import Lease, OwnerAlive

SERVE: Final = (sys.executable, "-m", "longshift", "serve", "--stdio")
EVERY_S: Final = 5.0
LEAST_ROUNDS: Final = 6
REST_EVERY_S: Final = 60.0
REST_S: Final = 3.0
"""Nobody types without a pause; some of what a server puts off waits for one."""
LIMITS: Final = {
    "memory_growth_percent_an_hour": ("max", 5.0),
    "descriptors_grown": ("max", 0.0),
    "threads_grown": ("max", 0.0),
    "children_left": ("max", 0.0),
}
OPEN: Final = (*FILES[:4], SHARED, NOTES)
"""What the editor has open; the other files are written on the disk."""


@dataclass(frozen=True, slots=True)
class Length:
    """How long a soak takes, and from when on it counts; seconds."""

    whole_s: float
    settled_s: float

    @classmethod
    def of_minutes(cls, minutes: float) -> Self:
        """Ten minutes count for nothing, or a third of it where there are no thirty."""
        return cls(minutes * 60, min(600.0, minutes * 20))


def measure(length: Length, *, keep: int, log: str | None = None) -> Result:
    """Let a server work for so long.

    Args:
        length: how long.
        keep: how many runs are kept; the oldest are forgotten. 0: all are kept.
        log: where each reading goes too.
    """
    readings: list[Reading] = []
    with ExitStack() as stack:
        place = stack.enter_context(tempfile.TemporaryDirectory(prefix="longshift-soak-"))
        folder, home = Path(place).resolve() / "work", Path(place).resolve() / "home"
        for one in (folder, home):
            one.mkdir()
        _make_repository(folder, home)
        file = stack.enter_context(Path(log or os.devnull).open("w", encoding="utf-8"))
        model = stack.enter_context(import_module("tests.scripted_model").running_server())
        settings = {"workers": 8, "overlap": "allow", "budget": {"usd": 0.0, "tokens": 0}}
        person = stack.enter_context(Person(SERVE, folder, model.base_url, settings, home))
        for path in OPEN:
            person.show(folder / path)
        state_dir, begun_s, rested_s = folder / ".git" / "longshift", time.monotonic(), 0.0
        rounds = Rounds(person, folder, model.play, keep)
        while (at_s := time.monotonic() - begun_s) < length.whole_s or rounds.played < LEAST_ROUNDS:
            rounds.play()
            if at_s >= rested_s + REST_EVERY_S:
                time.sleep(REST_S)
                rested_s = at_s
            if not readings or at_s - readings[-1].at_s >= min(EVERY_S, length.whole_s / 10):
                at_s = time.monotonic() - begun_s
                readings.append(read(person.pid, state_dir, at_s, rounds.played))
                file.write(readings[-1].as_line())
                file.flush()
    return _result(readings, length, keep)


class Rounds:
    """Rounds of one server, one after the other."""

    def __init__(
        self, person: Person, folder: Path, play: Callable[[Any], None], keep: int
    ) -> None:
        """Begin with none played.

        Args:
            person: at the server.
            folder: the repository.
            play: has the model follow a script.
            keep: how many runs are kept; 0: all.
        """
        self.played = 0
        self._person, self._folder, self._play, self._keep = person, folder, play, keep
        self._runs: list[str] = []

    def play(self) -> None:
        """A goal, what a person does of its changes, and a look from another process."""
        self.played += 1
        self._play(script(self.played))
        notes = self._folder / NOTES
        run = self._person.run_to_its_end(f"Round {self.played}", notes)
        assert run["outcome"] == "done", run["outcome"]
        run_id = str(run["runId"])
        self._runs.append(run_id)
        self._decide(run_id, [str(one["id"]) for one in _list(run["changes"])])
        self._person.save()
        self._person.hide(notes)
        notes.write_text("Notes\n", encoding="utf-8")
        self._person.show(notes)
        asyncio.run(_ask_from_outside(self._folder / ".git" / "longshift", run_id))
        while self._keep and len(self._runs) > self._keep:
            self._person.command("forgetRun", runId=self._runs.pop(0))

    def _decide(self, run_id: str, changes: Sequence[str]) -> None:
        person = self._person
        for path in OPEN:
            person.look(self._folder / path)
        person.command("rejectChange", runId=run_id, changeId=changes[0], reason="Not so.")
        person.command("acceptChange", runId=run_id, changeId=changes[1])
        person.command("undoDecision", runId=run_id, changeId=changes[1])
        person.command("acceptAll", runId=run_id)
        for finding in _list(person.command("describeRun", runId=run_id)["findings"]):
            if finding["state"] == "open":
                person.command("dismissFinding", runId=run_id, findingId=finding["id"])
        for rule in _list(person.command("listConstraints")["constraints"]):
            person.command("liftConstraint", constraintId=rule["constraintId"])


async def _ask_from_outside(state_dir: Path, run_id: str) -> None:
    """What `longshift status` and the like do: connect, ask, follow for a moment, hang up."""
    owner = Lease.acquire(state_dir)
    assert isinstance(owner, OwnerAlive), "the server owns the repository"
    assert owner.address is not None
    async with await ControlClient.connect(owner.address) as client:
        await client.call("describeRun", {"runId": run_id})
        async for _ in client.follow(0):
            break


def _make_repository(folder: Path, home: Path) -> None:
    """A repository whose person lets models run commands."""
    write_repository(folder)
    who = ("-c", "user.name=S", "-c", "user.email=s@example.com")
    for arguments in (("init", "-q"), ("add", "-A"), (*who, "commit", "-qm", "Values")):
        subprocess.run(["git", *arguments], cwd=folder, check=True)
    environ = {**os.environ, "HOME": str(home), "XDG_CONFIG_HOME": str(folder / ".git")}
    trust = [sys.executable, "-m", "longshift", "trust"]
    subprocess.run(trust, cwd=folder, env=environ, check=True, stdout=subprocess.DEVNULL)


def _list(value: object) -> list[dict[str, object]]:
    assert isinstance(value, list)
    return value


def _result(readings: Sequence[Reading], length: Length, keep: int) -> Result:
    settled = [one for one in readings if one.at_s >= length.settled_s] or readings[-2:]
    first, last = settled[0], settled[-1]
    hours = [(one.at_s / 3600, one.rss_mib) for one in settled]
    level = sum(rss for _, rss in hours[:5]) / len(hours[:5])
    figures = {
        "memory_growth_percent_an_hour": round(100 * slope(hours) / level, 2),
        "descriptors_grown": _grown(settled, "descriptors"),
        "threads_grown": _grown(settled, "threads"),
        "children_left": _grown(settled, "children"),
    }
    per_run = slope([(float(one.rounds), one.rss_mib) for one in settled])
    conditions: dict[str, str | int | float] = {
        "minutes": round(last.at_s / 60, 1),
        "counted_from_minute": round(first.at_s / 60, 1),
        "readings": len(readings),
        "runs": last.rounds,
        "runs_kept": keep or last.rounds,
        "rss_mib_settled": round(level, 1),
        "rss_mib_at_the_end": last.rss_mib,
        "rss_kib_a_run": round(1024 * per_run, 1),
        "descriptors": last.descriptors,
        "threads": last.threads,
        "store_mib_at_the_end": last.store_mib,
        "journal_mib_at_the_end": last.journal_mib,
        "python": sys.version.split()[0],
    }
    minutes = tuple(one.at_s / 60 for one in readings)
    lines = (Line("memory, MiB", minutes, tuple(one.rss_mib for one in readings)),)
    chart = Chart("soak", "Memory of a server at work", "minutes", "MiB", lines)
    return Result("soak", figures, conditions, LIMITS, charts=(chart,))


def _grown(readings: Sequence[Reading], name: str) -> float:
    """The most of something in the later half over the most in the earlier: a leak only grows."""
    half = max(1, len(readings) // 2)
    early, late = (
        max(getattr(one, name) for one in part) for part in (readings[:half], readings[half:])
    )
    return float(max(0, late - early))
