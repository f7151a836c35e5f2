"""Shifts whose process dies again and again, and what must hold of each at its end.

`python -m tests.support.crash_shift [--kills N] [--jobs N] [--seed N]` plays until so many
processes were killed, and prints what they died of and what was found.
"""

import argparse
import asyncio
import contextlib
import random
import re
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.scripted_model import ScriptedServer, running_server
from tests.support import warm
from tests.support.crash_play import FILES, Diary, person_files, script
from tests.support.crash_points import SIDES, Death
from tests.support.engine_world import World
from tests.support.repository_git import GitRepository

ROOT = Path(__file__).parents[2]
KILLED = -signal.SIGKILL
KILLS_A_SHIFT = 6
MOST_FAILURES = 10
LONGEST_S = 120.0
"""A child that takes longer hangs."""
LEFT = ("*.lock", "*.keep", "tmp_*", "*.new", "snapshot-*", "merge-*", "outgoing/*", ".longshift-*")
"""Names of what a process that died may leave, and the next one has to remove."""
MAY_STAY = ("owner.lock",)


class Broken(AssertionError):
    """Something does not hold after a death."""


@dataclass
class Shift:
    """One person's repository through many processes."""

    root: Path
    server: ScriptedServer
    died: list[str] = field(default_factory=list)
    recovered_at_the_end: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.person = GitRepository.create(self.root / "person")
        self.person.commit(dict(FILES))
        self.diary = Diary(self.root / "diary")
        World(self.person, self.server).play(*script())

    async def until_dead(self, when: str) -> bool:
        """Run a process; whether it was killed, or has come to the end of the play."""
        process = await asyncio.create_subprocess_exec(
            *warm.interpreter(), "-m", "tests.support.crash_child",
            str(self.person.root), self.server.base_url, str(self.root / "diary"), when,
            cwd=ROOT, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        try:
            async with asyncio.timeout(LONGEST_S):
                _, errors = await process.communicate()
        except TimeoutError:
            process.send_signal(signal.SIGUSR1)
            raise Broken(f"{when}: it hangs, after {self.died}") from None
        if process.returncode == KILLED:
            self.died.append(when)
            return True
        if process.returncode != 0:
            raise Broken(f"{when} after {self.died}: {errors.decode().strip()[-700:]}")
        return False

    @property
    def recovered(self) -> list[str]:
        return [str(line["recovered"]) for line in self.diary.lines if "recovered" in line]

    @property
    def reached(self) -> Counter[str]:
        """How often each point was reached by the processes that came to their end."""
        return sum((Counter(line["reached"]) for line in self.diary.lines if "reached" in line),
                   Counter())  # fmt: skip

    def result(self) -> dict[str, object]:
        """What must be the same as in a shift in which nothing died."""
        summaries = [line["summary"] for line in self.diary.lines if "summary" in line]
        return {"run": summaries[-1], "files": person_files(self.person.root)}

    def check_left(self) -> None:
        """Nothing half-written, locked, dangling or running stays behind."""
        common = self.person.root / ".git"
        store = common / "longshift" / "objects.git"
        left = [path for pattern in LEFT for path in self.person.root.rglob(pattern)
                if path.name not in MAY_STAY]  # fmt: skip
        marks = [*(store / "published").glob("*"), *(store / "forgetting").glob("*")]
        refs = [ref for folder in (common, store) for ref in (folder / "refs").rglob("*")
                if ref.is_file() and "longshift" in str(ref.relative_to(folder))]  # fmt: skip
        objects = list((store / "objects").glob("??/*"))
        if left or marks or refs or objects:
            raise Broken(f"left after {self.died}: {left} {marks} {refs} {objects}")
        report = self.person.git("fsck", "--full", "--strict")
        if report:
            raise Broken(f"fsck after {self.died}: {report}")
        GitRepository(store).git("fsck", "--full", "--no-dangling")

    async def check_processes(self) -> None:
        """Those that git's own programs were left with end by themselves."""
        async with asyncio.timeout(20):
            while _processes_below(self.root):  # noqa: ASYNC110 -- no child of ours says so
                await asyncio.sleep(0.05)


def _processes_below(root: Path) -> list[str]:
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if str((entry / "cwd").readlink()).startswith(str(root)):
                found.append(entry.name)
    return found


@contextlib.asynccontextmanager
async def shift(server: ScriptedServer, folder: Path | None = None) -> AsyncIterator[Shift]:
    root = Path(tempfile.mkdtemp(prefix="shift-", dir=folder))
    try:
        yield Shift(root, server)
    finally:
        shutil.rmtree(root, ignore_errors=True)


async def undisturbed(server: ScriptedServer) -> tuple[dict[str, object], Counter[str]]:
    """The end of a shift in which nothing dies, and how often each point is reached."""
    async with shift(server) as one:
        assert not await one.until_dead("-")
        await check(one)
        return one.result(), one.reached


async def check(one: Shift) -> None:
    """See that nothing is left."""
    await one.check_processes()
    await asyncio.to_thread(one.check_left)


def next_death(reached: Counter[str], chance: random.Random) -> str:
    """When the next process dies: half of the time at a point, each kind of point alike."""
    if chance.random() < 0.4:
        return f"+{chance.uniform(0.05, 2.5):.3f}"
    point = chance.choice(sorted({name.rpartition("/")[0] for name in reached}))
    side = chance.choice(SIDES)
    most = max(1, reached[f"{point}/{side}"])
    # Those at the beginning of a process are in recovery, those far on in the run's own course.
    return str(Death(point, side, chance.randint(1, most if chance.random() < 0.5 else 5)))


async def disturbed(
    server: ScriptedServer,
    expected: dict[str, object],
    whens: list[str],
    folder: Path | None = None,
) -> Shift:
    """Play a shift whose processes die in that order; what must hold at the end holds."""
    async with shift(server, folder) as one:
        ended = False
        for when in whens:
            if not await one.until_dead(when):
                ended = True
                break
        if not ended:
            assert not await one.until_dead("-")
        await check(one)
        found = one.result()
        if found != expected:
            raise Broken(f"after {one.died}: {found}\nexpected {expected}")
        one.recovered_at_the_end = one.recovered
        return one


@dataclass
class Tally:
    """What became of many shifts."""

    killed: Counter[str] = field(default_factory=Counter)
    said: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)

    def add(self, done: Shift) -> None:
        self.killed.update("any moment" if one.startswith("+") else one.partition("/")[0]
                           for one in done.died)  # fmt: skip
        self.said.update(map(_sorted_out, done.recovered_at_the_end))

    def lines(self, seconds: float) -> Iterator[str]:
        counts = f"{self.killed.total()} kills, {len(self.failures)} failures"
        yield f"kill -9: {counts}, {seconds:.0f} s"
        yield "  by point: " + ", ".join(f"{point} {n}" for point, n in self.killed.most_common())
        for said, count in self.said.most_common():
            yield f"  {count:5} times: {said}"


