"""The parts of the protocol, each by itself, and whole sessions without a process."""

import asyncio
import heapq
import itertools
import json
import logging
import os
import re
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lsprotocol import types

from longshift.errors import LongshiftError
from longshift.lsp.protocol import (
    LongshiftLanguageServer,
    LspError,
    Throttle,
    make_server,
    warm_converter,
)
from longshift.lsp.protocol.client_process import ClientWatch, is_alive
from longshift.lsp.protocol.converter import make_converter
from longshift.lsp.protocol.framing import MAX_HEADER_BYTES, BadHeader, Framer, frame
from longshift.lsp.protocol.text import LineCodec, OpenDocuments, split_lines
from longshift.lsp.protocol.transport import PipeTransport, SocketTransport
from longshift.precedence import PRECEDENCE
from tests.support.lsp_probe import add_features
from tests.support.lsp_raw import Json, encode

# Transports.


async def pipe_transport(byte):
    (theirs, out), (into, ours) = os.pipe(), os.pipe()
    os.write(ours, byte)
    os.close(ours)
    return PipeTransport(into, out), lambda: (os.close(theirs), os.close(into))


async def socket_transport(byte):
    taken = asyncio.get_running_loop().create_future()
    server = await asyncio.start_server(
        lambda reader, writer: taken.set_result((reader, writer)), "127.0.0.1", 0
    )
    _, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    writer.write(byte)
    writer.write_eof()
    return SocketTransport(*await taken), lambda: (writer.close(), server.close())


@pytest.mark.parametrize("make", [pipe_transport, socket_transport])
async def test_agents_give_way_from_when_an_editors_bytes_are_read(make):
    seen, ended = [], asyncio.Event()

    async def take(data):
        seen.append((data, PRECEDENCE._waiting))

    transport, close = await make(b"!")
    transport.start(take, ended.set, lambda: None)
    await asyncio.wait_for(ended.wait(), 10)
    assert seen == [(b"!", 1)]
    assert PRECEDENCE._waiting == 0
    await transport.close()
    close()


# Frames.


