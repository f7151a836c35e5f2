"""What a client may send: the server answers each request once, and lives.

The property: whatever bytes come, however they are cut, no message costs more than itself. The
next well-formed message is understood, every request that can be told from noise is answered
exactly once, with an error where its parameters are wrong, and no answer shows our insides. It
matters because an editor whose server died or fell silent has lost the person's session.
"""

import asyncio
import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lsprotocol import types

from longshift.lsp.protocol import LongshiftLanguageServer, make_server
from longshift.lsp.protocol.envelope import MalformedError, Notification, Request, Response, parse
from longshift.lsp.protocol.framing import MAX_HEADER_BYTES, Framer
from longshift.lsp.server import build
from tests.fuzz.replay import TREES, damaged, mutated, replayed, to_json, tries
from tests.support.lsp_probe import add_features, add_own_features
from tests.support.lsp_raw import frame

Json = dict[str, Any]

ANSWER_WITHIN_S = 30

# The framer.

PIECES = st.one_of(
    st.binary(max_size=40),
    st.sampled_from(
        [b"\r\n\r\n", b"\n\n", b"\r", b"Content-Length", b"Content-Length: 0\r\n\r\n", b"\xff" * 9,
         b"Content-Length: 99999999999999999999\r\n\r\n", b"Content-Length: -5\r\n\r\n",
         b"Content-Type: utf-16\r\n\r\n", b"x" * (MAX_HEADER_BYTES - 70)]
    ),
)  # fmt: skip
LAST = b'{"jsonrpc":"2.0","method":"last"}'
HEADERS = st.sampled_from(
    [b"Content-Length: %d\r\n\r\n", b"content-length:%d\n\n", b"CONTENT-LENGTH: \t%d \r\n\r\n",
     b"Content-Length: %d\r\nContent-Type: application/vscode-jsonrpc; charset=utf-8\r\n\r\n",
     b"Content-Type: application/vscode-jsonrpc; charset=koi8-r\r\nContent-Length: %d\r\n\r\n"]
)  # fmt: skip


def feed_in_pieces(framer: Framer, stream: bytes, cuts: list[int]) -> list[object]:
    places = [0, *sorted(cut % (len(stream) + 1) for cut in cuts), len(stream)]
    return [item for start, end in pairwise(places) for item in framer.feed(stream[start:end])]


@tries(400)
@given(st.lists(PIECES, max_size=6), HEADERS, st.lists(st.integers(0, 2**20), max_size=4))
def test_the_next_message_is_understood_whatever_came_before(
    noise: list[bytes], header: bytes, cuts: list[int]
) -> None:
    framer = Framer()
    stream = b"".join(noise)
    feed_in_pieces(framer, stream, cuts)
    assert len(framer._buffer) <= MAX_HEADER_BYTES
    if framer._awaited is not None:
        return  # a header said that so much is to come: whatever it is, it is the body
    items = feed_in_pieces(framer, header % len(LAST) + LAST, cuts)
    assert items[-1] == LAST


def test_a_header_that_arrives_in_halves_behind_noise_is_not_lost() -> None:
    framer = Framer()
    header = b"Content-Length: %d\r\nContent-Type: application/vscode-jsonrpc; charset=utf-8" % len(
        LAST
    )
    feed_in_pieces(framer, b"x" * (MAX_HEADER_BYTES - 9), [])
    feed_in_pieces(framer, header, [])
    assert feed_in_pieces(framer, b"\r\n\r\n" + LAST, []) == [LAST]


@tries(200)
@given(st.lists(st.binary(max_size=60), max_size=4), st.lists(st.integers(0, 999), max_size=4))
def test_what_is_kept_of_noise_is_bounded(noise: list[bytes], cuts: list[int]) -> None:
    framer = Framer()
    for piece in noise:
        feed_in_pieces(framer, piece * 1000, cuts)
        assert len(framer._buffer) <= max(MAX_HEADER_BYTES, framer._awaited or 0)


# One body.

MESSAGE: Json = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "textDocument/hover",
    "params": {"textDocument": {"uri": "file:///a"}, "position": {"line": 0, "character": 1}},
}
ANSWER: Json = {"jsonrpc": "2.0", "id": 1, "error": {"code": 1, "message": "m", "data": None}}


