"""Equal agents around one list of tasks, and an integrator between workers and the head."""

import json

import pytest

from longshift.crew.tools.handing_in import CONFLICTS
from longshift.domain.model import TaskState
from longshift.domain.state import Run
from longshift.domain.task_lock import LEASE_S
from longshift.engine.desks import planning
from longshift.engine.strategies.sharing import WAIT_S
from longshift.engine.turns import MOST_AT_ONCE
from tests.support.engine_world import (
    TEXT,
    Script,
    World,
    call,
    edit,
    flow,
    judge,
    planner,
    said_to,
    status,
    task,
    turn,
    worker,
    write,
)

STRATEGIES = ("flat-locked", "optimistic")
READ, LOCK, UNLOCK, START = (
    call(name) for name in ("read_tasks", "lock_tasks", "unlock_tasks", "start_task")
)
SHOUT = worker("shout", turn(edit("two", "TWO")))
NEW = worker("new", turn(write("new.txt", "fresh\n")))
READ_A = call("read_file", path="a.txt")
BOTH = (task("shout", "a.txt"), task("new", "new.txt"))


def agent(id_: str, *turns: Script, times: int = 1, **more: object) -> Script:
    """What one equal agent does in one choice of a task."""
    return flow("agent", *turns, match=f'"agent": ?"{id_}"', times=times, **more)


def claim(id_: str) -> Script:
    return call("claim_task", task=id_)


def within(strategy: str, *calls: Script) -> list[Script]:
    """Calls that write to the list, as the strategy wants them."""
    return [LOCK, READ, *calls, UNLOCK] if strategy == "flat-locked" else [READ, *calls]


def takes(id_: str, strategy: str, *calls: Script, **more: object) -> Script:
    """An agent that adds to the list or not, claims a task, and starts it."""
    return agent(id_, turn(*within(strategy, *calls), START), **more)


def results(world: World, role: str, tool: str) -> list[dict[str, object]]:
    """What a role's calls of a tool were answered, each answer once."""
    found: dict[str, dict[str, object]] = {}
    for request in world.server.by_role(role):
        names = {
            one["id"]: one["function"]["name"]
            for message in request.messages
            for one in message.get("tool_calls") or ()
        }
        for message in request.messages:
            if message["role"] == "tool" and names[message["tool_call_id"]] == tool:
                found[message["content"]] = json.loads(message["content"])
    return list(found.values())


def has_claimed(run: Run) -> bool:
    """Whether the first task is claimed, and the lock, if there is one, is free again."""
    return bool(run.tasks) and bool(run.tasks["T1"].attempts) and run.list_lock is None


def ends(run: Run) -> dict[str, tuple[str, int]]:
    """How each agent ended, and how many tasks it had claimed."""
    return {one.id: (one.state, one.claims) for one in run.agents.values()}


@pytest.mark.parametrize("strategy", STRATEGIES)
async def test_an_agent_adds_tasks_and_does_one_after_the_other(
    world: World, strategy: str
) -> None:
    world.play(
        takes("A1", strategy, *BOTH, claim("T1")),
        takes("A1", strategy, claim("T2")),
        SHOUT,
        NEW,
        *judge("done"),
    )
    async with world.opened() as it:
        run = await it.work(strategy=strategy, workers=1)
        assert (run.outcome, run.cycle, len(run.changes)) == ("done", 1, 2)
        assert it.file() == TEXT.replace(b"two", b"TWO")
        assert it.file("new.txt") == b"fresh\n"
        assert {one.attempts[-1].agent for one in run.tasks.values()} == {"A1"}
        assert (ends(run), run.planners, run.list_lock) == ({"A1": ("finished", 2)}, {}, None)
    # Each choice and each task has a conversation of its own, and none sees another's.
    assert [len(r.messages) for r in world.server.by_role("agent")] == [2, 2, 2]
    assert "read_tasks" not in said_to(world, "worker")


