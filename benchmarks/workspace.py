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
from pathlib import Path

from benchmarks.landing import make_repository
from benchmarks.result import Result
from longshift.repository.store import ObjectStore
from longshift.repository.workspace import Workspace
from longshift.repository.worktree import Worktree

LIMIT = 50.0
_READS = 20
_EDITS = 3
_OLD, _NEW = "value_7 = ", "value_seven = "


def run(*, quick: bool = False) -> Result:
    """Measure uses of workspaces and of worktrees over 10,000 files.

    Args:
        quick: 1,000 files and fewer rounds.
    """
    size, rounds = (1_000, 2) if quick else (10_000, 3)
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
    ours_ms = statistics.median(ours)
    theirs_ms = statistics.median(milliseconds for milliseconds, _size in theirs)
    file_bytes = theirs[0][1]
    figures = {"time": theirs_ms / ours_ms, "bytes": file_bytes / held_bytes}
    return Result(
        "workspace",
        figures,
        {
            "files": size,
            "reads": _READS,
            "edits": _EDITS,
            "workspace_ms": round(ours_ms, 3),
            "worktree_ms": round(theirs_ms, 1),
            "workspace_bytes": held_bytes,
            "worktree_bytes": file_bytes,
        },
        dict.fromkeys(figures, ("min", LIMIT)),
    )


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
