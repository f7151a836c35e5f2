"""A client that means harm, or has gone mad: its own session may end, and nothing else does."""

import asyncio
import contextlib
import json
import socket
import subprocess
from pathlib import Path

import pytest
from lsprotocol import types

from longshift.lsp.protocol import make_server
from longshift.lsp.protocol.dispatch import MOST_IN_FLIGHT
from longshift.lsp.protocol.envelope import DEEPEST, MalformedError, parse
from longshift.lsp.protocol.framing import MAX_BODY_BYTES, MAX_HEADER_BYTES
from longshift.lsp.protocol.transport import DROPS_ABOVE_BYTES, MOST_WAITING_BYTES, Backlog
from tests.support import warm
from tests.support.lsp_probe import TOKEN, add_features
from tests.support.lsp_raw import Json, RawClient, encode

ROOT = Path(__file__).parents[2]
TIMEOUT_S = 30.0


def probe(*arguments: str) -> list[str]:
    return [*warm.interpreter(), "-m", "tests.support.lsp_probe", "longshift", *arguments]


@pytest.fixture
def client():
    with RawClient(probe(), cwd=ROOT) as client:
        client.initialize()
        yield client
        client.quiet()
        assert client.shutdown() == 0


def execute(msg_id: int, command: str, *arguments: object) -> Json:
    params = {"command": command, "arguments": list(arguments)}
    return {"jsonrpc": "2.0", "id": msg_id, "method": "workspace/executeCommand", "params": params}


def cancel(msg_id: int) -> Json:
    return {"jsonrpc": "2.0", "method": "$/cancelRequest", "params": {"id": msg_id}}


def deep(depth: int) -> bytes:
    """A message whose values lie so deeply in each other, itself counted."""
    inner = depth - 3  # the message, its parameters, the list of arguments
    value = b"[" * inner + b"]" * inner
    return (
        b'{"jsonrpc":"2.0","id":9,"method":"workspace/executeCommand",'
        b'"params":{"command":"echo","arguments":[' + value + b"]}}"
    )


def test_an_announcement_that_is_too_long_is_not_waited_for(client: RawClient) -> None:
    client.send_bytes(b"Content-Length: %d\r\n\r\n" % (MAX_BODY_BYTES + 1))
    assert client.read()["error"]["code"] == -32700
    client.send_bytes(b"x" * 10 * MAX_HEADER_BYTES)
    refused = [client.read()["error"]["code"]]
    client.send_bytes(b"\r\n\r\n")
    last = client.ask("longshift/unknown")
    while (message := client.read()).get("id") != last:
        refused.append(message["error"]["code"])
    assert set(refused) == {-32700}
    assert len(refused) <= 12


@pytest.mark.parametrize(
    ("depth", "fits"), [(4, True), (DEEPEST, True), (DEEPEST + 1, False), (900, False)]
)
def test_nesting_is_bounded(depth: int, fits: bool) -> None:
    body = deep(depth)
    if fits:
        assert parse(body)
        return
    with pytest.raises(MalformedError, match=f"more than {DEEPEST} deep") as caught:
        parse(body)
    assert caught.value.msg_id == 9


def test_a_storm_of_requests_and_of_cancellations(client: RawClient) -> None:
    more = 88
    ids = range(1_000, 1_000 + MOST_IN_FLIGHT + more)
    client.send(*(execute(msg_id, "wait") for msg_id in ids))
    came = [client.read() for _ in ids]
    refused = [message for message in came if "error" in message]
    waiting = [message for message in came if message.get("method") == "probe/waiting"]
    assert (len(waiting), len(refused)) == (MOST_IN_FLIGHT, more)
    assert {message["error"]["code"] for message in refused} == {-32803}
    assert "was not begun" in refused[0]["error"]["message"]
    # Those that wait, several times over, and thousands that never were.
    client.send(*(cancel(msg_id) for msg_id in [*ids, *ids, *range(5_000, 15_000)]))
    answers = {client.read()["id"] for _ in range(MOST_IN_FLIGHT)}
    assert len(answers) == MOST_IN_FLIGHT
    assert client.result("workspace/executeCommand", {"command": "echo", "arguments": [1]}) == 1


def test_a_storm_of_huge_changes(client: RawClient) -> None:
    uri = "file:///huge.txt"
    document = {"uri": uri, "languageId": "plaintext", "version": 0, "text": ""}
    client.notify("textDocument/didOpen", {"textDocument": document})
    for version in range(1, 41):
        whole = {"text": f"{version}" + "x" * 1_000_000}
        client.notify(
            "textDocument/didChange",
            {"textDocument": {"uri": uri, "version": version}, "contentChanges": [whole]},
        )
    params = {"command": "text", "arguments": [uri]}
    assert client.result("workspace/executeCommand", params).startswith("40xxx")


