"""Secrets and hidden characters in the course of a run: what leaves, what lands, what is told."""

import itertools
from collections.abc import Sequence
from pathlib import Path

import pytest

from longshift.domain.events import Event, GuardRefused, Recorded, TaskLanded
from longshift.domain.fold import fold
from longshift.domain.model import Goal
from longshift.domain.state import Run
from longshift.engine.chronicle import masked
from longshift.engine.landing.inspection import HIDDEN, SECRET
from longshift.journal.reader import JournalReader
from tests.support import fake_keys
from tests.support.engine_world import (
    Open,
    Script,
    World,
    call,
    edit,
    flow,
    judge,
    planner,
    task,
    turn,
    worker,
    write,
)

KEY = fake_keys.provider_key("in use")
TOKEN = fake_keys.github_token()
RLO = "\u202e"


def recorded(it: Open) -> list[Recorded]:
    with it.engine.journal.reader() as reader:
        return list(reader.read())


def refusals(it: Open) -> list[GuardRefused]:
    return [r.event for r in recorded(it) if isinstance(r.event, GuardRefused)]


def findings(run: Run) -> list[tuple[str, int, str, str, str, str]]:
    return [(f.path, f.line, f.code, f.severity, f.origin, f.state) for f in run.findings.values()]


def everything(world: World) -> str:
    """All bytes of the repository's state folder and of all requests, but for the git objects."""
    folder = world.worktree.state_dir
    files = [path for path in folder.rglob("*") if path.is_file() and "objects" not in path.parts]
    bodies = [request.raw for request in world.server.requests]
    return "\n".join(
        data.decode("utf-8", "replace") for data in [*(p.read_bytes() for p in files), *bodies]
    )


ECHOES: Sequence[Script] = (
    planner(
        call("ask_person", question=f"Is {KEY} right?", options=[KEY, "no"]),
        task(f"shout {KEY}", "a.txt", acceptance=[f"It says {KEY}."]),
        call("delegate", scope=KEY, objective=f"Use {KEY}"),
        match="Make",
    ),
    worker(
        "shout",
        turn(edit("two", f"TWO {KEY}"), call("read_file", path=KEY)),
        turn(call("run_command", command=f"echo {KEY}"), text=f"I use {KEY}"),
        turn(call("submit", summary=f"It holds {KEY}.")),
        turn(edit(f"TWO {KEY}", "TWO"), call(KEY, x=KEY)),
        turn(call("submit", summary=KEY, concerns=KEY, deviations=KEY, findings=[KEY])),
    ),
    flow(
        "judge",
        turn(
            call("report_finding", path="a.txt", line=1, message=f"It says {KEY}", code=KEY,
                 severity="info", suggestion=KEY, evidence=KEY),
            call("verdict", reason=f"Because of {KEY}", decision="done"),
        ),
    ),
)  # fmt: skip


async def test_a_key_that_a_model_echoes_everywhere_is_nowhere(world: World) -> None:
    world.environ["KEY"] = KEY
    world.play(*ECHOES)
    async with world.opened() as it:
        run = await it.work(f"Make it better with {KEY}")
        assert run.outcome == "done"
        assert run.started.goal.text == "Make it better with [secret: KEY]"
        assert b"TWO\n" in (it.file() or b"")
        assert "[secret: KEY]" in run.questions["Q1"].text
        told = [one.detail for one in refusals(it) if one.guard == "secret"]
        assert any("a.txt" in detail and "key or password" in detail for detail in told)
        assert any("Masked before it was sent: KEY in the model's own words" in d for d in told)
    assert "[secret: KEY]" in everything(world)
    assert KEY not in everything(world)
    assert {r.headers["authorization"] for r in world.server.requests if r.role != "other"} == {
        f"Bearer {KEY}"
    }


async def test_what_a_file_holds_leaves_masked_and_the_prefix_stays(world: World) -> None:
    world.person.commit({"conf.py": f"A = 1\nTOKEN = '{TOKEN}'\n".encode()})
    world.play(
        planner(task("tidy", "conf.py")),
        worker(
            "tidy",
            turn(call("read_file", path="conf.py"), call("search", pattern="TOKEN")),
            turn(write("conf.py", "A = 2\nTOKEN = '[secret: key]'\n")),
            turn(edit("A = 1\nTOKEN = '[secret: key]'", "A = 2", "conf.py")),
            turn(edit("A = 1", "A = 2", "conf.py")),
        ),
        *judge("done"),
    )
    async with world.opened() as it:
        run = await it.work()
        assert run.outcome == "done"
        assert it.file("conf.py") == f"A = 2\nTOKEN = '{TOKEN}'\n".encode()
        told = [one.detail for one in refusals(it)]
        assert "Masked before it was sent: key in the result of read_file (conf.py)." in told
        assert any("stands for a secret" in detail for detail in told)
        assert findings(run) == []  # it stood there before
    requests = world.server.by_role("worker")
    assert "so it matches nothing" in requests[-1].raw.decode()
    assert TOKEN not in "".join(request.raw.decode() for request in requests)
    for before, after in itertools.pairwise(requests):
        assert after.messages[: len(before.messages)] == before.messages


