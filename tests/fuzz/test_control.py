"""What another process may send to the owner of a repository: an answer, or a closed connection.

The property: whatever lines come, the owner answers each in one line or closes that connection,
goes on answering others, and leaves no task that failed unseen. It matters because every run of
the repository lives in the owner's process.
"""

import asyncio
import contextlib
import gc
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longshift.errors import NeedsPerson, UsageError
from longshift.journal import doors, wire
from longshift.journal.control import ControlClient, ControlServer
from tests.fuzz.replay import TREES, damaged, mutated, replayed, to_json, tries

Json = dict[str, Any]

GOOD: Json = {"id": 7, "command": "echo", "arguments": {"runId": "R1"}}
FOLLOW: Json = {"id": 8, "command": "follow", "arguments": {"after": 3}}
LINES = st.one_of(
    st.binary(max_size=60),
    damaged(to_json(GOOD)),
    damaged(to_json(FOLLOW)),
    mutated(GOOD).map(to_json),
    mutated(FOLLOW).map(to_json),
    st.builds(lambda command, given_: to_json({**GOOD, "command": command, "arguments": given_}),
              st.text(max_size=8), st.dictionaries(st.text(max_size=4), TREES)),
)  # fmt: skip


async def handle(command: str, arguments: Json) -> Json:
    if command == "echo":
        return {"arguments": arguments}
    if command == "refuse":
        raise NeedsPerson(f"{arguments}" * 100)
    raise UsageError(f"There is no command {command}.")


async def follow(after: int) -> Any:
    del after
    return
    yield


async def ask(address: str, data: bytes) -> list[Json]:
    """Send bytes, and read what comes until the server hangs up."""
    reader, writer = await doors.knock(address)
    writer.write(data)
    answer = b""
    with contextlib.suppress(ConnectionError):  # it may hang up without reading all we said
        writer.write_eof()
        answer = await reader.read()
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()
    return [json.loads(line) for line in answer.splitlines()]


def check(folder: Path, runtime_dir: Path, data: bytes) -> list[Json]:
    """Send bytes to a server, and prove that it lives and that nothing failed unseen."""
    unseen: list[dict[str, Any]] = []

    async def session() -> list[Json]:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: unseen.append(context))
        door = doors.UnixDoor(folder, runtime_dir=runtime_dir)
        server = ControlServer(folder, handle, follow, door=door)
        address = await server.start()
        try:
            answers = await ask(address, data)
            async with await ControlClient.connect(address) as client:
                assert await client.call("echo") == {"arguments": {}}
        finally:
            await server.close()
        gc.collect(1)  # a task that failed unseen tells when it is thrown away
        return answers

    answers = asyncio.run(session())
    assert not unseen, unseen
    for answer in answers:
        wire.Reply.model_validate(answer)
        assert ("result" in answer) + ("error" in answer) + ("event" in answer) + ("end" in answer)
        assert answer.get("error", {}).get("kind") != "internal", answer
    return answers


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("state")


@tries(60)
@given(lines=st.lists(LINES, max_size=4))
def test_any_line_is_answered_or_closes_its_connection(
    folder: Path, runtime_dir: Path, lines: list[bytes]
) -> None:
    check(folder, runtime_dir, b"".join(line + b"\n" for line in lines))


@replayed("control")
def test_the_corpus_is_answered(folder: Path, runtime_dir: Path, data: bytes) -> None:
    """Each file is what one client sends before it hangs up."""
    check(folder, runtime_dir, data)


LARGE = {
    "a number without end": b'{"id":%b,"command":"echo"}\n' % (b"9" * 100_000),
    "a number of 4,300 digits": b'{"id":%b,"command":"echo"}\n' % (b"9" * 4300),
    "a number of 5,000 digits inside": b'{"id":1,"command":"echo","arguments":{"n":%b}}\n'
    % (b"9" * 5000),
    "a command of a line's length": to_json({"id": 1, "command": "x" * (wire.MOST_LINE_BYTES - 99)})
    + b"\n",
    "a command that grows when it is told": b'{"id":1,"command":"%b"}\n'
    % ("é" * 3_000_000).encode(),
    "nested arguments": b'{"id":1,"command":"echo","arguments":{"a":%b}}\n'
    % (b"[" * 150 + b"]" * 150),
    "arguments nested without end": b'{"id":1,"command":"echo","arguments":{"a":' + b"[" * 99_999
    + b"\n",
    "a long refusal": to_json({"id": 1, "command": "refuse", "arguments": {"a": "é" * 900_000}})
    + b"\n",
    "no end of line": b"{" * 100_000,
}  # fmt: skip


@pytest.mark.parametrize("data", LARGE.values(), ids=LARGE.keys())
def test_what_is_too_much_is_refused(folder: Path, runtime_dir: Path, data: bytes) -> None:
    answers = check(folder, runtime_dir, data)
    if data.endswith(b"\n"):
        assert len(answers) == 1
