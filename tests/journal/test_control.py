"""Commands from other processes, over real sockets."""

import asyncio
import contextlib
import json
import logging
import os
import socket
from datetime import UTC, datetime
from pathlib import Path

import pytest

from longshift.domain.events import Recorded, RunSteered
from longshift.errors import LongshiftError, NeedsPerson, TellModel, UsageError
from longshift.journal import doors, wire
from longshift.journal.control import ControlClient, ControlServer


def fact(seq):
    event = RunSteered(run="R1", message=str(seq))
    return Recorded(seq=seq, time=datetime(2026, 1, 1, tzinfo=UTC), event=event)


class Owner:
    """Handles commands as an owner would, and lets the test look on."""

    def __init__(self):
        self.entered = asyncio.Event()
        self.go_on = asyncio.Event()
        self.followers = 0

    async def handle(self, command, arguments):
        match command:
            case "echo":
                return {"arguments": arguments}
            case "usage":
                raise UsageError("There is no run R9.")
            case "needs_person":
                raise NeedsPerson("The repository is in the middle of a rebase.")
            case "defect":
                raise ZeroDivisionError("secret detail")
            case "misplaced":
                raise TellModel("not for a person")
            case "unserialisable":
                return {"value": object()}
            case "infinite":
                return {"value": float("inf")}
            case "huge":
                return {"value": "x" * wire.MOST_LINE_BYTES}
            case "wait":
                self.entered.set()
                await self.go_on.wait()
                return {"waited": True}

    async def follow(self, after):
        self.followers += 1
        try:
            for seq in range(after + 1, after + 4):
                yield fact(seq)
            if after == 100:
                raise NeedsPerson("Row 104 can't be read.")
            if after == 200:
                while True:
                    yield fact(201)
            if after == 300:
                return
            await asyncio.Event().wait()
        finally:
            self.followers -= 1


@pytest.fixture
def owner():
    return Owner()


@pytest.fixture(params=["unix", "loopback"])
def door(request, short_dir, tmp_path):
    if request.param == "loopback":
        return doors.LoopbackDoor()
    return doors.UnixDoor(tmp_path, runtime_dir=short_dir)


@pytest.fixture
async def server(owner, door, tmp_path):
    server = ControlServer(tmp_path, owner.handle, owner.follow, door=door)
    server.address = await server.start()
    yield server
    await server.close(grace_s=0)
    assert owner.followers == 0
    assert not server._clients


@pytest.fixture
async def client(server):
    async with await ControlClient.connect(server.address) as client:
        yield client


async def say(address, *lines):
    """Send bytes and read until the server hangs up."""
    reader, writer = await doors.knock(address)
    writer.writelines(lines)
    answer = b""
    with contextlib.suppress(ConnectionError):  # it may hang up without reading all we said
        answer = await reader.read()
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()
    return [json.loads(line) for line in answer.splitlines()]


async def test_a_command_is_answered(client):
    for arguments in ({}, {"runId": "R1"}, {"text": "naïve \U0001d4b3\n"}, {"n": [1, None]}):
        assert await client.call("echo", arguments) == {"arguments": arguments}
    assert await client.call("echo") == {"arguments": {}}


@pytest.mark.parametrize(
    ("command", "kind", "message"),
    [
        ("usage", UsageError, r"^There is no run R9\.$"),
        ("needs_person", NeedsPerson, "middle of a rebase"),
        ("defect", LongshiftError, r"`defect` failed .* defect of Longshift \(ZeroDivisionError\)"),
        ("misplaced", LongshiftError, "TellModel"),
        ("unserialisable", LongshiftError, "TypeError"),
        ("infinite", LongshiftError, "ValueError"),
        ("huge", LongshiftError, "ValueError"),
    ],
)
async def test_a_refusal_raises_its_like_and_the_connection_lives(
    command, kind, message, client, caplog
):
    with pytest.raises(LongshiftError, match=message) as caught:
        await client.call(command)
    assert type(caught.value) is kind
    assert "secret detail" not in str(caught.value)
    logged = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert len(logged) == (kind is LongshiftError)
    assert await client.call("echo") == {"arguments": {}}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b"hello\n", "no request"),
        (b"\n", "no request"),
        (b"[1]\n", "no request"),
        (b'{"id": 1}\n', "at `command`"),
        (b'{"id": "1", "command": "echo"}\n', "at `id`"),
        (b'{"id": 1, "command": ""}\n', "at `command`"),
        (b'{"id": 1, "command": "echo", "arguments": []}\n', "at `arguments`"),
        (b'{"id": 1, "command": "echo", "extra": 1}\n', "at `extra`"),
        (b'{"id": 1, "command": "\xff"}\n', "no request"),
        (b"x" * wire.MOST_LINE_BYTES + b"xx\n", "longer than"),
        (b"[" * 100_000 + b"\n", "no request"),
    ],
    ids=lambda value: str(value[:40]) if isinstance(value, bytes) else None,
)
async def test_a_malformed_line_closes_its_own_client_only(line, message, server, client):
    good = b'{"id": 7, "command": "echo"}\n'
    first, refused = await say(server.address, good, line, good)
    assert first == {"id": 7, "result": {"arguments": {}}}
    assert refused["id"] is None
    assert refused["error"]["kind"] == "usage"
    assert message in refused["error"]["message"]
    assert await client.call("echo") == {"arguments": {}}


