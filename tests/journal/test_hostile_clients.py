"""A client of the owner's door that means harm ends its own session, and nobody else's."""

import asyncio
import contextlib
import json
import logging
import sys

import pytest

from longshift.journal import doors, wire
from longshift.journal.control import ControlClient, ControlServer, Limits
from longshift.journal.pace import Pace

ECHO = b'{"id": 1, "command": "echo"}\n'
FEW = Limits(connections=8)


class Owner:
    """Answers every command with its arguments."""

    async def handle(self, command, arguments):
        return {"arguments": arguments}

    async def follow(self, after):
        await asyncio.Event().wait()
        yield


@pytest.fixture
async def serve(short_dir, tmp_path):
    """Start servers; each is closed with nobody left."""
    servers = []

    async def start(limits=FEW, door=None):
        owner = Owner()
        door = door or doors.UnixDoor(tmp_path, runtime_dir=short_dir)
        server = ControlServer(tmp_path, owner.handle, owner.follow, door=door, limits=limits)
        server.address = await server.start()
        servers.append(server)
        return server

    yield start
    for server in servers:
        await server.close(grace_s=0)
        assert not server._clients


@contextlib.asynccontextmanager
async def strangers(address, number, said=b""):
    """Connections that say something and then keep still."""
    writers = []
    for _ in range(number):
        _, writer = await doors.knock(address)
        writer.write(said)
        writers.append(writer)
    yield
    for writer in writers:
        writer.close()
    for writer in writers:
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


@pytest.mark.parametrize(
    "said",
    [b"", b'{"id": 1, "comm', b"hello\n", ECHO],
    ids=["nothing", "half a line", "garbage", "a command"],
)
async def test_many_connections_shut_nobody_out(serve, caplog, said):
    server = await serve()
    async with await ControlClient.connect(server.address) as client:
        await client.call("follow")
        async with strangers(server.address, 200, said):
            assert await client.call("echo", {"n": 1}) == {"arguments": {"n": 1}}
            async with await ControlClient.connect(server.address) as late:
                assert await late.call("echo") == {"arguments": {}}
            open_ones = [one for one in server._clients.values() if not one.is_dropped]
            assert len(open_ones) <= FEW.connections
    crowds = [one for one in caplog.records if "the idlest are ended" in one.message]
    assert len(crowds) <= 200 // FEW.connections
    assert all(one.levelno == logging.WARNING for one in caplog.records)


FLOOD = """
import socket, sys
held = []
for _ in range(100):
    one = socket.socket(socket.AF_UNIX)
    one.connect(sys.argv[1])
    held.append(one)
print("open", flush=True)
sys.stdin.read()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux says which process connects")
async def test_a_process_loses_its_own_connections_only(serve):
    server = await serve()
    async with await ControlClient.connect(server.address) as idle:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", FLOOD, server.address,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert await process.stdout.readline() == b"open\n"
        # It has asked nothing so far and was there first: by itself it would be the first to go.
        assert await idle.call("echo") == {"arguments": {}}
        await process.communicate(b"")
    assert process.returncode == 0


async def test_a_flood_of_requests_that_reads_no_answer_holds_up_itself_only(serve):
    server = await serve()
    big = json.dumps({"id": 1, "command": "echo", "arguments": {"text": "x" * 200_000}}).encode()
    _, flood = await doors.knock(server.address)
    async with await ControlClient.connect(server.address) as client:
        await client.call("echo")
        flood.writelines([big + b"\n"] * 100)
        (hostile,) = [one for one in server._clients.values() if one.writer.transport is not None
                      and not one._has_asked]  # fmt: skip
        while not hostile._is_busy:
            assert await client.call("echo") == {"arguments": {}}
        for _ in range(20):
            assert await client.call("echo") == {"arguments": {}}
        # What it does not read stays in one answer's buffer; the rest waits on its own side.
        assert hostile.writer.transport.get_write_buffer_size() < 2 * len(big)
    flood.transport.abort()


async def test_who_asks_too_fast_waits_and_is_answered(serve):
    server = await serve(Limits(requests_per_s=100_000.0, requests_at_once=1.0))
    reader, writer = await doors.knock(server.address)
    writer.writelines([ECHO] * 50)
    answers = [json.loads(await reader.readline()) for _ in range(50)]
    assert answers == [{"id": 1, "result": {"arguments": {}}}] * 50
    writer.close()
    await writer.wait_closed()


async def test_who_does_not_show_the_secret_in_time_is_hung_up_on(serve, caplog):
    server = await serve(Limits(admitted_within_s=0.0), doors.LoopbackDoor())
    _, port, _ = server.address.split(":")
    reader, writer = await asyncio.open_connection(doors.LOOPBACK, int(port))
    assert await reader.read() == b""
    writer.close()
    await writer.wait_closed()
    assert "without the secret, was refused" in caplog.text


async def test_what_is_no_request_is_logged_without_its_content(serve, caplog):
    server = await serve()
    reader, writer = await doors.knock(server.address)
    writer.write(b"my secret\n")
    assert b"no request" in await reader.read()
    writer.close()
    await writer.wait_closed()
    assert "was hung up on" in caplog.text
    assert "my secret" not in caplog.text


PACES = {
    "a burst passes at once": (10, 3, [(0, 1, 0), (0, 1, 0), (0, 1, 0), (0, 1, 0.1), (0, 1, 0.2)]),
    "a rest fills the bucket again": (10, 3, [(0, 3, 0), (0.2, 2, 0), (0.2, 1, 0.1)]),
    "and no fuller than full": (10, 3, [(100, 3, 0), (100, 1, 0.1)]),
    "many at once are paid for": (10, 3, [(0, 23, 2.0), (2.0, 1, 0.1)]),
}


@pytest.mark.parametrize(("per_s", "burst", "steps"), PACES.values(), ids=PACES.keys())
def test_pace(per_s, burst, steps):
    pace = Pace(per_s, burst, 0)
    for at, n, waits in steps:
        assert pace.wait_s(n, at) == pytest.approx(waits)


def test_the_limits_are_what_the_documentation_says():
    assert Limits() == Limits(64, 5.0, 200.0, 400.0)
    assert wire.MOST_LINE_BYTES == 8 * 1024 * 1024