async def _many(kills: int, jobs: int, seed: int) -> int:
    chance, tally, begun = random.Random(seed), Tally(), time.monotonic()
    with contextlib.ExitStack() as stack:
        servers = [stack.enter_context(running_server()) for _ in range(jobs)]
        expected, reached = await undisturbed(servers[0])

        async def job(server: ScriptedServer) -> None:
            while tally.killed.total() < kills and len(tally.failures) < MOST_FAILURES:
                whens = [next_death(reached, chance) for _ in range(KILLS_A_SHIFT)]
                try:
                    tally.add(await disturbed(server, expected, whens))
                except (AssertionError, TimeoutError) as broken:
                    tally.failures.append(f"{whens}: {broken!r}")
                    sys.stdout.write(f"FAILED {tally.failures[-1]}\n")

        await asyncio.gather(*(job(server) for server in servers))
    sys.stdout.write("\n".join(tally.lines(time.monotonic() - begun)) + "\n")
    return 1 if tally.failures else 0


def _sorted_out(said: str) -> str:
    """A sentence of recovery without what differs from one to the other."""
    plain = re.sub(r"\b([TCK]\d+|[0-9a-f]{10,}|\d+)\b|\S+\.txt", "…", said)
    return re.sub(r"…(, …)+", "…", plain)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=2000)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    return asyncio.run(_many(asked.kills, asked.jobs, asked.seed))


if __name__ == "__main__":
    sys.exit(main())
