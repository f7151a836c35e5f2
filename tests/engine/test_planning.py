"""Planners that work at once: what they decide for all, and what reaches them while they plan."""

from longshift.domain.designs import MOST_NOTES
from tests.support.engine_world import (
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
