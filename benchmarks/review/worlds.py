"""Repositories and scripts from which real runs make the hunks that are measured.

Owns the data only. A worker writes whole files; what differs in them becomes the hunks.
"""

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

Json = dict[str, object]

FILES_A_TASK = 10
CALLS_A_TURN = 30
TURNS_A_PLANNER = 5


@dataclass(frozen=True)
class File:
    """A file before and after the run; every `step`-th line is changed, from the third on."""

    path: str
    lines: int
    hunks: int

    @property
    def step(self) -> int:
        """Lines from one hunk to the next."""
        return self.lines // self.hunks

    @property
    def before(self) -> str:
        """The person's text."""
        return "".join(self._lines())

    @property
    def after(self) -> str:
        """The run's text."""
        lines = self._lines()
        for number in range(self.hunks):
            lines[self.line(number)] = f"changed_{number} = {number}  # {self.path}\n"
        return "".join(lines)

    def line(self, number: int) -> int:
        """The line of a hunk, both from zero."""
        return number * self.step + 2

    def _lines(self) -> list[str]:
        return [f"value_{number} = {number}\n" for number in range(self.lines)]


def make_repository(folder: Path, files: Sequence[File]) -> None:
    """Put the files, as they are before the run, into a repository with one commit."""
    for file in files:
        place = folder / file.path
        place.parent.mkdir(exist_ok=True)
        place.write_text(file.before, encoding="utf-8")
    for arguments in (
        ("init", "-q"),
        ("add", "-A"),
        ("-c", "user.name=B", "-c", "user.email=b@example.com", "commit", "-qm", "Values"),
    ):
        subprocess.run(["git", *arguments], cwd=folder, check=True)


def changing(files: Sequence[File], findings: Sequence[Json] = ()) -> Json:
    """A script of one planner, a worker for each few of the files, and a judge."""
    parts = [files[n : n + FILES_A_TASK] for n in range(0, len(files), FILES_A_TASK)]
    tasks = [
        call("add_task", title=_title(n), instructions="So.", paths=[file.path for file in part])
        for n, part in enumerate(parts)
    ]
    workers = [
        flow(
            "worker",
            [call("write_file", path=file.path, content=file.after) for file in part],
            [call("submit", summary="Done.")],
            match=f"{_title(n)}\\b",
        )
        for n, part in enumerate(parts)
    ]
    judge = [call("report_finding", **finding) for finding in findings]
    verdict = [call("verdict", reason="So.", decision="done")]
    return {
        "flows": [
            flow("planner", tasks, [call("finish", summary="So.")]),
            *workers,
            flow("judge", *([judge] if judge else []), verdict),
        ]
    }


def landing(paths: Sequence[str], n_tasks: int, delay_s: float) -> Json:
    """A script of as many tasks as wanted, each an edit of one file, by models that take time.

    Args:
        paths: the files, in turn.
        n_tasks: how many tasks.
        delay_s: how long each call of a worker's model takes, on average: from half of it to
            half as much again, each task's own, so that the workers do not march in step.
    """
    tasks = [
        call("add_task", title=_title(n), instructions=f"{n}", paths=[paths[n % len(paths)]])
        for n in range(n_tasks)
    ]
    turns = [tasks[n : n + CALLS_A_TURN] for n in range(0, n_tasks, CALLS_A_TURN)]
    slices = [turns[n : n + TURNS_A_PLANNER] for n in range(0, len(turns), TURNS_A_PLANNER)]
    finish = [call("finish", summary="So.")]
    planners = [
        flow("planner", *slice_, finish, match=f"Plan slice {n:02}\\b")
        for n, slice_ in enumerate(slices)
    ]
    delegated = [
        call("delegate", scope=".", objective=f"Plan slice {n:02}") for n in range(len(slices))
    ]
    path = "${brief.task.paths.0}"
    work = [
        call("read_file", path=path),
        call("edit_file", path=path, old_text="value_1 = 1\n", new_text="changed = 1\n"),
        call("submit", summary="Done."),
    ]
    workers = [
        {
            "role": "worker",
            "match": f"Change part \\d*{two:02}\\b",
            "turns": [
                {"calls": [one], "delay_s": delay_s * (0.5 + (37 * two + 61 * n) % 100 / 100)}
                for n, one in enumerate(work)
            ],
        }
        for two in range(100)
    ]
    return {"flows": [*planners, flow("planner", delegated, finish), *workers]}


def call(name: str, **arguments: object) -> Json:
    """One tool call."""
    return {"name": name, "arguments": arguments}


def flow(role: str, *turns: Sequence[Json], match: str = "") -> Json:
    """The turns of one conversation, each a list of calls."""
    return {"role": role, "match": match, "turns": [{"calls": list(turn)} for turn in turns]}


@contextlib.contextmanager
def playing(script: Mapping[str, object], folder: Path) -> Iterator[str]:
    """Serve a script from a process of its own; gives the base URL."""
    place = folder / "script.json"
    place.write_text(json.dumps(script), encoding="utf-8")
    command = [sys.executable, "-m", "tests.scripted_model", str(place)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.stdin.close()


def _title(number: int) -> str:
    return f"Change part {number:02}"
