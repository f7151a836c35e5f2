"""The three measurements, and the figures made of them.

Owns the limits. Each measurement makes its own repository and its own server. What a key takes of
the loop is the time that its thread is at work; a stall is how late a beat of the loop comes at
worst after a key, or among a hundred while workers land. From stalls, but for the longest, that of
an idle loop beside it is taken off: on a busy machine every process waits.
"""

import contextlib
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Final

from benchmarks.editor import Editor
from benchmarks.result import Result
from benchmarks.review.watched import WATCH, Report
from benchmarks.review.worlds import File, changing, landing, make_repository, playing

SERVE: Final = (sys.executable, "-m", "longshift", "serve", "--stdio")
N_ACTIONS: Final = 100
BARE: Final = (sys.executable, "-m", "benchmarks.bare_server", str(N_ACTIONS))
MENU: Final = [File(f"folder{n % 10}/file{n}.py", 40, 5) for n in range(200)]
LARGE: Final = File("large.py", 5_000, 100)
N_FINDINGS: Final = 20
N_OPEN: Final = 10_000
WORKERS: Final = 200
MODEL_TAKES_S: Final = 10.0
"""Each call of a worker's model, on average: 24,000 landings an hour."""
BETWEEN_KEYS_S: Final = 0.1

LIMITS: Final = {
    "code_action_at_a_line_p95_ratio": ("max", 3.0),
    "keystroke_loop_p95_ms": ("max", 5.0),
    "keystroke_stall_p95_ms": ("max", 5.0),
    "keystroke_loop_10000_open_over_1": ("max", 1.5),
    "landing_stall_p99_ms": ("max", 5.0),
    "landing_stall_max_ms": ("max", 50.0),
}


def measure(*, quick: bool, long: bool) -> Result:
    """Make all measurements, one after the other."""
    figures: dict[str, float] = {}
    conditions: dict[str, str | int | float] = {}
    window_s = 600.0 if long else 5.0 if quick else 30.0
    for part in (
        _menu(40 if quick else 300),
        _keystrokes(40 if quick else 200),
        _landings(window_s),
    ):
        figures |= part[0]
        conditions |= part[1]
    conditions |= {"python": sys.version.split()[0], "pygls": version("pygls")}
    return Result("review", figures, conditions, LIMITS)


Part = tuple[dict[str, float], dict[str, str | int | float]]


def _menu(n_requests: int) -> Part:
    """The menu at one hunk among a thousand, beside a bare server's hundred actions."""
    with tempfile.TemporaryDirectory(prefix="longshift-bench-") as place:
        folder = Path(place).resolve()
        make_repository(folder, MENU)
        with (
            playing(changing(MENU), folder / ".git") as url,
            Editor(SERVE, folder, url) as ours,
            Editor(BARE, folder, url) as bare,
        ):
            ours.finish_run("Change them")
            for file in MENU[::2]:
                ours.open((folder / file.path).as_uri(), file.before)
            spots = [
                ((folder / file.path).as_uri(), file.line(number))
                for file in MENU
                for number in range(file.hunks)
            ]
            n_hunks = sum(
                str(one["title"]).startswith("Accept: ")
                for file in MENU
                for one in ours.code_actions((folder / file.path).as_uri(), 0, file.lines)
            )
            assert n_hunks == len(spots), f"{n_hunks} of {len(spots)} hunks"
            chosen = random.Random(1).choices(spots, k=n_requests)
            pairs = [
                tuple(one.time_code_action(uri, line, line) for one in (ours, bare))
                for uri, line in chosen
            ]
    ours_s, bare_s = ([pair[n] for pair in pairs] for n in (0, 1))
    return {"code_action_at_a_line_p95_ratio": round(_at(ours_s, 0.95) / _at(bare_s, 0.95), 3)}, {
        "n_requests": n_requests,
        "n_hunks": n_hunks,
        "n_files": len(MENU),
        "longshift_p95_ms": _ms(_at(ours_s, 0.95)),
        "longshift_median_ms": _ms(statistics.median(ours_s)),
        "bare_pygls_p95_ms": _ms(_at(bare_s, 0.95)),
        "bare_pygls_median_ms": _ms(statistics.median(bare_s)),
    }


