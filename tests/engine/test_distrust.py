"""A workspace that the person has not trusted: models run nothing there, and the work goes on."""

import asyncio

import pytest

from longshift.domain import events
from longshift.sandbox.cage import open_cage
from longshift.sandbox.policy import Cage, Refusal, SandboxPolicy
from longshift.settings import Trust, default_trust_folder
from tests.support.engine_world import (
    Open,
    World,
    call,
    edit,
    flow,
    judge,
    planner,
    task,
    turn,
    worker,
)

MARK = call("run_command", command="touch ran.txt")
UNCAGED = {"sandbox": {"mode": "none"}}
"""The person's own word, so that no test here needs bubblewrap."""


@pytest.fixture(scope="session")
def cage() -> Cage:
    cage = asyncio.run(open_cage(SandboxPolicy()))
    if isinstance(cage, Refusal):
        pytest.skip(cage.reason)
    return cage


def trust_now(world: World) -> None:
    Trust(default_trust_folder()).trust(world.worktree.root)


def happened(it: Open) -> tuple[list[events.CommandRan], list[events.GuardRefused]]:
    """The commands that ran, and what the guards refused."""
    with it.engine.journal.reader() as reader:
        facts = [record.event for record in reader.read()]
    ran = [fact for fact in facts if isinstance(fact, events.CommandRan)]
    return ran, [fact for fact in facts if isinstance(fact, events.GuardRefused)]


CONFIGURED = {"longshift.toml": b"workers = 2\n"}
STANDINGS = {
    "untrusted": (False, {}, "the person has not trusted it"),
    "untrusted, and configured": (False, CONFIGURED, "the person has not trusted it"),
    "changed": (True, CONFIGURED, "its configuration changed"),
}


@pytest.mark.parametrize(("trusted", "files", "why"), STANDINGS.values(), ids=STANDINGS.keys())
async def test_models_run_no_command_and_the_run_goes_on(
    world: World, trusted: bool, files: dict[str, bytes], why: str
) -> None:
    if trusted:
        trust_now(world)
    world.person.write(files)
    world.trusted, world.settings = False, dict(UNCAGED)
    accepted = task("shout", "a.txt", acceptance=["`pytest -q` passes."])
    world.play(
        planner(accepted),
        worker("shout", turn(MARK), turn(edit("two", "TWO"))),
        flow("judge", turn(call("run_command", command="touch judged.txt")),
             turn(call("verdict", reason="As it should be.", decision="done"))),
    )  # fmt: skip
    async with world.opened() as it:
        answer = await it.owner.call(
            "startGoal", {"goal": "Make it better", "settings": {"gates": "enforce"}}
        )
        run = await it.ended()
        ran, refusals = happened(it)
        assert (run.outcome, ran) == ("done", [])
        assert it.file("a.txt") != it.file("b.txt")
        assert it.file("ran.txt") is None
        assert len(run.tasks["T1"].attempts) == 1
    assert run.sandbox is not None
    assert not run.sandbox.commands
    assert why in run.sandbox.profile
    remedy = f"`longshift trust {world.worktree.root}`"
    assert remedy in run.sandbox.profile
    assert [one for one in answer["notices"] if why in one and remedy in one]
    refused = [(one.guard, one.agent, one.tool) for one in refusals]
    assert refused == [("command", "T1.1", "run_command"), ("command", "judge", "run_command")]
    told = str(world.server.by_role("worker")[1].messages[-1])
    assert why in told
    assert str(world.worktree.root) not in told
    # The gate on acceptance asks for nothing that can't be done: the first submission landed.
    assert len(world.server.by_role("worker")) == 3


async def test_checks_of_the_person_run_all_the_same(world: World, cage: Cage) -> None:
    world.trusted = False
    world.play(
        planner(task("shout", "a.txt")),
        worker("shout", turn(MARK), turn(edit("two", "TWO"))),
        flow("judge", turn(call("run_checks")),
             turn(call("verdict", reason="Fine.", decision="done"))),
    )  # fmt: skip
    async with world.opened() as it:
        run = await it.work(checks=["grep -q TWO a.txt"], gates="enforce")
        assert run.outcome == "done"
        ran, refusals = happened(it)
    assert {(one.agent, one.command) for one in ran} == {("check", "grep -q TWO a.txt")}
    assert [one.agent for one in refusals] == ["T1.1"]


@pytest.mark.parametrize("trusted", [True, False])
async def test_checks_that_the_repository_speaks_of_need_trust(world: World, trusted: bool) -> None:
    world.person.commit({"Makefile": b"test:\n\tpython3 -m unittest\n"})
    world.trusted, world.settings = trusted, dict(UNCAGED)
    world.environ["PATH"] = "/usr/bin:/bin"
    world.play(
        planner(task("shout", "a.txt")),
        worker("shout", turn(edit("two", "TWO"))),
        flow("judge", turn(call("run_checks")),
             turn(call("verdict", reason="Fine.", decision="done"))),
    )  # fmt: skip
    async with world.opened() as it:
        await it.work()
        ran, _ = happened(it)
    assert {one.agent for one in ran} == ({"check"} if trusted else set())


CHANGES = {
    "the configuration changes": (True, False),
    "the person trusts": (False, True),
}


@pytest.mark.parametrize(("before", "after"), CHANGES.values(), ids=CHANGES.keys())
@pytest.mark.parametrize("waits", [True, False], ids=["agents wait", "none is at work"])
async def test_trust_is_asked_anew_at_each_resume(
    world: World, before: bool, after: bool, waits: bool
) -> None:
    if before:
        trust_now(world)
    world.trusted, world.settings = False, dict(UNCAGED)
    held = {"signal": "working", "wait_for": ["go on"]}
    world.play(
        planner(task("shout", "a.txt")),
        worker("shout", turn(MARK, **held), turn(MARK), turn(edit("two", "TWO"))),
        *judge("done"),
    )
    async with world.opened() as it:
        await it.start()
        await it.signal("working")
        await it.engine.pause("R1")
        if not waits:
            await it.engine._drivers.let_go("R1")
        if before:
            world.person.write({"longshift.toml": b"checks = ['touch evil']\n"})
        else:
            trust_now(world)
        await it.raise_signal("go on")
        await it.engine.resume("R1")
        run = await it.ended()
        assert run.outcome == "done"
        assert run.sandbox is not None
        assert run.sandbox.commands is after
        ran, refusals = happened(it)
    last = "T1.2"  # the attempt that began after the resume
    assert [one.agent for one in ran if one.agent == last] == ([last] * 2 if after else [])
    assert [one.agent for one in refusals if one.agent == last] == ([] if after else [last] * 2)


@pytest.mark.parametrize("had_trust", [False, True])
async def test_the_builtin_model_needs_no_trust_and_no_word_about_it(
    world: World, had_trust: bool
) -> None:
    if had_trust:
        trust_now(world)
        world.person.write(CONFIGURED)
    world.trusted = False
    builtin = {role: {"model": "builtin"} for role in ("default", "planner", "worker", "judge")}
    async with world.opened() as it:
        answer = await it.owner.call(
            "startGoal", {"goal": "Fix what the linter finds", "settings": {"models": builtin}}
        )
        await it.ended()
    assert [("changed since" in one) for one in answer["notices"]] == [True] * had_trust
