"""Runs that outlive the terminal they were started from, and the engine that drives them."""

import json
import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from longshift.engine.owning.standing_in import (
    NOTHING_LEFT_S,
    PATIENCE_S,
    Situation,
    stay_while_needed,
)
from longshift.journal.lease import Lease, OwnerAlive
from tests.cli.test_second_process import held
from tests.scripted_model import ScriptedServer
from tests.support.cli_shell import WITHIN_S, Shell, raise_signal


def owner_of(shell: Shell) -> OwnerAlive | None:
    taken = Lease.acquire(shell.root / ".git" / "longshift")
    if isinstance(taken, OwnerAlive):
        return taken
    taken.release()
    return None


def until(holds) -> None:
    """Wait for what another process does, which tells nobody."""
    deadline = time.monotonic() + WITHIN_S
    while not holds():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.05)


@pytest.fixture
def detached(endpoint: Shell, scripted: ScriptedServer):
    """A shell with a run in the background that waits for `go`; its engine ends with the test."""
    scripted.play(held("go"))
    done = endpoint.longshift("run", "Write both", "--detach", "--json")
    owner = owner_of(endpoint)
    assert owner is not None
    assert json.loads(done.out) == {"run": "R1", "pid": owner.pid}
    yield endpoint, owner
    try:
        os.kill(owner.pid, signal.SIGTERM)
    except ProcessLookupError:
        return
    until(lambda: owner_of(endpoint) is None)


def test_a_detached_run_goes_on_and_its_engine_ends_by_itself(detached, scripted) -> None:
    shell, _ = detached
    raise_signal(scripted.base_url, "go")
    until(lambda: json.loads(shell.here("status", "R1", "--json").out)["outcome"] == "done")
    until(lambda: owner_of(shell) is None)
    assert shell.git("show", "refs/longshift/R1/head:b.txt") == "b\n"
    shell.assert_git_is_clean()


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_its_engine_has_left_everything_that_it_was_started_with(detached) -> None:
    """No terminal, no group and no descriptor of the starter's: nothing that ends it ends this."""
    shell, owner = detached
    assert os.getsid(owner.pid) == owner.pid != os.getsid(0)
    assert os.getpgid(owner.pid) == owner.pid
    log = shell.root / ".git" / "longshift" / "logs" / "longshift.log"
    there = Path("/proc", str(owner.pid))
    wanted = [Path(os.devnull), log, log]
    until(lambda: [(there / "fd" / name).readlink() for name in "012"] == wanted)
    assert f"PPid:\t{os.getpid()}\n" not in (there / "status").read_text()
    assert (there / "cwd").readlink() == Path("/"), "it keeps no folder from being removed"


def test_it_is_paused_resumed_and_stopped_from_the_shell(detached, scripted) -> None:
    shell, owner = detached
    again = shell.longshift("run", "Another", "--detach", status=0).out
    assert f"R2 has begun in process {owner.pid}, which owns this repository" in again
    shell.here("stop", "R2")
    assert "R2 has ended" in shell.here("pause", "R2", status=2).err
    assert "paused" in shell.here("pause", "R1").out
    assert f"goes on in process {owner.pid}" in shell.here("resume", "R1").out
    assert "ended" in shell.here("stop", "R1").out
    until(lambda: owner_of(shell) is None)


def test_the_end_of_its_engine_pauses_it_durably(detached) -> None:
    shell, owner = detached
    os.kill(owner.pid, signal.SIGTERM)
    until(lambda: owner_of(shell) is None)
    shown = json.loads(shell.here("status", "R1", "--json").out)
    assert shown["state"] == "paused"
    assert "The engine's process was ended." in shell.here("status", "R1").out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--apply",), "exclude each other"),
        (("--model", "nobody"), "OPENAI_API_KEY"),
        (("--workers", "0"), "workers"),
    ],
)
def test_what_can_not_start_is_told_by_the_command_itself(
    shell: Shell, arguments: tuple[str, ...], said: str
) -> None:
    done = shell.longshift("run", "Write", "--detach", *arguments, status=2)
    assert said in done.err
    assert "R1" not in done.out
    owner = owner_of(shell)
    if owner is not None:
        os.kill(owner.pid, signal.SIGTERM)
        until(lambda: owner_of(shell) is None)


def test_no_module_of_the_repository_is_imported(shell: Shell) -> None:
    """The engine is started from a folder of the repository, whose files are a stranger's."""
    for name in ("click", "json", "longshift"):
        (shell.root / f"{name}.py").write_text(f"open({str(shell.root / 'ran')!r}, 'w')\n")
    subprocess.run([sys.executable, "-P", "-c", "pass"], cwd=shell.root, check=True)
    shell.longshift("run", "Look", "--model", "builtin", "--detach")
    until(lambda: owner_of(shell) is None)
    assert not (shell.root / "ran").exists()


class FakeClock:
    """A clock that moves only by waiting."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.seconds, UTC)

    async def sleep(self, seconds: float) -> None:
        self.seconds += seconds


@pytest.mark.parametrize(
    ("situation", "patience_s"),
    [
        (Situation(True, True, 0, False), None),
        (Situation(True, True, 0, True), None),
        (Situation(False, True, 1, True), None),
        (Situation(False, False, 1, True), None),
        (Situation(False, True, 0, True), PATIENCE_S),
        (Situation(False, False, 0, False), PATIENCE_S),
        (Situation(False, False, 0, True), NOTHING_LEFT_S),
    ],
)
def test_how_long_an_engine_without_an_editor_stays(situation, patience_s) -> None:
    assert situation.patience_s == patience_s


class Engine:
    """As much of an owner as the rule looks at: connections come and go by the clock."""

    def __init__(
        self, clock: FakeClock, leaves_at_s: float, deleted_at_s: float, broken_at_s: float
    ) -> None:
        self.clock, self.leaves_at_s = clock, leaves_at_s
        self.deleted_at_s, self.broken_at_s = deleted_at_s, broken_at_s
        self.engine = self

    @property
    def state(self):
        from longshift.domain.state import State

        return State()

    @property
    def n_attached(self) -> int:
        return int(self.clock.seconds < self.leaves_at_s)

    @property
    def is_held(self) -> bool:
        return self.clock.seconds < self.deleted_at_s

    @property
    def is_broken(self) -> bool:
        return self.clock.seconds >= self.broken_at_s


@pytest.mark.parametrize(
    ("leaves_at_s", "deleted_at_s", "broken_at_s", "ends_at_s", "because"),
    [
        (0, 1e9, 1e9, PATIENCE_S, "nobody was there"),
        (100, 1e9, 1e9, 100 + NOTHING_LEFT_S, "nobody was there"),
        (1e9, 50, 1e9, 50, "was deleted"),
        (1e9, 1e9, 50, 50, "could not be written"),
    ],
)
async def test_it_ends_by_itself(
    leaves_at_s, deleted_at_s, broken_at_s, ends_at_s, because
) -> None:
    clock = FakeClock()
    owner = Engine(clock, leaves_at_s, deleted_at_s, broken_at_s)
    reason = await stay_while_needed(owner, clock)
    assert because in reason
    assert abs(clock.seconds - ends_at_s) <= 1
