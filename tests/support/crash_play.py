"""A whole run that comes to the same end however often its process dies, and the person in it.

Owns the script, which answers by what is there and not by how often it was asked, and the
person's steps. Each step is done until the person has seen it done, as a person would.
"""

import asyncio
import contextlib
import json
import os
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from longshift.domain.events import TaskLanded
from longshift.domain.state import Run
from longshift.errors import UsageError
from tests.support.engine_world import Open, World, call, edit, flow, planner, task, turn, write

WORDS = ("one", "two", "three", "four", "five", "six", "seven", "eight")
LINES = "".join(f"{word}\n" for word in WORDS)
BOTH = "alpha beta\n" + LINES
FILES = {
    "a.txt": BOTH.encode(),
    "b.txt": LINES.encode(),
    "src/c.txt": LINES.encode(),
    **{f"{name}.txt": LINES.encode() for name in "efgh"},
}
TASKS = (
    ("Alpha", "a.txt", turn(edit("alpha", "ALPHA", "a.txt"))),
    ("Beta", "a.txt", turn(edit("beta", "BETA", "a.txt"))),
    ("Bee", "b.txt", turn(edit("two", "TWO", "b.txt"))),
    ("Sea", "src/c.txt", turn(edit("three", "THREE", "src/c.txt"))),
    ("Dee", "new/d.txt", turn(write("new/d.txt", "fresh\n"))),
    *((name.upper() * 3, f"{name}.txt", turn(edit("five", "FIVE", f"{name}.txt")))
      for name in "efgh"),
)  # fmt: skip
LATE = ("Late", "b.txt", turn(edit("seven", "SEVEN", "b.txt")))
SETTINGS = {"overlap": "allow", "workers": 9, "budget": {"cycles": 4}}


def script() -> list[dict[str, object]]:
    """Planners that add what is missing, workers that edit what is there, a judge a cycle."""
    first, later = '(?s)"cycle": 1,', '(?s)"cycle": [2-9],'
    flows = []
    for known in range(len(TASKS), -1, -1):
        has = "".join(f'(?=.*"{title}")' for title, *_ in TASKS[:known])
        missing = [task(title, path) for title, path, _ in TASKS[known:]]
        flows.append(planner(*missing, match=f"{first}{has}") if missing else
                     flow("planner", _finish(), match=f"{first}{has}"))  # fmt: skip
    flows.append(flow("planner", _finish(), match=f'{later}(?=.*"Late")'))
    flows.append(planner(task(*LATE[:2]), match=later))
    submit = turn(call("submit", summary="Done."))
    whole = turn(write("a.txt", BOTH.replace("alpha beta", "ALPHA BETA")))
    for title, path, change in (*TASKS, LATE):
        resolved = [whole, submit] if path == "a.txt" else []
        flows.append(flow("worker", change, submit, *resolved, match=f"Do: {title}"))
    flows.append(flow("judge", turn(_verdict("continue"), wait_for=["decided"]), match=first))
    flows.append(flow("judge", turn(_verdict("done")), match=later))
    return flows


def _finish() -> dict[str, object]:
    tasks = ", ".join(f"T{number}" for number in range(1, 12))
    return turn(call("finish", summary="Planned.", evidence=tasks))


def _verdict(decision: str) -> dict[str, object]:
    return call("verdict", reason="As it is.", decision=decision)


@dataclass(frozen=True)
class Step:
    """One thing that the person does, once `ready` holds."""

    ready: Callable[[Run], object]
    do: Callable[["Shift"], Awaitable[None]]


