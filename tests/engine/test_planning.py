"""Planners that work at once: what they decide for all, and what reaches them while they plan."""

from longshift.domain.designs import MOST_NOTES
from longshift.domain.model import TaskState
from tests.support.engine_world import (
    TEXT,
    World,
    call,
    edit,
    flow,
    judge,
    planner,
    said_to,
    task,
    turn,
    worker,
    write,
)

FINISH = turn(call("finish", summary="Planned.", evidence="T1, T2, P2, P3"))
SLICES = [call("delegate", scope=name, objective=f"Quieten {name}") for name in ("src", "lib")]


def note(topic: str, decision: str) -> dict[str, object]:
    return call("note_design", topic=topic, decision=decision)


def openings(world: World, role: str) -> list[str]:
    """The first messages of a role's conversations."""
    return [
        str(one.messages[1]["content"])
        for one in world.server.by_role(role)
        if len(one.messages) == 2
    ]


def results(world: World, role: str) -> str:
    """What a role's tools answered, with quotes as they were before they became JSON."""
    sent = [m for one in world.server.by_role(role) for m in one.messages if m["role"] == "tool"]
    return "\n".join(str(one["content"]) for one in sent).replace('\\"', '"')


async def test_what_one_planner_decides_every_later_prompt_shows(world: World) -> None:
    """Two sub-planners decide one thing in two ways: the second is told what stands."""
    world.play(
        flow("planner", turn(note("Names", "All names are short."), *SLICES), FINISH,
             match='"objective": ?""', times=1),
        flow("planner", turn(note("Exit codes", "0 or 1.")),
             turn(task("hush", "src"), signal="decided"), FINISH, match="Quieten src"),
        flow("planner", turn(call("list_files"), wait_for=["decided"]),
             turn(note("exit-codes", "True or False."), note("names", "Long ones.")),
             turn(task("calm", "lib")), FINISH, match="Quieten lib"),
        planner(note("Exit codes", "0, 1 or 2.")),
        worker("hush", turn(edit("two", "2", "src/c.txt"))),
        flow("worker", turn(call("submit", summary="Calm already.")), match="Do: calm"),
        *judge("replan", "done"),
    )  # fmt: skip
    async with world.opened() as it:
        run = await it.work()
        notes = [(one.id, one.topic, one.decision, one.planner) for one in run.designs.values()]
        assert notes == [
            ("D1", "Names", "All names are short.", "P1"),
            ("D2", "Exit codes", "0, 1 or 2.", "P4"),
        ]
        described = await it.call("describeRun")
        assert described["designs"] == [one.model_dump() for one in run.designs.values()]
    answered = results(world, "planner")
    assert 'on "Exit codes" stands D2, decided by P2: "0 or 1."' in answered
    assert 'on "Names" stands D1, decided by P1: "All names are short."' in answered
    assert all("All names are short." in one for one in openings(world, "worker"))
    assert ["0 or 1." in one for one in openings(world, "judge")] == [True, False]
    assert ["0, 1 or 2." in one for one in openings(world, "judge")] == [False, True]
    last = [one for one in openings(world, "planner") if '"mode": "replan"' in one]
    assert ["0 or 1." in one for one in last] == [True]


async def test_notes_outlast_a_restart(world: World) -> None:
    world.play(
        flow("planner", turn(note("Names", "All names are short.")),
             turn(FINISH["calls"][0], signal="noted", wait_for=["never"]), times=1),
        planner(task("shout", "a.txt")),
        worker("shout", turn(edit("two", "TWO"))),
        *judge("done"),
    )  # fmt: skip
    async with world.opened() as it:
        await it.start()
        await it.signal("noted")
    async with world.opened() as it:
        await it.engine.resume("R1")
        run = await it.ended()
        assert [one.decision for one in run.designs.values()] == ["All names are short."]
        assert it.engine.state.next_id("D") == "D2"
    assert "All names are short." in openings(world, "planner")[-1]
    assert "All names are short." in openings(world, "worker")[0]


async def test_there_are_only_so_many_notes(world: World) -> None:
    notes = [note(f"Topic {number}", "x") for number in range(MOST_NOTES + 1)]
    world.play(
        flow("planner", turn(*notes[:20]), turn(*notes[20:], note("topic 3", "y")), FINISH),
        *judge("done"),
    )
    async with world.opened() as it:
        run = await it.work()
        assert len(run.designs) == MOST_NOTES
        assert run.designs["D4"].decision == "y"  # and what is there may still be revised
    assert f"The run has {MOST_NOTES} design notes" in said_to(world, "planner")


def handing_in(match: str, *turns: dict[str, object], **said: object) -> dict[str, object]:
    return flow("worker", *turns, turn(call("submit", summary="Did it.", **said)),
                match=f"Do: {match}")  # fmt: skip


def told(world: World, planner_of: str) -> list[str]:
    """What a planner was told after its first message; it is known by a word of that."""
    talks = [one.messages for one in world.server.by_role("planner")
             if planner_of in str(one.messages[1]["content"])]  # fmt: skip
    return [str(m["content"]) for m in max(talks, key=len)[2:] if m["role"] == "user"]


ROOT, SRC, LIB = '"objective": ""', "Quieten src", "Quieten lib"


