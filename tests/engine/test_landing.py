"""Landing together: what is ready at one moment is merged in order, and moves the head once."""

import asyncio
import threading
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from longshift.crew.desk import Conflict, Landed
from longshift.domain import events
from longshift.domain.contention import hottest
from longshift.domain.model import Handoff, TaskPlan
from longshift.domain.reserving import EARLY
from longshift.engine.activities import Note
from longshift.engine.landing import lander
from longshift.engine.landing.lander import Lander
from longshift.engine.landing.merging import Waiting
from longshift.engine.recovery import recover
from longshift.engine.room import RunRoom
from longshift.errors import NeedsPerson, OutOfBounds
from longshift.repository.files import FileEdit
from longshift.repository.landing import Submission
from tests.support.engine_world import (
    TEXT,
    Open,
    World,
    call,
    edit,
    flow,
    judge,
    planner,
    task,
    turn,
)
from tests.support.fake_keys import github_token
from tests.support.repository_git import GitRepository

Edits = Mapping[str, bytes | None]
LOUD, LAST = TEXT.replace(b"two", b"TWO"), TEXT.replace(b"eight", b"EIGHT")


class Crew:
    """Workers of a run whose own agents are held, so that a test submits for them."""

    def __init__(self, it: Open, room: RunRoom) -> None:
        self.it, self.room = it, room
        self.lander = Lander(room)
        self.noted: list[tuple[str, str]] = []

    def note(self, task: str) -> Note:
        """What a submission's agent is said to do, by its task."""
        return lambda doing: self.noted.append((task, doing))

    @property
    def run(self):
        return self.room.run

    async def begin(self, number: int) -> None:
        """Start an attempt at each of some new tasks."""
        for id_ in (f"T{n}" for n in range(1, number + 1)):
            plan = TaskPlan(title=f"Do {id_}", instructions="x", paths=(f"{id_}.txt",))
            begun = events.AttemptStarted(run="R1", task=id_, attempt=1, base=self.run.head)
            await self.room.chronicle.record(
                events.TaskAdded(run="R1", task=id_, plan=plan, planner="P1"), begun
            )

    async def reserve(self, task: str, path: str) -> None:
        await self.room.chronicle.record(events.FileReserved(run="R1", task=task, paths=(path,)))

    def waiting(self, submissions: Mapping[str, Edits]) -> list[Waiting]:
        """The same, not handed in."""
        found = []
        for id_, edits in submissions.items():
            workspace = self.room.workspace(self.run.head)
            laid = {path: data and FileEdit(data) for path, data in edits.items()}
            submission = Submission(self.run.head, laid, f"{id_}\n")
            made = Waiting(self.run.tasks[id_], 1, workspace, Handoff(), submission, self.note(id_))
            found.append(made)
        return found

    async def submit(self, submissions: Mapping[str, Edits]) -> list[Landed | Conflict | Exception]:
        """Submit for several tasks at one moment, in this order."""
        base = self.run.head
        landings = []
        for id_, edits in submissions.items():
            workspace = self.room.workspace(base)
            laid = {
                path: FileEdit(data) if data is not None else None for path, data in edits.items()
            }
            workspace.rebase_onto(base, laid)
            one = self.run.tasks[id_], 1, workspace, Handoff(), self.note(id_)
            landings.append(self.lander._land(*one))
        return await asyncio.gather(*landings, return_exceptions=True)

    async def work(self, task: str) -> list[str]:
        """Add a line where all others add theirs, and resolve until it lands."""
        workspace, outcomes = self.room.workspace(self.run.head), []
        text = TEXT
        while True:
            text = text.replace(b"two\n", b"two\n%b\n" % task.encode())
            workspace.rebase_onto(workspace.commit, {"a.txt": FileEdit(text)})
            landed = await self.lander.land(
                self.run.tasks[task], 1, workspace, Handoff(), self.note(task)
            )
            outcomes.append(type(landed).__name__)
            if isinstance(landed, Landed):
                return outcomes
            text = self.it.engine.shop.store.read_file(workspace.commit, "a.txt").data
            await asyncio.sleep(0)

    def told(self, since: int) -> list[events.Event]:
        with self.it.engine.journal.reader() as reader:
            return [one.event for one in reader.read() if one.seq > since]