@pytest.mark.parametrize("strategy", STRATEGIES)
async def test_a_conflict_goes_back_to_the_agent_that_submitted(
    world: World, strategy: str
) -> None:
    both = [
        turn(write("a.txt", TEXT.decode().replace("two", "two, loud, fast"))),
        turn(call("submit", summary="Both.")),
    ]
    pair = (task("loud", "a.txt"), task("fast", "a.txt"))
    world.play(
        agent("A1", turn(*within(strategy, *pair, claim("T1")), START)),
        agent("A2", turn(READ, wait_for=["claimed"]), turn(*within(strategy, claim("T2")), START)),
        flow("worker", turn(edit("two", "two, loud"), signal="A", wait_for=["B"]),
             turn(call("submit", summary="A.")), *both, match="Do: loud"),
        flow("worker", turn(edit("two", "two, fast"), signal="B", wait_for=["A"]),
             turn(call("submit", summary="B.")), *both, match="Do: fast"),
        *judge("done"),
    )  # fmt: skip
    async with world.opened() as it:
        await it.start(strategy=strategy, workers=2, overlap="allow")
        await it.until(has_claimed)
        await it.raise_signal("claimed")
        run = await it.ended()
        assert (run.outcome, run.conflicts) == ("done", 1)
        assert it.file() == TEXT.replace(b"two", b"two, loud, fast")
        assert all(len(one.attempts) == 1 for one in run.tasks.values())


async def test_writes_without_the_lock_are_refused(world: World) -> None:
    world.play(
        agent("A1", turn(READ, *BOTH, claim("T1")), turn(LOCK, BOTH[0], UNLOCK, claim("T1")),
              turn(call("release_task")), turn(LOCK, claim("T1"), claim("T9"), UNLOCK),
              turn(call("release_task"), call("leave", summary="x")), turn(START)),
        SHOUT, *judge("done"),
    )  # fmt: skip
    async with world.opened() as it:
        run = await it.work(strategy="flat-locked", workers=1)
        assert (run.outcome, len(run.tasks), len(run.changes)) == ("done", 1, 1)
        assert len(run.tasks["T1"].attempts) == 1
    said = said_to(world, "agent")
    assert "The lock of the list is not yours" in said
    assert "You have claimed T1 already" in said
    assert "Start it, or release it before you leave" in said


async def test_a_write_based_on_an_old_version_is_refused(world: World) -> None:
    world.play(
        agent("A1", turn(BOTH[0]), turn(READ), turn(BOTH[0], signal="read", wait_for=["added"]),
              turn(READ, claim("T2")), turn(READ, claim("T1")), turn(START)),
        agent("A2", turn(READ, wait_for=["read"]), turn(BOTH[1], claim("T1"), START)),
        NEW, *judge("done"),
    )  # fmt: skip
    async with world.opened() as it:
        await it.start(strategy="optimistic", workers=2)
        await it.until(lambda run: run.tasks and run.tasks["T1"].attempts)
        await it.raise_signal("added")
        run = await it.ended()
        assert (run.outcome, ends(run)["A2"]) == ("done", ("finished", 1))
        assert [one.plan.title for one in run.tasks.values()] == ["new"]
    said = said_to(world, "agent")
    assert "You have not read the list yet" in said
    assert "you know version 0, and it stands at" in said
    assert "There is no task" in said


async def test_a_release_that_is_forgotten_waits_out_its_lease(world: World) -> None:
    world.play(
        agent("A1", turn(LOCK, READ, *BOTH, claim("T1"), START)),
        agent("A2", turn(READ, wait_for=["claimed"]), turn(LOCK),
              turn(READ, claim("T2"), UNLOCK, START)),
        SHOUT, NEW, *judge("done"),
    )  # fmt: skip
    async with world.opened() as it:
        await it.start(strategy="flat-locked", workers=2)
        run = await it.until(lambda run: run.changes)
        await it.raise_signal("claimed")
        await world.clock.until_asleep(1)
        assert run.list_lock is not None
        assert run.list_lock.agent == "A1"
        world.clock.advance(seconds=LEASE_S - 1)
        assert run.tasks["T2"].state is TaskState.WAITING
        world.clock.advance(seconds=1)
        run = await it.ended()
        assert (run.outcome, len(run.changes), run.list_lock) == ("done", 2, None)


