"""One engine, many editors: what each sees, whose text counts, and who goes on when one closes."""

import asyncio
import json
import os
import resource
import signal
import sys
import time
from pathlib import Path

import pytest
from pygls.exceptions import JsonRpcException

from longshift.journal.lease import Lease, OwnerAlive
from longshift.journal.reader import JournalReader
from tests.support import warm
from tests.support.lsp_journey import (
    WAIT_S,
    call,
    git,
    judge,
    kill_editor,
    release,
    replace,
    stop_editor,
    task,
)

FINDING = call(
    "report_finding", path="a.txt", line=2, message="two is a crowd", code="X1", severity="warning"
)
TEXT = "one\ntwo\nthree\nfour\n"
ENDS = [replace("a.txt", "one", "ONE"), replace("a.txt", "four", "FOUR")]


def state_dir(root: Path) -> Path:
    return root / ".git" / "longshift"


def owner_of(root: Path) -> OwnerAlive | None:
    taken = Lease.acquire(state_dir(root))
    if isinstance(taken, OwnerAlive):
        return taken
    taken.release()
    return None


def facts(root: Path) -> list[dict[str, object]]:
    with JournalReader.open(state_dir(root) / "journal.sqlite") as reader:
        return [one.as_line() for one in reader.read()]


def events(root: Path, *names: str) -> list[dict[str, object]]:
    return [one for one in facts(root) if one["event"] in names]


async def until_state(editor, run_id: str, state: str) -> None:
    await editor.until_run(run_id, lambda run: run["state"] == state)


async def until_at_work(editor, run_id: str) -> None:
    await editor.until_run(run_id, lambda run: any(t["state"] == "running" for t in run["tasks"]))


async def until_nobody_owns(root: Path) -> None:
    """Wait for the end of an engine that nobody is connected to: only its lock tells."""

    def wait() -> None:
        deadline = time.monotonic() + WAIT_S
        while owner_of(root) is not None:
            assert time.monotonic() < deadline, "it stays"
            time.sleep(0.05)

    await asyncio.to_thread(wait)


async def accepts(editor, document):
    return [a for a in await editor.actions(document) if a.kind == "quickfix.longshift.accept"]


def states(run) -> list[str]:
    files = [file for change in run["changes"] for file in change["files"]]
    return [hunk["state"] for file in files for hunk in file["hunks"]]


async def hunks(editor, run_id="R1"):
    """The states of a run's hunks, on which whatever lists them must agree."""
    described = states(await editor.command("describeRun", runId=run_id))
    listed = (await editor.command("listHunks", runId=run_id))["hunks"]
    named = [{key: one[key] for key in ("changeId", "path", "hunk")} for one in listed]
    shown = [await editor.command("showHunk", runId=run_id, **one) for one in named]
    assert [one["state"] for one in listed] == [one["state"] for one in shown] == described
    return described


@pytest.fixture
async def both(connect, repository, model):
    """A VS Code that owns the repository, and a Neovim that is attached; both have the file open.

    The Neovim has text that is not saved, and started the run.
    """
    root = repository({"a.txt": TEXT})
    model.play({"flows": [*task("shout", *ENDS), judge(FINDING)]})
    owner = await connect(root)
    assert (await owner.command("listRuns"))["runs"] == []  # the first command takes the repository
    guest = await connect(root, profile="neovim")
    documents = [editor.open(root / "a.txt") for editor in (owner, guest)]
    guest.type(documents[1], "three", "typed\n")
    await guest.run("Shout")
    return root, owner, guest, *documents


async def test_a_hunk_accepted_in_one_leaves_the_list_of_the_other(both):
    """Each is offered the hunks against its own text; a decision is everybody's."""
    root, owner, guest, theirs, mine = both
    await owner.until_ended("R1")
    base = await asyncio.to_thread(git, root, "show", "refs/longshift/R1/base:a.txt")
    assert base == "one\ntwo\ntyped\nthree\nfour\n", "a guest's unsaved text"
    assert [len(await accepts(*one)) for one in ((owner, theirs), (guest, mine))] == [2, 2]
    await guest.until(lambda: len(guest.client.diagnostics.get(mine.uri, ())) == 1)

    assert (await guest.pick((await accepts(guest, mine))[0]))["state"] == "accepted"
    assert mine.text == "ONE\ntwo\ntyped\nthree\nfour\n"
    assert (theirs.text, (root / "a.txt").read_text()) == (TEXT, TEXT), "nobody else's is touched"
    assert await hunks(owner) == await hunks(guest) == ["accepted", "pending"]
    [left] = await accepts(owner, theirs)
    assert "hunk 2 of 2" in left.title
    assert (await owner.pick(left))["state"] == "accepted"
    await guest.until_run("R1", lambda run: states(run) == ["accepted", "accepted"])
    assert await accepts(guest, mine) == []
    assert theirs.text == "one\ntwo\nthree\nFOUR\n"


