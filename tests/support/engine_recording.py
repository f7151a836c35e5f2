"""Record the journals that are replayed for ever: `python -m tests.support.engine_recording`.

Run it to add journals of a new version under new names; those that are there stay as they are.
"""

import asyncio
import json
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

from tests.domain.test_state import summary
from tests.scripted_model import running_server
from tests.support.engine_world import (
    TEXT,
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
from tests.support.repository_git import GitRepository

FOLDER = Path(__file__).parents[1] / "journals"


async def done(world: World) -> None:
    """A goal that is met in one cycle, and its change accepted."""
    world.play(planner(task("shout", "a.txt"), task("new", "new.txt")),
               worker("shout", turn(edit("two", "TWO"))),
               worker("new", turn(write("new.txt", "fresh\n"))), *judge("done"))  # fmt: skip
    async with world.opened() as it:
        await it.work(constraints=["Be brief."])
        await it.call("acceptAll")


async def eventful(world: World) -> None:
    """A conflict, an interruption, a rejection, findings, messages, a rework."""
    both = [turn(write("a.txt", TEXT.decode().replace("two", "two, loud, fast"))),
            turn(call("submit", summary="Both."))]  # fmt: skip
    finds = call("report_finding", path="a.txt", line=2, message="m", code="L", severity="error")
    verdict = call("verdict", reason="x", decision="continue")
    world.play(
        planner(task("loud", "a.txt"), task("fast", "a.txt"), task("hopeless", "b.txt"), times=1),
        planner(task("more", "b.txt"), times=1),
        flow("worker", turn(edit("two", "two, loud"), signal="A", wait_for=["B"]),
             turn(call("submit", summary="A.")), *both, match="Do: loud"),
        flow("worker", turn(edit("two", "two, fast"), signal="B", wait_for=["A"]),
             turn(call("submit", summary="B.")), *both, match="Do: fast"),
        worker("more", turn(edit("two", "2", "b.txt"))),
        flow("judge", turn(finds), turn(verdict, signal="judging", wait_for=["never"]), times=1),
        flow("judge", turn(finds), turn(verdict), times=1),
        flow("judge", turn(call("verdict", reason="y", decision="done")), times=1),
        flow("worker", turn(edit("2", "II", "b.txt")), turn(call("submit", summary="Roman.")),
             match="Roman numerals"),
        *judge("done"),
    )  # fmt: skip
    async with world.opened() as it:
        await it.start(overlap="allow")
        await it.signal("judging")
        await it.engine.steer("R1", "Mind the commas.")
    async with world.opened() as it:
        await it.call("dismissFinding", findingId="F1", reason="It shall be so.")
        await it.call("rejectChange", changeId="C2", reason="Not so fast.")
        await it.engine.resume("R1")
        await it.ended()
        change = list(it.run().changes)[-1]
        await it.call("acceptChange", changeId=change)
        await it.call("undoDecision", changeId=change)
        await it.call("reworkChange", changeId=change, reason="In Roman numerals.")
        await it.ended()


async def bounded(world: World) -> None:
    """A worker that reaches out of its workspace, and one command in the sandbox."""
    world.play(planner(task("peep", "a.txt")),
               worker("peep", turn(call("read_file", path="../outside"),
                                   call("run_command", command="echo three >> a.txt"))),
               *judge("done"))  # fmt: skip
    async with world.opened() as it:
        await it.work()


async def budgeted(world: World) -> None:
    """A run that a budget ends and a raised one goes on, and a task that uses up its own."""
    world.play(planner(task("shout", "a.txt"), task("dawdle", "b.txt")),
               worker("shout", turn(edit("two", "TWO"))),
               flow("worker", *[turn(call("list_files", glob=f"{n}*")) for n in range(9)],
                    match="Do: dawdle"),
               *judge("done"))  # fmt: skip
    async with world.opened() as it:
        await it.work(budget={"calls": 4, "task": {"calls": 6}}, workers=1)
        await it.engine.resume("R1", "There is more.", {"calls": 30})
        await it.ended()


async def opened(world: World) -> None:
    """A run whose conversations are on record with what they were told."""
    world.play(planner(task("shout", "a.txt")), worker("shout", turn(edit("two", "TWO"))),
               *judge("done"))  # fmt: skip
    async with world.opened() as it:
        await it.work()


async def shared(world: World) -> None:
    """Two equal agents, of which the first forgets to give the lock back; then it is stopped."""
    read, lock, start = call("read_tasks"), call("lock_tasks"), call("start_task")
    world.play(
        flow("agent", turn(lock, read, task("shout", "a.txt"), task("new", "new.txt")),
             turn(call("claim_task", task="T1"), start, signal="forgotten"),
             match='"agent": ?"A1"', times=1),
        flow("agent", turn(read, wait_for=["forgotten"]),
             turn(lock, signal="in line"), turn(read, call("claim_task", task="T2")),
             turn(call("unlock_tasks"), start), match='"agent": ?"A2"', times=1),
        worker("shout", turn(edit("two", "TWO"))),
        flow("worker", turn(write("new.txt", "fresh\n"), signal="holding", wait_for=["never"]),
             match="Do: new"),
    )  # fmt: skip
    async with world.opened() as it:
        await it.start(strategy="flat-locked", workers=2)
        await it.signal("in line")
        await it.until(lambda run: run.changes)
        world.clock.advance(minutes=4)
        await it.signal("holding")
        await it.engine.stop("R1")
        await it.raise_signal("never")


async def crowded(world: World) -> None:
    """Four workers on one line: three clash, and the file goes to one at a time."""
    names = ("loud", "fast", "long", "high")
    both = [turn(write("a.txt", TEXT.decode().replace("two", "two, all of it"))),
            turn(call("submit", summary="All."))]  # fmt: skip
    world.play(
        planner(*(task(name, "a.txt") for name in names)),
        *(flow("worker", turn(edit("two", f"two, {name}")),
               turn(call("submit", summary=name), signal=name,
                    wait_for=[other for other in names if other != name]),
               *both, match=f"Do: {name}")
          for name in names),
        *judge("done"),
    )  # fmt: skip
    async with world.opened() as it:
        await it.work(overlap="allow")


async def designed(world: World) -> None:
    """A sub-planner whose decision the planner above it revises."""
    note, finish = partial(call, "note_design"), call("finish", summary="Planned.")
    world.play(
        flow("planner", turn(note(topic="Exit codes", decision="0 or 1."), signal="decided"),
             turn(task("hush", "b.txt"), wait_for=["seen"]), turn(finish), match="Quieten b"),
        flow("planner", turn(note(topic="Names", decision="All names are short."),
                             call("delegate", scope="b.txt", objective="Quieten b")),
             turn(note(topic="exit-codes", decision="0, 1 or 2."), wait_for=["decided"]),
             turn(finish, signal="seen")),
        worker("hush", turn(edit("two", "2", "b.txt"))),
        *judge("done"),
    )  # fmt: skip
    async with world.opened() as it:
        await it.work()


async def typed(world: World) -> None:
    """A landing on lines that the person is writing, a question, and a rule that is lifted."""
    world.play(
        planner(call("ask_person", question="How loud?", options=["Very"]),
                task("shout", "a.txt"), times=1),
        planner(),
        worker("shout", turn(edit("two", "TWO"), signal="edited", wait_for=["typed"])),
        *judge("continue", "done"),
    )  # fmt: skip
    async with world.opened() as it:
        await it.start()
        await it.signal("edited")
        await it.call("answerQuestion", questionId="Q1", answer="Very")
        rule = await it.engine.add_constraint("Be quiet.")
        await it.engine.lift_constraint(rule.id)
        (world.person.root / "a.txt").write_bytes(TEXT.replace(b"two", b"two, typed"))
        await it.raise_signal("typed")
        await it.ended()


async def stopped(world: World) -> None:
    """Two judges of one cycle who disagree, then files that go to and fro; gone on with, ended."""
    there, back = [edit("two", "TWO")], [edit("TWO", "two")]
    names = [f"{word} {n}" for n in (1, 2) for word in ("shout", "hush")]
    world.play(
        planner(task("shout 1", "a.txt"), task("lost", "b.txt"), times=1),
        *(planner(task(name, "a.txt"), times=1) for name in names[1:]),
        *(worker(name, turn(*(there if "shout" in name else back))) for name in names),
        *judge("done", "continue", "continue", "continue", "continue", "give_up"),
    )
    async with world.opened() as it:
        await it.work()
        await it.engine.steer("R1", "Leave it as it was.")
        await it.engine.resume("R1")
        await it.ended()


async def checked(world: World) -> None:
    """A check that newly fails and is mended, one that failed before, and a test that is gone."""
    test = "def test_a():\n    assert open('a.txt').read()\n"
    world.person.commit({"test_a.py": test.encode()})
    checks = call("run_checks")
    world.play(
        planner(task("shout", "a.txt"), times=1),
        planner(task("hush", "a.txt"), times=1),
        worker("shout", turn(edit("two", "LOUD"), call("delete_file", path="test_a.py"))),
        worker("hush", turn(edit("LOUD", "quiet"))),
        flow(
            "judge", turn(checks), turn(call("verdict", reason="x", decision="continue")), times=1
        ),
        flow("judge", turn(checks), turn(call("verdict", reason="y", decision="done")), times=1),
    )
    async with world.opened() as it:
        shouts = "sed 's/^\\([0-9]*\\).*/a.txt:\\1: shouts/'"
        loud = f"grep -n LOUD a.txt | {shouts} | grep . && exit 1; true"
        await it.start(checks=[loud, "false"], sandbox={"mode": "none"})
        await it.until(lambda run: run.cycle == 2)
        await it.call("dismissFinding", findingId="F1", reason="It was no test.")
        await it.ended()


async def recovered(world: World) -> None:
    """A process that dies with a landing intended, and one that puts it in order and goes on."""
    world.play(planner(task("shout", "a.txt")), worker("shout", turn(edit("two", "TWO"))),
               *judge("done"))  # fmt: skip
    child = [sys.executable, "-m", "tests.support.engine_child", str(world.person.root)]
    command = [*child, world.server.base_url, "landing.intended"]
    await asyncio.to_thread(subprocess.run, command, check=False)
    async with world.opened() as it:
        await it.engine.resume("R1")
        await it.ended()


async def record(name: str, play: Callable[[World], Awaitable[None]], world: World) -> None:
    await play(world)
    async with world.opened() as it:
        with it.engine.journal.reader() as reader:
            records = list(reader.read())
        expected = json.dumps(summary(it.engine.state), indent=1)
    lines = [record.model_dump_json() for record in records]
    # Neither this machine's folders nor its ports are part of what is replayed.
    text = "\n".join(lines).replace(str(world.worktree.root), "/repository")
    text = text.replace(world.server.base_url, "http://127.0.0.1:8000/v1")
    (FOLDER / f"{name}.jsonl").write_text(f"{text}\n", encoding="utf-8")
    (FOLDER / f"{name}.expected.json").write_text(f"{expected}\n", encoding="utf-8")


PLAYS = {"done": done, "eventful": eventful, "bounded": bounded, "budgeted": budgeted,
         "opened": opened, "typed": typed, "shared": shared, "crowded": crowded,
         "designed": designed, "stopped": stopped, "checked": checked,
         "recovered": recovered}  # fmt: skip


def main() -> None:
    for name, play in PLAYS.items():
        if (FOLDER / f"{name}.jsonl").exists():
            continue
        with tempfile.TemporaryDirectory() as folder, running_server() as server:
            person = GitRepository.create(Path(folder) / "repository")
            person.commit({"a.txt": TEXT, "b.txt": TEXT})
            asyncio.run(record(name, play, World(person, server)))


if __name__ == "__main__":
    main()