async def test_agents_in_line_keep_no_place_from_whoever_has_the_lock(world: World) -> None:
    """More stand in line than may be at work at one moment."""
    number = MOST_AT_ONCE + 3
    world.play(
        flow("agent", turn(LOCK), turn(READ), turn(UNLOCK), turn(call("leave", summary="x"))),
        *judge("done"),
    )
    async with world.opened() as it:
        run = await it.work(strategy="flat-locked", workers=number)
        assert (run.outcome, len(run.agents)) == ("done", number)


async def test_a_call_that_stands_in_line_too_long_is_told_who_has_the_lock(world: World) -> None:
    """A1 has the lock, A2 the next lease, and A3 stands behind both all the time."""
    world.play(
        agent("A1", turn(LOCK), turn(READ, wait_for=["never"])),
        agent("A2", turn(LOCK, wait_for=["one"]), turn(READ, wait_for=["never"])),
        agent("A3", turn(LOCK, wait_for=["two"]), turn(call("leave", summary="Too long."))),
    )
    async with world.opened() as it:
        await it.start(strategy="flat-locked", workers=3)
        await it.until(lambda run: run.list_lock)
        await it.raise_signal("one")
        await world.clock.until_asleep(1)
        await it.raise_signal("two")
        await world.clock.until_asleep(2)
        world.clock.advance(seconds=LEASE_S)
        await it.until(lambda run: run.list_lock and run.list_lock.agent == "A2")
        world.clock.advance(seconds=WAIT_S - LEASE_S)
        run = await it.until(lambda run: run.agents["A3"].state == "finished")
        assert run.list_lock.agent == "A2"
        await it.engine.stop("R1")
        await it.raise_signal("never")
    assert f"A2 has had the lock for {WAIT_S - LEASE_S:.0f} s" in said_to(world, "agent")


@pytest.mark.parametrize("strategy", STRATEGIES)
async def test_what_an_agent_that_breaks_down_had_claimed_is_free(
    world: World, strategy: str
) -> None:
    """Once before it has begun on the task, and once in the middle of it."""
    silent = {"turns": [turn(text="Hm.")], "then": "repeat"}
    lock = [LOCK] if strategy == "flat-locked" else []
    world.play(
        agent("A1", turn(*lock, READ, BOTH[0], claim("T1")), *[turn(text="Hm.")] * 4),
        takes("A2", strategy, claim("T1")),
        takes("A3", strategy, claim("T1")),
        {"role": "worker", "match": "Do: shout", "times": 1, **silent},
        SHOUT,
        *judge("done"),
    )
    async with world.opened() as it:
        await it.start(strategy=strategy, workers=1)
        run = await it.until(lambda run: "A2" in run.agents)
        assert run.tasks["T1"].state is not TaskState.RUNNING
        if strategy == "flat-locked":  # it took the lock with it
            assert run.list_lock.agent == "A1"
            world.clock.advance(seconds=LEASE_S)
        run = await it.ended()
        assert (run.outcome, len(run.changes)) == ("done", 1)
        assert [(a.agent, a.failure) for a in run.tasks["T1"].attempts] == [
            ("A1", "model"),
            ("A2", "model"),
            ("A3", None),
        ]
        assert ends(run)["A1"] == ends(run)["A2"] == ("failed", 1)


