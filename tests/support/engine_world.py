"""A whole engine for tests: a real repository, a real journal, a scripted model over HTTP."""

import asyncio
import json
import urllib.request
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from longshift.domain.events import Recorded
from longshift.domain.model import Goal
from longshift.domain.state import Run
from longshift.engine.describe import Json
from longshift.engine.engine import Engine, Surroundings
from longshift.engine.owning.ownership import Owner, connect
from longshift.engine.ports import DiskHand, Hand
from longshift.repository.worktree import Worktree
from longshift.settings import Trust, default_trust_folder
from tests.scripted_model import ScriptedServer
from tests.support.repository_git import GitRepository

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
WITHIN_S = 25.0
TEXT = b"one\ntwo\nthree\nfour\nfive\nsix\nseven\neight\n"
Script = dict[str, object]


class FakeClock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.time = NOON
        self.slept_s = 0.0
        self._advanced = asyncio.Event()
        self._asleep: set[object] = set()
        self._counted = asyncio.Event()

    def now(self) -> datetime:
        return self.time

    def awake(self) -> float:
        return (self.time - NOON).total_seconds() - self.slept_s

    async def sleep(self, seconds: float) -> None:
        until = self.time + timedelta(seconds=seconds)
        token = object()
        self._asleep.add(token)
        self._counted.set()
        try:
            while self.time < until:
                await self._advanced.wait()
        finally:
            self._asleep.remove(token)
            self._counted.set()

    async def until_asleep(self, count: int) -> None:
        """Wait until so many sleep by this clock, and no more."""
        while len(self._asleep) != count:
            self._counted.clear()
            await self._counted.wait()

    def suspend(self, **amount: float) -> None:
        """Let time pass in which the machine sleeps."""
        self.slept_s += timedelta(**amount).total_seconds()
        self.advance(**amount)

    def set_back(self, **amount: float) -> None:
        """Set the dates back, while no time passes."""
        self.slept_s -= timedelta(**amount).total_seconds()
        self.advance(**{unit: -number for unit, number in amount.items()})

    def advance(self, **amount: float) -> None:
        self.time += timedelta(**amount)
        self._advanced.set()
        self._advanced = asyncio.Event()


@dataclass
class World:
    """One person's repository and the model that works on it."""

    person: GitRepository
    server: ScriptedServer
    clock: FakeClock = field(default_factory=FakeClock)
    hand: Hand | None = None
    environ: dict[str, str] = field(default_factory=lambda: {"KEY": "secret"})
    settings: dict[str, object] = field(default_factory=dict)
    editor: dict[str, object] | None = None
    goes_on: bool = False
    trusted: bool = True
    """Whether the person has trusted the workspace as it is when an engine is opened."""

    @property
    def worktree(self) -> Worktree:
        return Worktree.discover(self.person.root)

    def play(self, *flows: Script, **defaults: Script) -> None:
        # The script's clock is the test's: a request of its own raises a signal, or waits for one.
        turns = [one for each in flows for one in each["turns"]]
        raised = {name for one in turns for name in one.get("wait_for", ())}
        awaited = {one["signal"] for one in turns if "signal" in one}
        ours = [flow("other", turn(signal=name), match=f"^raise {name}$") for name in raised]
        ours += [flow("other", turn(wait_for=[name]), match=f"^await {name}$") for name in awaited]
        self.server.play({"flows": [*flows, *ours], "defaults": defaults})

    @property
    def asked(self) -> int:
        """How many requests the run's agents have made."""
        return sum(request.role != "other" for request in self.server.requests)

    async def raise_signal(self, name: str) -> None:
        """Let the turns go on that wait for a signal."""
        await self._say(f"raise {name}")

    async def signal(self, name: str) -> None:
        """Wait until the model was asked for the turn that raises a signal."""
        await self._say(f"await {name}")

    async def _say(self, text: str) -> None:
        body = {"model": "x", "messages": [{"role": "user", "content": text}]}
        request = urllib.request.Request(
            f"{self.server.base_url}/chat/completions", json.dumps(body).encode()
        )
        (await asyncio.to_thread(urllib.request.urlopen, request)).close()

    def surroundings(self) -> Surroundings:
        model = {"model": "scripted", "base_url": self.server.base_url, "api_key_env": "KEY"}
        return Surroundings(
            environ=self.environ,
            clock=self.clock,
            hand=self.hand or DiskHand(self.worktree.root),
            editor=self.editor,
            overrides={"models": {"default": model}, "gates": "off", **self.settings},
            goes_on=self.goes_on,
        )

    @asynccontextmanager
    async def opened(self) -> AsyncIterator["Open"]:
        if self.trusted:
            Trust(default_trust_folder()).trust(self.worktree.root)
        owner = await connect(self.worktree, self.surroundings())
        assert isinstance(owner, Owner), owner
        try:
            yield Open(self, owner)
        finally:
            await owner.close()


