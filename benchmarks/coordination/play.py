"""One run of a strategy on the real engine, in virtual time, and what came of it.

Owns the definition of what is measured:

- The *window* begins `warm_up_tasks` mean tasks after the first agent has started (a worker on its
  attempt; an equal agent on its way to the list) and is `window_tasks` of them long, or longer for
  a few agents (`least_tasks`). The list is so long that it does not run empty before: neither the
  way up to full work is in it nor the tail of last tasks.
- *Effective workers* are the work that was finished in the window, divided by its length: each task
  that landed in it counts as what the mean of all that were begun by then takes an agent that is
  alone and does nothing else. Not as what it took itself: of many that wait in a line, the short
  ones stand in front. Nor as `task_minutes`: the lengths that were drawn differ from it by chance.
  Choosing, claiming, waiting, resolving conflicts and work that was lost add nothing.
- *Conflicts a commit* are submissions that clashed, for each that landed, within the window.
- The *hottest file* is the one with the most of them; its share is that of all clashes.
"""

import asyncio
import contextlib
import math
import random
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Final

from benchmarks.coordination.backlog import Item, make_backlog, make_repository, number_in
from benchmarks.coordination.crew import INSTRUCTIONS, Crew
from benchmarks.coordination.parameters import Parameters
from benchmarks.coordination.talk import NAME
from benchmarks.coordination.virtual import BEGINNING, LoopClock, VirtualLoop
from longshift.domain import events
from longshift.domain.model import Goal, TaskPlan
from longshift.engine.engine import Engine
from longshift.engine.outfitting import Surroundings
from longshift.engine.ports import DiskHand
from longshift.journal.lease import Lease, OwnerAlive
from longshift.journal.store import Journal
from longshift.models.config import ModelConfig
from longshift.models.ledger import Ledger
from longshift.models.registry import Models, Role
from longshift.repository.worktree import Worktree
from longshift.settings import Trust

MEMORY: Final = Path("/dev/shm")  # noqa: S108 -- only ever below a fresh folder of its own
"""Where the system has a disk in memory: time stands still while anything is written, so a slow
disk changes nothing but how long the benchmark takes."""


PLANNED: Final = "planner-worker-judge"
MOST_BUSY_EQUALS: Final = 80
"""More equal agents than this are never at work at the same time; a play that shows otherwise is
refused, for its list would run empty."""


STARTS: Final = (events.AttemptStarted, events.AgentStarted)
"""The first of them is the first start."""


@dataclass(frozen=True, slots=True)
class Setup:
    """What is played.

    Attributes:
        strategy: as in the settings.
        agents: how many workers or equal agents.
        seed: of the list and of everything that happens by chance.
        parameters: how long things take, and how often they go wrong.
        integrator: whether all landings go through one more role.
        overlap: what becomes of tasks that name the same path, as in the settings.
    """

    strategy: str
    agents: int
    seed: int
    parameters: Parameters
    integrator: bool = False
    overlap: str = "allow"

    @property
    def items(self) -> int:
        """How long the list is: a third more than could be done, and an item for each agent.

        Equal agents read the list again and again: it is no longer than what they get done.
        """
        busy = self.agents if self.strategy == PLANNED else min(self.agents, MOST_BUSY_EQUALS)
        return math.ceil(busy * (self.closes_s / self.parameters.task_s * 4 / 3 + 1)) + 1

    @property
    def closes_s(self) -> float:
        """When the window closes, in seconds after the first start."""
        return self.parameters.warm_up_s + self.parameters.window_s(self.agents)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a play; the module says what is what."""

    effective_workers: float
    landed: int
    conflicts: int
    hottest_share: float
    processor_share: float
    """Processor seconds that the whole process took, for each second of the run."""
    busy_after_s: float
    """From the goal until all agents were on a task at once; infinite: they never were."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What the engine said until the window closed, and what that cost."""

    facts: Sequence[events.Recorded] = field(repr=False)
    processor_s: float


def play(setup: Setup) -> Outcome:
    """Play one window."""
    items = make_backlog(setup.parameters, setup.items, setup.seed)
    crew = Crew(items, setup.parameters, random.Random(f"play {setup.seed}"))
    with fresh_folder() as folder:
        make_repository(folder / "repository", items, setup.parameters)
        with asyncio.Runner(loop_factory=VirtualLoop) as runner:
            seen = runner.run(watch(setup, crew, folder))
    return measure(seen, items, setup.parameters.warm_up_s, setup.closes_s)


async def watch(setup: Setup, crew: Crew, folder: Path) -> Seen:
    """Let the engine work until the window closes."""
    loop = asyncio.get_running_loop()
    worktree = Worktree.discover(folder / "repository")
    clock = LoopClock(loop)
    lease = Lease.acquire(worktree.state_dir, clock=clock.now)
    assert not isinstance(lease, OwnerAlive)
    engine = await Engine.open(worktree, lease, _surroundings(setup, crew, folder, clock))
    seen: list[events.Recorded] = []
    ready, begun, ended = asyncio.Event(), asyncio.Event(), asyncio.Event()

    def hear(record: events.Recorded) -> None:
        seen.append(record)
        match record.event:
            case events.CycleStarted():
                ready.set()
            case events.AttemptStarted() | events.AgentStarted():
                begun.set()
            case events.RunPaused() | events.RunFinished():
                ended.set()

    stop = engine.listen(hear)
    try:
        await engine.start(Goal(text="Do every item of the list."))
        await ready.wait()
        if setup.strategy != PLANNED:
            await engine.shop.chronicle.record(*_written_list(crew.items))
        await begun.wait()
        processor_s = time.process_time()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(setup.closes_s):
                await ended.wait()
        processor_s = time.process_time() - processor_s
    finally:
        stop()
        await engine.close()
    return Seen(seen, processor_s)


