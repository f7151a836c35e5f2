"""What a client meets over real pipes, on our protocol; and on plain pygls, for each defect.

A test named `…_upstream…` asserts that pygls still has the defect. When one fails, pygls has
mended it: take our mending out.
"""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support import warm
from tests.support.lsp_raw import Json, RawClient, encode

ROOT = Path(__file__).parents[2]
INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 0,
    "method": "initialize",
    "params": {"processId": None, "rootUri": None, "capabilities": {}},
}
LITERALS = {"codeActionLiteralSupport": {"codeActionKind": {"valueSet": []}}}
WITH_ALL = {
    "textDocument": {"codeAction": LITERALS},
    "workspace": {"textDocumentContent": {}},
    "window": {"workDoneProgress": True},
}
ORIGIN = {"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 0}}


def spawn(kind: str) -> RawClient:
    return RawClient([*warm.interpreter(), "-m", "tests.support.lsp_probe", kind], cwd=ROOT)


@pytest.fixture
def ours():
    """A fresh server of ours."""
    with spawn("longshift") as client:
        yield client


@pytest.fixture
def fresh_plain():
    with spawn("pygls") as client:
        yield client


@pytest.fixture(scope="module")
def longshift():
    with spawn("longshift") as client:
        client.initialize()
        yield client
        assert client.shutdown() == 0


@pytest.fixture(scope="module")
def pygls():
    with spawn("pygls") as client:
        client.initialize(capabilities=WITH_ALL)
        yield client


@pytest.fixture
def client(longshift: RawClient):
    """The server that the tests of this file share, none of which may disturb it."""
    command(longshift, "log")
    yield longshift
    longshift.quiet()
    assert command(longshift, "books") == {"futures": 0, "types": 0}


@pytest.fixture
def plain(pygls: RawClient):
    """Plain pygls, shared and initialized."""
    command(pygls, "log")
    yield pygls
    pygls.quiet()


def command(client: RawClient, name: str, *arguments: object) -> Any:
    return client.result("workspace/executeCommand", {"command": name, "arguments": arguments})


def command_error(client: RawClient, name: str, *arguments: object) -> Json:
    return client.error("workspace/executeCommand", {"command": name, "arguments": arguments})


def start_waiting(client: RawClient) -> int:
    msg_id = client.ask("workspace/executeCommand", {"command": "wait"})
    client.read_notification("probe/waiting")
    return msg_id


def open_text(client: RawClient, text: str, uri: str = "file:///a") -> None:
    document = {"uri": uri, "languageId": "x", "version": 1, "text": text}
    client.notify("textDocument/didOpen", {"textDocument": document})


# Malformed input.

GOOD = {"jsonrpc": "2.0", "id": 9, "method": "shutdown"}


@pytest.mark.parametrize(
    ("sent", "msg_id", "code"),
    [
        pytest.param(b"Nonsense: 3\r\n\r\n", None, -32700, id="header without a length"),
        pytest.param(b"Content-Length: -3\r\n\r\n", None, -32700, id="negative length"),
        pytest.param(b"Content-Length: 0\r\n\r\n", None, -32700, id="no body"),
        pytest.param(b"Content-Length: 99999999999\r\n\r\n", None, -32700, id="huge length"),
        pytest.param(b"Content-Length: 3\r\n\r\n{]}", None, -32700, id="bad JSON"),
        pytest.param(b'Content-Length: 3\r\n\r\n"\xff"', None, -32700, id="not UTF-8"),
        pytest.param(b"Content-Length: 3\r\n\r\nNaN", None, -32700, id="NaN"),
        pytest.param(encode([GOOD]), None, -32600, id="batch"),
        pytest.param(encode("hello"), None, -32600, id="no object"),
        pytest.param(encode({"id": 4, "method": "shutdown"}), 4, -32600, id="no version"),
        pytest.param(encode({**GOOD, "jsonrpc": "1.0"}), 9, -32600, id="other version"),
        pytest.param(encode({**GOOD, "method": 7}), 9, -32600, id="method no string"),
        pytest.param(encode({**GOOD, "id": None}), None, -32600, id="null id"),
        pytest.param(encode({**GOOD, "id": True}), None, -32600, id="id no number"),
        pytest.param(encode({"jsonrpc": "2.0", "id": 9}), 9, -32600, id="no kind of message"),
        pytest.param(encode({**GOOD, "method": "a/b"}), 9, -32601, id="unknown method"),
        pytest.param(encode({**GOOD, "method": "$/b"}), 9, -32601, id="unknown optional method"),
        pytest.param(
            encode({**GOOD, "method": "textDocument/hover"}), 9, -32602, id="missing parameters"
        ),
        pytest.param(
            encode({**GOOD, "method": "textDocument/hover", "params": "x"}), 9, -32602, id="string"
        ),
        pytest.param(
            encode({**GOOD, "method": "initialize", "params": {}}), 9, -32600, id="twice initialize"
        ),
    ],
)
def test_malformed_message_is_answered_and_the_session_goes_on(
    client: RawClient, sent: bytes, msg_id: int | None, code: int
) -> None:
    client.send_bytes(sent)
    answer = client.read()
    assert answer["jsonrpc"] == "2.0"
    assert answer["id"] == msg_id
    assert answer["error"]["code"] == code
    assert answer["error"]["message"].endswith((".", "a/b", "$/b"))
    assert "data" not in answer["error"]
    assert command(client, "echo", 5) == 5


@pytest.mark.parametrize(
    "message",
    [
        {"jsonrpc": "2.0", "method": "no/such"},
        {"jsonrpc": "2.0", "method": "$/optional"},
        {"jsonrpc": "2.0", "method": "textDocument/didChange", "params": {"textDocument": 3}},
        {
            "jsonrpc": "2.0",
            "method": "textDocument/didChange",
            "params": {
                "textDocument": {"uri": "file:///never opened", "version": 1},
                "contentChanges": [{"text": "x"}],
            },
        },
        {"jsonrpc": "2.0", "method": "$/cancelRequest", "params": {"id": 12345}},
        {"jsonrpc": "2.0", "method": "$/cancelRequest", "params": {"id": [1]}},
        {"jsonrpc": "2.0", "method": "$/cancelRequest", "params": 3},
        {"jsonrpc": "2.0", "id": "never asked", "result": None},
        {"jsonrpc": "2.0", "id": "never asked", "error": "wrong"},
    ],
)
def test_what_can_not_be_answered_is_ignored(client: RawClient, message: Json) -> None:
    client.send(message)
    client.quiet()


@pytest.mark.parametrize(
    ("params", "named"),
    [
        ({"textDocument": {"uri": 5}, "position": {"line": 0, "character": 0}}, "uri"),
        ({"textDocument": {"uri": "a"}, "position": {"line": "3", "character": 0}}, "line"),
        ({"textDocument": {"uri": "a"}, "position": {"line": -1, "character": 0}}, "position"),
        ({"textDocument": {"uri": "a"}}, "position"),
        ([], "textDocument"),
    ],
)
def test_wrong_parameters_are_named(client: RawClient, params: object, named: str) -> None:
    error = client.error("textDocument/hover", params)
    assert error["code"] == -32602
    assert named.lower() in error["message"].lower().replace("text_document", "textdocument")


def test_upstream_takes_a_number_for_a_string_and_does_not_answer_garbage(plain: RawClient) -> None:
    plain.send_bytes(b"Content-Length: 3\r\n\r\n{]}")
    assert plain.read()["method"] == "window/showMessage"  # not reported upstream
    params = {"textDocument": {"uri": 5}, "position": {"line": "3", "character": 0}}
    assert "No such file" in plain.error("textDocument/hover", params)["message"]


def test_pieces_of_a_message_may_come_one_byte_at_a_time(client: RawClient) -> None:
    for byte in encode({"jsonrpc": "2.0", "id": "é", "method": "a/b"}):
        client.send_bytes(bytes([byte]))
    assert client.read()["id"] == "é"


# The order of a session.


def test_requests_at_a_wrong_time_are_refused(ours: RawClient) -> None:
    assert ours.error("textDocument/hover")["code"] == -32002
    open_text(ours, "dropped")
    assert ours.error("initialize", {"capabilities": 3})["code"] == -32602
    ours.initialize()
    assert ours.result("shutdown") is None
    assert ours.error("textDocument/hover")["code"] == -32600
    assert ours.exit() == 0


@pytest.mark.parametrize(("which", "status"), [("ours", 1), ("fresh_plain", 0)])
def test_exit_without_shutdown_is_a_failure(
    request: pytest.FixtureRequest, which: str, status: int
) -> None:
    """Plain pygls returns 0 (not reported upstream)."""
    client: RawClient = request.getfixturevalue(which)
    client.initialize()
    assert client.exit() == status


def test_end_of_input_ends_the_server_after_what_was_sent(ours: RawClient) -> None:
    ours.send(INITIALIZE, {"jsonrpc": "2.0", "id": 1, "method": "no/such"})
    ours._stdin.close()
    assert ours.read()["id"] == 0
    assert ours.read()["error"]["code"] == -32601
    assert ours.wait() == 1
    assert b"closed" in ours.stderr


def test_closers_run_on_sigterm(ours: RawClient) -> None:
    ours.initialize()
    ours.quiet()
    ours.process.terminate()
    assert ours.wait() == 143
    assert b"closed" in ours.stderr


def test_shutdown_with_a_command_in_flight(ours: RawClient) -> None:
    ours.initialize()
    waiting = start_waiting(ours)
    shutdown = ours.ask("shutdown")
    answers = {answer["id"]: answer for answer in (ours.read(), ours.read())}
    assert answers[waiting]["error"]["code"] == -32800
    assert answers[shutdown]["result"] is None
    assert ours.exit() == 0


def test_upstream_606_shutdown_with_a_command_in_flight(fresh_plain: RawClient) -> None:
    fresh_plain.initialize()
    start_waiting(fresh_plain)
    shutdown = fresh_plain.ask("shutdown")
    while (answer := fresh_plain.read()).get("id") != shutdown:
        pass
    assert "changed size" in answer["error"]["message"]


# Cancelling.


def test_cancelling_stops_an_async_command_and_answers_once(client: RawClient) -> None:
    waiting = start_waiting(client)
    client.notify("$/cancelRequest", {"id": waiting})
    answer = client.read()
    assert (answer["id"], answer["error"]["code"]) == (waiting, -32800)
    assert command(client, "log") == ["stopped"]


def test_upstream_runs_a_cancelled_command_on(plain: RawClient) -> None:
    """Not reported upstream."""
    waiting = start_waiting(plain)
    plain.notify("$/cancelRequest", {"id": waiting})
    assert plain.read()["error"]["code"] == -32800
    assert command(plain, "log") == []


def mark_and_cancel(client: RawClient) -> Json:
    execute = {"method": "workspace/executeCommand", "params": {"command": "mark"}}
    cancel = {"method": "$/cancelRequest", "params": {"id": "M"}}
    client.send(
        {"jsonrpc": "2.0", "id": "M", **execute},
        {"jsonrpc": "2.0", **cancel},
    )
    answer = client.read()
    assert answer["id"] == "M"
    return answer


def test_a_request_cancelled_before_its_turn_is_not_worked_on(client: RawClient) -> None:
    assert mark_and_cancel(client)["error"]["code"] == -32800
    assert command(client, "log") == []


def test_upstream_517_works_on_a_cancelled_request(plain: RawClient) -> None:
    assert mark_and_cancel(plain)["result"] is None
    assert command(plain, "log") == ["marked"]


def test_an_id_in_use_is_refused(client: RawClient) -> None:
    waiting = start_waiting(client)
    client.send({"jsonrpc": "2.0", "id": waiting, "method": "textDocument/hover"})
    assert client.read()["error"]["code"] == -32600
    client.notify("$/cancelRequest", {"id": waiting})
    assert client.read()["error"]["code"] == -32800


# Errors of handlers.


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("lsp", {"code": -32801, "message": "The text has changed.", "data": {"version": 3}}),
        ("lsp, unwritable", {"code": -32801, "message": "The text has changed."}),
        ("usage", {"code": -32602, "message": "There is no such model."}),
        ("other", {"code": -32803, "message": "The run has ended."}),
    ],
)
def test_foreseen_errors_reach_the_client(client: RawClient, kind: str, expected: Json) -> None:
    assert command_error(client, "fail", kind) == expected


