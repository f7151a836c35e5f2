"""The HTTP side of the scripted model: `/v1/chat/completions` and `/v1/responses`, on loopback.

Owns the server's thread and the record of requests. Must never outlive its context manager.
"""

import asyncio
import json
import socket
import threading
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from tests.scripted_model.player import Player, filled, role_of
from tests.scripted_model.responses import as_chat, as_response
from tests.scripted_model.script import Fault, Role, Script, Turn

LONGEST_WAIT_S = 30.0
"""A turn that waits longer for a signal answers 500, so that a wrong script fails, not hangs."""


@dataclass(frozen=True)
class RecordedRequest:
    """One request as it came."""

    role: Role
    model: str
    body: Mapping[str, object]
    raw: bytes
    headers: Mapping[str, str]
    api: str = "chat"

    @property
    def messages(self) -> list[dict[str, object]]:
        """The conversation that was sent, as it is at `/chat/completions`."""
        return list((as_chat(self.body) if self.api == "responses" else self.body)["messages"])


class ScriptedServer:
    """A running server."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url
        self.play(Script())

    def play(self, script: Script | Mapping[str, object]) -> None:
        """Begin a script, with an empty record; no request may be under way."""
        if not isinstance(script, Script):
            script = Script.model_validate(script)
        self.player = Player(script)
        self.requests: list[RecordedRequest] = []
        self.asked = threading.Event()
        """Set as soon as the first request is there."""
        self.at_once = 0
        self.most_at_once = 0
        """The most requests that were being answered at the same moment."""

    def by_role(self, role: Role) -> list[RecordedRequest]:
        """The requests of one role, in the order in which they came."""
        return [request for request in self.requests if request.role == role]


@asynccontextmanager
async def serve_script(
    script: Script | Mapping[str, object], port: int = 0
) -> AsyncIterator[ScriptedServer]:
    """Play a script on a port of the loopback interface (0: a free one) until the block ends."""
    with ExitStack() as stack:
        server = await asyncio.to_thread(stack.enter_context, running_server(port))
        server.play(script)
        try:
            yield server
        finally:
            await asyncio.to_thread(stack.close)


@contextmanager
def running_server(port: int = 0) -> Iterator[ScriptedServer]:
    """A server with no script yet, on a thread and a loop of its own, so that a test may block."""
    # TCP by name: where it is only implied, asyncio leaves Nagle's delay on, 40 ms a call.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.bind(("127.0.0.1", port))
        running = ScriptedServer(f"http://127.0.0.1:{listener.getsockname()[1]}/v1")
        server = _Server(_application(running))
        thread = threading.Thread(target=server.run, args=([listener],), name="scripted-model")
        thread.start()
        try:
            server.ready.wait()
            yield running
        finally:
            server.stop()
            thread.join()


class _Server(uvicorn.Server):
    """A uvicorn server that says when it listens, and stops at once when told to."""

    def __init__(self, application: Starlette) -> None:
        super().__init__(
            uvicorn.Config(
                application,
                log_config=None,
                log_level="critical",
                lifespan="off",
                timeout_graceful_shutdown=0,
                ws="none",
            )
        )
        self.ready = threading.Event()

    async def main_loop(self) -> None:
        # Its own looks ten times a second whether to stop: too slow for hundreds of tests.
        self._loop = asyncio.get_running_loop()
        self._stopping = asyncio.Event()
        await self.on_tick(0)
        self.ready.set()
        await self._stopping.wait()

    def stop(self) -> None:
        """End the server, from any thread."""
        self._loop.call_soon_threadsafe(self._stopping.set)


def _application(running: ScriptedServer) -> Starlette:
    async def complete(request: Request) -> Response:
        raw = await request.body()
        body = json.loads(raw)
        api = "responses" if request.url.path.endswith("/responses") else "chat"
        asked = as_chat(body) if api == "responses" else body
        running.requests.append(
            RecordedRequest(role_of(asked), body["model"], body, raw, dict(request.headers), api)
        )
        running.asked.set()
        running.at_once += 1
        running.most_at_once = max(running.most_at_once, running.at_once)
        try:
            return await _answer(running, asked, len(raw), api)
        finally:
            running.at_once -= 1

    paths = ("/v1/chat/completions", "/v1/responses")
    return Starlette(routes=[Route(path, complete, methods=["POST"]) for path in paths])


async def _answer(
    running: ScriptedServer, body: Mapping[str, object], sent: int, api: str
) -> Response:
    number = len(running.requests)
    answer = running.player.next_answer(body)
    if isinstance(answer, Fault):
        return _fault_response(answer)
    try:
        await _hold(answer, running.player.signals)
    except TimeoutError:
        return JSONResponse({"error": {"message": "A signal never came."}}, 500)
    reply = _reply(answer, body, sent, number)
    return JSONResponse(as_response(reply, answer.reasoning) if api == "responses" else reply)


async def _hold(turn: Turn, signals: Mapping[str, asyncio.Event]) -> None:
    if turn.signal is not None:
        signals[turn.signal].set()
    async with asyncio.timeout(LONGEST_WAIT_S):
        for name in turn.wait_for:
            await signals[name].wait()
    if turn.delay_s:
        await asyncio.sleep(turn.delay_s)


def _reply(turn: Turn, body: Mapping[str, object], sent: int, number: int) -> dict[str, object]:
    calls = [
        {
            "id": f"call_{number}_{index}",
            "type": "function",
            "function": {
                "name": call.name,
                "arguments": call.arguments
                if isinstance(call.arguments, str)
                else json.dumps(filled(call.arguments, body["messages"])),
            },
        }
        for index, call in enumerate(turn.calls)
    ]
    message: dict[str, object] = {"role": "assistant", "content": turn.text or None}
    if calls:
        message["tool_calls"] = calls
    reply: dict[str, object] = {
        "id": f"chatcmpl-{number}",
        "object": "chat.completion",
        "created": 0,
        "model": body["model"],
        "choices": [
            {
                "index": 0,
                "message": message,
                "finish_reason": turn.finish_reason or ("tool_calls" if calls else "stop"),
            }
        ],
    }
    if turn.usage != "none":
        written = len(json.dumps(message)) // 4
        reply["usage"] = turn.usage or {
            "prompt_tokens": sent // 4,
            "completion_tokens": written,
            "total_tokens": sent // 4 + written,
        }
    return reply


def _fault_response(fault: Fault) -> Response:
    match fault.kind:
        case "status":
            body = fault.body or {"error": {"message": f"Scripted {fault.status}."}}
            return JSONResponse(body, fault.status, fault.headers)
        case "drop":
            return _Dropped()
        case "garbage":
            return Response('{"choices": [{"mess', media_type="application/json")
        case "empty":
            return JSONResponse({"choices": []})
        case "body":
            return JSONResponse(fault.body, headers=fault.headers)
        case "endless":
            return StreamingResponse(_spaces(), media_type="application/json")


class _Dropped(Response):
    """Promises more bytes than it sends; the server then closes the connection."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(b"content-type", b"application/json"), (b"content-length", b"1000")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b'{"choices"', "more_body": True})


async def _spaces() -> AsyncIterator[bytes]:
    while True:
        yield b" "
        await asyncio.sleep(0.01)
