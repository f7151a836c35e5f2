"""How much longer a code action takes on 100 pending hunks than 100 lazy ones of bare pygls.

A real run with a scripted model leaves the hunks in a real repository; both servers then answer
the same request by turns, so that a busy moment of the machine meets both. Ours is asked for the
whole buffer, and offers accept, rework and reject for each hunk where bare pygls offers one
action.
"""

import importlib
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import ExitStack
from importlib.metadata import version
from pathlib import Path
from typing import Final, Self

from benchmarks.result import Result

Json = dict[str, object]

LIMIT: Final = 3.0
N_HUNKS: Final = 100
SERVE: Final = (sys.executable, "-m", "longshift", "serve", "--stdio")
BARE: Final = (sys.executable, "-m", "benchmarks.bare_server", str(N_HUNKS))

_CAPABILITIES: Final = {
    "textDocument": {
        "codeAction": {
            "dataSupport": True,
            "resolveSupport": {"properties": ["edit"]},
            "codeActionLiteralSupport": {"codeActionKind": {"valueSet": ["quickfix"]}},
        }
    },
    "workspace": {"applyEdit": True, "workspaceEdit": {"documentChanges": True}},
}


def run(*, quick: bool = False) -> Result:
    """Measure the ratio of the two 95th percentiles.

    Args:
        quick: a few requests instead of enough for a steady figure.
    """
    scripted_model = importlib.import_module("tests.scripted_model")
    n_requests = 20 if quick else 200
    with ExitStack() as stack:
        model = stack.enter_context(scripted_model.running_server())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory())).resolve()
        uri = _make_repository(folder)
        model.play(_script())
        ours = stack.enter_context(_Client(SERVE, folder, model.base_url))
        bare = stack.enter_context(_Client(BARE, folder, model.base_url))
        _finish_run(ours)
        for client in (ours, bare):
            client.open(uri, _before())
        counts = [_count(client, uri) for client in (ours, bare)]
        figures = _measure(ours, bare, uri, n_requests)
    ours_s, bare_s, edited_s = (sorted(times) for times in figures)
    p95 = {"ours": _p95(ours_s), "bare": _p95(bare_s), "edited": _p95(edited_s)}
    return Result(
        name="lsp",
        figures={"code_action_p95_ratio": round(p95["ours"] / p95["bare"], 3)},
        conditions={
            "n_requests": n_requests,
            "n_hunks": N_HUNKS,
            "n_actions_ours": counts[0],
            "n_actions_bare": counts[1],
            "longshift_p95_ms": round(p95["ours"] * 1e3, 2),
            "longshift_median_ms": round(statistics.median(ours_s) * 1e3, 2),
            "bare_pygls_p95_ms": round(p95["bare"] * 1e3, 2),
            "bare_pygls_median_ms": round(statistics.median(bare_s) * 1e3, 2),
            "longshift_after_each_keystroke_p95_ms": round(p95["edited"] * 1e3, 2),
            "python": sys.version.split()[0],
            "pygls": version("pygls"),
        },
        limits={"code_action_p95_ratio": ("max", LIMIT)},
    )