@given(st.lists(st.binary(min_size=1, max_size=40), max_size=6), st.data())
def test_frames_are_found_however_they_are_cut(bodies: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(map(frame, bodies))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    framer = Framer()
    pieces = [stream[a:b] for a, b in itertools.pairwise([0, *cuts, len(stream)])]
    assert [item for piece in pieces for item in framer.feed(piece)] == bodies


BAD = "bad"


@pytest.mark.parametrize(
    ("stream", "expected"),
    [
        (b"content-length:2\r\n\r\n{}", [b"{}"]),
        (b"Content-Type: x\r\nContent-Length: 2\r\n\r\n{}", [b"{}"]),
        (b"Content-Length: 2\n\n{}", [b"{}"]),
        (b"Content-Length: two\r\n\r\n{}Content-Length: 2\r\n\r\n[]", [BAD, b"[]"]),
        (b"no header\r\n\r\n" + frame(b"1"), [BAD, b"1"]),
        (b"rubbish" + frame(b"1"), [b"1"]),
        (frame(b"12")[:-1] + frame(b"34") + frame(b"5"), [b"1C", BAD, b"5"]),
    ],
)
def test_a_bad_header_costs_itself_only(stream: bytes, expected: list[object]) -> None:
    found = [BAD if isinstance(item, BadHeader) else item for item in Framer().feed(stream)]
    assert found == expected


def test_a_header_without_an_end_is_given_up() -> None:
    framer = Framer()
    [bad] = framer.feed(b"x" * (MAX_HEADER_BYTES + 1))
    assert isinstance(bad, BadHeader)
    assert list(framer.feed(frame(b"1"))) == [b"1"]


# Rates.


class FakeTimer:
    """A clock that stands still until it is told to go on."""

    def __init__(self) -> None:
        self.now_s = 100.0
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._count = itertools.count()

    def time(self) -> float:
        return self.now_s

    def call_later(self, delay: float, callback: Callable[[], None]) -> "FakeHandle":
        entry = (self.now_s + delay, next(self._count), callback)
        heapq.heappush(self._due, entry)
        return FakeHandle(self._due, entry)

    def advance(self, seconds: float) -> None:
        end = self.now_s + seconds
        while self._due and self._due[0][0] <= end:
            self.now_s, _, callback = heapq.heappop(self._due)
            callback()
        self.now_s = end

    @property
    def waiting(self) -> int:
        return len(self._due)


class FakeHandle:
    def __init__(self, due: list[Any], entry: Any) -> None:
        self._due, self._entry = due, entry

    def cancel(self) -> None:
        self._due.remove(self._entry)
        heapq.heapify(self._due)


@pytest.mark.parametrize(
    ("steps", "sent"),
    [
        ([1], [(0, 1)]),
        ([1, 2, 3], [(0, 1)]),
        ([1, 2, 3, 0.2], [(0, 1), (0.2, 3)]),
        ([1, 0.5, 2], [(0, 1), (0.5, 2)]),
        ([1, 2, 0.1, 3, 0.15, 4, 0.2], [(0, 1), (0.2, 3), (0.4, 4)]),
        ([1, 2, "flush", 3, 0.2], [(0, 1), (0, 2), (0.2, 3)]),
        ([1, 2, "close", 3, 0.5], [(0, 1), (0, 2)]),
        ([None, None, 0.2], [(0, None), (0.2, None)]),
        (["close", "close"], []),
    ],
)
def test_throttle(steps: list[object], sent: list[tuple[float, object]]) -> None:
    """An int or None is put, a float passes in seconds, a word is called."""
    timer, got = FakeTimer(), []
    throttle = Throttle[object](
        0.2, lambda value: got.append((round(timer.now_s - 100, 3), value)), timer
    )
    for step in steps:
        match step:
            case float():
                timer.advance(step)
            case str():
                getattr(throttle, step)()
            case _:
                throttle.put(step)
    assert got == sent
    throttle.close()
    assert timer.waiting == 0


@given(st.lists(st.one_of(st.floats(0, 0.5), st.integers(0, 99)), max_size=30))
def test_throttle_never_loses_the_last_and_never_goes_faster(steps: list[float | int]) -> None:
    timer = FakeTimer()
    got: list[tuple[float, int]] = []
    throttle = Throttle[int](0.2, lambda value: got.append((timer.now_s, value)), timer)
    put = [step for step in steps if isinstance(step, int)]
    for step in steps:
        timer.advance(step) if isinstance(step, float) else throttle.put(step)
    times = [at for at, _ in got]
    assert all(b - a >= 0.2 - 1e-9 for a, b in itertools.pairwise(times))
    throttle.close()
    assert [value for _, value in got][-1:] == put[-1:]


# Text.

TEXTS = st.text(st.sampled_from("ab\n\r\f\v\x1c\x85\u2028é😀"), max_size=30)


ENCODINGS = st.sampled_from(["utf-8", "utf-16", "utf-32"])
LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")


def units(text: str, encoding: str) -> int:
    size = {"utf-8": 1, "utf-16": 2, "utf-32": 4}[encoding]
    codec = f"{encoding}-le" if size > 1 else encoding
    return len(text.encode(codec, "surrogatepass")) // size


def position_at(text: str, offset: int, encoding: str) -> types.Position:
    """Where an editor says an offset is; editors have no offset inside a CRLF."""
    before = split_lines(text[:offset])
    if not before or before[-1].endswith(("\n", "\r")):
        return types.Position(len(before), 0)
    return types.Position(len(before) - 1, units(before[-1], encoding))


def inside_crlf(text: str, offset: int) -> bool:
    return text[offset - 1 : offset + 1] == "\r\n" and offset > 0


@given(TEXTS, st.lists(TEXTS, min_size=1, max_size=4), st.data(), ENCODINGS)
def test_changes_land_where_the_client_made_them(
    text: str, news: list[str], data: st.DataObject, encoding: str
) -> None:
    documents = OpenDocuments(None, types.TextDocumentSyncKind.Incremental, [], encoding)
    documents.put_text_document(types.TextDocumentItem("file:///a", "x", 1, text))
    for new in news:
        offsets = [at for at in range(len(text) + 1) if not inside_crlf(text, at)]
        start = data.draw(st.sampled_from(offsets))
        end = data.draw(st.sampled_from([at for at in offsets if at >= start]))
        where = types.Range(position_at(text, start, encoding), position_at(text, end, encoding))
        documents.update_text_document(
            types.VersionedTextDocumentIdentifier(2, "file:///a"),
            types.TextDocumentContentChangePartial(where, new),
        )
        text = text[:start] + new + text[end:]
        document = documents.get_text_document("file:///a")
        assert document.source == text
        # What is kept from change to change is what a fresh look would find.
        assert tuple(document.lines) == split_lines(text) == tuple(LINE.findall(text))


@given(
    st.text(st.sampled_from("a\té\u2028😀\ud800\udc00"), max_size=12), st.integers(0, 50), ENCODINGS
)
def test_a_column_is_the_character_that_begins_there_or_next(
    line: str, column: int, encoding: str
) -> None:
    begins = list(itertools.accumulate((units(one, encoding) for one in line), initial=0))[:-1]
    found = LineCodec(encoding).position_from_client_units([line], types.Position(0, column))
    assert found.character == sum(begin < column for begin in begins)


def test_a_change_after_the_whole_text_was_sent() -> None:
    documents = OpenDocuments(None, types.TextDocumentSyncKind.Incremental, [], "utf-16")
    documents.put_text_document(types.TextDocumentItem("file:///a", "x", 1, "one\ntwo\n"))
    insert = types.Position(1, 0)
    partial = types.TextDocumentContentChangePartial(types.Range(insert, insert), "!")
    whole = types.TextDocumentContentChangeWholeDocument("three\nfour\n")
    for change in (partial, whole, partial):
        here = types.VersionedTextDocumentIdentifier(2, "file:///a")
        documents.update_text_document(here, change)
    assert documents.get_text_document("file:///a").source == "three\n!four\n"


@pytest.mark.parametrize(
    ("text", "line", "column", "expected"),
    [
        ("abc", 0, 99, "abc!"),
        ("abc\ndef", 0, 99, "abc!\ndef"),
        ("abc\r\ndef", 0, 4, "abc!\r\ndef"),
        ("😀\n", 0, 99, "😀!\n"),
        ("abc\n", 99, 0, "abc\n!"),
        ("", 3, 3, "!"),
    ],
)
def test_positions_past_the_end_mean_the_end(
    text: str, line: int, column: int, expected: str
) -> None:
    documents = OpenDocuments(None, types.TextDocumentSyncKind.Incremental, [], "utf-16")
    documents.put_text_document(types.TextDocumentItem("file:///a", "x", 1, text))
    at = types.Position(line, column)
    documents.update_text_document(
        types.VersionedTextDocumentIdentifier(2, "file:///a"),
        types.TextDocumentContentChangePartial(types.Range(at, at), "!"),
    )
    assert documents.get_text_document("file:///a").source == expected
    assert at == types.Position(line, column)


def test_upstream_splits_at_form_feeds_and_moves_columns() -> None:
    """Not reported upstream."""
    from pygls.workspace import TextDocument

    assert len(TextDocument("file:///a", "a\fb").lines) == 2
    at = types.Position(0, 99)
    document = TextDocument("file:///a", "abc")
    document.apply_change(types.TextDocumentContentChangePartial(types.Range(at, at), "!"))
    assert document.source == "ab!c"


# Types.


def test_warming_teaches_the_converter_the_hot_messages() -> None:
    converter = make_converter()
    warm_converter(converter)
    params = {"textDocument": {"uri": "a"}, "position": {"line": 3.0, "character": 1}}
    assert converter.structure(params, types.HoverParams).position == types.Position(3, 1)
    with pytest.raises(Exception, match="HoverParams"):
        converter.structure({**params, "position": {"line": True}}, types.HoverParams)


# The client's process.


@pytest.mark.parametrize("has_pidfd", [True, False])
async def test_the_end_of_a_process_is_noticed(
    has_pidfd: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = asyncio.Event()
    process = await start_editor()
    with monkeypatch.context() as system:
        if not has_pidfd:
            system.delattr(os, "pidfd_open", raising=False)
        watch = ClientWatch(process.pid, gone.set, interval_s=0.01)
    await asyncio.sleep(0)
    assert not gone.is_set()
    process.kill()
    await process.wait()
    await asyncio.wait_for(gone.wait(), 10)
    watch.close()


async def test_a_closed_watch_is_silent() -> None:
    gone: list[int] = []
    process = await start_editor()
    watch = ClientWatch(process.pid, lambda: gone.append(1))
    watch.close()
    watch.close()
    process.kill()
    await process.wait()
    assert gone == []


async def start_editor() -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-c", "input()", stdin=subprocess.PIPE
    )


@pytest.mark.parametrize(
    ("pid", "alive"),
    [
        pytest.param(os.getpid(), True, id="this process"),
        (1, True),
        (0, False),
        (-1, False),
        (2**60, False),
    ],
)
def test_is_alive(pid: int, alive: bool) -> None:
    assert is_alive(pid) is alive


# Sessions without a process.


class MemoryTransport:
    """Keeps what the server writes."""

    def __init__(self) -> None:
        self.sent: asyncio.Queue[Json] = asyncio.Queue()
        self._framer = Framer()

    def start(self, on_bytes: object, on_end: object, on_stuck: object) -> None: ...

    def write(self, data: bytes, *, droppable: bool = False) -> None:
        del droppable
        for body in self._framer.feed(data):
            self.sent.put_nowait(json.loads(body))

    async def close(self) -> None: ...


class Session:
    def __init__(self, server: LongshiftLanguageServer) -> None:
        self.server = server
        self.transport = MemoryTransport()
        server.protocol.attach(self.transport)

    async def request(self, method: str, params: object) -> Json:
        self.feed({"id": 1, "method": method, "params": params})
        return await self.read()

    async def read(self) -> Json:
        return await asyncio.wait_for(self.transport.sent.get(), 10)

    def feed(self, *messages: Json) -> None:
        for message in messages:
            self.server.protocol.feed(encode({"jsonrpc": "2.0", **message}))


@pytest.fixture
async def session():
    server = make_server("in process", "1")
    add_features(server)
    session = Session(server)
    yield session
    await server.protocol.close()
    assert session.transport.sent.empty()


def initialize(**capabilities: object) -> Json:
    return {"processId": None, "rootUri": None, "capabilities": capabilities}


LITERALS = {"codeAction": {"codeActionLiteralSupport": {"codeActionKind": {"valueSet": []}}}}


@pytest.mark.parametrize(
    ("client", "code_actions", "content"),
    [
        ({}, True, None),
        (
            {"textDocument": LITERALS, "workspace": {"textDocumentContent": {}}},
            {"codeActionKinds": ["quickfix"], "resolveProvider": True},
            {"schemes": ["longshift"]},
        ),
    ],
)
async def test_capabilities_say_what_is_served_and_understood(
    session: Session, client: Json, code_actions: object, content: object
) -> None:
    answer = await session.request("initialize", initialize(**client))
    capabilities = answer["result"]["capabilities"]
    assert capabilities["codeActionProvider"] == code_actions
    assert capabilities["workspace"].get("textDocumentContent") == content


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        (None, "utf-16"),
        ([], "utf-16"),
        (["utf-7"], "utf-16"),
        (["utf-8", "utf-16"], "utf-8"),
        (["utf-16", "utf-8"], "utf-16"),
        (["utf-7", "utf-32", "utf-8"], "utf-32"),
    ],
)
async def test_position_encoding_is_the_clients_first(
    session: Session, offered: list[str] | None, chosen: str
) -> None:
    general = {} if offered is None else {"general": {"positionEncodings": offered}}
    answer = await session.request("initialize", initialize(**general))
    assert answer["result"]["capabilities"]["positionEncoding"] == chosen
    assert session.server.workspace.position_encoding == chosen