async def test_decisions_by_command_are_carried_out_in_the_editor_they_come_from(both):
    """Accept, undo and accept all: the guest's own buffer is edited, and nothing is saved."""
    root, owner, guest, theirs, mine = both
    [change] = (await guest.command("describeRun", runId="R1"))["changes"]
    named = {"runId": "R1", "changeId": change["id"]}
    done = await guest.command("acceptChange", **named, path="a.txt", hunk=2)
    assert done["state"] == "accepted"
    assert mine.text == "one\ntwo\ntyped\nthree\nFOUR\n"
    await guest.command("undoDecision", **named, path="a.txt", hunk=2)
    assert mine.text == "one\ntwo\ntyped\nthree\nfour\n"
    assert await hunks(guest) == ["pending", "pending"]
    await guest.command("acceptAll", runId="R1")
    assert mine.text == "ONE\ntwo\ntyped\nthree\nFOUR\n"
    assert (theirs.text, (root / "a.txt").read_text()) == (TEXT, TEXT)
    assert await hunks(owner) == ["accepted", "accepted"]
    guest.refuses = "no"
    with pytest.raises(JsonRpcException, match=r"did not apply the change to a\.txt: no"):
        await guest.command("undoDecision", **named, path="a.txt", hunk=1)
    assert await hunks(owner) == ["accepted", "accepted"]


async def test_a_file_that_only_the_other_has_open_is_edited_there(both):
    """Nothing is written behind an editor's back, whoever decides."""
    root, owner, _, theirs, mine = both
    owner.close(theirs)
    await owner.settle()
    [change] = (await owner.command("describeRun", runId="R1"))["changes"]
    await owner.command("acceptChange", runId="R1", changeId=change["id"], path="a.txt", hunk=1)
    assert mine.text == "ONE\ntwo\ntyped\nthree\nfour\n"
    assert (root / "a.txt").read_text() == TEXT


async def test_nothing_is_deleted_that_has_unsaved_text_in_another_editor(
    connect, repository, model
):
    """A refusal says which editor it is; saved there, the decision goes through."""
    root = repository({"a.txt": TEXT, "b.txt": "keep\n"})
    model.play({"flows": [*task("drop", call("delete_file", path="a.txt")), judge()]})
    owner = await connect(root)
    await owner.command("listRuns")
    guest = await connect(root, profile="neovim")
    theirs, mine = [editor.open(root / "a.txt") for editor in (owner, guest)]
    await guest.run("Drop it")
    owner.type(theirs, "three", "typed\n")
    await owner.settle()
    with pytest.raises(JsonRpcException, match="unsaved text in visual_studio_code"):
        await guest.command("acceptChange", runId="R1", changeId="C1")
    assert (root / "a.txt").read_text() == TEXT
    owner.erase(theirs, "typed\n")
    await owner.settle()
    assert (await guest.command("acceptChange", runId="R1", changeId="C1"))["state"] == "accepted"
    assert not (root / "a.txt").exists()
    assert await hunks(owner) == await hunks(guest) == ["accepted"]
    assert mine.text == TEXT, "an editor that can't be asked keeps it; it counts for closed"


@pytest.fixture
async def held(connect, repository, model):
    """An owner with a run whose worker waits for `go`, and what plays the rest."""
    root = repository({"a.txt": TEXT})
    flows = task("shout", *ENDS, wait_for=["go"])
    model.play({"flows": [*flows, judge()]})
    owner = await connect(root)
    run_id = await owner.start("Shout")
    await until_at_work(owner, run_id)
    yield root, owner, run_id
    await release(model, "go")