async def test_tracked_secret_files_stay_and_are_withheld(world: World) -> None:
    world.person.commit({".env": b"PASSWORD=hunter2\n", "deploy/id_rsa": b"never mind\n"})
    world.play(
        planner(call("search", pattern="hunter2"), call("list_files"), task("try", "a.txt")),
        worker(
            "try",
            turn(
                call("read_file", path=".env"),
                edit("hunter2", "x", ".env"),
                write("deploy/id_rsa", "mine\n"),
                call("delete_file", path=".env"),
                call("move_file", path=".env", new_path="env.txt"),
                call("move_file", path="a.txt", new_path="deploy/id_rsa"),
                edit("two", "TWO"),
            ),
        ),
        *judge("done"),
    )
    async with world.opened() as it:
        run = await it.work()
        assert run.outcome == "done"
        assert run.changes["C1"].paths == ("a.txt",)
        assert it.file(".env") == b"PASSWORD=hunter2\n"
        assert [(one.guard, one.tool) for one in refusals(it)] == [
            ("secret", tool)
            for tool in
            ("read_file", "edit_file", "write_file", "delete_file", "move_file", "move_file")
        ]  # fmt: skip
    sent = everything(world)
    assert "PASSWORD" not in sent
    assert ".env" in sent


async def test_a_person_may_let_a_secret_file_through(world: World) -> None:
    world.person.commit({".env": b"MODE=fast\n"})
    world.settings["allow_secret_files"] = [".env"]
    world.play(
        planner(task("read", "a.txt")),
        worker("read", turn(call("read_file", path=".env")), turn(edit("two", "TWO"))),
        *judge("done"),
    )
    async with world.opened() as it:
        await it.work()
        assert refusals(it) == []
    assert "MODE=fast" in everything(world)


async def test_files_that_stay_out_of_the_snapshot_are_told(world: World) -> None:
    files = {".env": b"A=1\n", "notes.txt": f"token {TOKEN}\n".encode(), "fine.txt": b"x\n"}
    world.person.write(dict(files))
    world.play(planner(), *judge("done"))
    async with world.opened() as it:
        started = await it.owner.call("startGoal", {"goal": "Look"})
        [notice] = [n for n in started["notices"] if "does not see everything" in n]
        assert ".env (it is untracked and looks like a secret)" in notice
        assert "notes.txt (it is untracked and has what looks like a secret in it" in notice
        assert "fine.txt" not in notice
        assert "`allow_secret_files`" in notice
        await it.ended()
        assert [one.detail for one in refusals(it)] == ["Left out of the snapshot: .env, notes.txt"]
        assert it.file("fine.txt") == b"x\n"
        assert it.file("notes.txt") is None
    assert TOKEN not in everything(world)


@pytest.mark.parametrize(
    ("bad", "code", "words"),
    [
        (f"x = '{TOKEN}'", SECRET, "(key)"),
        (f"x = 1  # {RLO}evil", HIDDEN, "U+202E RIGHT-TO-LEFT OVERRIDE"),
        ("x = 'a\u200b\U000e0041'", HIDDEN, "U+200B ZERO WIDTH SPACE, U+E0041"),
    ],
    ids=["a token", "a turned text", "a hidden message"],
)
async def test_what_lands_is_inspected_and_stands_in_the_way_of_done(
    world: World, bad: str, code: str, words: str
) -> None:
    twice = turn(call("submit", summary="s"))  # the first one meets the gates
    world.settings["gates"] = "enforce"
    world.play(
        planner(task("first", "a.txt"), times=1),
        planner(task("second", "a.txt"), times=1),
        worker("first", turn(edit("two", bad)), twice),
        worker("second", turn(call("delete_file", path="a.txt")), twice),
        flow(
            "judge",
            turn(call("verdict", reason="All is well.", decision="done")),
            turn(call("verdict", reason="Then go on.", decision="continue")),
            times=1,
        ),
        *judge("done"),
    )
    async with world.opened() as it:
        run = await it.work()
        assert (run.outcome, run.cycle) == ("done", 2)
        assert findings(run) == [("a.txt", 2, code, "error", "run", "resolved")]
        message = run.findings["F1"].message
        assert words in message
        assert TOKEN not in message
        assert RLO not in message
        names = [record.event.event for record in recorded(it)]
        assert names[names.index("task.landed") + 1] == "finding.reported"
    refused = world.server.by_role("judge")[1]
    assert "F1" in str(refused.messages[-1]["content"])