@pytest.mark.parametrize("strategy", STRATEGIES)
async def test_a_restart_in_the_middle_goes_on(world: World, strategy: str) -> None:
    held = {"signal": "there", "wait_for": ["never"]}
    world.play(
        takes("A1", strategy, *BOTH, claim("T1")),
        agent("A1", turn(*within(strategy, claim("T2"))[:-1], **held)),
        takes("A2", strategy, claim("T2")),
        SHOUT,
        NEW,
        *judge("done"),
    )
    async with world.opened() as it:
        await it.start(strategy=strategy, workers=1)
        await it.signal("there")
        await it.until(lambda run: run.changes)
    await world.raise_signal("never")
    async with world.opened() as it:
        run = it.run()
        assert (ends(run)["A1"], run.list_lock) == (("interrupted", 1), None)
        await it.engine.resume("R1")
        run = await it.ended()
        assert (run.outcome, len(run.changes), ends(run)["A2"]) == ("done", 2, ("finished", 1))


@pytest.mark.parametrize("strategy", STRATEGIES)
async def test_a_pause_holds_every_agent_and_a_stop_ends_them(world: World, strategy: str) -> None:
    world.play(
        agent("A1", turn(*within(strategy, *BOTH, claim("T1")), signal="asked", wait_for=["go"]),
              turn(START)),
        flow("worker", turn(edit("two", "2"), signal="there", wait_for=["never"])),
    )  # fmt: skip
    async with world.opened() as it:
        await it.start(strategy=strategy, workers=1)
        await it.signal("asked")
        await it.engine.pause("R1")
        await it.raise_signal("go")
        await it.until(lambda run: run.usage.calls == world.asked == 1)
        await it.engine.resume("R1")
        await it.signal("there")
        run = await it.engine.stop("R1")
        await it.raise_signal("never")
        assert (run.outcome, run.lifecycle) == ("stopped", "ended")
        assert ends(run)["A1"][0] == "interrupted"
        assert run.count(TaskState.RUNNING) == 0


@pytest.mark.parametrize("strategy", STRATEGIES)
async def test_what_a_person_asks_for_is_done_by_equal_agents_too(
    world: World, strategy: str
) -> None:
    world.play(
        takes("A1", strategy, BOTH[0], claim("T1")),
        SHOUT,
        takes("A2", strategy, BOTH[1], claim("T2")),
        flow("worker", turn(edit("TWO", "2")), turn(call("submit", summary="Quieter.")),
             match="Quieter, please"),
        *judge("done", "done"),
    )  # fmt: skip
    async with world.opened() as it:
        await it.engine.add_constraint("Never touch the semicolons.")
        await it.work(strategy=strategy, workers=1)
        await it.call("reworkChange", changeId="C1", reason="Quieter, please.")
        await it.engine.steer("R1", "Mind the commas.")
        run = await it.ended()
        assert (run.outcome, run.cycles[-1].mode, len(run.changes)) == ("done", "retry", 2)
        assert len(run.tasks) == 2
        assert it.file() == TEXT.replace(b"two", b"2")
    told = said_to(world, "agent")
    assert "Never touch the semicolons." in told
    assert "Mind the commas." in told


@pytest.mark.parametrize("strategy", ["flat-locked", "optimistic"])
async def test_what_a_person_says_as_the_judge_says_done_is_heard(
    world: World, strategy: str
) -> None:
    world.play(
        takes("A1", strategy, BOTH[0], claim("T1")),
        SHOUT,
        flow("judge", turn(call("verdict", reason="It says done.", decision="done"),
                           signal="judging", wait_for=["steered"]), times=1),
        *judge("done"),
    )  # fmt: skip
    async with world.opened() as it:
        await it.start(strategy=strategy, workers=1, budget={"cycles": 6})
        await it.signal("judging")
        await it.engine.steer("R1", "Mind the commas.")
        await it.raise_signal("steered")
        run = await it.ended()
        assert (run.outcome, run.cycle) == ("done", 2)
    assert "Mind the commas." in said_to(world, "agent")


async def test_a_list_that_nobody_takes_from_ends_the_cycle(world: World) -> None:
    world.play(agent("A1", turn(LOCK, READ, task("shunned", "a.txt"), UNLOCK)), *judge("done"))
    async with world.opened() as it:
        run = await it.work(strategy="flat-locked", workers=1)
        assert (run.outcome, run.tasks["T1"].state) == ("done", TaskState.DROPPED)
        assert ends(run) == {"A1": ("finished", 0), "A2": ("finished", 0)}


