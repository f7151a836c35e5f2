"""How long a second editor takes to be at work, beside the first, and what a reload costs.

A real run with a scripted model leaves some hundred changes in a real repository. By turns, an
editor starts a server that owns the repository (cold), another is attached to it (attach), is
closed and started again at once (reload: the engine lives on, as in the background), and at last
the owner is closed and the other takes the repository over (takeover). Each is timed to the answers
of `listRuns` and of a menu that has the hunks of an open file; the first two from the start of the
server's process, the others from the moment at which the closing begins.
"""

import importlib
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, cast

from benchmarks.editor import Editor
from benchmarks.result import Result

Json = dict[str, object]

LIMIT: Final = 0.5
RELOAD_LIMIT: Final = 0.7
"""What closing takes comes on top."""
SERVE: Final = (sys.executable, "-P", "-m", "longshift", "serve", "--stdio")
LINES: Final = 30
SHOWN: Final = "file0.py"
A_TURN: Final = 25
"""Calls that one turn of a planner may have, and fewer."""
LOOKS: Final = 10
"""Turns in which a worker only reads: most of what a journal holds is accounts of calls."""


@dataclass
class _Times:
    cold: list[float] = field(default_factory=list)
    attach: list[float] = field(default_factory=list)
    reload: list[float] = field(default_factory=list)
    takeover: list[float] = field(default_factory=list)


def run(*, quick: bool = False) -> Result:
    """Measure both against a cold start.

    Args:
        quick: fewer changes and turns; noisier.
    """
    changes, turns = (240, 3) if quick else (400, 11)
    scripted_model = importlib.import_module("tests.scripted_model")
    with ExitStack() as stack:
        model = stack.enter_context(scripted_model.running_server())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory())).resolve()
        _make_repository(folder, changes)
        model.play(_script(changes))
        with Editor(SERVE, folder, model.base_url, {"workers": 16}) as editor:
            editor.finish_run("Change all", within_s=600.0)
        times = _measure(folder, model.base_url, turns)
    cold, attach, reload, takeover = (
        statistics.median(one) for one in (times.cold, times.attach, times.reload, times.takeover)
    )
    return Result(
        name="attach",
        figures={
            "attach_ratio": round(attach / cold, 3),
            "reload_ratio": round(reload / cold, 3),
        },
        conditions={
            "n_changes": changes,
            "n_turns": turns,
            "cold_median_ms": round(cold * 1e3, 1),
            "attach_median_ms": round(attach * 1e3, 1),
            "reload_median_ms": round(reload * 1e3, 1),
            "takeover_median_ms": round(takeover * 1e3, 1),
            "python": sys.version.split()[0],
        },
        limits={"attach_ratio": ("max", LIMIT), "reload_ratio": ("max", RELOAD_LIMIT)},
    )


def _measure(folder: Path, base_url: str, turns: int) -> _Times:
    times = _Times()
    for turn in range(turns + 1):  # the first one is for the file caches
        cold, first = _time_start(folder, base_url)
        attach, second = _time_start(folder, base_url)
        started_s = time.perf_counter()
        with second:
            pass
        _, again = _time_start(folder, base_url)
        reload = time.perf_counter() - started_s
        with again:
            started_s = time.perf_counter()
            with first:
                pass
            _ask(again, folder / SHOWN)
            takeover = time.perf_counter() - started_s
        if turn:
            times.cold.append(cold)
            times.attach.append(attach)
            times.reload.append(reload)
            times.takeover.append(takeover)
    return times


def _time_start(folder: Path, base_url: str) -> tuple[float, Editor]:
    """Seconds from the start of a server to a menu with hunks, and its editor."""
    path = folder / SHOWN
    started_s = time.perf_counter()
    editor = Editor(SERVE, folder, base_url)
    editor.open(path.as_uri(), path.read_text(encoding="utf-8"))
    _ask(editor, path)
    return time.perf_counter() - started_s, editor


def _ask(editor: Editor, path: Path) -> None:
    """Ask for what an editor shows first, and see that it is there."""
    [shown] = cast("list[Json]", editor.command("listRuns")["runs"])
    actions = editor.code_actions(path.as_uri(), 0, LINES)
    assert shown["changes"], "the run has changes"
    assert any(str(one["title"]).startswith("Accept: ") for one in actions), actions


def _make_repository(folder: Path, files: int) -> None:
    def git(*arguments: str) -> None:
        subprocess.run(["git", *arguments], cwd=folder, check=True)

    git("init", "-q")
    for number in range(files):
        (folder / f"file{number}.py").write_text(_text(number), encoding="utf-8")
    git("add", "-A")
    git("-c", "user.name=B", "-c", "user.email=b@example.com", "commit", "-qm", "Files")


def _text(number: int) -> str:
    return "".join(f"value_{line} = {line + number}\n" for line in range(LINES))


def _script(changes: int) -> Json:
    def call(name: str, **arguments: object) -> Json:
        return {"name": name, "arguments": arguments}

    plan = [
        call(
            "add_task",
            title=f"Change file {number}.",
            instructions="As it says.",
            paths=[f"file{number}.py"],
            acceptance=[],
            depends_on=[],
        )
        for number in range(changes)
    ]
    workers = [
        {
            "role": "worker",
            "match": rf"Change file {number}\.",
            "turns": [
                *(
                    {"calls": [call("read_file", path=f"file{(number + look) % changes}.py")]}
                    for look in range(LOOKS)
                ),
                {"calls": [_edit(number)]},
                {"calls": [call("submit", summary="Done.")]},
            ],
        }
        for number in range(changes)
    ]
    planner = {
        "role": "planner",
        "turns": [
            *({"calls": plan[first : first + A_TURN]} for first in range(0, changes, A_TURN)),
            {"calls": [call("finish", summary="All of them.")]},
        ],
    }
    return {"flows": [planner, *workers]}


def _edit(number: int) -> Json:
    old, new = f"value_3 = {3 + number}\n", f"changed_3 = {number}\n"
    arguments = {"path": f"file{number}.py", "old_text": old, "new_text": new}
    return {"name": "edit_file", "arguments": arguments}