async def test_a_request_cancelled_between_its_turn_and_its_first_step(session: Session) -> None:
    await session.request("initialize", initialize())
    execute = {"method": "workspace/executeCommand", "params": {"command": "mark"}}
    cancel = {"method": "$/cancelRequest", "params": {"id": 2}}
    session.feed({"id": 2, **execute})  # begun in the next turn of the loop …
    asyncio.get_running_loop().call_soon(session.feed, cancel)  # … before its task is
    answer = await session.read()
    assert (answer["id"], answer["error"]["code"]) == (2, -32800)
    log = {"method": "workspace/executeCommand", "params": {"command": "log"}}
    session.feed({"id": 3, **log})
    assert (await session.read())["result"] == []


async def test_initialize_may_be_tried_again(session: Session) -> None:
    protocol = session.server.protocol
    settings = iter([LspError(-32602, "No such key."), ValueError("ours"), None])

    @session.server.feature(types.INITIALIZE)
    async def read_settings(params: types.InitializeParams) -> None:
        if (error := next(settings)) is not None:
            raise error

    for code in (-32602, -32603):
        answer = await session.request("initialize", initialize())
        assert answer["error"]["code"] == code
    session.feed({"id": 2, "method": "initialize", "params": initialize()})
    asyncio.get_running_loop().call_soon(
        session.feed, {"method": "$/cancelRequest", "params": {"id": 2}}
    )
    assert (await session.read())["error"]["code"] == -32800
    assert "result" in await session.request("initialize", initialize())
    assert (await session.request("initialize", initialize()))["error"]["code"] == -32600
    assert protocol.server_capabilities.execute_command_provider is not None