@pytest.mark.parametrize("name", ["crash", "unwritable", "infinite"])
def test_our_own_errors_name_the_log_and_nothing_else(client: RawClient, name: str) -> None:
    error = command_error(client, name)
    assert error["code"] == -32603
    assert "probe.log" in error["message"]
    assert "secret" not in str(error)
    assert "data" not in error
    client.quiet()
    assert b"Traceback" in client.stderr


def test_upstream_sends_the_traceback(plain: RawClient) -> None:
    """Not reported upstream."""
    assert "traceback" in command_error(plain, "crash")["data"]


def test_upstream_does_not_answer_with_an_unwritable_result(plain: RawClient) -> None:
    """Not reported upstream: instead of the answer comes a message to the person."""
    plain.ask("workspace/executeCommand", {"command": "unwritable"})
    assert plain.read()["method"] == "window/showMessage"
    assert command(plain, "echo", 1) == 1


def test_a_failing_notification_tells_the_person(client: RawClient) -> None:
    client.notify("probe/failing", {})
    shown = client.read_notification("window/showMessage")
    assert shown == {"type": 1, "message": "The sentence for the person."}


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"command": "no such"}, -32602),
        ({"command": "echo"}, -32602),
        ({"command": "echo", "arguments": [1, 2]}, -32602),
        ({}, -32602),
    ],
)
def test_wrong_calls_of_commands(client: RawClient, params: Json, code: int) -> None:
    assert client.error("workspace/executeCommand", params)["code"] == code