async def test_the_first_closes_and_the_second_goes_on(held, connect, model):
    """No run is left paused, nothing lands twice, and the journal says who handed over."""
    root, owner, run_id = held
    guest = await connect(root, profile="neovim", options={"runUpdates": True})
    owned = owner_of(root)
    [run] = (await guest.command("listRuns"))["runs"]
    assert (run["runId"], run["state"]) == (run_id, "running")
    assert await stop_editor(owner) == 0
    await guest.until(lambda: any(one["state"] == "running" for one in guest.updates))
    await release(model, "go")
    await guest.until_ended(run_id)
    told = events(root, "run.paused", "run.resumed", "task.landed", "run.finished")
    assert [one["event"] for one in told] == [
        "run.paused",
        "run.resumed",
        "task.landed",
        "run.finished",
    ]
    assert (told[0]["cause"], told[-1]["outcome"]) == ("handover", "done")
    assert owner_of(root) not in (None, owned)


async def test_the_last_closes_and_the_next_goes_on_by_itself(held, connect, model):
    """A pause with a cause of its own; what a person paused stays paused."""
    root, owner, run_id = held
    assert await stop_editor(owner) == 0
    [paused] = events(root, "run.paused")
    assert paused["cause"] == "closed"
    again = await connect(root, profile="neovim")
    await until_state(again, run_id, "running")
    await again.command("pauseRun", runId=run_id)
    assert await stop_editor(again) == 0
    third = await connect(root)
    [run] = (await third.command("listRuns"))["runs"]
    assert run["state"] == "paused"
    await release(model, "go")
    await third.command("resumeRun", runId=run_id)
    await third.until_ended(run_id)
    assert [one["cause"] for one in events(root, "run.paused")] == ["closed", "person"]


async def test_a_window_that_is_loaded_anew_misses_nothing(held, connect, model):
    """The new one comes while the old one still ends, as when a window is reloaded."""
    root, owner, run_id = held
    ending = asyncio.ensure_future(stop_editor(owner))
    again = await connect(root)
    assert (await again.command("listRuns"))["runs"][0]["runId"] == run_id
    assert await ending == 0
    await until_state(again, run_id, "running")
    await release(model, "go")
    await again.until_ended(run_id)
    assert len(events(root, "task.landed")) == 1


async def test_the_owner_is_killed_and_the_guest_takes_over(held, connect, model):
    """Like after any crash the run waits for a word, and the person is told so."""
    root, owner, run_id = held
    guest = await connect(root, profile="neovim")
    await guest.command("listRuns")
    await kill_editor(owner)
    await guest.until(lambda: any(f"{run_id} is paused" in said for said in guest.shown))
    [paused] = events(root, "run.paused")
    assert paused["cause"] == "interrupted"
    await release(model, "go")
    await guest.command("resumeRun", runId=run_id)
    await guest.until_ended(run_id)
    assert len(events(root, "task.landed")) == 1
    assert len([said for said in guest.shown if "had ended while" in said]) == 1


async def test_a_command_that_follows_a_run_goes_along_to_the_next_editor(
    connect, repository, model, env
):
    """A terminal's run that lives in the first editor is handed over with it, and is followed."""
    root = repository({"a.txt": TEXT})
    model.play({"flows": [*task("shout", *ENDS, wait_for=["go"]), judge()]})
    env["LONGSHIFT_MODELS__DEFAULT__MODEL"] = "scripted"
    env["LONGSHIFT_MODELS__DEFAULT__BASE_URL"] = model.base_url
    owner, guest = await connect(root), await connect(root, profile="neovim")
    for editor in (owner, guest):
        await editor.command("listRuns")
    shell = await asyncio.create_subprocess_exec(
        *warm.command(), "run", "Shout", "--json", cwd=root, env=env, stdin=-3, stdout=-1, stderr=-1
    )
    while b'"attempt.started"' not in (line := await shell.stdout.readline()):
        assert line, await shell.communicate()
    assert await stop_editor(owner) == 0
    await until_state(guest, "R1", "running")
    await release(model, "go")
    out, err = await asyncio.wait_for(shell.communicate(), WAIT_S)
    assert shell.returncode == 0, err
    said = [json.loads(line) for line in out.splitlines()]
    assert [one["cause"] for one in said if one["event"] == "run.paused"] == ["handover"]
    assert said[-1]["event"] == "run.finished"


