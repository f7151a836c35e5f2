"""What commands do where the process that drives ends, is silent, or is there for a moment only."""

import asyncio
import contextlib
import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from longshift.cli.board.spectator import Spectator
from longshift.cli.session import connected, find_worktree
from longshift.domain.state import Run
from longshift.engine.owning.reaching import Guest
from longshift.journal.client import ControlClient
from longshift.journal.lease import Lease, OwnerAlive, announced
from longshift.repository.worktree import Worktree
from tests.cli.test_detached import until
from tests.cli.test_second_process import QUICK, TASKS, held
from tests.cli.test_watch import terminal
from tests.scripted_model import ScriptedServer
from tests.support.cli_shell import (
    WITHIN_S,
    Shell,
    planner,
    process_as_it_was,
    raise_signal,
    signal_flow,
    worker,
)
from tests.support.warm import COLD

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there are no such signals")


def both_held(signal: str) -> dict[str, object]:
    """A script for two runs, in each of which the second task waits for a signal."""
    waiting = worker("Write B", "b.txt", "b\n", {"wait_for": [signal]})
    return {"flows": [planner(*TASKS) | {"times": 2}, QUICK[1], waiting, signal_flow(signal)]}


def owner_of(shell: Shell) -> OwnerAlive:
    owner = announced(shell.root / ".git" / "longshift")
    assert owner is not None
    return owner


def shown(shell: Shell, run_id: str = "R1") -> dict[str, object]:
    described: dict[str, object] = json.loads(shell.here("status", run_id, "--json").out)
    return described


def test_what_a_script_starts_in_the_background_heeds_an_ordinary_kill(
    endpoint: Shell, scripted: ScriptedServer
) -> None:
    """A shell without job control has what it starts with `&` ignore Ctrl-C."""
    scripted.play(held("never"))
    command = ("sh", "-c", 'trap "" INT; exec "$@"', "sh", *COLD)
    with endpoint.started("run", "Write both", "--json", command=command) as run:
        run.wait_for("task.landed", task="T1")
        run.interrupt()
        run.process.send_signal(signal.SIGTERM)
        done = run.end(status=130)
    assert "longshift resume R1" in done.err
    assert shown(endpoint)["reason"] == "Interrupted. Resume it to go on."


def test_a_run_whose_output_nobody_reads_any_more_is_paused_and_says_so(
    endpoint: Shell, scripted: ScriptedServer
) -> None:
    scripted.play(held("go"))
    with endpoint.started("run", "Write both", "--json") as run:
        run.wait_for("task.landed", task="T1")
        assert run.process.stdout is not None
        run.process.stdout.close()
        raise_signal(scripted.base_url, "go")
        assert run.process.wait(WITHIN_S) == 1
        assert run.process.stderr is not None
        said = run.process.stderr.read()
    assert "Nobody reads the output any more. R1 is paused;" in said
    reason = "Nobody read its output any more. Resume it to go on."
    assert shown(endpoint)["reason"] == reason