async def test_a_late_handoff_reaches_the_planner_of_its_task(world: World) -> None:
    """While it is at its desk: at its next step, once; the others hear nothing of it."""
    world.play(
        flow("planner", turn(task("hush", "src")),
             turn(call("list_files"), wait_for=["landed"]), turn(call("list_files", glob="*")),
             FINISH, match=SRC),
        flow("planner", turn(call("list_files")), turn(FINISH["calls"][0], wait_for=["landed"]),
             FINISH, match=LIB),
        flow("planner", turn(*SLICES), turn(FINISH["calls"][0], wait_for=["landed"]), FINISH),
        handing_in("hush", turn(edit("two", "2", "src/c.txt")), concerns="Who calls it?"),
        *judge("done"),
    )  # fmt: skip
    async with world.opened() as it:
        await it.start()
        await it.until(lambda run: len(run.changes) == 1)
        await it.raise_signal("landed")
        await it.ended()
    assert [(told(world, one), one) for one in (ROOT, LIB)] == [([], ROOT), ([], LIB)]
    [heard] = told(world, SRC)
    assert '"concerns": "Who calls it?"' in heard
    assert '"task": "T1"' in heard


async def test_where_its_planner_has_ended_the_one_above_is_told(world: World) -> None:
    """And is not let to finish on older news, but once."""
    world.play(
        flow("planner", turn(task("hush", "src"), FINISH["calls"][0], signal="planned"),
             match=SRC),
        flow("planner", turn(SLICES[0]), turn(FINISH["calls"][0], wait_for=["landed"]),
             turn(task("calm", "lib", depends_on=["T1"])), FINISH),
        handing_in("hush", turn(edit("two", "2", "src/c.txt")), deviations="lib was loud, too."),
        handing_in("calm", findings=["a.txt:1 is odd."]),
        *judge("continue", "done"),
    )  # fmt: skip
    async with world.opened() as it:
        await it.start()
        await it.until(lambda run: len(run.changes) == 1 and run.planners["P2"].state != "running")
        await it.raise_signal("landed")
        run = await it.ended()
        assert [run.tasks[id_].planner for id_ in ("T1", "T2")] == ["P2", "P1"]
    assert '"deviations": "lib was loud, too."' in told(world, ROOT)[0]
    assert "other agents have brought news" in results(world, "planner")
    # What came when none was at work stands in the next cycle's first message.
    later = openings(world, "planner")[-1]
    assert '"deviations": "lib was loud, too."' in later
    assert '"findings": ["a.txt:1 is odd."]' in later


async def test_a_failed_task_reaches_who_plans_and_a_thousand_do_not_at_once(world: World) -> None:
    tasks = [task(f"try {number}", f"{number}.txt") for number in range(12)]
    world.play(
        flow("planner", turn(*tasks),
             turn(call("list_files"), signal="planned", wait_for=["failed"]),
             turn(call("list_files", glob="*")), FINISH, FINISH),
        flow("worker", turn(call("give_up", reason="A wall. " * 1_000), wait_for=["planned"]),
             match="Do: try"),
        *judge("done"),
    )  # fmt: skip
    async with world.opened() as it:
        await it.start()
        await it.until(lambda run: run.count(TaskState.FAILED) == 12)
        await it.raise_signal("failed")
        await it.ended()
    heard = told(world, ROOT)
    assert [one.count('"state": "failed"') for one in heard] == [10, 2]
    assert max(map(len, heard)) < 10_000


async def test_a_note_reaches_who_is_planning_already(world: World) -> None:
    world.play(
        flow("planner", turn(call("list_files"), signal="planning"),
             turn(call("list_files", glob="*"), wait_for=["noted"]), FINISH, match=SRC),
        flow("planner", turn(SLICES[0]),
             turn(note("Names", "All names are short."), wait_for=["planning"]),
             turn(FINISH["calls"][0], signal="noted"), FINISH),
        *judge("done"),
    )  # fmt: skip
    async with world.opened() as it:
        await it.work()
    assert told(world, ROOT) == []
    [heard] = told(world, SRC)
    assert '"decision": "All names are short."' in heard
    assert "Another planner has decided" in heard


async def test_a_sub_planners_tasks_start_while_others_plan(world: World) -> None:
    world.play(
        flow("planner", turn(task("hush", "src")), turn(FINISH["calls"][0], wait_for=["landed"]),
             match=SRC),
        flow("planner", turn(call("list_files")), turn(FINISH["calls"][0], wait_for=["landed"]),
             match=LIB),
        flow("planner", turn(*SLICES), turn(FINISH["calls"][0], wait_for=["landed"])),
        worker("hush", turn(edit("two", "2", "src/c.txt"))),
        *judge("done"),
    )  # fmt: skip
    async with world.opened() as it:
        await it.start()
        run = await it.until(lambda run: run.changes)
        assert {one.state for one in run.planners.values()} == {"running"}
        await it.raise_signal("landed")
        assert (await it.ended()).outcome == "done"


async def test_the_next_plan_is_told_of_files_that_drew_conflicts(world: World) -> None:
    names = ("loud", "fast", "long", "high")
    both = [turn(write("a.txt", TEXT.decode().replace("two", "two, all of it"))),
            turn(call("submit", summary="All."))]  # fmt: skip
    world.play(
        planner(*(task(name, "a.txt") for name in names), times=1),
        flow("planner", FINISH, match=SRC),
        flow("planner", turn(SLICES[0]), FINISH),
        *(flow("worker", turn(edit("two", f"two, {name}")),
               turn(call("submit", summary=name), signal=name,
                    wait_for=[other for other in names if other != name]),
               *both, match=f"Do: {name}")
          for name in names),
        *judge("continue", "done"),
    )  # fmt: skip
    async with world.opened() as it:
        run = await it.work(overlap="allow")
        assert run.contention["a.txt"].conflicts >= 3
    first, *later = openings(world, "planner")
    assert '"contended": []' in first
    below = [one for one in later if SRC in one]
    [above] = [one for one in later if SRC not in one]
    assert '"contended": [{"path": "a.txt", "conflicts": 3' in above
    assert "is split by one first task that the others depend on" in above
    assert ['"contended": []' in one for one in below] == [True]
