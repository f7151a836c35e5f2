"""Longshift's side: a whole run, with planner, journal, ledger, tools and judge.

`python -m benchmarks.agents.ours BASE_URL TASKS WORKERS` prints one JSON object. The window that is
measured begins when the first attempt is started and ends when the judge begins: everything that
happens between, the rest of the planning too, is paid for by the workers' turns.
"""

import asyncio
import json
import resource
import sys
import tempfile
import time
from pathlib import Path

import pygit2
from pygit2.enums import CheckoutStrategy

from benchmarks.landing import make_repository
from longshift.domain import events
from longshift.domain.model import Goal
from longshift.engine.outfitting import Surroundings
from longshift.engine.owning.ownership import Owner, connect
from longshift.engine.ports import DiskHand, SystemClock
from longshift.repository.worktree import Worktree
from longshift.settings import Trust


async def _run(folder: Path, base_url: str, workers: int) -> dict[str, float]:
    worktree = Worktree.discover(folder / "repository")
    model = {"model": "measured", "base_url": base_url, "api_key_env": "NO_KEY"}
    owner = await connect(
        worktree,
        Surroundings(
            environ={},
            clock=SystemClock(),
            hand=DiskHand(worktree.root),
            overrides={
                "models": {"default": model},
                "workers": workers,
                "gates": "off",
                "overlap": "allow",
                "budget": {"tokens": 0},
                "stop": {"second_judge": "never"},  # as the loops beside it, which have one
            },
            trust=Trust(folder / "trust"),
            person_file=folder / "none.toml",
        ),
    )
    assert isinstance(owner, Owner)
    engine = owner.engine
    ended = asyncio.Event()
    measured: dict[str, float] = {}
    calls = 0

    def hear(record: events.Recorded) -> None:
        nonlocal calls
        match record.event:
            case events.AttemptStarted() if not measured:
                measured["cpu_s"], measured["wall_s"] = time.process_time(), time.perf_counter()
            case events.ModelCalled(role="worker"):
                calls += 1
            case events.JudgeStarted():
                measured["cpu_s"] = time.process_time() - measured["cpu_s"]
                measured["wall_s"] = time.perf_counter() - measured["wall_s"]
                measured["rss_kb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            case events.RunFinished():
                ended.set()
            case events.RunPaused(reason=reason):
                raise RuntimeError(reason)

    engine.listen(hear)
    await engine.start(Goal(text="Measure"), {})
    await ended.wait()
    _require_results(owner)
    await owner.close()
    return {**measured, "calls": calls}


def _require_results(owner: Owner) -> None:
    """An agent whose tools only fail would have been measured doing nothing."""
    with owner.engine.journal.reader() as reader:
        name = next(name for name in reader.conversations("R1") if name.startswith("T"))
        told = [json.loads(message) for message in reader.conversation("R1", name)[0]]
    failed = [one["content"] for one in told if one["role"] == "tool" and "error" in one["content"]]
    if failed:
        raise RuntimeError(f"a tool failed: {failed[0]}")


def _main() -> None:
    base_url, workers = sys.argv[1], int(sys.argv[3])
    with tempfile.TemporaryDirectory(prefix="longshift-bench-") as folder:
        (Path(folder) / "repository").mkdir()
        make_repository(Path(folder) / "repository", 1_000)
        # What is not in the person's folder is not in the run's either.
        repository = pygit2.Repository(f"{folder}/repository")
        repository.checkout_head(strategy=CheckoutStrategy.FORCE)  # type: ignore[no-untyped-call]
        print(json.dumps(asyncio.run(_run(Path(folder), base_url, workers))))


if __name__ == "__main__":
    _main()
