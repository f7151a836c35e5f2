"""One client of a language server process, for benchmarks: it types, asks and waits.

Speaks as little of the protocol as the figures need. Must never do anything between a question and
its answer that the measured time would pay for.
"""

import itertools
import json
import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, Self

Json = dict[str, object]

CAPABILITIES: Final = {
    "textDocument": {
        "codeAction": {
            "dataSupport": True,
            "resolveSupport": {"properties": ["edit"]},
            "codeActionLiteralSupport": {"codeActionKind": {"valueSet": ["quickfix"]}},
        }
    },
    "workspace": {
        "applyEdit": True,
        "workspaceEdit": {"documentChanges": True},
        "codeLens": {"refreshSupport": True},
    },
}


class Editor:
    """One server process and its client."""

    capabilities: Mapping[str, object] = CAPABILITIES
    options: Mapping[str, object] = {}
    """What `initializationOptions` has beside the settings."""

    def __init__(
        self,
        command: Sequence[str],
        folder: Path,
        base_url: str,
        settings: Mapping[str, object] | None = None,
        home: Path | None = None,
    ) -> None:
        """Start a server and initialize it.

        Args:
            command: the server's.
            folder: the one workspace folder.
            base_url: of the scripted model.
            settings: beside those that any benchmark needs.
            home: where the server takes its person's home; None: the folder.
        """
        places = {"HOME": str(home or folder), "XDG_CONFIG_HOME": str(folder / ".git")}
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, **places},
        )
        self._ids = itertools.count(1)
        self._versions = itertools.count(2)
        model = {"model": "scripted", "base_url": base_url}
        given = {
            "models": {"default": model},
            "budget": {"usd": 0.0},
            "gates": "off",
            "checks": [],
            **(settings or {}),
        }
        self.request(
            "initialize",
            {
                "processId": os.getpid(),
                "rootUri": folder.as_uri(),
                "capabilities": self.capabilities,
                "initializationOptions": {"settings": given, **self.options},
            },
        )
        self.notify("initialized", {})

    @property
    def pid(self) -> int:
        """The server's process."""
        return self._process.pid

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.request("shutdown", None)
        self._send({"method": "exit"})
        self._process.wait(30)
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()

    def open(self, uri: str, text: str) -> None:
        """Open a document."""
        document = {"uri": uri, "languageId": "python", "version": 1, "text": text}
        self.notify("textDocument/didOpen", {"textDocument": document})

    def type(self, uri: str, line: int, text: str, character: int = 0) -> None:
        """Insert a text in a line."""
        here = {"line": line, "character": character}
        params = {
            "textDocument": {"uri": uri, "version": next(self._versions)},
            "contentChanges": [{"range": {"start": here, "end": here}, "text": text}],
        }
        self.notify("textDocument/didChange", params)

    def replace(self, uri: str, text: str) -> None:
        """Put another text in place of a whole document."""
        document = {"uri": uri, "version": next(self._versions)}
        params = {"textDocument": document, "contentChanges": [{"text": text}]}
        self.notify("textDocument/didChange", params)

    def code_actions(self, uri: str, start_line: int, end_line: int) -> list[Json]:
        """What is offered between two lines, half-open."""
        asked = {
            "textDocument": {"uri": uri},
            "range": {
                "start": {"line": start_line, "character": 0},
                "end": {"line": end_line, "character": 0},
            },
            "context": {"diagnostics": []},
        }
        answer = self.request("textDocument/codeAction", asked)
        assert isinstance(answer, list)
        return answer

    def time_code_action(self, uri: str, start_line: int, end_line: int) -> float:
        """Seconds from sending the question to its parsed answer."""
        started_s = time.perf_counter()
        self.code_actions(uri, start_line, end_line)
        return time.perf_counter() - started_s

    def command(self, name: str, **arguments: object) -> Json:
        """Have the server carry out one of its commands."""
        given = {"command": f"longshift.{name}", "arguments": [arguments]}
        answer = self.request("workspace/executeCommand", given)
        assert isinstance(answer, dict)
        return answer

    def finish_run(self, goal: str, *, within_s: float = 60.0) -> None:
        """Start a goal and wait until its run has ended.

        Raises:
            RuntimeError: it has not ended in time, or stands.
        """
        self.command("startGoal", goal=goal)
        deadline_s = time.monotonic() + within_s
        while time.monotonic() < deadline_s:
            run = self.command("listRuns")["runs"][0]  # type: ignore[index]
            if run["state"] == "ended":
                return
            if run["state"] == "paused":
                raise RuntimeError(f"The run that makes the hunks was paused: {run['reason']}")
            time.sleep(0.05)
        raise RuntimeError(f"The run that makes the hunks has not ended within {within_s} s.")

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
                self.answer(message)

    def answer(self, message: Json) -> None:
        """Answer what the server asks: with nothing, which suits whoever only looks."""
        self.respond(message, None)

    def respond(self, message: Json, result: object) -> None:
        """Send the result of what the server asked."""
        self._send({"id": message["id"], "result": result})

    def notify(self, method: str, params: object) -> None:
        """Send a notification."""
        self._send({"method": method, "params": params})

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
