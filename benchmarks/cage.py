"""What the cage costs a command: `true` in it, beside `true` with the person's rights.

Both run through the same code, in turn. As root the cage stands in a second one, so there it is
measured again as an ordinary user, in a process of its own.
"""

import asyncio
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from longshift.sandbox import policy as sandbox_policy
from longshift.sandbox.cage import Cage, Refusal, SandboxPolicy, open_cage
from longshift.sandbox.policy import UNPRIVILEGED

if TYPE_CHECKING:
    from benchmarks.result import Result

LIMIT_MS = 20.0
_SANDBOX = Path(sandbox_policy.__file__).parent
_PYTHON = Path("/usr/bin/python3")


def run(*, quick: bool = False) -> "Result":
    """Measure the difference.

    Args:
        quick: fewer rounds; noisier.

    Raises:
        RuntimeError: this machine has no cage.
    """
    from benchmarks.result import Result

    rounds = 30 if quick else 200
    measured = asyncio.run(measure(rounds))
    if "refusal" in measured:
        raise RuntimeError(str(measured["refusal"]))
    figures = {"over_plain_ms": float(measured["over_plain_ms"])}
    conditions: dict[str, str | int | float] = {
        "user": "root" if os.geteuid() == 0 else "an ordinary one",
        "rounds": rounds,
        **{name: value for name, value in measured.items() if name != "over_plain_ms"},
    }
    if os.geteuid() == 0 and (other := _measure_as_ordinary_user(rounds)):
        figures["over_plain_ordinary_user_ms"] = float(other["over_plain_ms"])
        conditions["over_plain_ordinary_user_p95_ms"] = other["over_plain_p95_ms"]
    return Result("cage", figures, conditions, dict.fromkeys(figures, ("max", LIMIT_MS)))


async def measure(rounds: int) -> dict[str, str | float]:
    """The medians of as many pairs, in milliseconds, and what held; or the `refusal`."""
    caged = await open_cage(SandboxPolicy(mode="bubblewrap"))
    plain = await open_cage(SandboxPolicy(mode="none"))
    if isinstance(caged, Refusal) or isinstance(plain, Refusal):
        return {"refusal": caged.message if isinstance(caged, Refusal) else "no plain cage"}
    pairs = []
    with tempfile.TemporaryDirectory(prefix="longshift-bench-") as name:
        folder = Path(name)
        if caged.owner is not None:
            os.chown(folder, *caged.owner)
        for number in range(rounds + 3):
            order = (caged, plain) if number % 2 else (plain, caged)
            times = {id(cage): await _time(cage, folder) for cage in order}
            pairs.append((times[id(caged)], times[id(plain)]))
    pairs = pairs[3:]  # the first ones fill the machine's caches
    over = sorted(with_cage - without for with_cage, without in pairs)
    return {
        "over_plain_ms": round(statistics.median(over), 2),
        "over_plain_p95_ms": round(over[int(len(over) * 0.95)], 2),
        "caged_median_ms": round(statistics.median(pair[0] for pair in pairs), 2),
        "plain_median_ms": round(statistics.median(pair[1] for pair in pairs), 2),
        "profile": f"“{caged.profile}”",
    }


async def _time(cage: Cage, folder: Path) -> float:
    started = time.perf_counter()
    result = await cage.run("true", folder, timeout_s=20)
    elapsed = time.perf_counter() - started
    if result.exit_status != 0:
        raise RuntimeError(f"`true` ended with {result.exit_status}: {result.output}")
    return elapsed * 1000


def _measure_as_ordinary_user(rounds: int) -> dict[str, str | float]:
    """The same from a copy that everybody can read; nothing where no Python can run it."""
    with tempfile.TemporaryDirectory(prefix="longshift-bench-") as name:
        folder = Path(name)
        shutil.copytree(_SANDBOX, folder / "longshift" / "sandbox")
        for file in ("__init__.py", "errors.py"):
            shutil.copy(_SANDBOX.parent / file, folder / "longshift")
        shutil.copy(__file__, folder / "measured.py")
        for path in (folder, *folder.rglob("*")):
            path.chmod(0o755)
        told = subprocess.run(
            [_PYTHON, "-B", folder / "measured.py", str(rounds)],
            env={"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "LANG": "C.UTF-8"},
            cwd=folder,
            user=UNPRIVILEGED.uid,
            group=UNPRIVILEGED.gid,
            extra_groups=[],
            capture_output=True,
            text=True,
            check=False,
        )
    found: dict[str, str | float] = json.loads(told.stdout) if told.returncode == 0 else {}
    return {} if "refusal" in found else found


if __name__ == "__main__":
    print(json.dumps(asyncio.run(measure(int(sys.argv[1])))))