def test_a_silent_owner_is_named_and_not_waited_for_without_a_word(
    endpoint: Shell, scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    scripted.play(held("go"))
    monkeypatch.setitem(Guest.call.__kwdefaults__, "within_s", 0.5)
    monkeypatch.setattr("longshift.engine.owning.reaching.SILENT_AFTER_S", 0.1)
    monkeypatch.setattr("longshift.cli.board.spectator.SILENT_AFTER_S", 0.2)
    monkeypatch.setattr("longshift.cli.health.ANSWERS_WITHIN_S", 0.2)
    with endpoint.started("run", "Write both", "--json") as run:
        run.wait_for("task.landed", task="T1")
        pid = owner_of(endpoint).pid
        os.kill(pid, signal.SIGSTOP)
        try:
            assert f"process {pid}, which does not answer" in endpoint.here("watch", "--once").out
            found = json.loads(endpoint.here("doctor", "--offline", "--json", status=1).out)
            [state] = [one for one in found["checks"] if one["name"] == "state"]
            assert (state["state"], f"kill -CONT {pid}" in state["mend"]) == ("bad", True)
            said = endpoint.here("run", "Another", status=1).err
        finally:
            os.kill(pid, signal.SIGCONT)
        assert said.index("Waiting for it.") < said.index("`startGoal` was sent")
        assert f"kill -CONT {pid}" in said
        raise_signal(scripted.base_url, "go")
        run.wait_for("run.finished", run="R1", outcome="done")


def test_a_live_view_of_a_silent_owner_says_so_and_can_be_left(
    endpoint: Shell, scripted: ScriptedServer
) -> None:
    scripted.play(held("never"))
    with (
        endpoint.started("run", "Write both", "--json") as run,
        terminal(endpoint, "watch") as (screen, process),
    ):
        run.wait_for("task.landed", task="T1")
        screen.until("1 of 2 landed")
        pid = owner_of(endpoint).pid
        os.kill(pid, signal.SIGSTOP)
        try:
            screen.until("which does not answer")
            screen.press("p")
            screen.until("does not answer. Where it was")
            screen.press("q")
            assert process.wait(WITHIN_S) == 0
        finally:
            os.kill(pid, signal.SIGCONT)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_goal_is_not_left_to_who_passes(endpoint: Shell, scripted: ScriptedServer) -> None:
    """A run begun beside another command waits for its end, and is driven by its own process."""
    scripted.play({"flows": QUICK})

    async def pass_by() -> subprocess.Popen[str]:
        async with connected(find_worktree(endpoint.root)):
            assert owner_of(endpoint).address is None
            return await asyncio.to_thread(run_that_looks_for_the_owner, endpoint)

    with process_as_it_was():
        run = asyncio.run(pass_by())
    out, err = run.communicate(timeout=WITHIN_S)
    assert run.returncode == 0, out + err
    assert "owns this repository" not in err


def test_a_passing_owner_that_stays_is_named(
    endpoint: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("longshift.engine.owning.reaching.WAITS", 5)
    monkeypatch.setattr("longshift.engine.owning.reaching.SILENT_AFTER_S", 0.1)
    with Lease.acquire(endpoint.root / ".git" / "longshift"):
        said = endpoint.here("run", "Write both", status=1).err
    assert said.index(f"kill -CONT {os.getpid()}") < said.index("Nothing was done.")


def run_that_looks_for_the_owner(shell: Shell) -> subprocess.Popen[str]:
    run = subprocess.Popen(
        [*COLD, "run", "Write both"],
        cwd=shell.root,
        env={**os.environ, **shell.environ},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    until(lambda: "pygit2" in Path("/proc", str(run.pid), "maps").read_text())
    time.sleep(0.5)  # what it would need to find a door
    return run


def test_run_detach_has_an_engine_of_its_own_where_the_owner_just_ends(
    endpoint: Shell, scripted: ScriptedServer
) -> None:
    scripted.play(held("go"))
    endpoint.here("status")
    lease = Lease.acquire(endpoint.root / ".git" / "longshift")
    assert isinstance(lease, Lease)
    with endpoint.started("run", "Write both", "--detach", "--json") as run:
        time.sleep(1.5)  # it has found an owner without a door, and waits for it
        lease.release()
        started = json.loads(run.end(status=0).out)
    assert started["pid"] == owner_of(endpoint).pid not in (run.process.pid, os.getpid())
    raise_signal(scripted.base_url, "go")
    until(lambda: announced(endpoint.root / ".git" / "longshift") is None)
    assert shown(endpoint)["outcome"] == "done"


def test_whoever_attached_to_an_owner_that_is_gone_is_told_of_their_own_run(
    endpoint: Shell, scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("longshift.cli.watching.REJOINS", 3)
    scripted.play(both_held("never"))
    with endpoint.started("run", "Write both", "--json") as run:
        run.wait_for("task.landed", task="T1")
        killer = subprocess.Popen(
            ["sh", "-c", 'while ! [ -e "$1" ]; do sleep 0.05; done; kill -9 "$2"', "sh",
             str(endpoint.root / "now"), str(owner_of(endpoint).pid)],
        )  # fmt: skip
        monkeypatch.setattr(
            "longshift.cli.driving.open_view", lambda **_: _Marking(endpoint.root / "now")
        )
        done = endpoint.here("run", "Another", status=130)
        killer.wait(WITHIN_S)
    assert "The process that drove R2 has ended" in done.err
    assert "longshift resume R2" in done.err


class _Marking(contextlib.AbstractContextManager["_Marking"]):
    """A view that makes a file once it is shown anything."""

    def __init__(self, mark: Path) -> None:
        self._mark = mark

    def show(self, record: object, run: Run) -> None:
        self._mark.touch()

    def __exit__(self, *_: object) -> None:
        self._mark.unlink(missing_ok=True)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
def test_ctrl_c_names_the_own_run_whatever_its_owner_does(
    endpoint: Shell, scripted: ScriptedServer, how: signal.Signals
) -> None:
    scripted.play(both_held("never"))
    with endpoint.started("run", "Write both", "--json") as run:
        run.wait_for("task.landed", task="T1")
        pid = owner_of(endpoint).pid
        with endpoint.started("run", "Another", "--json") as other:
            other.wait_for("run.started")
            os.kill(pid, how)
            time.sleep(0.3)  # a killed one is missed by then, and another looked for
            other.interrupt()
            said = other.end(status=130).err
        if how is signal.SIGSTOP:
            os.kill(pid, signal.SIGCONT)
    assert "Interrupted. R2 " in said
    assert ("longshift pause R2" if how is signal.SIGSTOP else "longshift resume R2") in said


async def test_who_looks_on_is_told_again_once_a_silent_owner_goes_on(
    endpoint: Shell, scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    scripted.play(held("never"))
    monkeypatch.setitem(ControlClient.call.__kwdefaults__, "timeout_s", 0.3)
    monkeypatch.setattr("longshift.cli.board.spectator.SILENT_AFTER_S", 0.1)
    monkeypatch.setattr("longshift.cli.board.spectator.LOOK_EVERY_S", 0.05)
    with endpoint.started("run", "Write both", "--json") as run:
        run.wait_for("task.landed", task="T1")
        spectator = Spectator(Worktree.discover(endpoint.root))
        spectator.read()
        following = asyncio.create_task(spectator.follow())
        await asyncio.to_thread(until, lambda: spectator.live)
        pid = owner_of(endpoint).pid
        os.kill(pid, signal.SIGSTOP)
        await asyncio.to_thread(until, lambda: spectator.is_silent)
        await asyncio.sleep(0.5)  # more than a call waits for its answer
        os.kill(pid, signal.SIGCONT)
        await asyncio.to_thread(until, lambda: not spectator.is_silent)
        await spectator.call("pauseRun", {"runId": "R1"})
        await asyncio.to_thread(until, lambda: spectator.known.state.runs["R1"].paused)
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)


def test_a_run_of_a_process_that_was_interrupted_ends_the_commands_that_follow_it_with_130(
    endpoint: Shell, scripted: ScriptedServer
) -> None:
    scripted.play(both_held("never"))
    with endpoint.started("run", "Write both", "--json") as run:
        run.wait_for("task.landed", task="T1")
        with endpoint.started("run", "Another", "--json") as other:
            other.wait_for("run.started")
            run.interrupt()
            assert "R2 is paused: Interrupted." in other.end(status=130).err


def test_the_end_of_a_run_names_a_hunk_of_its_own(
    endpoint: Shell, scripted: ScriptedServer
) -> None:
    scripted.play({"flows": QUICK})
    endpoint.here("run", "Write both")
    spaced = {"title": "Write C", "paths": ["a c.txt"]}
    scripted.play({"flows": [planner(spaced), worker("Write C", "a c.txt", "c\n")]})
    assert "longshift accept R2 'C3:a c.txt:1'" in endpoint.here("run", "Write another").out


@pytest.mark.skipif(sys.platform != "linux", reason="limits another process")
@pytest.mark.parametrize("trouble", ["full disk", "no state folder"])
def test_an_owner_that_can_not_journal_ends_and_tells_all_who_follow(
    endpoint: Shell, scripted: ScriptedServer, trouble: str
) -> None:
    scripted.play(both_held("go"))
    with endpoint.started("run", "Write both", "--json") as run:
        run.wait_for("task.landed", task="T1")
        with endpoint.started("run", "Another", "--json") as other:
            other.wait_for("run.started")
            if trouble == "full disk":
                unlimited = resource.RLIM_INFINITY
                resource.prlimit(owner_of(endpoint).pid, resource.RLIMIT_FSIZE, (0, unlimited))
            else:
                (endpoint.root / ".git" / "longshift").rename(endpoint.root / "away")
            raise_signal(scripted.base_url, "go")
            assert "The journal at " in run.end(status=1).err
            assert other.process.wait(WITHIN_S) in (1, 130)  # told why, or that it is gone
    if trouble == "full disk":
        assert endpoint.longshift("resume", "R1", "--json").lines[-1]["outcome"] == "done"


@pytest.mark.skipif(sys.platform != "linux", reason="limits another process")
def test_an_engine_in_the_background_that_can_not_journal_ends(
    endpoint: Shell, scripted: ScriptedServer
) -> None:
    scripted.play(held("go"))
    started = json.loads(endpoint.longshift("run", "Write both", "--detach", "--json").out)
    pid = started["pid"]
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
    raise_signal(scripted.base_url, "go")
    until(lambda: announced(endpoint.root / ".git" / "longshift") is None)
    assert shown(endpoint)["state"] == "paused"


def test_no_run_goes_on_with_the_built_in_model_unasked(
    endpoint: Shell, scripted: ScriptedServer
) -> None:
    """A shell that does not have the setting is told; choosing the built-in model is a choice."""
    interrupt_a_run(endpoint, scripted)
    told = Shell(endpoint.root).here("resume", "R1", status=1).err
    assert "was begun with the model scripted, and no model is set here" in told
    assert shown(endpoint)["state"] == "paused"
    chosen = Shell(endpoint.root, {"LONGSHIFT_MODELS__DEFAULT__MODEL": "builtin"})
    chosen.here("resume", "R1", status=1)
    assert shown(endpoint)["outcome"] == "gave_up"


@pytest.mark.parametrize(
    "environ",
    [{}, {"LONGSHIFT_MODELS__DEFAULT__MODEL": "scripted"}, {"LONGSHIFT_WORKERS": "none"}],
    ids=["no model", "no key", "wrong setting"],
)
def test_a_run_is_stopped_without_what_it_would_need_to_go_on(
    endpoint: Shell, scripted: ScriptedServer, environ: dict[str, str]
) -> None:
    interrupt_a_run(endpoint, scripted)
    Shell(endpoint.root, environ).here("stop", "R1")
    assert shown(endpoint)["outcome"] == "stopped"
    assert endpoint.git("show", "refs/longshift/R1/head:a.txt") == "a\n"


def interrupt_a_run(shell: Shell, scripted: ScriptedServer) -> None:
    scripted.play(held("never"))
    with shell.started("run", "Write both", "--json") as run:
        run.wait_for("task.landed", task="T1")
        run.interrupt()
        run.end(status=130)