async def test_what_stood_there_before_is_told_once_and_blocks_nothing(world: World) -> None:
    old = f"one {RLO}\ntwo\n"
    world.person.commit({"bidi.txt": old.encode(), "t/fixture.py": f"K = '{TOKEN}'\n".encode()})
    world.play(
        planner(task("first", "bidi.txt", "t/fixture.py")),
        worker("first", turn(edit("two", "TWO", "bidi.txt"), edit("K =", "K  =", "t/fixture.py")),
               turn(write("t/fixture.py", f"# more\nK = '{TOKEN}'\n"))),
        *judge("continue", "done"),
    )  # fmt: skip
    async with world.opened() as it:
        run = await it.work()
        assert run.outcome == "done"
        assert findings(run) == [("bidi.txt", 1, HIDDEN, "warning", "base", "open")]


async def test_hidden_characters_in_the_goals_scope_are_told_before_anything_lands(
    world: World,
) -> None:
    world.person.commit({"src/bidi.txt": f"{RLO}\n".encode(), "elsewhere.txt": RLO.encode()})
    world.play(planner(), *judge("done"))
    async with world.opened() as it:
        await it.engine.start(Goal(text="Look", paths=("src",)))
        run = await it.ended()
        assert findings(run) == [("src/bidi.txt", 1, HIDDEN, "warning", "base", "open")]


async def test_a_dismissed_finding_is_not_reported_again(world: World) -> None:
    go_on = call("verdict", reason="Go on.", decision="continue")
    world.play(
        planner(task("first", "a.txt"), times=1),
        worker("first", turn(edit("two", f"x = '{TOKEN}'"))),
        flow("judge", turn(go_on, wait_for=["go"]), times=1),
        *judge("done"),
    )  # fmt: skip
    async with world.opened() as it:
        await it.start()
        await it.until(lambda run: run.findings)
        await it.call("dismissFinding", findingId="F1", reason="It opens nothing.")
        await it.raise_signal("go")
        run = await it.ended()
        assert run.outcome == "done"
        assert findings(run) == [("a.txt", 2, SECRET, "error", "run", "dismissed")]


async def test_the_journal_of_a_masked_run_folds_to_the_same(world: World) -> None:
    world.environ["KEY"] = KEY
    world.play(*ECHOES)
    async with world.opened() as it:
        await it.work(f"Make it with {KEY}")
        state = it.engine.state
    with JournalReader.open(Path(world.worktree.state_dir) / "journal.sqlite") as reader:
        assert fold(reader.read()) == state


async def test_commands_do_not_find_secret_files_and_change_none(world: World) -> None:
    world.person.commit({".env": b"PASSWORD=hunter2\n", "fixture.pem": b"-----BEGIN CERT-----\n"})
    world.settings["sandbox"] = {"mode": "none"}
    command = "cat .env; ls fixture.pem; echo mine > .env; echo new > .env.local; echo 2 > a.txt"
    world.play(
        planner(task("try", "a.txt")),
        worker("try", turn(call("run_command", command=command))),
        *judge("done"),
    )
    async with world.opened() as it:
        run = await it.work()
        assert run.changes["C1"].paths == (".env.local", "a.txt")
        assert it.file(".env") == b"PASSWORD=hunter2\n"
    output = world.server.by_role("worker")[1].messages[-1]["content"]
    assert "hunter2" not in str(output)
    assert "fixture.pem" in str(output)
    assert "No such file" in str(output)


async def test_a_placeholder_that_a_command_wrote_does_not_land(world: World) -> None:
    world.person.commit({"conf.py": f"TOKEN = '{TOKEN}'\n".encode()})
    world.settings["sandbox"] = {"mode": "none"}
    wrong = call("run_command", command="echo \"TOKEN = '[secret: key]'\" > conf.py")
    world.play(
        planner(task("try", "conf.py")),
        worker("try", turn(wrong), turn(call("submit", summary="s")),
               turn(call("delete_file", path="conf.py"))),
        *judge("done"),
    )  # fmt: skip
    async with world.opened() as it:
        await it.work()
        told = [(one.tool, one.agent, one.guard) for one in refusals(it)]
        assert told == [("submit", "T1.1", "secret"), ("", "judge", "secret")]
        assert it.file("conf.py") is None


HEAD = "0123456789abcdef" * 2 + "01234567"


def landed(**fields: object) -> Event:
    whole = {"run": "R1", "task": "T1", "attempt": 1, "change": "C1", "commit": HEAD,
             "parent": HEAD, "paths": (f"{TOKEN}.txt",)}  # fmt: skip
    return TaskLanded.model_validate({**whole, **fields})


def test_an_event_is_masked_but_for_its_names() -> None:
    event = landed(handoff={"summary": f"It is {TOKEN}"})
    found = masked(event)
    assert isinstance(found, TaskLanded)
    assert found.handoff.summary == "It is [secret: key]"
    assert found.model_dump(exclude={"handoff"}) == event.model_dump(exclude={"handoff"})
    assert masked(found) is not event


def test_an_event_without_a_secret_is_the_same_object() -> None:
    event = landed(paths=("a.txt",))
    assert masked(event) is event
