"""TCP: for this machine, and for the one client that has the token."""

import json
import os
import re
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from longshift.cli.commands.serve import take_token
from longshift.errors import UsageError
from longshift.lsp.protocol.admission import MOST_WAITING
from tests.support import warm
from tests.support.lsp_probe import TOKEN
from tests.support.lsp_raw import Json, encode

ROOT = Path(__file__).parents[2]
TIMEOUT_S = 20.0
PROBE = ("-m", "tests.support.lsp_probe", "longshift", "0")


@contextmanager
def serving(command: list[str], **environ: str) -> Iterator[tuple[subprocess.Popen[bytes], bytes]]:
    """A server and the line that it told; it is killed where a test fails."""
    server = subprocess.Popen(
        command, cwd=ROOT, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL,
        env={**os.environ, **environ},
    )  # fmt: skip
    with server:
        assert server.stderr
        try:
            yield server, server.stderr.readline()
        finally:
            server.kill()


@pytest.fixture
def port() -> Iterator[int]:
    with serving([*warm.interpreter(), *PROBE]) as (server, line):
        yield int(line)
        assert server.wait(TIMEOUT_S) == 0


@pytest.fixture(scope="module")
def besieged() -> Iterator[int]:
    """The port of a server that still serves the person's client when all strangers have come."""
    with serving([*warm.interpreter(), *PROBE]) as (server, line):
        yield int(line)
        work(int(line))
        assert server.wait(TIMEOUT_S) == 0


def connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_S)


def initialize(options: object) -> Json:
    params = {"processId": None, "rootUri": None, "capabilities": {}}
    return {"jsonrpc": "2.0", "id": 0, "method": "initialize",
            "params": {**params, "initializationOptions": options}}  # fmt: skip


def read_all(client: socket.socket) -> bytes:
    received = b""
    try:
        while data := client.recv(1 << 16):
            received += data
    except ConnectionError:  # it hung up without reading all that was said
        pass
    return received


def end_well(client: socket.socket) -> bytes:
    """Shut the session down; everything that came."""
    client.sendall(
        encode({"jsonrpc": "2.0", "id": 1, "method": "shutdown"})
        + encode({"jsonrpc": "2.0", "method": "exit"})
    )
    return read_all(client)


def work(port: int, token: str = TOKEN) -> bytes:
    """Be the person's client from beginning to end."""
    with connect(port) as client:
        client.sendall(encode(initialize({"token": token})))
        first = client.recv(1 << 16)
        assert b'"result"' in first
        with pytest.raises(ConnectionRefusedError):
            connect(port)
        return first + end_well(client)


def test_the_client_with_the_token_is_served_and_nobody_else(port: int) -> None:
    assert work(port).endswith(b'{"jsonrpc":"2.0","id":1,"result":null}')


WRONG: dict[str, object] = {
    "no options": None,
    "no token": {},
    "another token": {"token": "x" * len(TOKEN)},
    "its beginning": {"token": TOKEN[:-1]},
    "not a text": {"token": [TOKEN]},
    "half a character": {"token": "\ud800"},
    "elsewhere": {"settings": {"token": TOKEN}},
}


@pytest.mark.parametrize("options", WRONG.values(), ids=WRONG.keys())
def test_a_client_without_it_is_told_where_it_is_and_hung_up_on(
    besieged: int, options: object
) -> None:
    with connect(besieged) as stranger:
        stranger.sendall(encode(initialize(options)))
        answer = json.loads(read_all(stranger).split(b"\r\n\r\n", 1)[1])
    assert answer["id"] == 0
    assert answer["error"]["code"] == -32803
    for part in ("initializationOptions.token", "standard error", "LONGSHIFT_TOKEN"):
        assert part in answer["error"]["message"]
    assert TOKEN not in answer["error"]["message"]


HOSTILE: dict[str, bytes] = {
    "another request": encode({"jsonrpc": "2.0", "id": 5, "method": "shutdown"}),
    "a command before it": encode({"jsonrpc": "2.0", "id": 5, "method": "workspace/executeCommand"})
    + encode(initialize({"token": TOKEN})),
    "a notification": encode({"jsonrpc": "2.0", "method": "exit"}),
    "a web page": b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 2\r\n\r\n{}",
    "garbage": b"\x00" * 100_000 + b"\r\n\r\n",
    "no end": b"Content-Length: 60000000\r\n\r\n" + b" " * 2_000_000,
    "a deep nest": b"Content-Length: 100000\r\n\r\n" + b"[" * 100_000,
}


@pytest.mark.parametrize("said", HOSTILE.values(), ids=HOSTILE.keys())
def test_whoever_begins_otherwise_gets_no_answer(besieged: int, said: bytes) -> None:
    with connect(besieged) as stranger:
        with suppress(ConnectionError):
            stranger.sendall(said)
        assert read_all(stranger) == b""


def test_strangers_that_keep_still_keep_nobody_out(port: int) -> None:
    strangers = [connect(port) for _ in range(5 * MOST_WAITING)]
    work(port)
    for stranger in strangers:
        assert read_all(stranger) == b""
        stranger.close()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "", "127.8.8.8"])
def test_the_token_is_told_on_standard_error_alone(host: str) -> None:
    if host == "[::1]" and not has_ipv6():
        pytest.skip("this machine has no IPv6")
    with serving([*warm.command(), "serve", "--tcp", f"{host}:0"]) as (server, line):
        told = re.fullmatch(rb"longshift: listening at (\S+):(\d+); token: ([\w-]{43})\n", line)
        assert told, line
        shown, port, token = (part.decode() for part in told.groups())
        assert shown in ("127.0.0.1", "[::1]", "127.8.8.8")
        address = (shown.strip("[]"), int(port))
        with socket.create_connection(address, timeout=TIMEOUT_S) as client:
            client.sendall(encode(initialize({"token": "wrong"})))
            assert b"error" in read_all(client)
        with socket.create_connection(address, timeout=TIMEOUT_S) as client:
            client.sendall(encode(initialize({"token": token})))
            assert b'"result":null' in end_well(client)
        assert server.wait(TIMEOUT_S) == 0
        assert server.stderr
        assert token.encode() not in server.stderr.read()
        assert token not in " ".join(map(str, server.args))  # type: ignore[arg-type]


def test_a_token_of_the_person_s_own_is_not_printed() -> None:
    own = "sixteen letters!"
    command = [*warm.COLD, "serve", "--tcp", "127.0.0.1:0"]  # its arguments are looked at
    with serving(command, LONGSHIFT_TOKEN=own) as (server, line):
        port = int(re.findall(rb":(\d+); token: as in LONGSHIFT_TOKEN\n", line)[0])
        assert own.encode() not in Path(f"/proc/{server.pid}/cmdline").read_bytes()
        work(port, own)
        assert server.wait(TIMEOUT_S) == 0


def test_the_person_s_token_is_taken_out_of_the_environment() -> None:
    environ = {"LONGSHIFT_TOKEN": "sixteen letters!", "OTHER": "x"}
    assert take_token(environ) == ("sixteen letters!", True)
    assert environ == {"OTHER": "x"}
    (first, _), (second, is_own) = take_token(environ), take_token({"LONGSHIFT_TOKEN": ""})
    assert first != second
    assert not is_own
    with pytest.raises(UsageError, match="fewer than 16 characters"):
        take_token({"LONGSHIFT_TOKEN": "fifteen letters"})


def has_ipv6() -> bool:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True