def _keystrokes(n_keys: int) -> Part:
    """Keys in a large file with many hunks, after each of which the editor asks anew."""
    lines = random.Random(2)
    with tempfile.TemporaryDirectory(prefix="longshift-bench-") as place:
        folder = Path(place).resolve()
        make_repository(folder, [LARGE])
        seen, idle = folder / ".git" / "seen.json", folder / ".git" / "idle.json"
        with (
            idle_loop(idle),
            playing(changing([LARGE], _findings()), folder / ".git") as url,
            Editor(_watched(seen), folder, url) as editor,
        ):
            editor.finish_run("Change it")
            uri = (folder / LARGE.path).as_uri()
            editor.open(uri, LARGE.before)
            offered = editor.code_actions(uri, 0, LARGE.lines)
            n_hunks = sum(str(one["title"]).startswith("Accept: ") for one in offered)
            editor.request(WATCH, {})

            def keys(n: int) -> list[Window]:
                found = [_timed_key(editor, uri, lines.randrange(LARGE.lines)) for _ in range(n)]
                return found[5:]  # but what is generated at the first use

            windows = keys(n_keys)
            for n in range(N_OPEN):
                editor.open((folder / f"open{n % 100}" / f"file{n}.py").as_uri(), "value = 1\n")
            editor.code_actions(uri, 0, 1)
            crowded = keys(n_keys // 2)
        report, other = Report.read(seen), Report.read(idle)
    held = [report.held(one.begun, one.ended) for one in windows]
    worked = [report.worked(one.begun, one.ended) for one in windows]
    beside = [report.worked(one.begun, one.ended) for one in crowded]
    stalls, others = (
        [max(seen.stalls(window.begun, window.ended), default=0.0) for window in windows]
        for seen in (report, other)
    )
    return {
        "keystroke_loop_p95_ms": _ms(_at(worked, 0.95)),
        "keystroke_stall_p95_ms": _ms(max(0.0, _at(stalls, 0.95) - _at(others, 0.95))),
        "keystroke_loop_10000_open_over_1": round(
            statistics.median(beside) / statistics.median(worked), 2
        ),
    }, {
        "large_file_lines": LARGE.lines,
        "large_file_hunks": n_hunks,
        "keystroke_loop_median_ms": _ms(statistics.median(worked)),
        "keystroke_loop_wall_median_ms": _ms(statistics.median(held)),
        "keystroke_loop_wall_p95_ms": _ms(_at(held, 0.95)),
        "keystroke_stall_with_machine_median_ms": _ms(statistics.median(stalls)),
        "keystroke_stall_with_machine_p95_ms": _ms(_at(stalls, 0.95)),
        "idle_loop_stall_beside_keystrokes_p95_ms": _ms(_at(others, 0.95)),
        "keystroke_to_answers_p95_ms": _ms(_at([one.answered_s for one in windows], 0.95)),
    }


@dataclass(frozen=True)
class Window:
    """One key, what was asked after it, and a pause."""

    begun: float
    ended: float
    answered_s: float


def _timed_key(editor: Editor, uri: str, line: int) -> Window:
    begun = time.perf_counter()
    _key(editor, uri, line)
    answered_s = time.perf_counter() - begun
    time.sleep(BETWEEN_KEYS_S)
    return Window(begun, time.perf_counter(), answered_s)


def _landings(window_s: float) -> Part:
    """Two hundred workers that land while the person types."""
    n_tasks = WORKERS + int(window_s * WORKERS / (3 * MODEL_TAKES_S)) + WORKERS
    files = [LARGE, *(File(f"part{n % 20}/file{n}.py", 40, 1) for n in range(n_tasks))]
    lines = random.Random(3)
    with tempfile.TemporaryDirectory(prefix="longshift-bench-") as place:
        folder = Path(place).resolve()
        make_repository(folder, files)
        seen, idle = folder / ".git" / "seen.json", folder / ".git" / "idle.json"
        script = landing([file.path for file in files], n_tasks, MODEL_TAKES_S)
        more = {"workers": WORKERS, "overlap": "allow", "budget": {"usd": 0.0, "tokens": 0}}
        with (
            idle_loop(idle),
            playing(script, folder / ".git") as url,
            Editor(_watched(seen), folder, url, more) as editor,
        ):
            uri = (folder / LARGE.path).as_uri()
            editor.open(uri, LARGE.before)
            editor.command("startGoal", goal="Change them all")
            time.sleep(2 * MODEL_TAKES_S + 2)
            editor.request(WATCH, {})
            n_before, begun = _landed(editor), time.perf_counter()
            while time.perf_counter() - begun < window_s:
                _key(editor, uri, lines.randrange(LARGE.lines))
                time.sleep(BETWEEN_KEYS_S)
            ended, n_landed = time.perf_counter(), _landed(editor) - n_before
            editor.command("stopRun", runId="R1")
        report, other = Report.read(seen), Report.read(idle)
    stalls, others = report.stalls(begun, ended), other.stalls(begun, ended)
    return {
        "landing_stall_median_ms": _ms(statistics.median(stalls)),
        "landing_stall_p99_ms": _ms(max(0.0, _at(stalls, 0.99) - _at(others, 0.99))),
        "landing_stall_max_ms": _ms(max(stalls)),
    }, {
        "landing_workers": WORKERS,
        "landing_window_s": round(ended - begun, 1),
        "landings": n_landed,
        "landing_stall_with_machine_p99_ms": _ms(_at(stalls, 0.99)),
        "idle_loop_stall_beside_landings_p99_ms": _ms(_at(others, 0.99)),
        "idle_loop_stall_beside_landings_max_ms": _ms(max(others)),
        "loop_busy_share": round(report.held(begun, ended) / (ended - begun), 3),
    }


def _key(editor: Editor, uri: str, line: int) -> None:
    editor.type(uri, line, "x")
    editor.code_actions(uri, line, line)
    editor.request("textDocument/codeLens", {"textDocument": {"uri": uri}})


def _landed(editor: Editor) -> int:
    run = editor.command("listRuns")["runs"][0]  # type: ignore[index]
    return sum(task["state"] == "landed" for task in run["tasks"])


def _findings() -> list[dict[str, object]]:
    return [
        {
            "path": LARGE.path,
            "line": LARGE.line(number * LARGE.hunks // N_FINDINGS) + 1,
            "message": f"Look at value {number} again.",
            "code": "look",
            "severity": "hint",
        }
        for number in range(N_FINDINGS)
    ]


@contextlib.contextmanager
def idle_loop(report: Path) -> Iterator[None]:
    """A loop with nothing to do beside the server's: how late it is, the machine is."""
    command = (sys.executable, "-m", "benchmarks.review.watched", "--idle", str(report))
    with subprocess.Popen(command, stdin=subprocess.PIPE):
        yield


def _watched(report: Path) -> tuple[str, ...]:
    return sys.executable, "-m", "benchmarks.review.watched", str(report)


def _at(values: Sequence[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def _ms(seconds: float) -> float:
    return round(seconds * 1e3, 2)