async def test_an_agent_that_releases_again_and_again_is_heard_three_times(world: World) -> None:
    back = [READ, claim("T1"), call("release_task")]
    world.play(agent("A1", turn(READ, BOTH[0]), *[turn(*back)] * 4), *judge("give_up"))
    async with world.opened() as it:
        run = await it.work(strategy="optimistic", workers=1)
        assert run.tasks["T1"].state is TaskState.FAILED
        assert [a.failure for a in run.tasks["T1"].attempts] == ["gave_up"] * 3


async def test_only_what_is_ready_can_be_claimed(world: World) -> None:
    plan = (task("first", "a.txt"), task("next", "b.txt", depends_on=["T1"]), task("too", "a.txt"))
    claims = [claim(id_) for id_ in ("T2", "T3", "T9", "T1")]
    world.play(agent("A1", turn(READ, *plan, *claims), turn(READ, call("leave", summary="x")),
                     turn(call("release_task"), call("leave", summary="x"))),
               *judge("give_up"))  # fmt: skip
    async with world.opened() as it:
        run = await it.work(strategy="optimistic", workers=1)
        assert [len(one.attempts) for one in run.tasks.values()] == [1, 0, 0]
    said = said_to(world, "agent")
    assert "T2 is waiting, behind T1, so it" in said
    assert "T3 is waiting, behind T1, so it" in said
    listed = results(world, "agent", "read_tasks")[-1]
    assert [(one["task"], one["ready"]) for one in listed["tasks"]] == [
        ("T1", False), ("T2", False), ("T3", False),
    ]  # fmt: skip


async def test_a_long_list_is_shown_as_far_as_it_fits(world: World) -> None:
    """What can be claimed first; and no task hides the others by its own length."""
    wide = task("wide", *(f"{number:0200}" for number in range(50)))
    long = [task(f"t{number:0>190}", f"{number}.txt") for number in range(60)]
    behind = task("behind", "b.txt", depends_on=["T2"])
    calls = [wide, behind, *long]
    world.play(
        agent("A1", turn(READ, task("x", "x.txt"), task("y", "y.txt"), *calls[:20]),
              turn(*calls[20:40]), turn(*calls[40:]), turn(READ), turn(call("leave", summary="x"))),
        *judge("give_up"),
    )  # fmt: skip
    async with world.opened() as it:
        await it.work(strategy="optimistic", workers=1)
    listed = results(world, "agent", "read_tasks")[1]
    first, *_, last = [one["task"] for one in listed["tasks"]]
    assert (first, listed["version"]) == ("T1", 64)
    assert 20 < len(listed["tasks"]) == 64 - listed["left_out"] < 64
    assert "T4" not in [one["task"] for one in listed["tasks"]], last
    [shown] = [one for one in listed["tasks"] if one["task"] == "T3"]
    assert (shown["paths_total"], "paths" in shown) == (50, False)