@dataclass
class Open:
    """An engine while it is open."""

    world: World
    owner: Owner
    told: int = 0
    """The number of the last fact that listeners were told of."""

    def __post_init__(self) -> None:
        self.told = self.engine.state.seq
        self.engine.listen(self._hear)

    def _hear(self, record: Recorded) -> None:
        self.told = record.seq

    @property
    def engine(self) -> Engine:
        return self.owner.engine

    def run(self, run_id: str = "R1") -> Run:
        return self.engine.shop.chronicle.run(run_id)

    async def start(self, goal: str = "Make it better", **settings: object) -> str:
        run_id, _ = await self.engine.start(Goal(text=goal), settings)
        return run_id

    async def until(self, holds: Callable[[Run], object], run_id: str = "R1") -> Run:
        """Wait until something holds of a run, and the facts that it follows from are durable."""
        changed = asyncio.Event()
        stop = self.engine.listen(lambda _: changed.set())
        try:
            async with asyncio.timeout(WITHIN_S):
                while not holds(self.run(run_id)) or self.told < self.engine.state.seq:
                    await changed.wait()
                    changed.clear()
        except TimeoutError:
            raise AssertionError(f"it never held: {self.run(run_id)}") from None
        finally:
            stop()
        return self.run(run_id)

    async def raise_signal(self, name: str) -> None:
        await self.world.raise_signal(name)

    async def ended(self, run_id: str = "R1") -> Run:
        return await self.until(
            lambda run: run.lifecycle != "running" and run.pause_cause != "endpoint", run_id
        )

    async def work(self, goal: str = "Make it better", **settings: object) -> Run:
        return await self.ended(await self.start(goal, **settings))

    async def call(self, command: str, **arguments: object) -> Json:
        return await self.owner.call(command, {"runId": "R1", **arguments})

    def file(self, path: str = "a.txt", run_id: str = "R1") -> bytes | None:
        """A file at the run's head."""
        version = self.engine.shop.store.read_file(self.run(run_id).head, path)
        return None if version is None else version.data

    async def signal(self, name: str) -> None:
        """Wait until the model was asked for the turn that raises a signal."""
        await self.world.signal(name)


def said_to(world: World, role: str) -> str:
    """Everything that a role's models were sent."""
    return "\n".join(str(one.body["messages"]) for one in world.server.by_role(role))


# Scripts in few words.


def call(tool: str, /, **arguments: object) -> Script:
    return {"name": tool, "arguments": arguments}


def turn(*calls: Script, **more: object) -> Script:
    return {"calls": list(calls), **more}


ALL_TASKS = ", ".join(f"T{number}" for number in range(1, 30))
"""Evidence in which a finished plan names every task that it can have added."""


def task(title: str, *paths: str, **more: object) -> Script:
    plan = {"instructions": f"Do: {title}.", "paths": list(paths), "acceptance": ["F401 is gone."]}
    return call("add_task", title=title, **{**plan, **more})


def planner(*calls: Script, **more: object) -> Script:
    """A planner that adds what it is given, and finishes."""
    return flow(
        "planner",
        turn(*calls),
        turn(call("finish", summary="Planned.", evidence=ALL_TASKS)),
        **more,
    )


def worker(match: str, *turns: Script, **more: object) -> Script:
    """A worker that makes the given turns, and submits."""
    return flow("worker", *turns, turn(call("submit", summary=f"Did {match}.")),
                match=f"Do: {match}", **more)  # fmt: skip


def judge(*decisions: str | Sequence[object], **more: object) -> list[Script]:
    """One judge a cycle, each with a decision and perhaps the tasks to retry."""
    given = [(d, ()) if isinstance(d, str) else d for d in decisions]
    return [
        flow("judge", turn(call("verdict", reason=f"It says {d}.", decision=d, tasks=list(t))),
             times=1, **more)
        for d, t in given
    ]  # fmt: skip


def flow(role: str, *turns: Script, match: str = "", **more: object) -> Script:
    return {"role": role, "match": match, "turns": list(turns), **more}


def edit(old: str, new: str, path: str = "a.txt") -> Script:
    return call("edit_file", path=path, old_text=old, new_text=new)


def write(path: str, content: str) -> Script:
    return call("write_file", path=path, content=content)


def status(number: int, times: int = 1, **headers: str) -> Mapping[str, object]:
    return {"kind": "status", "status": number, "times": times, "headers": headers}