async def test_a_client_that_leaves_in_the_middle_of_a_line_harms_nobody(server, client):
    _, writer = await doors.knock(server.address)
    writer.write(b'{"id": 1, "comm')
    writer.close()
    await writer.wait_closed()
    assert await client.call("echo") == {"arguments": {}}


async def test_slow_commands_hold_up_their_own_client_only(server, owner, client):
    async with await ControlClient.connect(server.address) as slow:
        waiting = asyncio.create_task(slow.call("wait"))
        await owner.entered.wait()
        assert await client.call("echo") == {"arguments": {}}
        owner.go_on.set()
        assert await waiting == {"waited": True}


async def test_an_owner_that_does_not_answer_is_not_waited_for(client, owner):
    with pytest.raises(NeedsPerson, match=r"does not answer.* `wait` was sent 0\.01 s ago"):
        await client.call("wait", timeout_s=0.01)
    owner.go_on.set()
    with pytest.raises(NeedsPerson, match="is gone"):  # or it would read the late answer as its own
        await client.call("echo")


async def test_what_can_not_be_sent_is_wrong_usage(client):
    with pytest.raises(UsageError, match="can't be sent"):
        await client.call("echo", {"text": "x" * wire.MOST_LINE_BYTES})
    assert await client.call("echo") == {"arguments": {}}


async def test_following_gives_facts_and_then_their_end(client):
    assert [line async for line in client.follow(300)] == [
        fact(seq).as_line() for seq in (301, 302, 303)
    ]


async def test_following_ends_with_the_owners_error(client):
    following = client.follow(100)
    assert [(await anext(following))["seq"] for _ in range(3)] == [101, 102, 103]
    with pytest.raises(NeedsPerson, match="Row 104"):
        await anext(following)


async def test_following_ends_when_the_owner_does(server, client):
    following = client.follow()
    assert [(await anext(following))["seq"] for _ in range(3)] == [1, 2, 3]
    await server.close()
    with pytest.raises(NeedsPerson, match="is gone"):
        await anext(following)


@pytest.mark.parametrize("arguments", [{"after": -1}, {"after": "1"}, {"run": "R1"}])
async def test_following_wants_a_number(arguments, client):
    with pytest.raises(UsageError, match="`follow` takes"):
        await client.call("follow", arguments)
    assert await client.call("echo") == {"arguments": {}}


async def test_a_connection_follows_once_and_still_answers(client, server):
    lines = [
        json.dumps({"id": n, "command": command}).encode() + b"\n"
        for n, command in enumerate(["follow", "follow", "echo"])
    ]
    reader, writer = await doors.knock(server.address)
    writer.writelines(lines)
    answers = [json.loads(await reader.readline()) for _ in range(6)]
    writer.close()
    await writer.wait_closed()
    by_id = {answer["id"]: answer for answer in answers if "id" in answer}
    assert by_id[0]["result"] == {}
    assert by_id[1]["error"]["message"].startswith("This connection follows already")
    assert by_id[2]["result"] == {"arguments": {}}
    assert [answer["event"]["seq"] for answer in answers if "event" in answer] == [1, 2, 3]