def test_a_print_does_not_reach_the_client(client: RawClient) -> None:
    assert command(client, "print") is None
    client.quiet()
    assert b"must not reach the client" in client.stderr


def test_a_threads_notification_and_answer_arrive_in_order(client: RawClient) -> None:
    client.ask("workspace/executeCommand", {"command": "thread"})
    assert "Thread" in client.read_notification("probe/thread")["name"]
    assert client.read()["result"] == "done"


# Bookkeeping.


def use_everything(client: RawClient) -> Json:
    document = {"textDocument": {"uri": "file:///a"}}
    for _ in range(5):
        client.notify("textDocument/didSave", document)
    client.ask("workspace/executeCommand", {"command": "ask client"})
    question = client.read()
    assert question["method"] == "workspace/workspaceFolders"
    client.answer(question, [{"uri": "file:///w", "name": "w"}])
    assert client.read()["result"] == [{"uri": "file:///w", "name": "w"}]
    client.ask("workspace/executeCommand", {"command": "give up asking"})
    question = client.read()
    assert client.read()["result"] is None
    return question


def test_nothing_stays_registered(client: RawClient) -> None:
    client.answer(use_everything(client), [])  # late, and no news
    assert command(client, "books") == {"futures": 0, "types": 0}


def test_upstream_608_and_621_and_the_leak_of_notifications(plain: RawClient) -> None:
    """The leak of notifications and of commands is not reported upstream."""
    question = use_everything(plain)
    books = command(plain, "books")
    assert books["types"] > 0  # 608
    assert books["futures"] > 5
    plain.answer(question, [])
    assert plain.read()["method"] == "window/showMessage"  # 621