async def test_shutdown_shuts_down_even_if_a_feature_fails(session: Session) -> None:
    @session.server.feature(types.SHUTDOWN)
    async def fail(_: None) -> None:
        raise LongshiftError("The run could not be paused.")

    await session.request("initialize", initialize())
    answer = await session.request("shutdown", None)
    assert answer["error"] == {"code": -32803, "message": "The run could not be paused."}
    assert (await session.request("shutdown", None))["error"]["code"] == -32600


async def test_closing_ends_what_waits_in_both_directions(session: Session) -> None:
    await session.request("initialize", initialize())
    params = {"command": "ask client"}
    question = await session.request("workspace/executeCommand", params)
    assert question["method"] == "workspace/workspaceFolders"
    await session.server.protocol.close()
    assert (await session.read())["error"]["code"] == -32800


def test_upstream_607_keeps_progress_tokens() -> None:
    from pygls.lsp.server import LanguageServer

    class Sink:
        def write(self, data: bytes) -> None: ...

        def close(self) -> None: ...

    server = LanguageServer("plain", "1")
    server.protocol.set_writer(Sink())
    progress = server.work_done_progress
    progress.begin("token", types.WorkDoneProgressBegin("title"))
    progress.end("token", types.WorkDoneProgressEnd())
    assert list(progress.tokens) == ["token"]


def test_the_import_adds_nothing_but_our_own_modules_to_pygls() -> None:
    script = (
        "import sys, pygls.lsp.server; before = set(sys.modules); import longshift.lsp.protocol; "
        "print(sorted({name.split('.')[0] for name in set(sys.modules) - before}))"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True, text=True)
    assert run.stdout == "['longshift']\n"


def test_pygls_does_not_log_what_people_write(caplog: pytest.LogCaptureFixture) -> None:
    make_server("quiet", "1")
    assert not logging.getLogger("pygls.protocol.json_rpc").isEnabledFor(logging.INFO)
