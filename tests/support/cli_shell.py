"""A person at a shell: real processes of `longshift` and `git` in a real repository."""

import contextlib
import io
import json
import logging
import os
import signal
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO
from unittest import mock

from longshift.cli.main import main
from tests.support import warm

WITHIN_S = 40


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    status: int
    out: str
    err: str

    @property
    def lines(self) -> list[dict[str, object]]:
        """The output as JSON lines."""
        return [json.loads(line) for line in self.out.splitlines()]


@dataclass(frozen=True)
class Shell:
    """A shell that stands in a repository."""

    root: Path
    environ: Mapping[str, str] = field(default_factory=dict)

    def longshift(
        self, *arguments: str, status: int | None = 0, cwd: Path | None = None, typed: str = ""
    ) -> Done:
        """Run a command to its end; it must end with `status`, unless that is None.

        `typed` is its standard input, through a pipe.
        """
        process = subprocess.run(
            [*warm.command(), *arguments],
            cwd=cwd or self.root,
            env={**os.environ, **self.environ},
            input=typed,
            capture_output=True,
            text=True,
            timeout=WITHIN_S,
            check=False,
        )
        assert "Traceback" not in process.stderr + process.stdout, process.stderr
        if status is not None:
            assert process.returncode == status, process.stderr + process.stdout
        return Done(process.returncode, process.stdout, process.stderr)

    def here(
        self, *arguments: str, status: int = 0, cwd: Path | None = None, typed: str = ""
    ) -> Done:
        """The same within this process: for the many calls that only look or are refused."""
        out, err = io.StringIO(), io.StringIO()
        with (
            _standard_input(typed) as stdin,
            mock.patch.object(sys, "stdin", stdin),
            mock.patch.dict(os.environ, self.environ),
            mock.patch.object(sys, "argv", ["longshift", *arguments]),
            contextlib.chdir(cwd or self.root),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
            process_as_it_was(),
        ):
            ended = main()
        assert "Traceback" not in err.getvalue() + out.getvalue(), err.getvalue()
        assert ended == status, err.getvalue() + out.getvalue()
        return Done(ended, out.getvalue(), err.getvalue())

    @contextmanager
    def started(self, *arguments: str, command: Sequence[str] | None = None) -> Iterator["Started"]:
        """Start a command that prints JSON lines; it is killed at the end of the block.

        `command` is what starts `longshift`, where it is to be another than usual.
        """
        process = subprocess.Popen(
            [*(command or warm.command()), *arguments],
            cwd=self.root,
            env={**os.environ, **self.environ},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        with process:
            try:
                yield Started(process)
            finally:
                process.send_signal(warm.killing())

    def git(self, *arguments: str) -> str:
        """Run git; gives its output."""
        done = subprocess.run(
            ["git", *arguments], cwd=self.root, capture_output=True, text=True, check=True
        )
        return done.stdout

    def assert_git_is_clean(self) -> None:
        """The person's repository is whole, collectable, and shows no trace of us."""
        assert self.git("status", "--porcelain") == ""
        self.git("gc", "--prune=now", "--quiet")
        fsck = subprocess.run(
            ["git", "fsck", "--full"], cwd=self.root, capture_output=True, text=True, check=True
        )
        assert fsck.stdout + fsck.stderr == ""

    def tree(self, run_id: str) -> str:
        """The tree of a run's published head."""
        return self.git("rev-parse", f"refs/longshift/{run_id}/head^{{tree}}").strip()


@dataclass(frozen=True)
class Started:
    """A command under way."""

    process: subprocess.Popen[str]

    def wait_for(self, event: str, **fields: object) -> dict[str, object]:
        """Read lines until one is of this event and has these fields."""
        assert self.process.stdout is not None
        for text in self.process.stdout:
            line: dict[str, object] = json.loads(text)
            if line["event"] == event and fields.items() <= line.items():
                return line
        raise AssertionError(f"ended without {event}: {self.process.communicate()[1]}")

    def end(self, status: int) -> Done:
        """Wait for its end, which must be with `status`."""
        out, err = self.process.communicate(timeout=WITHIN_S)
        assert "Traceback" not in err, err
        assert self.process.returncode == status, err
        return Done(self.process.returncode, out, err)

    def interrupt(self) -> None:
        """Press Ctrl-C."""
        self.process.send_signal(signal.SIGINT)

    def kill(self) -> None:
        """Let it end without a word, as a power cut does."""
        self.process.send_signal(warm.killing())
        self.process.wait(WITHIN_S)


@contextmanager
def _standard_input(typed: str) -> Iterator[IO[str]]:
    """A standard input that holds what is typed, and then ends."""
    with tempfile.TemporaryFile("w+") as file:
        file.write(typed)
        file.seek(0)
        yield file


@contextmanager
def process_as_it_was() -> Iterator[None]:
    """Take back what a command changes of its own process: signals and logging."""
    numbers = (signal.SIGTERM, signal.SIGHUP)
    handlers = [signal.getsignal(number) for number in numbers]
    root, ours = logging.getLogger(), logging.getLogger("longshift")
    levels, before = (root.level, ours.level), list(root.handlers)
    try:
        yield
    finally:
        for number, handler in zip(numbers, handlers, strict=True):
            signal.signal(number, handler)
        for handler in set(root.handlers) - set(before):
            root.removeHandler(handler)
            handler.close()
        root.setLevel(levels[0])
        ours.setLevel(levels[1])


def raise_signal(base_url: str, name: str) -> None:
    """Raise a signal of a script that has `signal_flows(name)`."""
    messages = [{"role": "user", "content": f"raise {name}"}]
    body = json.dumps({"model": "scripted", "messages": messages}).encode()
    request = urllib.request.Request(
        f"{base_url}/chat/completions", body, {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=WITHIN_S) as reply:
        assert reply.status == 200


def signal_flow(name: str) -> dict[str, object]:
    """A flow of a script by which `raise_signal` raises a name."""
    turn = {"text": "raised", "signal": name}
    return {"role": "other", "match": f"raise {name}$", "turns": [turn]}


EVIDENCE = ", ".join(f"T{number}" for number in range(1, 30))
"""Names every task that a plan can have."""


def planner(*tasks: Mapping[str, object]) -> dict[str, object]:
    """A planner's flow that adds tasks and finishes."""
    adds = [
        _call(
            "add_task",
            {
                "instructions": "As titled.",
                "acceptance": ["F401 is gone."],
                "depends_on": [],
                **task,
            },
        )
        for task in tasks
    ]
    return {
        "role": "planner",
        "times": 1,
        "turns": [
            {"calls": adds},
            {"calls": [_call("finish", {"summary": "Planned.", "evidence": EVIDENCE})]},
        ],
    }


def worker(
    title: str, path: str, content: str, turn: Mapping[str, object] | None = None
) -> dict[str, object]:
    """A worker's flow that writes one file and submits; `turn` goes into its first turn."""
    write = _call("write_file", {"path": path, "content": content})
    submit = _call("submit", {"summary": f"Wrote {path}."})
    return {
        "role": "worker",
        "match": title,
        "turns": [{"calls": [write], **(turn or {})}, {"calls": [submit]}],
    }


def _call(name: str, arguments: Mapping[str, object]) -> dict[str, object]:
    return {"name": name, "arguments": dict(arguments)}


def write_files(root: Path, files: Mapping[str, str]) -> None:
    """Write files below a root, making folders."""
    for path, text in files.items():
        place = root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")


def events_of(lines: Sequence[Mapping[str, object]]) -> list[object]:
    """The names of events, in order."""
    return [line["event"] for line in lines]