def test_data_with_the_key_jsonrpc_stays_data(client: RawClient) -> None:
    params = {"textDocument": {"uri": "a"}, "range": ORIGIN, "context": {"diagnostics": []}}
    [action] = client.result("textDocument/codeAction", params)
    resolved = client.result("codeAction/resolve", action)
    assert resolved["title"] == "data: {'jsonrpc': '2.0', 'id': 5, 'error': {}}"
    assert command(client, "echo", {"jsonrpc": "2.0", "method": "exit"})["method"] == "exit"


def test_upstream_takes_data_for_a_message(plain: RawClient) -> None:
    """Not reported upstream."""
    assert command(plain, "echo", {"jsonrpc": "2.0", "method": "exit", "more": 1}) == {
        "jsonrpc": "2.0",
        "method": "exit",
    }


# Capabilities.


def test_upstream_does_not_advertise_them(fresh_plain: RawClient) -> None:
    """Not reported upstream."""
    capabilities = fresh_plain.initialize(capabilities=WITH_ALL)["capabilities"]
    assert capabilities["codeActionProvider"] == {"codeActionKinds": ["quickfix"]}
    assert "textDocumentContent" not in capabilities["workspace"]


def test_a_request_sees_the_text_that_it_was_sent_after(client: RawClient) -> None:
    open_text(client, "0")
    messages: list[Json] = []
    for number in range(1, 20):
        document = {"uri": "file:///a", "version": number + 1}
        messages += [
            {
                "jsonrpc": "2.0",
                "method": "textDocument/didChange",
                "params": {"textDocument": document, "contentChanges": [{"text": str(number)}]},
            },
            {
                "jsonrpc": "2.0",
                "id": f"h{number}",
                "method": "textDocument/hover",
                "params": {
                    "textDocument": {"uri": "file:///a"},
                    "position": {"line": 0, "character": 0},
                },
            },
        ]
    client.send(*messages)
    for number in range(1, 20):
        answer = client.read()
        assert (answer["id"], answer["result"]["contents"]) == (f"h{number}", str(number))


