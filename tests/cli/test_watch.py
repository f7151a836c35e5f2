"""`longshift watch` beside a run: one frame, lines, and the live view in a real terminal."""

import contextlib
import json
import os
import re
import select
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from tests.scripted_model import ScriptedServer
from tests.support.cli_shell import WITHIN_S, Shell, planner, raise_signal, signal_flow, worker

TASKS = ({"title": "Write A", "paths": ["a.txt"]}, {"title": "Write B", "paths": ["b.txt"]})


def held() -> dict[str, object]:
    """A script whose second task's model does not answer before `go` is raised."""
    waiting = worker("Write B", "b.txt", "b\n", {"wait_for": ["go"]})
    return {
        "flows": [planner(*TASKS), worker("Write A", "a.txt", "a\n"), waiting, signal_flow("go")]
    }


def test_one_frame_tells_what_is_under_way(endpoint: Shell, scripted: ScriptedServer) -> None:
    assert "No runs here yet" in endpoint.here("watch", "--once").out
    scripted.play(held())
    with endpoint.started("run", "Write both", "--json") as run:
        run.wait_for("task.landed", task="T1")
        frame = endpoint.here("watch", "--once").out
        assert re.search(r"driven by process \d+", frame)
        assert "1 of 2 landed" in frame
        assert re.search(r"T2\.1 +worker +working +\d+ s +thinking.* Write B", frame)
        shown = json.loads(endpoint.here("watch", "r1", "--once", "--json").out)
        [agent] = shown["runs"][0]["agents"]
        assert (agent["agent"], agent["standing"], agent["doing"]) == (
            "T2.1",
            "working",
            "thinking",
        )
        endpoint.here("pause")
        assert "waiting" in endpoint.here("watch", "--once").out
        run.kill()
    frame = endpoint.here("watch", "--once").out
    assert "nobody drives it" in frame
    assert "There is no run R7" in endpoint.here("watch", "R7", "--once", status=2).err
    endpoint.assert_git_is_clean()


def test_lines_go_on_from_one_owner_to_the_next(endpoint: Shell, scripted: ScriptedServer) -> None:
    scripted.play(held())
    with endpoint.started("watch", "--json") as watching:
        with endpoint.started("run", "Write both", "--json") as run:
            watching.wait_for("task.landed", task="T1")
            run.interrupt()
            run.end(status=130)
        watching.wait_for("run.paused", run="R1")
        raise_signal(scripted.base_url, "go")
        endpoint.longshift("resume", "R1")
        watching.wait_for("run.finished", run="R1")
        watching.interrupt()
        watching.end(status=130)
    assert not (endpoint.root / ".git/longshift/owner.json").exists(), "it never owns anything"


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such terminals")
def test_keys_in_a_terminal(endpoint: Shell, scripted: ScriptedServer) -> None:
    scripted.play(held())
    with (
        endpoint.started("run", "Write both", "--json") as run,
        terminal(endpoint, "watch") as (screen, process),
    ):
        run.wait_for("task.landed", task="T1")
        screen.until("1 of 2 landed")
        screen.until("thinking")
        screen.press("p")
        screen.until("R1 is paused.")
        run.wait_for("run.paused")
        screen.press("t")
        screen.until("tasks")
        screen.press("s")
        screen.until("Stop R1?")
        screen.press("n")
        screen.press("s")
        screen.until("Stop R1?")
        screen.press("y")
        run.wait_for("run.finished", outcome="stopped")
        run.end(status=1)
        screen.until("nobody drives it")
        screen.press("p")
        screen.until("R1 has ended: there is nothing to pause.")
        screen.press("q")
        assert process.wait(WITHIN_S) == 0
        assert "\x1b[?1049l" in screen.rest(), "the terminal is given back"


class Terminal:
    """The other end of a terminal that a command has to itself."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._seen = ""

    def press(self, key: str) -> None:
        os.write(self._descriptor, key.encode())

    def until(self, words: str) -> None:
        """Read what is drawn from here on until there are these words."""
        deadline = time.monotonic() + WITHIN_S
        while words not in re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", self._seen):
            assert time.monotonic() < deadline, f"no {words!r} in {self._seen!r}"
            if not self._more(deadline - time.monotonic()):
                raise AssertionError(f"ended without {words!r}: {self._seen!r}")
        self._seen = ""

    def rest(self) -> str:
        while self._more(1.0):
            pass
        return self._seen

    def _more(self, within_s: float) -> bool:
        if not select.select([self._descriptor], [], [], within_s)[0]:
            return False
        try:
            data = os.read(self._descriptor, 65536)
        except OSError:  # the command has ended
            return False
        self._seen += data.decode("utf-8", "replace")
        return bool(data)


@contextlib.contextmanager
def terminal(
    shell: Shell, *arguments: str, term: str = "xterm"
) -> Iterator[tuple[Terminal, subprocess.Popen[bytes]]]:
    """A command in a terminal of 100 columns; ended at the end of the block."""
    import fcntl
    import pty
    import struct
    import termios

    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("4H", 40, 100, 0, 0))
    process = subprocess.Popen(
        [sys.executable, "-m", "longshift", *arguments],
        cwd=shell.root,
        env={**os.environ, **shell.environ, "TERM": term},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    try:
        yield Terminal(ours), process
    finally:
        process.kill()
        process.wait(WITHIN_S)
        os.close(ours)


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such terminals")
def test_a_terminal_that_moves_no_cursor_is_given_lines(
    endpoint: Shell, scripted: ScriptedServer
) -> None:
    scripted.play(held())
    with (
        terminal(endpoint, "run", "Write both", term="dumb") as (running, run),
        terminal(endpoint, "watch", term="dumb") as (watching, _),
    ):
        running.until("T1 (Write A) landed")
        endpoint.here("pause")
        watching.until("R1 is paused")
        endpoint.here("stop")
        assert run.wait(WITHIN_S) == 1