def measure(seen: Seen, items: Sequence[Item], opens_s: float, closes_s: float) -> Outcome:
    """What a play amounts to.

    Args:
        seen: what happened.
        items: the list of work.
        opens_s: when the window opens, in seconds after the first start.
        closes_s: when it closes.

    Raises:
        RuntimeError: the engine paused or ended the run before the window closed, or the list of
            tasks ran empty.
    """
    facts = [record.event for record in seen.facts]
    stops = [one for one in facts if isinstance(one, events.RunPaused | events.RunFinished)]
    if stops:
        raise RuntimeError(f"the run came to a stop: {stops[0].reason}")
    titles = {one.task: one.plan.title for one in facts if isinstance(one, events.TaskAdded)}
    starts = [one for one in seen.facts if isinstance(one.event, STARTS)]
    tasks = dict.fromkeys(one.task for one in facts if isinstance(one, events.AttemptStarted))
    if tasks.keys() >= titles.keys():
        raise RuntimeError("the list of tasks ran empty")
    opens = starts[0].time + timedelta(seconds=opens_s)
    closes = starts[0].time + timedelta(seconds=closes_s)
    inside = [one.event for one in seen.facts if opens <= one.time < closes]
    landed = sum(isinstance(one, events.TaskLanded) for one in inside)
    works_s = [items[number_in(titles[task])].work_s for task in tasks]
    clashes = [one for one in inside if isinstance(one, events.LandingConflict)]
    files = Counter(path for one in clashes for path in one.paths)
    return Outcome(
        effective_workers=landed * statistics.fmean(works_s) / (closes_s - opens_s),
        landed=landed,
        conflicts=len(clashes),
        hottest_share=max(files.values()) / files.total() if files else 0.0,
        processor_share=seen.processor_s / closes_s,
        busy_after_s=_busy_after_s(seen),
    )


def _busy_after_s(seen: Seen) -> float:
    """From the start of the run until the last of its agents has first come to a task."""
    agents = next(
        one.event.workers for one in seen.facts if isinstance(one.event, events.RunStarted)
    )
    at_work: set[tuple[str, int]] = set()
    for record in seen.facts:
        match record.event:
            case events.AttemptStarted(task=task, attempt=attempt):
                at_work.add((task, attempt))
            case events.TaskLanded() | events.AttemptFailed():
                at_work.discard((record.event.task, record.event.attempt))
        if len(at_work) == agents:
            return (record.time - BEGINNING).total_seconds()
    return math.inf


class OrderedJournal(Journal):
    """The journal, each write of which is waited for by the loop and takes no virtual time.

    Written by its own thread as it comes, a fact would be durable now one step earlier and now one
    later beside what else is done at the same virtual moment.
    """

    async def append(self, *facts: events.Event) -> tuple[events.Recorded, ...]:
        """Write facts; see `Journal.append`."""
        return await asyncio.to_thread(self.append_now, *facts)


def _surroundings(setup: Setup, crew: Crew, folder: Path, clock: LoopClock) -> Surroundings:
    async def open_models(
        configs: Mapping[Role, ModelConfig],
        ledger: Ledger,
        environ: Mapping[str, str],
        kept_out: Sequence[Path] = (),
        *,
        holds: bool = False,
    ) -> Models:
        del configs, ledger, environ, kept_out, holds
        return Models(crew, crew, crew)

    return Surroundings(
        environ={},
        clock=clock,
        hand=DiskHand(folder / "repository"),
        overrides={
            "models": {"default": {"model": NAME}},
            "workers": setup.agents,
            "strategy": setup.strategy,
            "integrator": setup.integrator,
            "overlap": setup.overlap,
            "gates": "off",
            "checks": [],
            "budget": {"tokens": 0},
            "stop": {"second_judge": "never"},  # the figures are of one judge for each cycle
        },
        trust=Trust(folder / "trust"),
        person_file=folder / "none.toml",
        open_models=open_models,
        open_journal=OrderedJournal.open,
        lease_s=setup.parameters.lease_minutes * 60,
    )


def _written_list(items: Sequence[Item]) -> list[events.TaskAdded]:
    """The tasks that equal agents find on their list, as if a person had asked for each."""
    return [
        events.TaskAdded(
            run="R1",
            task=f"T{number}",
            plan=TaskPlan(title=item.title, instructions=INSTRUCTIONS, paths=item.paths),
        )
        for number, item in enumerate(items, start=1)
    ]


@contextlib.contextmanager
def fresh_folder() -> Iterator[Path]:
    """A folder with room for one play, gone afterwards."""
    place = MEMORY if MEMORY.is_dir() else None
    with tempfile.TemporaryDirectory(prefix="longshift-bench-", dir=place) as folder:
        (Path(folder) / "repository").mkdir()
        yield Path(folder)