@asynccontextmanager
async def held(world: World) -> AsyncIterator[Crew]:
    world.play(flow("planner", turn(call("finish", summary="x"), signal="there", wait_for=["go"])))
    async with world.opened() as it:
        await it.start(workers=50)
        await it.signal("there")
        await it.engine.pause("R1")
        driver, _ = it.engine._drivers._driving["R1"]
        crew = Crew(it, driver.room)
        yield crew
        await crew.lander.close()
        await it.engine.stop("R1")


async def test_what_is_ready_together_is_one_swap_and_each_has_its_commit(world: World) -> None:
    async with held(world) as crew:
        base = crew.run.head
        await crew.begin(12)
        before = crew.it.engine.state.seq
        landed = await crew.submit({f"T{n}": {f"new/{n}.txt": b"%d\n" % n} for n in range(1, 13)})
        told = crew.told(before)
        names = [one.event for one in told]
        assert names == ["landing.intended"] * 12 + ["task.landed"] * 12
        assert [one.change for one in landed] == [f"C{n}" for n in range(1, 13)]
        assert [one.task for one in told[12:]] == [f"T{n}" for n in range(1, 13)]
        at = base
        for one in told[12:]:  # each stands on the one before, and brings its own file alone
            assert (one.parent, one.paths) == (at, (f"new/{one.task[1:]}.txt",))
            assert crew.room.store.objects.parents_of(one.commit) == [at]
            at = one.commit
        assert crew.run.head == at == crew.room.store.head("R1")
        packs = crew.room.store.git_dir / "objects/pack"
        assert len(list(packs.glob("*.pack"))) == 1
        assert not list(packs.glob("*.keep"))
        GitRepository(crew.room.store.git_dir).git("fsck", "--strict", at)


async def test_each_sees_those_before_it(world: World) -> None:
    """Same file, other lines: merged. Same lines: back to its worker, and the rest lands."""
    async with held(world) as crew:
        await crew.begin(5)
        landed = await crew.submit(
            {
                "T1": {"a.txt": LOUD},
                "T2": {"a.txt": LAST},
                "T3": {"a.txt": TEXT.replace(b"two", b"second")},
                "T4": {"a.txt": LOUD},  # stands there already
                "T5": {"b.txt": None},
            }
        )
        assert [type(one) for one in landed] == [Landed, Landed, Conflict, Landed, Landed]
        assert [one.change for one in landed if isinstance(one, Landed)] == ["C1", "C2", None, "C3"]
        assert crew.it.file("a.txt") == LOUD.replace(b"eight", b"EIGHT")
        assert crew.it.file("b.txt") is None
        assert crew.run.conflicts == 1
        assert crew.run.tasks["T3"].state == "running"


@pytest.mark.parametrize("moved", [False, True])
async def test_a_group_that_an_end_cut_off_is_landed_once(world: World, moved: bool) -> None:
    async with held(world) as crew:
        await crew.begin(4)
        waiting = crew.waiting({f"T{n}": {f"{n}.txt": b"%d\n" % n} for n in range(1, 5)})
        group = crew.lander._merging.merge(waiting, crew.run, 0)
        await crew.room.chronicle.record(*crew.lander._intents(group.fits))
        if moved:
            assert crew.room.store.swap_head("R1", crew.run.head, group.head)
        kept = list(crew.room.store.git_dir.glob("objects/pack/*.keep"))
        assert len(kept) == 1
        await recover(crew.room.shop)  # as the next process does
        run = crew.run
        assert not run.intent
        assert [one.id for one in run.changes.values()] == ["C1", "C2", "C3", "C4"]
        assert run.head == group.head == crew.room.store.head("R1")
        assert crew.it.file("4.txt") == b"4\n"
        assert not kept[0].exists()
        assert all(task.state == "landed" for task in run.tasks.values())


async def test_what_is_refused_of_one_keeps_nobody_else(world: World) -> None:
    async with held(world) as crew:
        await crew.begin(4)
        landed = await crew.submit(
            {
                "T1": {"new/name.txt": b"x\n"},
                "T2": {"new/NAME.txt": b"y\n"},  # one file with the one before, on some systems
                "T3": {"a.txt/x": b"a file beneath a file"},
                "T4": {"b.txt": LOUD},
            }
        )
        assert isinstance(landed[1], OutOfBounds)
        assert isinstance(landed[2], ValueError | Conflict)
        assert crew.it.file("b.txt") == LOUD
        assert crew.it.file("new/name.txt") == b"x\n"


