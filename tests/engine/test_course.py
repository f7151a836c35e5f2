"""How a run goes on: retries, plans, order, pauses, messages, budgets, endings."""

import asyncio

import pytest

from longshift.domain.model import TaskState
from longshift.errors import NeedsPerson, UsageError
from tests.support.engine_world import (
    TEXT,
    Open,
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

SHOUT = worker("shout", turn(edit("two", "TWO")))


async def test_a_second_attempt_sees_how_the_first_ended(world: World) -> None:
    world.play(
        planner(task("shout", "a.txt")),
        flow(
            "worker",
            turn(call("write_file", path="b.txt", content="quiet")),
            turn(call("give_up", reason="The file is too quiet.")),
            times=1,
        ),
        SHOUT,
        *judge(("retry", ["T1"]), "done"),
    )
    async with world.opened() as it:
        run = await it.work()
        assert (run.outcome, run.cycle) == ("done", 2)
        assert [a.state for a in run.tasks["T1"].attempts] == ["failed", "landed"]
    told = str(world.server.by_role("worker")[2].messages)
    assert "The file is too quiet." in told
    assert "Nothing of this attempt landed" in told
    assert "b.txt" in told


async def test_a_replan_begins_with_a_fresh_planner(world: World) -> None:
    world.play(
        planner(task("wrong", "b.txt"), times=1),
        planner(task("shout", "a.txt")),
        worker("wrong", turn(edit("two", "2", "b.txt"))),
        SHOUT,
        *judge("replan", "done"),
    )
    async with world.opened() as it:
        run = await it.work()
        assert [cycle.mode for cycle in run.cycles] == ["plan", "replan"]
        assert (run.outcome, len(run.changes), len(run.planners)) == ("done", 2, 2)


async def test_a_sub_planner_adds_tasks_of_its_slice(world: World) -> None:
    delegate = call("delegate", scope="src", objective="Quieten src")
    world.play(
        planner(task("hush", "src"), match="Quieten src"),
        planner(delegate),
        worker("hush", turn(edit("two", "2", "src/c.txt"))),
        *judge("done"),
    )
    async with world.opened() as it:
        run = await it.work()
        assert [(p.id, p.parent, p.state) for p in run.planners.values()] == [
            ("P1", None, "finished"),
            ("P2", "P1", "finished"),
        ]
        assert run.tasks["T1"].planner == "P2"
        assert it.file("src/c.txt") == TEXT.replace(b"two", b"2")


@pytest.mark.parametrize(
    ("second", "more", "expected"),
    [
        (task("late", "b.txt", depends_on=["T1"]), {}, ["T1", "T2"]),
        (task("late", "./a.txt"), {}, ["T1", "T2"]),
        (task("late", "."), {}, ["T1", "T2"]),
        (task("late", "b.txt"), {}, ["T2", "T1"]),
        (task("late", "a.txt"), {"overlap": "allow"}, ["T2", "T1"]),
    ],
)
async def test_tasks_run_in_their_order(
    world: World, second: dict[str, object], more: dict[str, object], expected: list[str]
) -> None:
    """Where nothing orders them, the second is done before the first one is let to go on."""
    world.play(
        planner(task("early", "a.txt"), second),
        flow("worker", turn(write("early.txt", "1"), **_held(expected)),
             turn(call("submit", summary="x")), match="Do: early"),
        flow("worker", turn(write("late.txt", "2")), turn(call("submit", summary="x")),
             match="Do: late"),
        *judge("done"),
    )  # fmt: skip
    async with world.opened() as it:
        run_id = await it.start(**more)
        if expected == ["T2", "T1"]:
            await it.until(lambda run: len(run.changes) == 1)
            await it.raise_signal("go")
        run = await it.ended(run_id)
        assert [change.task_id for change in run.changes.values()] == expected


def _held(expected: list[str]) -> dict[str, object]:
    return {"wait_for": ["go"]} if expected == ["T2", "T1"] else {}


async def test_a_task_behind_a_failed_one_is_dropped(world: World) -> None:
    world.play(
        planner(task("first", "a.txt"), task("then", "b.txt", depends_on=["T1"])),
        *judge("give_up"),
    )
    async with world.opened() as it:
        run = await it.work()
        assert run.outcome == "gave_up"
        assert [t.state for t in run.tasks.values()] == [TaskState.FAILED, TaskState.DROPPED]


async def test_no_model_is_asked_while_a_run_is_paused(world: World) -> None:
    world.play(
        planner(task("shout", "a.txt")),
        worker("shout", turn(edit("two", "TWO"), signal="edited", wait_for=["go"])),
        *judge("done"),
    )
    async with world.opened() as it:
        await it.start()
        await it.signal("edited")
        assert (await it.engine.pause("R1")).pause_cause == "person"
        await it.raise_signal("go")
        await it.until(lambda run: run.usage.calls == world.asked)
        asked = world.asked
        await it.engine.add_constraint("Another fact, that wakes every waiter.")
        assert world.asked == asked
        await it.engine.resume("R1")
        run = await it.ended()
        assert (run.outcome, len(run.tasks["T1"].attempts)) == ("done", 1)


@pytest.mark.parametrize("held", ["planner", "worker", "judge"])
async def test_a_stop_ends_every_agent_and_keeps_what_landed(world: World, held: str) -> None:
    hold = {"signal": "there", "wait_for": ["never"]}
    flows = {
        "planner": flow("planner", turn(call("finish", summary="x"), **hold)),
        "worker": flow("worker", turn(edit("two", "2", "b.txt"), **hold), match="Do: hold"),
        "judge": flow("judge", turn(call("verdict", reason="x", decision="done"), **hold)),
    }
    plan = planner(task("shout", "a.txt"), *([task("hold", "b.txt")] if held == "worker" else []))
    world.play(flows[held], SHOUT, plan)
    async with world.opened() as it:
        await it.start()
        await it.signal("there")
        if held != "planner":
            await it.until(lambda run: run.changes)
        run = await it.engine.stop("R1")
        await it.raise_signal("never")
        assert (run.outcome, run.lifecycle, run.published) == ("stopped", "ended", run.head)
        assert not [p for p in run.planners.values() if p.state == "running"]
        assert run.count(TaskState.RUNNING) == 0
        assert (await it.engine.stop("R1")).outcome == "stopped"
        if held != "planner":
            assert it.file() == TEXT.replace(b"two", b"TWO")
        with pytest.raises(UsageError, match="has ended"):
            await it.engine.resume("R1")


async def test_a_message_and_an_answer_reach_the_planner_at_its_next_step(world: World) -> None:
    world.play(
        flow(
            "planner",
            turn(call("ask_person", question="Which language?", options=["en", "fr"])),
            turn(call("list_files"), signal="listing", wait_for=["go"]),
            turn(call("finish", summary="Too early.")),
            turn(call("finish", summary="Heard.")),
        ),
        *judge("done"),
    )
    async with world.opened() as it:
        await it.start()
        await it.signal("listing")
        await it.engine.steer("R1", "Mind the commas.")
        await it.engine.answer("R1", "Q1", "fr, please")
        with pytest.raises(UsageError, match="Q1"):
            await it.engine.answer("R1", "Q9", "?")
        await it.raise_signal("go")
        assert (await it.ended()).outcome == "done"
    sent = str(world.server.by_role("planner")[-1].messages)
    assert "Mind the commas." in sent
    assert "fr, please" in sent


async def test_a_constraint_is_in_every_later_prompt_until_it_is_lifted(world: World) -> None:
    world.play(planner(task("shout", "a.txt")), SHOUT, *judge("done", "done"))
    async with world.opened() as it:
        rule = await it.engine.add_constraint("Never touch the semicolons.")
        await it.work(constraints=["Be brief in all things."])
        for role in ("planner", "worker", "judge"):
            assert "Never touch the semicolons." in said_to(world, role)
            assert "Be brief in all things." in said_to(world, role)
        await it.engine.lift_constraint(rule.id)
        with pytest.raises(UsageError, match="holds here"):
            await it.engine.lift_constraint(rule.id)
        world.play(planner(), *judge("done"))
        await it.work(constraints=["Be brief in all things."])
        assert "semicolons" not in said_to(world, "planner")
        assert [c.text for c in it.engine.state.constraints.values()] == [
            "Never touch the semicolons.",
            "Be brief in all things.",
        ]


async def test_minutes_count_only_while_a_run_runs(world: World) -> None:
    world.play(flow("planner", turn(call("finish", summary="x"), signal="there", wait_for=["go"])))
    async with world.opened() as it:
        await it.start(budget={"minutes": 5})
        await it.signal("there")
        await it.engine.pause("R1")
        world.clock.advance(hours=3)
        await it.engine.resume("R1")
        assert it.run().lifecycle == "running"
        world.clock.advance(minutes=6)
        await it.engine.steer("R1", "any fact")
        run = await it.ended()
        await it.raise_signal("go")
        assert run.outcome == "out_of_budget"
        assert "budget.minutes" in run.outcome_reason


@pytest.mark.parametrize(
    ("decisions", "settings", "outcome", "cycles"),
    [
        (["continue", "continue", "done"], {}, "no_progress", 2),
        (["continue"], {"budget": {"cycles": 1}}, "out_of_budget", 1),
        (["give_up"], {}, "gave_up", 1),
    ],
)
async def test_rules_of_code_end_a_run(
    world: World, decisions: list[str], settings: dict[str, object], outcome: str, cycles: int
) -> None:
    world.play(*judge(*decisions))
    async with world.opened() as it:
        run = await it.work(**settings)
        assert (run.outcome, run.cycle) == (outcome, cycles)
        assert (
            f"It says {decisions[-1] if outcome == 'gave_up' else 'continue'}" in run.outcome_reason
        )


@pytest.mark.parametrize(
    ("faults", "said"),
    [([status(401)], "key"), ([status(404)], "scripted"), ([status(403)], "403")],
)
async def test_an_endpoint_that_refuses_pauses_the_run_and_loses_no_attempt(
    world: World, faults: list[object], said: str
) -> None:
    refused = worker("shout", turn(faults=faults), times=1)
    world.play(planner(task("shout", "a.txt")), refused, SHOUT, *judge("done"))
    async with world.opened() as it:
        run = await it.work()
        assert (run.lifecycle, run.pause_cause) == ("paused", "trouble")
        assert said in run.pause_reason
        assert run.tasks["T1"].state is TaskState.WAITING
        await it.engine.resume("R1")
        run = await it.ended()
        assert (run.outcome, run.pause_reason, len(run.changes)) == ("done", "", 1)
        assert run.usage.calls == world.asked


async def test_a_setting_that_was_mended_holds_after_a_resume(world: World) -> None:
    world.play(planner(task("shout", "a.txt")), SHOUT, *judge("done"))
    nobody = f"{world.server.base_url}/nobody"
    world.editor = {"models": {"planner": {"base_url": nobody}}}
    async with world.opened() as it:
        run = await it.work()
        assert run.pause_cause == "trouble"
        world.editor["models"] = {}
        await it.engine.resume("R1")
        run = await it.ended()
        assert (run.outcome, run.pause_reason) == ("done", "")


async def test_a_run_survives_what_passes(world: World) -> None:
    passing = [status(429, **{"retry-after": "0"}), status(500, **{"retry-after": "0"})]
    world.play(
        planner(task("shout", "a.txt"), task("babble", "b.txt")),
        worker("shout", turn(edit("two", "TWO"), faults=passing)),
        worker(
            "babble",
            turn({"name": "edit_file", "arguments": "{not json"}),
            turn(call("no_such_tool")),
            turn({"name": "edit_file", "arguments": '{"path": "a'}, finish_reason="length"),
            turn(call("read_file", path="../outside")),
            turn(call("read_file", path="\udc80")),
            turn(call("run_command", command="true")),
            turn(edit("two", "2", "b.txt")),
        ),
        *judge("done"),
    )
    async with world.opened() as it:
        run = await it.work()
        assert (run.outcome, len(run.changes)) == ("done", 2)
        assert run.usage.calls == world.asked


async def test_two_orders_to_resume_make_one_driver(world: World) -> None:
    world.play(planner(task("shout", "a.txt")), SHOUT, *judge("done"))
    async with world.opened() as it:
        await it.start()
        await it.engine.pause("R1")
    async with world.opened() as it:
        await asyncio.gather(*(it.engine.resume("R1") for _ in range(3)))
        run = await it.ended()
        assert (run.outcome, len(run.planners) <= 2, len(run.changes)) == ("done", True, 1)


async def test_what_can_not_start_leaves_nothing(world: World) -> None:
    async with world.opened() as it:
        for settings, error in (
            ({"strategy": "chaos"}, UsageError),
            ({"workers": -1}, UsageError),
            ({"models": {"default": {"base_url": None, "api_key_env": "NONE"}}}, None),
        ):
            if error is not None:
                with pytest.raises(error):
                    await it.start(**settings)
        (world.person.root / ".git" / "MERGE_HEAD").write_text("0" * 40 + "\n")
        with pytest.raises(NeedsPerson, match="in the middle of a merge"):
            await it.start()
        (world.person.root / ".git" / "MERGE_HEAD").unlink()
        assert not it.engine.state.runs
        assert world.person.git("for-each-ref", "refs/longshift") == ""
        assert await _all_traces(it, "R1") == []


async def test_forget_removes_every_trace(world: World) -> None:
    secret = "xyzzy plugh"
    world.play(planner(task("shout", "a.txt")), worker("shout", turn(edit("two", secret))),
               *judge("done"))  # fmt: skip
    async with world.opened() as it:
        await it.work(constraints=["Stay."])
        await it.call("rejectChange", changeId="C1", reason="Too magical.")
        await it.engine.lift_constraint("K2")
        await it.engine.forget("R1")
        assert await _all_traces(it, secret) == []
        assert world.person.git("for-each-ref", "refs/longshift") == ""
        assert list(it.engine.state.constraints) == ["K1"]
        world.person.assert_sound()
    async with world.opened() as it:  # what is left still folds
        assert (list(it.engine.state.runs), list(it.engine.state.constraints)) == ([], ["K1"])


async def _all_traces(it: Open, word: str) -> list[str]:
    """Files of the state folder, objects and logs included, that hold a word."""
    store = it.engine.shop.store
    found = [
        str(path)
        for path in store.git_dir.parent.rglob("*")
        if path.is_file() and word.encode() in path.read_bytes()
    ]
    objects = store.objects.repository
    held = [oid for oid in objects.odb if word.encode() in bytes(objects.read(oid)[1])]
    return [*found, *map(str, held)]


async def test_a_whole_run_in_the_other_dialect_carries_each_agents_reasoning(world: World) -> None:
    world.settings["models"] = {
        "default": {"model": "scripted", "base_url": world.server.base_url, "api": "responses"}
    }
    thinking = [turn(edit("two", "TWO"), reasoning="loud"), turn(call("read_file", path="a.txt"))]
    world.play(planner(task("shout", "a.txt")), worker("shout", *thinking), *judge("done"))
    async with world.opened() as it:
        run = await it.work()
        assert run.outcome == "done"
        assert b"TWO" in (it.file() or b"")
    assert {request.api for request in world.server.requests} == {"responses"}
    carried = [
        [item["encrypted_content"] for item in request.body["input"] if "encrypted_content" in item]
        for request in world.server.by_role("worker")
    ]
    assert carried == [[], ["unreadable:duol"], ["unreadable:duol"]]


async def test_a_persons_words_reach_the_planner_and_an_answer_who_asked(world: World) -> None:
    asks = turn(call("ask_person", question="Is loud loud enough?"), signal="asked")
    looks = turn(call("read_file", path="a.txt"), wait_for=["said"])
    verdict = turn(call("verdict", reason="Heard.", decision="done"))
    world.play(
        planner(task("shout", "a.txt")),
        worker("shout", turn(edit("two", "TWO"))),
        flow("judge", asks, looks, verdict, verdict),
    )
    async with world.opened() as it:
        await it.start()
        await it.signal("asked")
        await it.until(lambda run: run.questions)
        await it.call("steerRun", message="Mind the neighbours.")
        await it.call("answerQuestion", questionId="Q1", answer="Quite loud enough.")
        await it.raise_signal("said")
        await it.ended()
    assert "Quite loud enough." in said_to(world, "judge")
    assert "Mind the neighbours." not in said_to(world, "judge") + said_to(world, "worker")


async def test_an_agent_is_shown_the_words_and_the_map_of_where_it_works(world: World) -> None:
    world.person.commit(
        {
            "AGENTS.md": b"Root words.\n",
            "src/AGENTS.md": b"Words of src.\n",
            "other/AGENTS.md": b"Words of elsewhere.\n",
            "src/deep.py": b"class Deepest:\n    def dive(self): pass\n",
            "src/.env": b"API_TOKEN=abcdefgh12345678\n",
        }
    )
    plants = turn(write("AGENTS.md", "Words of a worker.\n"), edit("two", "TWO"))
    world.play(
        planner(
            task("shout", "a.txt", "AGENTS.md"), task("dive", "src/deep.py", depends_on=["T1"])
        ),
        worker("shout", plants),
        worker("dive", turn(write("src/deep.py", "x = 1\n"))),
        *judge("done"),
    )
    async with world.opened() as it:
        run = await it.work()
    assert run.outcome == "done"
    _, shouting, *_, diving = [r.messages[1]["content"] for r in world.server.by_role("worker")]
    assert diving.index("Root words.") < diving.index("Words of src.")
    assert "class Deepest" in diving
    for words in ("Words of elsewhere.", "Words of a worker.", "API_TOKEN"):
        assert words not in diving
    assert "Words of src." not in shouting
    plan = str(world.server.by_role("planner")[0].messages)
    assert "class Deepest" in plan
    assert "Words of src." not in plan
