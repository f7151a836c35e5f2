"""Processes of `longshift` that have their imports behind them: forked from one that has them.

Most of what a test of a whole process costs is importing. `command` names a command that behaves
like `python -m longshift`, in a process of its own with the caller's environment, folder and
standard streams; a host that this test session starts has everything imported and forks it. Where
a test ends a process by force, or asks what it imports, it starts a cold one.

Run as a module with a socket's path, this file is the host.
"""

import atexit
import contextlib
import functools
import gc
import json
import os
import runpy
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import warnings
from pathlib import Path
from typing import Any

COLD = (sys.executable, "-m", "longshift")
_LARGEST = 1 << 20
_SHARED = "TESTS_WARM_HOST"
"""The variable with the path of the host's socket."""


@functools.cache
def command() -> tuple[str, ...]:
    """What starts `longshift`: append its arguments. Starts the host, for all workers or for one.

    With `-m MODULE` it starts a module of the tests instead. SIGUSR1 ends what it started as
    `kill -9` does, and only then the command itself.
    """
    if not hasattr(os, "pidfd_open"):
        return COLD
    if _SHARED not in os.environ:
        _share()
    file = str(Path(__file__).with_name("warm_command.py"))
    return (sys.executable, "-S", "-E", file, os.environ[_SHARED])


def _share() -> None:
    """Start the host; whoever this process starts from now on uses the same."""
    # Not pytest's own folder: the path of a socket may be no longer than 100 bytes.
    path = Path(tempfile.mkdtemp(prefix="ls-warm-"), "host")
    host = subprocess.Popen(
        [sys.executable, "-m", "tests.support.warm", str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
        env={**os.environ, "PYTHONWARNINGS": "error"},
    )
    assert host.stdout
    host.stdout.readline()  # it listens
    host.stdout.close()
    atexit.register(_end, host)
    os.environ[_SHARED] = str(path)


def interpreter() -> tuple[str, ...]:
    """What runs a module of the tests, warm where it can be: append `-m MODULE`."""
    return (sys.executable,) if command() == COLD else command()


def killing() -> signal.Signals:
    """What ends without a word what `command` started: as a power cut does."""
    return signal.SIGKILL if command() == COLD else signal.SIGUSR1


def _end(host: Any) -> None:
    host.stdin.close()  # its sign to end; those that it forked end with it
    host.wait(10)


class _Host:
    """Forks processes and tells how each ended."""

    def __init__(self, path: str) -> None:
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(path)
        self._listener.listen(64)
        self._selector = selectors.DefaultSelector()
        self._selector.register(0, selectors.EVENT_READ, self._session_ended)
        self._selector.register(self._listener, selectors.EVENT_READ, self._take)
        self._children: dict[int, socket.socket] = {}

    def serve(self) -> list[str] | None:
        """Serve until the session ends; in a forked process, gives its arguments."""
        while True:
            for key, _ in self._selector.select():
                ended = key.data()
                if ended is not None:
                    return ended or None

    def _session_ended(self) -> list[str]:
        self._listener.close()
        for child in self._children:
            os.kill(child, signal.SIGKILL)
        return []

    def _take(self) -> list[str] | None:
        asker, _ = self._listener.accept()
        data, streams, _, _ = socket.recv_fds(asker, _LARGEST, 3)
        while not data.endswith(b"\n"):
            data += asker.recv(_LARGEST)
        asked = json.loads(data)
        child = os.fork()
        if child == 0:
            self._become(asker, streams, asked)
            return asked["arguments"]
        for stream in streams:
            os.close(stream)
        end = os.pidfd_open(child)
        self._children[child] = asker
        self._selector.register(end, selectors.EVENT_READ, lambda: self._ended(child, end))
        self._selector.register(asker, selectors.EVENT_READ, lambda: self._heard(child))
        return None

    def _become(self, asker: socket.socket, streams: list[int], asked: dict) -> None:
        self._selector.close()
        self._listener.close()
        asker.close()
        for other in self._children.values():
            other.close()
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
            os.close(stream)
        # What stood at these numbers may have been of another kind: a file, a terminal.
        sys.stdin = open(0, closefd=False)  # noqa: SIM115 - for the whole process
        sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115 - as above
        sys.stderr = open(2, "w", errors="backslashreplace", closefd=False)  # noqa: SIM115 - as above
        os.chdir(asked["folder"])
        os.environ.clear()
        os.environ.update(asked["environ"])

    def _heard(self, child: int) -> None:
        """A signal to hand on, or the end of who asked: what it started ends with it."""
        asker = self._children[child]
        with contextlib.suppress(OSError):
            number = asker.recv(1)
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, number[0] if number else signal.SIGKILL)
            if number:
                return
        self._selector.unregister(asker)

    def _ended(self, child: int, end: int) -> None:
        _, status = os.waitpid(child, 0)
        asker = self._children.pop(child)
        with contextlib.suppress(OSError):
            asker.send(b"%d" % os.waitstatus_to_exitcode(status))
        with contextlib.suppress(KeyError):
            self._selector.unregister(asker)
        self._selector.unregister(end)
        os.close(end)
        asker.close()


def _import_all() -> None:
    import longshift.cli.app
    import longshift.cli.commands.run
    import longshift.cli.commands.serve
    import longshift.engine.owning.ownership
    import longshift.lsp.server
    import longshift.models.endpoint
    import longshift.models.registry  # noqa: F401
    from longshift.crew.prompts import library
    from longshift.models.clients import tls
    from longshift.screening import detector

    detector.load()
    library()
    tls()


def _serve_and_become(path: Path) -> None:
    from longshift.cli.main import main

    host = _Host(str(path))
    os.write(1, b"\n")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    _import_all()  # whoever asks meanwhile is served then
    gc.freeze()  # or each fork's first collection would copy every page
    arguments = host.serve()
    if arguments is None:
        shutil.rmtree(path.parent)
        return
    if os.environ.get("PYTHONWARNINGS") != "error":
        warnings.resetwarnings()
    if arguments[0] == "-m":
        sys.argv = arguments[1:]
        runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
        return
    sys.argv = ["longshift", *arguments]
    _end_with(main())


def _end_with(code: int) -> None:
    """End as an interpreter does, but for taking every module apart: that costs more than most.

    Unlike `os._exit` alone it waits for threads, calls what was registered, finds what was left
    open, and writes what is written; where that fails, the interpreter shall say so.
    """
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    gc.collect()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError:
        raise SystemExit(code) from None
    os._exit(code)


if __name__ == "__main__":
    _serve_and_become(Path(sys.argv[1]))
