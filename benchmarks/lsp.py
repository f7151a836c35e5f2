"""How much longer a code action takes on 100 pending hunks than 100 lazy ones of bare pygls.

A real run with a scripted model leaves the hunks in a real repository; both servers then answer
the same request by turns, so that a busy moment of the machine meets both. Ours is asked for the
whole buffer, and offers accept, rework and reject for each hunk where bare pygls offers one
action.
"""

import importlib
import statistics
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from importlib.metadata import version
from pathlib import Path
from typing import Final

from benchmarks.editor import Editor
from benchmarks.result import Result

Json = dict[str, object]

LIMIT: Final = 3.0
N_HUNKS: Final = 100
SERVE: Final = (sys.executable, "-m", "longshift", "serve", "--stdio")
BARE: Final = (sys.executable, "-m", "benchmarks.bare_server", str(N_HUNKS))


def run(*, quick: bool = False) -> Result:
    """Measure the ratio of the two 95th percentiles.

    Args:
        quick: a few requests instead of enough for a steady figure.
    """
    scripted_model = importlib.import_module("tests.scripted_model")
    n_requests = 20 if quick else 200
    with ExitStack() as stack:
        model = stack.enter_context(scripted_model.running_server())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory())).resolve()
        uri = _make_repository(folder)
        model.play(_script())
        ours = stack.enter_context(Editor(SERVE, folder, model.base_url))
        bare = stack.enter_context(Editor(BARE, folder, model.base_url))
        ours.finish_run("Change a third")
        for client in (ours, bare):
            client.open(uri, _before())
        counts = [_count(client, uri) for client in (ours, bare)]
        figures = _measure(ours, bare, uri, n_requests)
    ours_s, bare_s, edited_s = (sorted(times) for times in figures)
    p95 = {"ours": _p95(ours_s), "bare": _p95(bare_s), "edited": _p95(edited_s)}
    return Result(
        name="lsp",
        figures={"code_action_p95_ratio": round(p95["ours"] / p95["bare"], 3)},
        conditions={
            "n_requests": n_requests,
            "n_hunks": N_HUNKS,
            "n_actions_ours": counts[0],
            "n_actions_bare": counts[1],
            "longshift_p95_ms": round(p95["ours"] * 1e3, 2),
            "longshift_median_ms": round(statistics.median(ours_s) * 1e3, 2),
            "bare_pygls_p95_ms": round(p95["bare"] * 1e3, 2),
            "bare_pygls_median_ms": round(statistics.median(bare_s) * 1e3, 2),
            "longshift_after_each_keystroke_p95_ms": round(p95["edited"] * 1e3, 2),
            "python": sys.version.split()[0],
            "pygls": version("pygls"),
        },
        limits={"code_action_p95_ratio": ("max", LIMIT)},
    )


def _measure(
    ours: Editor, bare: Editor, uri: str, n_requests: int
) -> tuple[list[float], list[float], list[float]]:
    """Seconds of each request: ours, bare, and ours right after a keystroke."""
    for client in (ours, bare):  # what is generated at the first use
        for _ in range(5):
            _ask(client, uri)
    pairs = [(_ask(ours, uri), _ask(bare, uri)) for _ in range(n_requests)]
    edited: list[float] = []
    for number in range(n_requests // 4):
        ours.type(uri, 3 * (number + 2), "# typed\n")
        edited.append(_ask(ours, uri))
    return [pair[0] for pair in pairs], [pair[1] for pair in pairs], edited


def _ask(client: Editor, uri: str) -> float:
    return client.time_code_action(uri, 0, 10 * N_HUNKS)


def _count(client: Editor, uri: str) -> int:
    actions = client.code_actions(uri, 0, 10 * N_HUNKS)
    wanted = [one for one in actions if str(one["title"]).startswith("Accept: ")]
    assert len(wanted) == N_HUNKS, f"{len(wanted)} of {N_HUNKS} hunks"
    return len(actions)


def _p95(times: list[float]) -> float:
    return times[min(len(times) - 1, int(len(times) * 0.95))]


def _before() -> str:
    return "".join(f"value_{number} = {number}\n" for number in range(3 * N_HUNKS))


def _after() -> str:
    lines = _before().splitlines(keepends=True)
    lines[1::3] = [f"changed_{number} = {number}\n" for number in range(N_HUNKS)]
    return "".join(lines)


def _make_repository(folder: Path) -> str:
    place = folder / "values.py"
    place.write_text(_before(), encoding="utf-8")
    for arguments in (
        ("init", "-q"),
        ("add", "-A"),
        ("-c", "user.name=B", "-c", "user.email=b@example.com", "commit", "-qm", "Values"),
    ):
        subprocess.run(["git", *arguments], cwd=folder, check=True)
    return place.as_uri()


def _script() -> Json:
    def call(name: str, **arguments: object) -> Json:
        return {"calls": [{"name": name, "arguments": arguments}]}

    task = {"title": "Change a third", "instructions": "So.", "paths": ["values.py"]}
    return {
        "flows": [
            {"role": "planner", "turns": [call("add_task", **task), call("finish", summary="So.")]},
            {
                "role": "worker",
                "turns": [
                    call("write_file", path="values.py", content=_after()),
                    call("submit", summary="Done."),
                ],
            },
        ]
    }