async def test_what_is_inspected_together_is_told_from_what_stood_there(world: World) -> None:
    """A secret that moves is the person's, one that comes is a finding: before any is written."""
    stood = b"token = '%b'\n" % github_token().encode() + TEXT
    world.person.commit({"stood.py": stood})
    async with held(world) as crew:
        await crew.begin(3)
        brought = b"token = '%b'\n" % github_token("brought").encode()
        landed = await crew.submit(
            {
                "T1": {"stood.py": None, "moved.py": stood.replace(b"two", b"TWO")},
                "T2": {"brought.py": brought},
                "T3": {"b.txt": LOUD},
            }
        )
        assert [type(one) for one in landed] == [Landed] * 3
        found = crew.run.findings.values()
        assert [(one.path, one.code) for one in found] == [("brought.py", "secret")]


async def test_a_crowd_lands_in_groups(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lander, "MOST_TOGETHER", 7)
    async with held(world) as crew:
        await crew.begin(20)
        before = crew.it.engine.state.seq
        await crew.submit({f"T{n}": {f"{n}.txt": b"%d\n" % n} for n in range(1, 21)})
        names = [one.event for one in crew.told(before)]
        groups = [(7, 7), (7, 7), (6, 6)]
        assert names == [
            name
            for intended, landed in groups
            for name in ["landing.intended"] * intended + ["task.landed"] * landed
        ]


async def test_a_file_that_all_want_goes_to_one_at_a_time(world: World) -> None:
    async with held(world) as crew:
        await crew.begin(20)
        outcomes = await asyncio.gather(*(crew.work(f"T{n}") for n in range(1, 21)))
        assert all(one[-1] == "Landed" for one in outcomes)
        assert max(map(len, outcomes)) <= EARLY + 2, "each has its turn after few tries"
        lines = crew.it.file("a.txt").split(b"\n")
        assert {b"T%d" % n for n in range(1, 21)} <= set(lines)
        assert not crew.run.reserved
        assert [one.path for one in hottest(crew.run.contention)] == ["a.txt"]
        told = crew.told(0)
        assert any(isinstance(one, events.FileReserved) for one in told)


async def test_a_reserved_file_is_free_once_its_attempt_is_over(world: World) -> None:
    async with held(world) as crew:
        await crew.begin(3)
        await crew.reserve("T1", "a.txt")
        waiting = asyncio.create_task(crew.submit({"T2": {"a.txt": LOUD}}))
        assert isinstance((await crew.submit({"T3": {"b.txt": LAST}}))[0], Landed)
        assert not waiting.done()
        assert crew.noted == [("T3", "landing")], "the other stands in line"
        over = events.AttemptFailed(
            run="R1", task="T1", attempt=1, failure="gave_up", reason="x", retry=False
        )
        await crew.room.chronicle.record(over)
        crew.lander.heed()
        assert isinstance((await waiting)[0], Landed)
        assert crew.noted[1:] == [("T2", "landing")]


async def test_who_clashes_with_another_tasks_file_hears_it_at_once(world: World) -> None:
    """It works on meanwhile, and lands beside the other as soon as that one has landed."""
    async with held(world) as crew:
        await crew.begin(3)
        base = crew.run.head
        await crew.submit({"T1": {"a.txt": LOUD}})
        await crew.reserve("T2", "a.txt")
        crew.lander._queue += crew.waiting({"T3": {"a.txt": TEXT.replace(b"two", b"second")}})
        late = crew.lander._queue[0]
        late.submission = replace(late.submission, base=base)
        crew.lander.heed()
        assert isinstance(await late.answer, Conflict)
        assert crew.run.reserved == {"a.txt": "T2"}
        head = crew.it.file("a.txt")
        fits = asyncio.create_task(crew.submit({"T3": {"a.txt": head.replace(b"eight", b"8")}}))
        holder = await crew.submit({"T2": {"a.txt": head.replace(b"TWO", b"two of T2")}})
        assert [*map(type, [*holder, *(await fits)])] == [Landed, Landed]
        landed = head.replace(b"TWO", b"two of T2").replace(b"eight", b"8")
        assert crew.it.file("a.txt") == landed