async def test_in_the_background_no_editor_becomes_the_owner(connect, repository, model):
    """Also where the one who owns the repository is just ending when the editor looks."""
    root = repository({"a.txt": TEXT})
    lease = Lease.acquire(state_dir(root))
    assert isinstance(lease, Lease)
    editor = await connect(root, options={"background": True})
    listing = asyncio.ensure_future(editor.command("listRuns"))
    await asyncio.sleep(1)  # it has found an owner without a door, and waits for its end
    lease.release()
    assert (await listing)["runs"] == []
    owned = owner_of(root)
    assert owned is not None
    assert owned.pid != editor.client._server.pid
    assert await stop_editor(editor) == 0
    os.kill(owned.pid, signal.SIGTERM)
    await until_nobody_owns(root)


@pytest.mark.parametrize("by", ["option", "setting"])
async def test_in_the_background_a_run_outlives_its_editor(by, connect, repository, model):
    """The editor's process is killed with its group; the next one finds the run, and its hunks."""
    root = repository({"a.txt": TEXT})
    flows = task("shout", *ENDS, wait_for=["go"])
    model.play({"flows": [*flows, judge(FINDING)]})
    command = (*warm.command(), "serve", "--stdio", "--background")
    given = {"command": command} if by == "option" else {}
    options = {} if by == "option" else {"options": {"background": True}}
    first = await connect(root, **given, **options)
    run_id = await first.start("Shout")
    await until_at_work(first, run_id)
    owned = owner_of(root)
    assert owned is not None
    await kill_editor(first)

    again = await connect(root, profile="neovim", **given, **options)
    document = again.open(root / "a.txt")
    assert (await again.command("listRuns"))["runs"][0]["state"] == "running"
    await release(model, "go")
    await again.until_ended(run_id)
    assert events(root, "run.paused") == []
    await again.pick((await accepts(again, document))[0])
    assert document.text == "ONE\ntwo\nthree\nfour\n"
    assert owner_of(root) == owned, "the same engine all along"
    assert await stop_editor(again) == 0
    await until_nobody_owns(root)  # nothing is left to do, so it ends by itself
    assert events(root, "run.finished")[0]["outcome"] == "done"


@pytest.mark.skipif(sys.platform != "linux", reason="limits another process")
async def test_an_editor_that_can_not_journal_says_so_and_begins_anew(held, model):
    """Once there is room the run goes on, in the same editor, from what the disk has."""
    root, editor, run_id = held
    owned, unlimited = owner_of(root), resource.RLIM_INFINITY
    assert owned is not None
    resource.prlimit(owned.pid, resource.RLIMIT_FSIZE, (0, unlimited))
    await release(model, "go")
    await editor.until(lambda: any("The journal at" in said for said in editor.shown))
    with pytest.raises(JsonRpcException, match="space"):
        await editor.command("resumeRun", runId=run_id)
    resource.prlimit(owned.pid, resource.RLIMIT_FSIZE, (unlimited, unlimited))
    assert (await editor.command("resumeRun", runId=run_id))["state"] == "running"
    await editor.until_ended(run_id)
    assert len(events(root, "task.landed")) == 1


@pytest.mark.skipif(sys.platform != "linux", reason="limits another process")
async def test_an_editor_that_can_not_take_over_at_once_misses_nothing(held, connect, model):
    """The disk has no room when the owner is killed: what happened is told once there is some."""
    root, owner, run_id = held
    guest = await connect(root, profile="neovim", command=(*warm.COLD, "serve", "--stdio"))
    await guest.command("describeRun", runId=run_id)
    pid, unlimited = guest.client._server.pid, resource.RLIM_INFINITY
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, unlimited))
    await kill_editor(owner)
    await guest.until(lambda: any("space" in said for said in guest.shown))
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (unlimited, unlimited))
    assert (await guest.command("describeRun", runId=run_id))["state"] == "paused"
    await guest.until(lambda: any(f"{run_id} is paused" in said for said in guest.shown))


async def test_an_editor_without_the_runs_model_says_why_the_run_waits(held, connect, model):
    root, first, run_id = held
    assert await stop_editor(first) == 0
    other = await connect(root, settings={"checks": []})
    await other.command("listRuns")
    await other.until(lambda: any("no model is set here" in said for said in other.shown))
    described = await other.command("describeRun", runId=run_id)
    assert described["state"] == "paused"
    assert await stop_editor(other) == 0
    again = await connect(root)
    await again.command("listRuns")
    await until_state(again, run_id, "running")
    await release(model, "go")
    await again.until_ended(run_id)
