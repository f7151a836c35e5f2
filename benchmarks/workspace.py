"""What an agent's isolated workspace costs beside a `git worktree`, in time and in bytes.

One use is: make it, read 20 files, edit 3. Bytes are Python's memory for the workspace on the one
side and the size of the files that were checked out on the other.
"""

import gc
import shutil
import statistics
import subprocess
import tempfile
import time
import tracemalloc
from dataclasses import dataclass
from pathlib import Path

from benchmarks.landing import make_repository
from benchmarks.result import Chart, Line, Result
from longshift.repository.store import ObjectStore
from longshift.repository.workspace import Workspace
from longshift.repository.worktree import Worktree

LIMIT = 50.0
SIZES = (1_000, 10_000, 100_000)
"""Files of the repository; the figures are of the second, the others are for the curve."""
_READS = 20
_EDITS = 3
_OLD, _NEW = "value_7 = ", "value_seven = "


@dataclass(frozen=True)
class _Measured:
    """One use of each, in one size of repository."""

    workspace_ms: float
    worktree_ms: float
    workspace_bytes: int
    worktree_bytes: int


def run(*, quick: bool = False) -> Result:
    """Measure uses of workspaces and of worktrees over 1,000, 10,000 and 100,000 files.

    Args:
        quick: 1,000 files alone and fewer rounds.
    """
    sizes, gated = (SIZES[:1], SIZES[0]) if quick else (SIZES, SIZES[1])
    measured = {size: _measure(size, 3 if size == gated and not quick else 1) for size in sizes}
    one = measured[gated]
    figures = {
        "time": one.worktree_ms / one.workspace_ms,
        "bytes": one.worktree_bytes / one.workspace_bytes,
    }
    conditions: dict[str, str | int | float] = {"files": gated, "reads": _READS, "edits": _EDITS}
    for size, at in measured.items():
        conditions[f"workspace_{size}_files_ms"] = round(at.workspace_ms, 3)
        conditions[f"worktree_{size}_files_ms"] = round(at.worktree_ms, 1)
    conditions |= {"workspace_bytes": one.workspace_bytes, "worktree_bytes": one.worktree_bytes}
    x = tuple(map(float, sizes))
    lines = (
        Line("a workspace", x, tuple(at.workspace_ms for at in measured.values())),
        Line("git worktree", x, tuple(at.worktree_ms for at in measured.values())),
    )
    chart = Chart(
        "workspace",
        "What isolation costs, by the size of the repository",
        "files in the repository",
        "ms to make it, read 20 files and edit 3",
        lines,
        is_log=True,
    )
    limits = dict.fromkeys(figures, ("min", LIMIT))
    return Result("workspace", figures, conditions, limits, charts=(chart,))


def _measure(size: int, rounds: int) -> _Measured:
    with tempfile.TemporaryDirectory(prefix="longshift-bench-") as folder:
        root = Path(folder) / "repository"
        base = make_repository(root, size)
        subprocess.run(["git", "reset", "-q", "--hard"], cwd=root, check=True)
        store = ObjectStore.open(Worktree.discover(root))
        paths = [f"folder{number % (size // 100)}/file{number * 5}.py" for number in range(_READS)]
        ours = [_time_workspace(store, base, paths) for _ in range(rounds * 10)]
        held_bytes = _workspace_bytes(store, base, paths)
        theirs = [_use_worktree(root, Path(folder) / f"w{turn}", paths) for turn in range(rounds)]
        store.close()
    worktree_ms = statistics.median(milliseconds for milliseconds, _size in theirs)
    return _Measured(statistics.median(ours), worktree_ms, held_bytes, theirs[0][1])


def _use_workspace(store: ObjectStore, base: str, paths: list[str]) -> Workspace:
    workspace = Workspace(store, base)
    for path in paths:
        workspace.read_text(path)
    for path in paths[:_EDITS]:
        workspace.edit_file(path, _OLD, _NEW)
    return workspace


def _time_workspace(store: ObjectStore, base: str, paths: list[str]) -> float:
    store.close()  # each time with nothing remembered from the last
    started = time.perf_counter()
    _use_workspace(store, base, paths)
    return (time.perf_counter() - started) * 1000


def _workspace_bytes(store: ObjectStore, base: str, paths: list[str]) -> int:
    """Give the memory that one workspace takes while it is held, what it had read included."""
    store.close()
    gc.collect()
    tracemalloc.start()
    workspace = _use_workspace(store, base, paths)
    held, _peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert workspace.is_changed
    return held


def _use_worktree(root: Path, target: Path, paths: list[str]) -> tuple[float, int]:
    """Give the milliseconds of one use of a worktree, and its files' size in bytes."""
    started = time.perf_counter()
    command = ["git", "worktree", "add", "-q", "--detach", str(target)]
    subprocess.run(command, cwd=root, check=True)
    for path in paths:
        (target / path).read_text(encoding="utf-8")
    for path in paths[:_EDITS]:
        text = (target / path).read_text(encoding="utf-8")
        (target / path).write_text(text.replace(_OLD, _NEW), encoding="utf-8")
    milliseconds = (time.perf_counter() - started) * 1000
    size = sum(file.stat().st_size for file in target.rglob("*") if file.is_file())
    shutil.rmtree(target)
    return milliseconds, size