class Diary:
    """What the person has seen done, on the disk before they go on."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def lines(self) -> list[dict[str, object]]:
        if not self._path.exists():
            return []
        return [json.loads(line) for line in self._path.read_text().splitlines()]

    def note(self, **what: object) -> None:
        with self._path.open("a") as file:
            file.write(json.dumps(what) + "\n")

    def has(self, step: int) -> bool:
        return any(line.get("step") == step for line in self.lines)


class Shift:
    """The person with an engine that is open."""

    def __init__(self, it: Open, diary: Diary) -> None:
        self.it = it
        self.diary = diary

    async def go_on(self) -> None:
        """Do what is left to do."""
        runs = self.it.engine.state.runs
        if "R1" in runs and self.it.run().lifecycle == "paused":
            await self.it.engine.resume("R1")
        elif "R1" not in runs and not self.diary.has(len(STEPS) - 2):  # all but forgetting it
            assert not any("step" in line for line in self.diary.lines), "a run was lost"
            await self.it.start(**SETTINGS)
        for number, step in enumerate(STEPS):
            if not self.diary.has(number):
                if number < len(STEPS) - 1:
                    await self.it.until(step.ready)
                await step.do(self)
                self.diary.note(step=number)

    def change(self, title: str) -> str:
        """The id of the change that a task's landing made."""
        return _change(self.it.run(), title)

    async def decide(self, command: str, title: str, wanted: str) -> None:
        """Decide on a task's change, and see that it is decided."""
        change = self.change(title)
        with contextlib.suppress(UsageError):  # it was decided, and nobody has heard of it
            await self.it.call(command, changeId=change)
        hunks = await self.it.engine.decisions.hunks(self.it.run(), change)
        assert {hunk.state for hunk in hunks} == {wanted}, (command, title, hunks)

    async def type(self) -> None:
        """Write lines of one's own, where an agent has landed and where none has."""
        root = self.it.world.person.root
        (root / "typed.txt").write_bytes(b"typed\n")
        text = (root / "h.txt").read_bytes()
        if not text.startswith(b"mine\n"):
            (root / "h.txt").write_bytes(b"mine\n" + text)

    async def see_the_end(self) -> None:
        """Take what is left, and put on record how it stands."""
        run = self.it.run()
        assert run.outcome == "done", (run.outcome, run.outcome_reason, run.pause_reason)
        await self.it.call("acceptAll")
        left = [one for one in await self.it.engine.decisions.hunks(self.it.run())
                if one.state not in ("accepted", "rejected", "superseded")]  # fmt: skip
        assert not left, left
        self.diary.note(summary=await asyncio.to_thread(summary, self.it))

    async def forget(self) -> None:
        """Remove every trace of the run."""
        if "R1" in self.it.engine.state.runs:
            await self.it.engine.forget("R1")


def _landed(count: int) -> Callable[[Run], object]:
    return lambda run: len(run.changes) >= count


def _change(run: Run, title: str) -> str:
    return next(change.id for change in run.changes.values()
                if run.tasks[change.task_id].plan.title == title)  # fmt: skip


def _has(title: str) -> Callable[[Run], object]:
    return lambda run: any(
        run.tasks[change.task_id].plan.title == title for change in run.changes.values()
    )


STEPS = (
    Step(_has("Bee"), lambda me: me.decide("acceptChange", "Bee", "accepted")),
    Step(_has("Bee"), lambda me: me.decide("undoDecision", "Bee", "pending")),
    Step(_has("Bee"), lambda me: me.decide("acceptChange", "Bee", "accepted")),
    Step(_has("Dee"), lambda me: me.decide("acceptChange", "Dee", "accepted")),
    Step(_landed(len(TASKS)), lambda me: me.decide("rejectChange", "Sea", "rejected")),
    Step(_landed(len(TASKS)), Shift.type),
    Step(lambda _: True, lambda me: me.it.raise_signal("decided")),
    Step(lambda run: run.lifecycle != "running", Shift.see_the_end),
    Step(lambda _: True, Shift.forget),
)


def summary(it: Open) -> dict[str, object]:
    """How a run stands at its end: what must be the same after any number of deaths."""
    run, store = it.run(), it.engine.shop.store
    with it.engine.journal.reader() as reader:
        records = list(reader.read(run="R1"))
    landed = Counter(one.event.task for one in records if isinstance(one.event, TaskLanded))
    rules = [one for one in it.engine.state.constraints.values() if not one.lifted]
    return {
        "tree": store.objects.tree_of(run.head),
        "head at": [store.head("R1") == run.head, run.published == run.head],
        "landed": sorted((run.tasks[id_].plan.title, times) for id_, times in landed.items()),
        "changes": sorted(run.tasks[one.task_id].plan.title for one in run.changes.values()),
        "open": [len(run.intent), len(run.deciding), sum(1 for _ in run.to_do)],
        "rules": len(rules),
        "cycles": run.cycle,
    }


def person_files(root: Path) -> dict[str, str]:
    """Everything in a person's folder that is not git's."""
    found = {}
    for folder, folders, files in os.walk(root):
        if ".git" in folders:
            folders.remove(".git")
        for name in files:
            path = Path(folder, name)
            found[str(path.relative_to(root))] = path.read_bytes().decode()
    return found


def world_of(person: object, server: object) -> World:
    """The world of the play; its script is begun by who owns the server."""
    return World(person, server, trusted=False)