async def test_who_was_sent_back_often_waits_for_its_turn(world: World) -> None:
    async with held(world) as crew:
        await crew.begin(2)
        base = crew.run.head
        await crew.submit({"T1": {"a.txt": LOUD}})
        head = crew.run.head
        for _ in range(EARLY):
            clash = events.LandingConflict(
                run="R1", task="T2", attempt=1, paths=("b.txt",), head=head
            )
            await crew.room.chronicle.record(clash)
        await crew.reserve("T1", "a.txt")
        [late] = crew.waiting({"T2": {"a.txt": TEXT.replace(b"two", b"second")}})
        late.submission = replace(late.submission, base=base)
        crew.lander._queue.append(late)
        crew.lander.heed()
        assert crew.lander._landing is not None
        await crew.lander._landing
        assert not late.answer.done()
        await crew.lander.settle("T2")
        crew.lander._queue.clear()


async def test_who_waits_for_a_reserved_file_is_let_go_with_its_attempt(world: World) -> None:
    async with held(world) as crew:
        await crew.begin(2)
        await crew.reserve("T1", "a.txt")
        submitted = asyncio.create_task(crew.submit({"T2": {"a.txt": LOUD}}))
        crew.lander._under_way["T2"] = submitted
        await crew.reserve("T1", "b.txt")  # meanwhile it has come into the queue
        await crew.lander.settle("T2")
        assert isinstance((await submitted)[0], asyncio.CancelledError)
        assert crew.it.file("a.txt") == TEXT


async def test_a_clash_of_two_at_work_is_foreseen(world: World) -> None:
    """Two tasks on the same lines, a third elsewhere in the file: told once, as both go on."""
    names = {"loud": ("two", "TWO"), "fast": ("two", "second"), "last": ("eight", "EIGHT")}
    world.play(
        planner(*(task(name, "a.txt") for name in names)),
        *(
            flow(
                "worker",
                turn(edit(*change)),
                turn(call("list_files"), signal=name, wait_for=["go"]),
                turn(call("give_up", reason="x")),
                match=f"Do: {name}",
            )
            for name, change in names.items()
        ),
        *judge("give_up"),
    )
    async with world.opened() as it:
        await it.start(overlap="allow")
        for name in names:
            await it.signal(name)
        run = await it.until(lambda run: run.predicted)
        ids = {one.plan.title: one.id for one in run.tasks.values()}
        clash = sorted((ids["loud"], ids["fast"]))
        assert run.predicted == (("a.txt", tuple(clash)),)
        described = await it.call("describeRun")
        assert described["contention"]["predicted"] == [{"path": "a.txt", "tasks": clash}]
        await it.raise_signal("go")
        assert not (await it.ended()).predicted, "who is not at work clashes with nobody"


async def test_a_head_moved_by_someone_else_is_told_to_all(world: World) -> None:
    async with held(world) as crew:
        await crew.begin(3)
        store, head = crew.room.store, crew.run.head
        elsewhere = store.commit_edits(head, {"x": FileEdit(b"x")}, "not ours", when=1)
        assert store.swap_head("R1", head, elsewhere)
        landed = await crew.submit({f"T{n}": {f"{n}.txt": b"x"} for n in range(1, 4)})
        assert all(isinstance(one, NeedsPerson) for one in landed)
        assert "T1, T2, T3" in str(landed[0])
        assert crew.run.head == head
        assert store.swap_head("R1", elsewhere, head)


async def test_landings_and_decisions_wait_behind_no_agent(world: World) -> None:
    """Agents' reads and searches stand in line by the hundred; a person's word has its own."""
    async with held(world) as crew:
        await crew.begin(3)
        shop, go = crew.room.shop, threading.Event()
        crowd = [asyncio.create_task(shop.for_agent(go.wait, 20)) for _ in range(200)]
        try:
            files = {f"T{n}": {f"new/{n}.txt": b"%d\n" % n} for n in (1, 2)}
            crowd.append(asyncio.create_task(crew.submit(files)))
            await crew.it.until(lambda run: len(run.changes) == 2)
            await crew.it.call("acceptChange", changeId="C1")
            assert (world.person.root / "new/1.txt").read_bytes() == b"1\n"
        finally:
            go.set()
        await asyncio.gather(*crowd)