def _measure(
    ours: "_Client", bare: "_Client", uri: str, n_requests: int
) -> tuple[list[float], list[float], list[float]]:
    """Seconds of each request: ours, bare, and ours right after a keystroke."""
    for client in (ours, bare):  # what is generated at the first use
        for _ in range(5):
            client.code_action(uri)
    pairs = [(ours.code_action(uri), bare.code_action(uri)) for _ in range(n_requests)]
    edited: list[float] = []
    for number in range(n_requests // 4):
        ours.type(uri, number + 2, "# typed\n")
        edited.append(ours.code_action(uri))
    return [pair[0] for pair in pairs], [pair[1] for pair in pairs], edited


def _count(client: "_Client", uri: str) -> int:
    actions = client.request("textDocument/codeAction", _asked(uri))
    assert isinstance(actions, list)
    wanted = [one for one in actions if str(one["title"]).startswith("Accept: ")]
    assert len(wanted) == N_HUNKS, f"{len(wanted)} of {N_HUNKS} hunks"
    return len(actions)


def _p95(times: list[float]) -> float:
    return times[min(len(times) - 1, int(len(times) * 0.95))]


def _asked(uri: str) -> Json:
    whole = {
        "start": {"line": 0, "character": 0},
        "end": {"line": 10 * N_HUNKS, "character": 0},
    }
    return {"textDocument": {"uri": uri}, "range": whole, "context": {"diagnostics": []}}


def _before() -> str:
    return "".join(f"value_{number} = {number}\n" for number in range(3 * N_HUNKS))


def _after() -> str:
    lines = _before().splitlines(keepends=True)
    lines[1::3] = [f"changed_{number} = {number}\n" for number in range(N_HUNKS)]
    return "".join(lines)


def _make_repository(folder: Path) -> str:
    place = folder / "values.py"
    place.write_text(_before(), encoding="utf-8")
    for arguments in (
        ("init", "-q"),
        ("add", "-A"),
        ("-c", "user.name=B", "-c", "user.email=b@example.com", "commit", "-qm", "Values"),
    ):
        subprocess.run(["git", *arguments], cwd=folder, check=True)
    return place.as_uri()


def _script() -> Json:
    def call(name: str, **arguments: object) -> Json:
        return {"calls": [{"name": name, "arguments": arguments}]}

    task = {"title": "Change a third", "instructions": "So.", "paths": ["values.py"]}
    return {
        "flows": [
            {"role": "planner", "turns": [call("add_task", **task), call("finish", summary="So.")]},
            {
                "role": "worker",
                "turns": [
                    call("write_file", path="values.py", content=_after()),
                    call("submit", summary="Done."),
                ],
            },
        ]
    }


def _finish_run(client: "_Client") -> None:
    given = {"command": "longshift.startGoal", "arguments": [{"goal": "Change a third"}]}
    client.request("workspace/executeCommand", given)
    deadline = time.monotonic() + 30
    listed = {"command": "longshift.listRuns", "arguments": [{}]}
    while time.monotonic() < deadline:
        answer = client.request("workspace/executeCommand", listed)
        assert isinstance(answer, dict)
        if answer["runs"][0]["state"] == "ended":
            return
        time.sleep(0.05)
    raise RuntimeError("The run that makes the hunks has not ended within 30 s.")


class _Client:
    """One server process; speaks as little of the protocol as the figure needs."""

    def __init__(self, command: tuple[str, ...], folder: Path, base_url: str) -> None:
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "HOME": str(folder), "XDG_CONFIG_HOME": str(folder / ".git")},
        )
        self._ids = itertools.count(1)
        self._versions = itertools.count(2)
        model = {"model": "scripted", "base_url": base_url}
        settings = {
            "models": {"default": model},
            "budget": {"usd": 0.0},
            "gates": "off",
            "checks": [],
        }
        self.request(
            "initialize",
            {
                "processId": os.getpid(),
                "rootUri": folder.as_uri(),
                "capabilities": _CAPABILITIES,
                "initializationOptions": {"settings": settings},
            },
        )
        self._send({"method": "initialized", "params": {}})

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.request("shutdown", None)
        self._send({"method": "exit"})
        self._process.wait(10)
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()

    def open(self, uri: str, text: str) -> None:
        """Open a document."""
        document = {"uri": uri, "languageId": "python", "version": 1, "text": text}
        self._send({"method": "textDocument/didOpen", "params": {"textDocument": document}})

    def type(self, uri: str, line: int, text: str) -> None:
        """Insert a text at the start of a line."""
        here = {"line": 3 * line, "character": 0}
        params = {
            "textDocument": {"uri": uri, "version": next(self._versions)},
            "contentChanges": [{"range": {"start": here, "end": here}, "text": text}],
        }
        self._send({"method": "textDocument/didChange", "params": params})

    def code_action(self, uri: str) -> float:
        """Seconds from sending the request to its parsed answer."""
        started_s = time.perf_counter()
        self.request("textDocument/codeAction", _asked(uri))
        return time.perf_counter() - started_s

    def request(self, method: str, params: object) -> object:
        """Send a request and return its result; what comes in between is passed over."""
        id_ = next(self._ids)
        self._send({"id": id_, "method": method, "params": params})
        while True:
            message = self._receive()
            if message.get("id") == id_ and "method" not in message:
                if "error" in message:
                    raise RuntimeError(f"{method} was answered with {message['error']}.")
                return message["result"]
            if "id" in message and "method" in message:
                self._send({"id": message["id"], "result": None})

    def _send(self, message: Mapping[str, object]) -> None:
        assert self._process.stdin is not None
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
        self._process.stdin.flush()

    def _receive(self) -> Json:
        assert self._process.stdout is not None
        length = 0
        while (line := self._process.stdout.readline()) not in {b"\r\n", b""}:
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        message: Json = json.loads(self._process.stdout.read(length))
        return message