def drown_pipe() -> tuple[subprocess.Popen[bytes], bytes]:
    """Ask for far more than a server may keep, and read none of it."""
    server = subprocess.Popen(
        probe(), cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert server.stdin
    with contextlib.suppress(BrokenPipeError):
        for message in drowning({}):
            server.stdin.write(message)
    assert server.stderr
    said = server.stderr.read()
    with contextlib.suppress(BrokenPipeError):
        server.stdin.close()
    return server, said


def drown_tcp() -> tuple[subprocess.Popen[bytes], bytes]:
    """The same over a socket."""
    server = subprocess.Popen(probe("0"), cwd=ROOT, stderr=subprocess.PIPE)
    assert server.stderr
    port = int(server.stderr.readline())
    with socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_S) as client:
        with contextlib.suppress(ConnectionError):
            for message in drowning({"token": TOKEN}):
                client.sendall(message)
        said = server.stderr.read()
    return server, said


def drowning(options: Json) -> list[bytes]:
    begin = {"processId": None, "rootUri": None, "capabilities": {}}
    first = {"jsonrpc": "2.0", "id": 0, "method": "initialize"}
    echo = encode(execute(1, "echo", "x" * 4_000_000))
    wanted = 2 * MOST_WAITING_BYTES // len(echo)
    return [
        encode({**first, "params": {**begin, "initializationOptions": options}}),
        encode({"jsonrpc": "2.0", "method": "initialized", "params": {}}),
        *([echo] * wanted),
    ]


@pytest.mark.parametrize("drown", [drown_pipe, drown_tcp])
def test_a_client_that_never_reads_ends_its_session(drown) -> None:
    server, said = drown()
    with server:
        assert server.wait(TIMEOUT_S) == 1
    assert b"has stopped reading" in said
    assert b"closed" in said  # what was open was closed in good order
    assert b"Traceback" not in said


BACKLOGS: dict[str, list[tuple[int, bool, bool]]] = {
    "what fits": [(1, True, True), (1, False, True)],
    "one long answer is no trouble": [(2 * MOST_WAITING_BYTES, False, True)],
    "then notices are dropped, and the next ends it": [
        (2 * MOST_WAITING_BYTES, False, True),
        (1, True, False),
        (1, False, False),
    ],
    "notices go first": [
        (DROPS_ABOVE_BYTES + 1, True, True),
        (1, True, False),
        (1, False, True),
    ],
    "and come again once it reads": [
        (DROPS_ABOVE_BYTES + 1, True, True),
        (1, True, False),
        (-DROPS_ABOVE_BYTES, False, True),
        (1, True, True),
    ],
}


@pytest.mark.parametrize("steps", BACKLOGS.values(), ids=BACKLOGS.keys())
def test_backlog(steps: list[tuple[int, bool, bool]]) -> None:
    backlog = Backlog()
    for n_bytes, droppable, admitted in steps:
        if n_bytes < 0:
            backlog.shrink(-n_bytes)
        else:
            assert backlog.admits(n_bytes, droppable=droppable) is admitted
    assert backlog.is_stuck is (not steps[-1][2] and not steps[-1][1])


class Kept:
    """A transport that keeps what is written, and whether it might be dropped."""

    def __init__(self) -> None:
        self.sent: list[tuple[str | None, bool]] = []
        self.came = asyncio.Event()

    def write(self, data: bytes, *, droppable: bool = False) -> None:
        message = json.loads(data.split(b"\r\n\r\n", 1)[1])
        self.sent.append((message.get("method"), droppable))
        self.came.set()


async def test_no_more_is_taken_before_what_came_has_begun() -> None:
    server = make_server("in process", "1")
    add_features(server)
    kept = Kept()
    server.protocol.attach(kept)  # type: ignore[arg-type]
    await server.protocol.take(encode({
        "jsonrpc": "2.0", "id": 0, "method": "initialize",
        "params": {"processId": None, "rootUri": None, "capabilities": {}},
    }))  # fmt: skip
    await kept.came.wait()
    await server.protocol.take(b"".join(encode(execute(n, "mark")) for n in range(1, 401)))
    assert not server.protocol._inbox
    await server.protocol.close()
    assert len(kept.sent) == 401


async def test_what_a_slow_client_can_do_without() -> None:
    server = make_server("in process", "1")
    kept = Kept()
    server.protocol.attach(kept)  # type: ignore[arg-type]
    server.show_error("A sentence.")
    server.protocol.notify("longshift/runDidChange", {"runId": "R1"})
    server.text_document_publish_diagnostics(types.PublishDiagnosticsParams("file:///a", []))
    for value in (
        types.WorkDoneProgressBegin("Work"),
        types.WorkDoneProgressReport(),
        types.WorkDoneProgressEnd(),
    ):
        server.protocol.notify(types.PROGRESS, types.ProgressParams("token", value))
    assert kept.sent == [
        ("window/showMessage", True),
        ("longshift/runDidChange", True),
        ("textDocument/publishDiagnostics", False),
        ("$/progress", False),
        ("$/progress", True),
        ("$/progress", False),
    ]
    await server.protocol.close()