async def test_a_follower_that_leaves_closes_its_iterator(server, owner):
    async with await ControlClient.connect(server.address) as client:
        following = client.follow()
        await anext(following)
        assert owner.followers == 1
        await following.aclose()
    (task,) = server._clients
    await task
    assert owner.followers == 0


async def test_a_follower_that_does_not_read_does_not_keep_the_server_open(server, owner):
    _, writer = await doors.knock(server.address)
    writer.write(b'{"id": 1, "command": "follow", "arguments": {"after": 200}}\n')
    async with await ControlClient.connect(server.address) as client:
        while not owner.followers:
            await client.call("echo")
    await server.close(grace_s=0)
    assert owner.followers == 0
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()


async def test_closing_lets_a_running_command_answer_and_takes_no_other(server, owner, client):
    waiting = asyncio.create_task(client.call("wait"))
    await owner.entered.wait()
    async with await ControlClient.connect(server.address) as idle:
        await idle.call("echo")
        closing = asyncio.create_task(server.close())
        with pytest.raises(NeedsPerson, match="is gone"):
            await idle.call("echo")
    owner.go_on.set()
    assert await waiting == {"waited": True}
    await closing
    with pytest.raises(NeedsPerson, match="is gone"):
        await client.call("echo")
    with pytest.raises(NeedsPerson, match="does not answer at"):
        await ControlClient.connect(server.address)


async def test_no_secret_no_answer(owner, tmp_path):
    door = doors.LoopbackDoor()
    server = ControlServer(tmp_path, owner.handle, owner.follow, door=door)
    address = await server.start()
    port = address.split(":")[1]
    for secret in ("", "0" * 64, "x" * wire.MOST_LINE_BYTES):
        assert await say(f"tcp:{port}:{secret}", b'{"id": 1, "command": "echo"}\n') == []
    assert "tcp:" in doors.shown(address)
    await server.close()


async def test_a_process_of_another_user_is_not_answered(owner, short_dir, tmp_path, monkeypatch):
    door = doors.UnixDoor(tmp_path, runtime_dir=short_dir)
    server = ControlServer(tmp_path, owner.handle, owner.follow, door=door)
    address = await server.start()
    own = os.getuid()
    monkeypatch.setattr("os.getuid", lambda: own + 1)
    assert await say(address, b'{"id": 1, "command": "echo"}\n') == []
    await server.close()


def leave(what, address):
    if what == "file":
        Path(address).touch()
    else:
        with socket.socket(socket.AF_UNIX) as dead:
            dead.bind(address)


@pytest.mark.parametrize("left", ["socket", "file"])
async def test_what_a_dead_owner_left_is_replaced_and_nothing_is_left(
    left, owner, short_dir, tmp_path
):
    door = doors.UnixDoor(tmp_path, runtime_dir=short_dir)
    address = await door.open(lambda reader, writer: None)
    await door.close()
    leave(left, address)
    with pytest.raises(NeedsPerson, match="does not answer at"):
        await ControlClient.connect(address)
    door = doors.UnixDoor(tmp_path, runtime_dir=short_dir)
    server = ControlServer(tmp_path, owner.handle, owner.follow, door=door)
    assert await server.start() == address
    async with await ControlClient.connect(address) as client:
        assert await client.call("echo") == {"arguments": {}}
    await server.close()
    assert list(short_dir.iterdir()) == []


async def test_the_default_door_is_in_the_users_runtime_folder(
    owner, short_dir, tmp_path, monkeypatch
):
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(short_dir))
    server = ControlServer(tmp_path, owner.handle, owner.follow)
    assert Path(await server.start()).parent == short_dir / "longshift"
    await server.close()


@pytest.mark.parametrize("address", ["/nowhere.sock", "tcp:1:x", "tcp:x:y", "tcp:"])
async def test_an_address_where_nobody_is(address):
    with pytest.raises(NeedsPerson, match="does not answer at"):
        await ControlClient.connect(address)


async def test_an_owner_that_speaks_otherwise_is_not_believed(short_dir):
    async def babble(reader, writer):
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        await reader.read()
        writer.close()

    path = short_dir / "other.sock"
    other = await asyncio.start_unix_server(babble, path)
    async with other, await ControlClient.connect(str(path)) as client:
        with pytest.raises(NeedsPerson, match="does not speak as this Longshift does"):
            await client.call("echo")
