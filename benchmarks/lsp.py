"""How much longer a code action takes on 100 pending hunks than 100 lazy ones of bare pygls.

A real run with a scripted model leaves the hunks in a real repository; both servers then answer
the same request by turns, so that a busy moment of the machine meets both. Ours is asked for the
whole buffer, and offers accept, rework and reject for each hunk where bare pygls offers one
action.
"""

import importlib
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Final

from benchmarks.editor import Editor
from benchmarks.landing import make_repository
from benchmarks.result import Chart, Line, Result

Json = dict[str, object]

LIMIT: Final = 3.0
N_HUNKS: Final = 100
SIZES: Final = (1_000, 10_000, 100_000)
"""Files of the repository; the figure is of the first, the others are for the curve."""
SERVE: Final = (sys.executable, "-m", "longshift", "serve", "--stdio")
BARE: Final = (sys.executable, "-m", "benchmarks.bare_server", str(N_HUNKS))


def run(*, quick: bool = False) -> Result:
    """Measure the ratio of the two 95th percentiles, in repositories of several sizes.

    Args:
        quick: a few requests instead of enough for a steady figure, and the smallest size alone.
    """
    sizes, n_requests = (SIZES[:1], 20) if quick else (SIZES, 200)
    sides = {size: _both_sides(size, n_requests) for size in sizes}
    one = sides[SIZES[0]]
    x = tuple(map(float, sizes))
    lines = (
        Line("Longshift", x, tuple(at.ours_ms(0.95) for at in sides.values())),
        Line("bare pygls", x, tuple(at.bare_ms(0.95) for at in sides.values())),
    )
    chart = Chart(
        "lsp",
        f"Code actions on {N_HUNKS} pending hunks, by the size of the repository",
        "files in the repository",
        "ms, 95th percentile",
        lines,
        is_log=True,
    )
    return Result(
        name="lsp",
        figures={"code_action_p95_ratio": round(one.ours_ms(0.95) / one.bare_ms(0.95), 3)},
        conditions={
            "n_requests": n_requests,
            "n_hunks": N_HUNKS,
            "n_actions_ours": one.actions[0],
            "n_actions_bare": one.actions[1],
            "longshift_p95_ms": round(one.ours_ms(0.95), 2),
            "longshift_median_ms": round(one.ours_ms(0.5), 2),
            "bare_pygls_p95_ms": round(one.bare_ms(0.95), 2),
            "bare_pygls_median_ms": round(one.bare_ms(0.5), 2),
            "longshift_after_each_keystroke_p95_ms": round(_ms(one.edited, 0.95), 2),
            **{
                f"longshift_{size}_files_p95_ms": round(at.ours_ms(0.95), 2)
                for size, at in sides.items()
            },
            "python": sys.version.split()[0],
            "pygls": version("pygls"),
        },
        limits={"code_action_p95_ratio": ("max", LIMIT)},
        charts=(chart,),
    )


@dataclass(frozen=True)
class _Sides:
    """Seconds of each request to both servers, and how many actions each offers."""

    ours: list[float]
    bare: list[float]
    edited: list[float]
    actions: tuple[int, int]

    def ours_ms(self, share: float) -> float:
        """Below what so large a share of our answers took."""
        return _ms(self.ours, share)

    def bare_ms(self, share: float) -> float:
        """The same of the bare server's."""
        return _ms(self.bare, share)


def _both_sides(files: int, n_requests: int) -> _Sides:
    scripted_model = importlib.import_module("tests.scripted_model")
    with ExitStack() as stack:
        model = stack.enter_context(scripted_model.running_server())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory())).resolve()
        uri = _make_repository(folder, files)
        model.play(_script())
        ours = stack.enter_context(Editor(SERVE, folder, model.base_url))
        bare = stack.enter_context(Editor(BARE, folder, model.base_url))
        ours.finish_run("Change a third")
        for client in (ours, bare):
            client.open(uri, _before())
        actions = (_count(ours, uri), _count(bare, uri))
        return _Sides(*_measure(ours, bare, uri, n_requests), actions)


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


def _ms(times: list[float], share: float) -> float:
    ordered = sorted(times)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1e3


def _before() -> str:
    return "".join(f"value_{number} = {number}\n" for number in range(3 * N_HUNKS))


def _after() -> str:
    lines = _before().splitlines(keepends=True)
    lines[1::3] = [f"changed_{number} = {number}\n" for number in range(N_HUNKS)]
    return "".join(lines)


def _make_repository(folder: Path, files: int) -> str:
    """Make a repository of so many files, and one more that is reviewed; gives its URI."""
    make_repository(folder, files)

    def git(*arguments: str) -> None:
        subprocess.run(["git", *arguments], cwd=folder, check=True)

    git("reset", "-q", "--hard")
    place = folder / "values.py"
    place.write_text(_before(), encoding="utf-8")
    git("add", "values.py")
    git("-c", "user.name=B", "-c", "user.email=b@example.com", "commit", "-qm", "Values")
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