@tries(500)
@given(
    st.binary(max_size=80)
    | damaged(to_json(MESSAGE))
    | damaged(to_json(ANSWER))
    | mutated(MESSAGE).map(to_json)
    | mutated(ANSWER).map(to_json)
)
def test_a_body_is_a_message_or_malformed(body: bytes) -> None:
    match parsed(body):
        case MalformedError() as error:
            assert error.code in (types.ErrorCodes.ParseError, types.ErrorCodes.InvalidRequest)
            assert len(str(error)) < 300
        case message:
            assert isinstance(message, Request | Notification | Response)


def parsed(body: bytes) -> object:
    try:
        return parse(body)
    except MalformedError as error:
        return error


# A session.


class Wire:
    """A transport in memory that keeps what the server writes."""

    def __init__(self) -> None:
        self.sent: list[Json] = []
        self.news = asyncio.Event()
        self._framer = Framer()

    def start(self, on_bytes: object, on_end: object, on_stuck: object) -> None: ...

    def write(self, data: bytes, *, droppable: bool = False) -> None:
        del droppable
        for body in self._framer.feed(data):
            assert isinstance(body, bytes)
            self.sent.append(json.loads(body))
        self.news.set()

    async def close(self) -> None: ...

    def answers(self, msg_id: object) -> list[Json]:
        same = (one for one in self.sent if "method" not in one and one.get("id") == msg_id)
        return [one for one in same if type(one.get("id")) is type(msg_id)]

    async def answered(self, msg_id: object) -> Json:
        async with asyncio.timeout(ANSWER_WITHIN_S):
            while not (found := self.answers(msg_id)):
                self.news.clear()
                await self.news.wait()
        return found[0]


def probe() -> LongshiftLanguageServer:
    """A server whose features misbehave, on our protocol."""
    server = make_server("probe", "1")
    add_features(server)
    add_own_features(server)
    return server


INITIALIZE: Json = {
    "processId": None,
    "rootUri": None,
    "capabilities": {"textDocument": {"codeAction": {"dataSupport": True}}},
    "initializationOptions": {"runUpdates": True, "settings": {"workers": 2}},
    "workspaceFolders": None,
}


async def converse(server: LongshiftLanguageServer, stream: bytes, ids: list[int]) -> list[Json]:
    """Send bytes to an initialized server, end it, and give all that it sent.

    Every request of `ids` must be answered by then, once, whatever came in between.
    """
    wire = Wire()
    server.protocol.attach(wire)
    feed(server, {"id": "first", "method": "initialize", "params": INITIALIZE})
    assert "result" in await wire.answered("first")
    feed(server, {"method": "initialized", "params": {}})
    server.protocol.feed(stream)
    feed(server, {"id": "alive", "method": "workspace/executeCommand",
                  "params": {"command": "nothing of that name"}})  # fmt: skip
    assert (await wire.answered("alive"))["error"]["code"] == types.ErrorCodes.InvalidParams
    feed(server, {"id": "last", "method": "shutdown"})
    await wire.answered("last")
    await server.protocol.close()
    for msg_id in ids:
        await wire.answered(msg_id)
        assert len(wire.answers(msg_id)) == 1, (msg_id, wire.sent)
    assert not server.protocol._in_flight
    assert not server.protocol._notified
    return wire.sent


def feed(server: LongshiftLanguageServer, message: Json) -> None:
    server.protocol.feed(frame(to_json({"jsonrpc": "2.0", **message})))


async def closed(server: LongshiftLanguageServer) -> None:
    """End as the session's end does, without its transport."""
    while server._closers:
        await server._closers.pop()()
    if server._thread_pool is not None:
        server._thread_pool.shutdown(wait=True)


def run(make: Any, stream: bytes, ids: list[int]) -> list[Json]:
    async def session() -> list[Json]:
        server = make()
        try:
            return await converse(server, stream, ids)
        finally:
            await closed(server)

    return asyncio.run(session())


def assert_shows_nothing_of_ours(sent: list[Json]) -> None:
    for message in sent:
        said = json.dumps(message)
        assert "Traceback" not in said
        assert "site-packages" not in said
        assert "a secret of ours" not in said