# Progress.


def begin_progress(client: RawClient) -> str:
    client.ask("workspace/executeCommand", {"command": "progress"})
    create = client.read()
    assert create["method"] == "window/workDoneProgress/create"
    token = client.read()["result"]
    assert create["params"] == {"token": token}
    client.answer(create)
    assert client.read_notification("$/progress") == {
        "token": token,
        "value": {
            "kind": "begin",
            "title": "Longshift",
            "cancellable": True,
            "message": "planning",
            "percentage": 0,
        },
    }
    return token


def test_progress_from_begin_to_end(ours: RawClient) -> None:
    ours.initialize(capabilities=WITH_ALL)
    token = begin_progress(ours)
    assert begin_progress(ours) != token
    ours.ask("workspace/executeCommand", {"command": "report", "arguments": [token, [10, 20, 90]]})
    first = ours.read_notification("$/progress")["value"]
    assert (first["kind"], first["percentage"]) == ("report", 10)
    assert ours.read()["result"] is None
    ours.notify("window/workDoneProgress/cancel", {"token": token})
    while (message := ours.read())["method"] != "probe/cancelled":
        assert message["params"]["value"]["percentage"] == 90  # 20 was overtaken
    ours.ask("workspace/executeCommand", {"command": "end", "arguments": [token]})
    kinds = []
    while "method" in (message := ours.read()):
        kinds.append(message["params"]["value"]["kind"])
    assert kinds in (["end"], ["report", "end"])
    assert message["result"] == {"kept": 1, "set": True}
    ours.notify("window/workDoneProgress/cancel", {"token": token})  # too late, and no news
    ours.quiet()
    assert ours.shutdown() == 0


def test_progress_refused_or_unknown_to_the_client_is_silent(ours: RawClient) -> None:
    ours.initialize(capabilities=WITH_ALL)
    ours.ask("workspace/executeCommand", {"command": "progress"})
    create = ours.read()
    token = ours.read()["result"]
    refusal = {"code": -32601, "message": "No."}
    ours.send({"jsonrpc": "2.0", "id": create["id"], "error": refusal})
    assert command(ours, "report", token, [10]) is None
    assert command(ours, "end", token) == {"kept": 0, "set": False}
    assert ours.shutdown() == 0


def test_no_progress_for_a_client_without_it(client: RawClient) -> None:
    token = command(client, "progress")
    assert command(client, "report", token, [10]) is None
    assert command(client, "end", token) == {"kept": 0, "set": False}


# The client's process, and TCP.


def test_the_server_ends_with_the_clients_process(ours: RawClient) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as editor:
        ours.initialize(processId=editor.pid)
        ours.quiet()
    assert ours.wait() == 1
    assert b"closed" in ours.stderr


def test_a_process_that_can_not_be_seen_is_not_watched(ours: RawClient) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        gone.wait()
    ours.initialize(processId=gone.pid)
    ours.quiet()
    assert ours.shutdown() == 0


def test_pipes_are_not_left_to_children() -> None:
    """Two descriptors of the protocol, and none of them inheritable."""
    with RawClient([sys.executable, "-m", "tests.support.lsp_probe", "longshift"], cwd=ROOT) as it:
        it.initialize()
        assert_pipes_are_our_own(it)
        assert it.shutdown() == 0


def assert_pipes_are_our_own(client: RawClient) -> None:
    descriptors = Path(f"/proc/{client.process.pid}/fdinfo")
    if not descriptors.exists():
        pytest.skip("needs /proc")
    ours = os.fstat(client._out).st_ino
    holders = [fd for fd in descriptors.iterdir() if inode(client.process.pid, fd.name) == ours]
    assert len(holders) == 1
    assert holders[0].name != "1"


def inode(pid: int, descriptor: str) -> int:
    try:
        return Path(f"/proc/{pid}/fd/{descriptor}").stat().st_ino
    except OSError:
        return -1
