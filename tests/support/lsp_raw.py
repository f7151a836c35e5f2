"""A JSON-RPC client that sends exactly the bytes that it is told to, over a real pipe.

Knows nothing of LSP beyond frames. Every message that the server sent must be read by the test
that caused it: `close` fails on one that was not.
"""

import json
import os
import selectors
import subprocess
import time
from collections import deque
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self

Json = dict[str, Any]

TIMEOUT_S = 20.0


def frame(body: bytes) -> bytes:
    return b"Content-Length: %d\r\n\r\n%b" % (len(body), body)


def encode(message: object) -> bytes:
    return frame(json.dumps(message).encode())


class RawClient:
    """One server process and the two ends of its pipes."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        cwd: str | os.PathLike[str] | None = None,
        env: Mapping[str, str] | None = None,
    ) -> None:
        self.process = subprocess.Popen(
            command,
            cwd=cwd,
            env=None if env is None else dict(env),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
        )
        assert self.process.stdin
        assert self.process.stdout
        assert self.process.stderr
        self._stdin = self.process.stdin
        self._out, self._err = self.process.stdout.fileno(), self.process.stderr.fileno()
        self._selector = selectors.DefaultSelector()
        for descriptor in (self._out, self._err):
            os.set_blocking(descriptor, False)
            self._selector.register(descriptor, selectors.EVENT_READ)
        self._buffer = b""
        self._unread: deque[Json] = deque()
        self._last_id = 0
        self.stderr = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop()
        if kind is None:
            assert not self._unread, f"not read: {list(self._unread)}"

    # Sending.

    def send_bytes(self, data: bytes) -> None:
        self._stdin.write(data)

    def send(self, *messages: object) -> None:
        """Send the messages in a single write, so that they arrive together."""
        self.send_bytes(b"".join(map(encode, messages)))

    def notify(self, method: str, params: object = None) -> None:
        self.send({"jsonrpc": "2.0", "method": method, "params": params})

    def ask(self, method: str, params: object = None) -> int:
        """Send a request and return its id."""
        self._last_id += 1
        self.send({"jsonrpc": "2.0", "id": self._last_id, "method": method, "params": params})
        return self._last_id

    def request(self, method: str, params: object = None) -> Json:
        """Send a request and return its response, which must be the next message."""
        msg_id = self.ask(method, params)
        response = self.read()
        assert response.get("id") == msg_id, response
        assert "method" not in response, response
        return response

    def result(self, method: str, params: object = None) -> Any:
        response = self.request(method, params)
        assert "error" not in response, response
        return response["result"]

    def error(self, method: str, params: object = None) -> Json:
        response = self.request(method, params)
        assert "error" in response, response
        return response["error"]

    def answer(self, message: Json, result: object = None) -> None:
        """Answer a request of the server's."""
        self.send({"jsonrpc": "2.0", "id": message["id"], "result": result})

    # Reading.

    def read(self, timeout_s: float = TIMEOUT_S) -> Json:
        """Return the next message; fail if none comes."""
        deadline = time.monotonic() + timeout_s
        while not self._unread:
            if not self._pull(deadline - time.monotonic()) and not self._unread:
                raise AssertionError(f"no message; standard error: {self.stderr.decode()}")
        return self._unread.popleft()

    def read_notification(self, method: str) -> Any:
        """Return the parameters of the next message, which must be this notification."""
        message = self.read()
        assert message.get("method") == method, message
        return message.get("params")

    def quiet(self) -> None:
        """Assert that the server has sent nothing that was not read.

        Asks it something whose answer must come first: what it sent before would be in front.
        """
        error = self.error("longshift/unknown")
        assert error["code"] == -32601

    def _pull(self, wait_s: float) -> bool:
        """Read what there is; False at the end of standard output or of the wait."""
        output_ended = False
        for key, _ in self._selector.select(max(0.0, wait_s)):
            data = os.read(key.fd, 1 << 16)
            if not data:
                self._selector.unregister(key.fd)
                output_ended = output_ended or key.fd == self._out
            elif key.fd == self._err:
                self.stderr += data
            else:
                self._take(data)
        return wait_s > 0 and not output_ended

    def _take(self, data: bytes) -> None:
        self._buffer += data
        while b"\r\n\r\n" in self._buffer:
            header, rest = self._buffer.split(b"\r\n\r\n", 1)
            fields = dict(line.split(b": ", 1) for line in header.split(b"\r\n"))
            length = int(fields[b"Content-Length"])
            if len(rest) < length:
                return
            self._unread.append(json.loads(rest[:length]))
            self._buffer = rest[length:]

    # The session's two ends.

    def initialize(self, **params: object) -> Json:
        """Shake hands as a client with no capabilities, unless given, and return the result."""
        given = {"processId": None, "rootUri": None, "capabilities": {}, **params}
        result: Json = self.result("initialize", given)
        self.notify("initialized", {})
        return result

    def shutdown(self) -> int:
        """End in good order and return the exit status."""
        assert self.result("shutdown") is None
        return self.exit()

    def exit(self) -> int:
        self.notify("exit")
        return self.wait()

    def wait(self, timeout_s: float = TIMEOUT_S) -> int:
        """Wait for the process and read what it still sends."""
        deadline = time.monotonic() + timeout_s
        while self._pull(deadline - time.monotonic()):
            pass
        status = self.process.wait(max(0.1, deadline - time.monotonic()))
        self._pull(0)  # the last words on standard error
        return status

    def _stop(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._selector.close()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()