def numbered(messages: list[Json]) -> tuple[bytes, list[int]]:
    """The messages as frames, requests with ids of their own, and these ids."""
    ids = [number for number, one in enumerate(messages, 1) if "id" in one]
    parts = [
        {"jsonrpc": "2.0", **one, **({"id": number} if "id" in one else {})}
        for number, one in enumerate(messages, 1)
    ]
    return b"".join(frame(to_json(part)) for part in parts), ids


def cancel(number: int) -> Json:
    return {"method": "$/cancelRequest", "params": {"id": number}}


COMMANDS = [
    *("wait", "crash", "unwritable", "infinite", "echo", "text", "fail", "thread", "mark"),
    *("ask client", "give up asking", "progress", "report", "end", "books", "none"),
]
CALLS = st.builds(
    lambda command, arguments: {
        "id": 0,
        "method": "workspace/executeCommand",
        "params": {"command": command, "arguments": arguments},
    },
    st.sampled_from(COMMANDS),
    st.none() | st.lists(TREES, max_size=2),
)
RESPONSES = st.builds(
    lambda msg_id, given_: {"id": msg_id, **given_},
    st.text(max_size=4).map(lambda text: "r" + text),
    st.fixed_dictionaries({"result": TREES}) | st.fixed_dictionaries({"error": TREES}),
)
REQUESTS = st.builds(
    lambda method, params: {"id": 0, "method": method, "params": params},
    st.sampled_from(["textDocument/hover", "textDocument/codeAction", "codeAction/resolve",
                     "workspace/textDocumentContent", "initialize", "no/such"]),
    TREES,
)  # fmt: skip
NOTIFICATIONS = st.builds(
    lambda method, params: {"method": method, "params": params},
    st.sampled_from(["textDocument/didOpen", "textDocument/didChange", "textDocument/didClose",
                     "$/setTrace", "$/cancelRequest", "probe/failing", "no/such"]),
    TREES,
)  # fmt: skip


@tries(50)
@given(st.lists(CALLS | REQUESTS | NOTIFICATIONS, max_size=8), st.lists(st.integers(0, 9)))
def test_each_request_is_answered_once_and_cancelled_ones_too(
    messages: list[Json], cancels: list[int]
) -> None:
    stream, ids = numbered([*messages, *map(cancel, cancels)])
    assert_shows_nothing_of_ours(run(probe, stream, ids))


@tries(40)
@given(st.lists(RESPONSES | mutated(MESSAGE) | TREES, max_size=6), st.binary(max_size=30))
def test_no_message_ends_a_session(messages: list[object], noise: bytes) -> None:
    stream = b"".join(frame(to_json(message)) for message in messages)
    stream += noise if b":" not in noise else b""
    assert_shows_nothing_of_ours(run(probe, stream + b"\r\n\r\n", []))


LARGE = {
    "nested beyond recursion": to_json([]).replace(b"[]", b"[" * 100_000 + b"]" * 100_000),
    "an object nested beyond recursion": b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
    "nested within a message": b'{"jsonrpc":"2.0","method":"x","params":%b}'
    % (b"[" * 900 + b"]" * 900),
    "a number without end": b'{"jsonrpc":"2.0","id":%b,"method":"no/such"}' % (b"9" * 100_000),
    "many batches": b"[" + b"{}," * 50_000 + b"{}]",
    "a key of a megabyte": b'{"%b":1}' % (b"k" * 1_000_000),
}


@pytest.mark.parametrize("body", LARGE.values(), ids=LARGE.keys())
def test_what_is_too_much_is_refused_and_costs_itself_only(body: bytes) -> None:
    sent = run(probe, frame(body), [])
    assert len(json.dumps(sent)) < 20_000


DEPTHS = [50, 200, 500, 900]


@pytest.mark.parametrize("depth", DEPTHS)
def test_what_is_nested_is_echoed_or_refused(depth: int) -> None:
    params = b'{"command":"echo","arguments":[%b]}' % (b"[" * depth + b"]" * depth)
    body = b'{"jsonrpc":"2.0","id":1,"method":"workspace/executeCommand","params":%b}' % params
    run(probe, frame(body), [1])