async def test_a_list_has_an_end(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("longshift.engine.strategies.choosing.MOST_TASKS", 3)
    many = [task(f"t{number}", f"{number}.txt") for number in range(5)]
    world.play(agent("A1", turn(READ, *many)), *judge("give_up"))
    async with world.opened() as it:
        run = await it.work(strategy="optimistic", workers=1)
        assert len(run.tasks) == 3
    assert planning.MOST_TASKS > 3
    assert "The run has 3 tasks, the most it can have" in said_to(world, "agent")


async def test_an_agent_has_no_tool_that_edits_while_it_chooses(world: World) -> None:
    reaches = [edit("two", "2"), write("../out", "x"), call("run_command", command="true"),
               call("submit", summary="x"), call("read_file", path="../outside")]  # fmt: skip
    world.play(agent("A1", turn(READ, *reaches)), *judge("done"))
    async with world.opened() as it:
        run = await it.work(strategy="optimistic", workers=1)
        assert (run.changes, run.refusals) == ({}, len(reaches))
        assert run.head == run.started.base


async def test_an_endpoint_that_refuses_pauses_the_run_and_loses_no_agent(world: World) -> None:
    world.play(
        agent("A1", turn(faults=[status(401)])),
        takes("A2", "optimistic", BOTH[0], claim("T1")),
        SHOUT,
        *judge("done"),
    )
    async with world.opened() as it:
        run = await it.work(strategy="optimistic", workers=1)
        assert (run.pause_cause, ends(run)) == ("trouble", {"A1": ("interrupted", 0)})
        await it.engine.resume("R1")
        assert (await it.ended()).outcome == "done"


async def test_a_budget_ends_equal_agents_and_a_raised_one_goes_on(world: World) -> None:
    world.play(
        takes("A1", "optimistic", *BOTH, claim("T1")),
        takes("A2", "optimistic", claim("T2")),
        SHOUT,
        NEW,
        *judge("done"),
    )
    async with world.opened() as it:
        run = await it.work(strategy="optimistic", workers=1, budget={"calls": 3})
        assert (run.outcome, len(run.changes)) == ("out_of_budget", 1)
        await it.engine.resume("R1", "There is more.", {"calls": 30})
        run = await it.ended()
        assert (run.outcome, len(run.changes)) == ("done", 2)


async def test_the_builtin_model_plays_an_equal_agent_and_an_integrator(world: World) -> None:
    source = (
        b"import os\nfrom typing import List\n\n\ndef f(x: List[int]) -> List[int]:\n    return x\n"
    )
    world.person.commit({f"m{number:02}.py": source for number in range(3)})
    world.settings["models"] = {"default": {"model": "builtin"}}
    async with world.opened() as it:
        for strategy in STRATEGIES:
            run_id = await it.start(
                "Fix what the linter finds", strategy=strategy, workers=2, integrator=True
            )
            run = await it.ended(run_id)
            assert (run.outcome, len(run.changes), len(run.tasks)) == ("done", 3, 3)
            assert b"import os" not in it.file("m01.py", run_id)
            assert all(one.state == "finished" for one in run.agents.values())


# The integrator.


def integrator(*turns: Script, match: str = "", **more: object) -> Script:
    return flow("integrator", *turns, match=match, **more)


@pytest.mark.parametrize("strategy", ["planner-worker-judge", "optimistic"])
async def test_every_submission_passes_through_the_integrator(world: World, strategy: str) -> None:
    """One fits; one clashes and is joined, by an edit of the integrator's own."""
    both = write("a.txt", TEXT.decode().replace("two", "two, loud, fast"))
    joined = call("submit", summary="Joined.", concerns="Both?")
    pair = (task("loud", "a.txt"), task("fast", "a.txt"))
    world.play(
        planner(*pair),
        agent("A1", turn(READ, *pair, claim("T1"), START)),
        agent("A2", turn(READ, claim("T2"), START, wait_for=["claimed"])),
        flow("worker", turn(edit("two", "two, loud"), signal="A", wait_for=["B"]),
             turn(call("submit", summary="A.")), match="Do: loud"),
        flow("worker", turn(edit("two", "two, fast"), signal="B", wait_for=["A"]),
             turn(call("submit", summary="B."), wait_for=["A landed"]), match="Do: fast"),
        integrator(turn(joined), match="loud", times=1),
        integrator(turn(call("submit", summary="Too early.")), turn(both, joined)),
        *judge("done"),
    )  # fmt: skip
    async with world.opened() as it:
        await it.start(strategy=strategy, integrator=True, overlap="allow", workers=2)
        await it.until(has_claimed)
        await it.raise_signal("claimed")
        await it.until(lambda run: len(run.changes) == 1)
        await it.raise_signal("A landed")
        run = await it.ended()
        assert (run.outcome, run.conflicts, len(run.changes)) == ("done", 1, 2)
        assert it.file() == TEXT.replace(b"two", b"two, loud, fast")
        fits, clashed = (one.attempts[-1].handoff for one in run.tasks.values())
        assert (fits.summary, fits.concerns) == ("A.", "")
        assert (clashed.summary, clashed.concerns, clashed.deviations) == ("B.", "Both?", "Joined.")
        assert run.usage_by_role["integrator"].calls == 3
    assert "markers still stand in" in said_to(world, "integrator")
    assert [len(r.messages) for r in world.server.by_role("worker")] == [2, 2, 4, 4]


async def test_what_the_integrator_sends_back_is_mended_by_its_worker(world: World) -> None:
    world.play(
        planner(task("shout", "a.txt")),
        worker("shout", turn(edit("two", "tow")), turn(call("submit", summary="First.")),
               turn(edit("tow", "TWO"))),
        integrator(turn(write("a.txt", "scribble\n"), call("send_back", reason="tow is no word.")),
                   times=1),
        integrator(turn(call("submit", summary="It fits."))),
        *judge("done"),
    )  # fmt: skip
    async with world.opened() as it:
        run = await it.work(integrator=True)
        assert (run.outcome, run.conflicts, len(run.tasks["T1"].attempts)) == ("done", 0, 1)
        assert it.file() == TEXT.replace(b"two", b"TWO")
    told = said_to(world, "worker")
    assert "tow is no word." in told
    assert "scribble" not in told


async def test_a_submission_that_is_sent_back_again_and_again_fails(world: World) -> None:
    again = [turn(call("submit", summary=f"{number}.")) for number in range(CONFLICTS + 2)]
    world.play(
        planner(task("shout", "a.txt")),
        flow("worker", turn(edit("two", "2")), *again, match="Do: shout"),
        integrator(turn(call("send_back", reason="Not so."))),
        *judge("give_up"),
    )
    async with world.opened() as it:
        run = await it.work(integrator=True)
        last = run.tasks["T1"].attempts[-1]
        assert (run.tasks["T1"].state, last.failure) == (TaskState.FAILED, "conflict")
        assert f"came back {CONFLICTS + 1} times, at last with: Not so." in last.reason


async def test_an_integrator_that_breaks_down_sends_back(world: World) -> None:
    world.play(
        planner(task("shout", "a.txt")),
        worker("shout", turn(edit("two", "TWO")), turn(call("submit", summary="Again."))),
        {"role": "integrator", "turns": [turn(text="Hm.")], "then": "repeat", "times": 1},
        integrator(turn(call("submit", summary="It fits."))),
        *judge("done"),
    )
    async with world.opened() as it:
        run = await it.work(integrator=True)
        assert (run.outcome, len(run.tasks["T1"].attempts)) == ("done", 1)
    assert "without calling a tool" in said_to(world, "worker")


async def test_a_secret_does_not_land_by_the_integrator_either(world: World) -> None:
    world.environ["KEY"] = "sk-abcdefghijklmnopqrstuvwxyz0123"
    leak = write("leak.txt", world.environ["KEY"])
    world.play(
        planner(task("shout", "a.txt")),
        SHOUT,
        integrator(turn(leak, call("submit", summary="x")), turn(call("read_file", path="../x")),
                   turn(call("delete_file", path="leak.txt"), call("submit", summary="Clean."))),
        *judge("done"),
    )  # fmt: skip
    async with world.opened() as it:
        run = await it.work(integrator=True)
        assert (run.outcome, it.file("leak.txt")) == ("done", None)
        assert run.refusals >= 2


async def test_a_restart_while_the_integrator_is_at_work_goes_on(world: World) -> None:
    world.play(
        planner(task("shout", "a.txt")),
        SHOUT,
        integrator(turn(READ_A, signal="there", wait_for=["never"]), times=1),
        integrator(turn(call("submit", summary="It fits."))),
        *judge("done"),
    )
    async with world.opened() as it:
        await it.start(integrator=True)
        await it.signal("there")
    await world.raise_signal("never")
    async with world.opened() as it:
        await it.engine.resume("R1")
        run = await it.ended()
        assert (run.outcome, len(run.changes)) == ("done", 1)