@replayed("frames")
@pytest.mark.parametrize("make", [probe, build], ids=["probe", "longshift"])
def test_the_corpus_costs_no_session(make: Any, data: bytes) -> None:
    """Each file is what came over the wire between `initialized` and `shutdown`."""
    assert_shows_nothing_of_ours(run(make, data, []))


# The whole server, whose features know what their parameters mean.

TEXT = {"uri": "file:///nowhere/a.py", "languageId": "python", "version": 1, "text": "a = 1\n"}
RANGE = {"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 1}}
ITEM = {"uri": TEXT["uri"]}
WELL_FORMED: list[Json] = [
    {"method": "textDocument/didOpen", "params": {"textDocument": TEXT}},
    {"method": "textDocument/didChange",
     "params": {"textDocument": {**ITEM, "version": 2},
                "contentChanges": [{"range": RANGE, "text": "b"}, {"text": "all"}]}},
    {"method": "textDocument/didSave", "params": {"textDocument": ITEM}},
    {"method": "textDocument/didClose", "params": {"textDocument": ITEM}},
    {"method": "workspace/didChangeConfiguration", "params": {"settings": {"longshift": {}}}},
    {"method": "workspace/didChangeWorkspaceFolders",
     "params": {"event": {"added": [{"uri": "file:///nowhere", "name": "n"}], "removed": []}}},
    {"method": "window/workDoneProgress/cancel", "params": {"token": "t"}},
    {"method": "$/setTrace", "params": {"value": "off"}},
    {"id": 0, "method": "textDocument/codeAction",
     "params": {"textDocument": ITEM, "range": RANGE, "context": {"diagnostics": []}}},
    {"id": 0, "method": "codeAction/resolve", "params": {"title": "t", "data": {"run": "R1"}}},
    {"id": 0, "method": "textDocument/codeLens", "params": {"textDocument": ITEM}},
    {"id": 0, "method": "workspace/textDocumentContent", "params": {"uri": "longshift:///a"}},
    {"id": 0, "method": "workspace/executeCommand",
     "params": {"command": "longshift.startGoal",
                "arguments": [{"goal": "g", "uri": TEXT["uri"], "range": RANGE}]}},
    {"id": 0, "method": "workspace/executeCommand",
     "params": {"command": "longshift.listRuns", "arguments": [{}]}},
    {"id": 0, "method": "workspace/executeCommand",
     "params": {"command": "longshift.acceptChange",
                "arguments": [{"runId": "R1", "changeId": "C1", "path": "a", "hunk": 1}]}},
]  # fmt: skip


@tries(40)
@given(st.lists(st.sampled_from(WELL_FORMED).flatmap(
    lambda one: mutated(one["params"]).map(lambda params: {**one, "params": params})
), min_size=1, max_size=6))  # fmt: skip
def test_wrong_parameters_are_the_clients_error_and_never_ours(messages: list[Json]) -> None:
    stream, ids = numbered(messages)
    sent = run(build, stream, ids)
    assert_shows_nothing_of_ours(sent)
    for message in sent:
        assert message.get("error", {}).get("code") != types.ErrorCodes.InternalError, message
        assert "error of its own" not in json.dumps(message), message


ANY_INITIALIZE = {
    **INITIALIZE,
    "processId": 1,
    "rootUri": "file:///nowhere",
    "rootPath": "/nowhere",
    "workspaceFolders": [{"uri": "file:///n", "name": "n"}],
}


@tries(30)
@given(mutated(ANY_INITIALIZE))
def test_any_initialize_is_answered(params: object) -> None:
    async def session() -> None:
        server, wire = build(), Wire()
        server.protocol.attach(wire)
        feed(server, {"id": 1, "method": "initialize", "params": params})
        answer = await wire.answered(1)
        error = answer.get("error", {})
        assert error.get("code") != types.ErrorCodes.InternalError, answer
        if error:  # the client may try again
            feed(server, {"id": 2, "method": "initialize", "params": INITIALIZE})
            assert "result" in await wire.answered(2)
        feed(server, {"id": 3, "method": "shutdown"})
        await wire.answered(3)
        if server._watch is not None:
            server._watch.close()
        await server.protocol.close()
        await closed(server)

    asyncio.run(session())
