"""Commands as they run, in the cage and without one."""

import asyncio
import os
import socket
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from longshift.errors import NeedsPerson
from longshift.sandbox.cage import Cage, Refusal, SandboxPolicy, open_cage
from tests.support.sandbox_processes import forever, processes_saying, wait_until_alive

Folder = Callable[[Cage], Path]


@pytest.mark.parametrize(
    ("command", "status", "output"),
    [
        ("echo out; echo err >&2", 0, "out\nerr\n"),
        ("exit 7", 7, ""),
        ("no-such-program 2>/dev/null", 127, ""),
        ("sh -c 'kill -TERM $$'; exit $?", 143, None),
        ("kill -9 $$", 137, None),
        ("cat", 0, ""),  # standard input is empty
        (r"printf 'a\377b\033[31m'", 0, "a\ufffdb\x1b[31m"),
        ('echo \'$(echo "quoted")\' "; exit 3"', 0, '$(echo "quoted") ; exit 3\n'),
        ("test -t 0 || test -t 1 || echo none", 0, "none\n"),
        ("ulimit -c; ulimit -f", 0, None),
    ],
)
async def test_result(
    cage: Cage, hand_over: Folder, command: str, status: int, output: str | None
) -> None:
    result = await cage.run(command, hand_over(cage), timeout_s=20)

    assert result.exit_status == status
    assert output is None or result.output == output
    assert not result.timed_out
    assert not result.truncated


async def test_output_is_bounded_and_keeps_both_ends(cage: Cage, hand_over: Folder) -> None:
    command = "echo first; head -c 3000000 /dev/zero | tr '\\0' x; echo last"
    result = await cage.run(command, hand_over(cage), timeout_s=20)

    assert result.exit_status == 0
    assert result.truncated
    assert result.output.startswith("first\nxxx")
    assert result.output.endswith("xxxlast\n")
    assert "2995915 bytes left out" in result.output
    assert len(result.output) < 4200


async def test_environment_is_cleared(
    cage: Cage, hand_over: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    result = await cage.run("env; cat /proc/self/environ", hand_over(cage), timeout_s=20)

    assert result.exit_status == 0
    assert "PATH=" in result.output
    assert "sk-secret" not in result.output


async def test_files_of_the_checkout_can_be_changed(cage: Cage, hand_over: Folder) -> None:
    folder = hand_over(cage)
    result = await cage.run("mkdir a && echo new > a/b && chmod +x a/b", folder, timeout_s=20)

    assert result.exit_status == 0
    assert (folder / "a/b").read_text() == "new\n"
    assert os.access(folder / "a/b", os.X_OK)


@pytest.mark.skipif(sys.prefix == sys.base_prefix, reason="not in a virtual environment")
async def test_python_tools_work(cage: Cage, hand_over: Folder) -> None:
    command = "python -c 'import pytest, sys; print(sys.prefix)' && ruff --version"
    result = await cage.run(command, hand_over(cage), timeout_s=30)

    assert result.exit_status == 0, result.output
    assert result.output.startswith(sys.prefix)


@pytest.mark.parametrize("daemon", ["setsid", "nohup"])
async def test_timeout_leaves_nothing(caged: Cage, hand_over: Folder, daemon: str) -> None:
    marker, command = forever(daemon)
    result = await caged.run(command, hand_over(caged), timeout_s=0.5)

    assert result.timed_out
    assert result.exit_status is None
    assert "started" in result.output
    assert processes_saying(marker) == []


async def test_daemons_end_with_their_command(caged: Cage, hand_over: Folder) -> None:
    marker, command = forever("setsid", wait=False)
    result = await caged.run(command, hand_over(caged), timeout_s=20)

    assert (result.exit_status, result.timed_out) == (0, False)
    assert processes_saying(marker) == []


async def test_background_processes_end_without_a_cage(plain: Cage, hand_over: Folder) -> None:
    marker, command = forever("", wait=False)
    result = await plain.run(command, hand_over(plain), timeout_s=20)

    assert result.exit_status == 0
    assert processes_saying(marker) == []


async def test_cancelling_leaves_nothing(cage: Cage, hand_over: Folder) -> None:
    folder = hand_over(cage)
    marker, command = forever("")
    running = asyncio.create_task(cage.run(command, folder, timeout_s=60))
    await asyncio.to_thread(wait_until_alive, marker)
    running.cancel()

    with pytest.raises(asyncio.CancelledError):
        await running
    assert processes_saying(marker) == []


async def test_cancelling_at_any_early_moment_leaves_nothing(
    caged: Cage, hand_over: Folder
) -> None:
    folder = hand_over(caged)
    for turns in (0, 1, 2, 3, 5, 8, 13, 40):
        marker, command = forever("setsid")
        running = asyncio.create_task(caged.run(command, folder, timeout_s=60))
        for _ in range(turns):
            await asyncio.sleep(0)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert processes_saying(marker) == []


PYTHON = Path(sys.executable).name
CONNECT = (
    PYTHON + " -c 'import socket, sys; "
    'socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=2)\' {port}'
)


async def test_network_is_cut(caged: Cage, plain: Cage, hand_over: Folder) -> None:
    folder = hand_over(caged)
    with socket.create_server(("127.0.0.1", 0)) as server:
        command = CONNECT.format(port=server.getsockname()[1])
        without = await plain.run(command, folder, timeout_s=20)
        within = await caged.run(command, folder, timeout_s=20)

    assert without.exit_status == 0, without.output
    assert within.exit_status == 1
    assert "refused" in within.output or "unreachable" in within.output


async def test_network_is_there_when_the_policy_says_so(caged: Cage, hand_over: Folder) -> None:
    cage = await open_cage(SandboxPolicy(network=True))
    assert not isinstance(cage, Refusal)
    with socket.create_server(("127.0.0.1", 0)) as server:
        command = CONNECT.format(port=server.getsockname()[1])
        result = await cage.run(command, hand_over(caged), timeout_s=20)

    assert result.exit_status == 0, result.output


@pytest.mark.parametrize(
    "escape",
    [
        "echo x > /usr/longshift-escape",
        "echo x > /etc/longshift-escape",
        "echo x > /longshift-escape",
        "echo x > /dev/longshift-escape",
        "echo x > {outside}/written",
        "cat {outside}/secret",
        "ln -s {outside} way; cat way/secret",
        "ln {outside}/secret mine",
        "ls {home}/.ssh || ls {home}/.bashrc",
        "cat /etc/shadow || cat /etc/machine-id",
        "cat /proc/{pid}/environ",
        "kill -0 {pid}",
        "unshare --user true",
        "unshare --mount true",
        "mount -t tmpfs none /tmp",
        "chroot / true",
        "mknod device b 254 0",
        "echo 1 > /proc/sys/kernel/core_pattern",
        "echo b > /proc/sysrq-trigger",
        "echo 0 > /proc/sys/user/max_user_namespaces",
        "ls -d /sys/kernel /run/user /var/run /boot",
        "prlimit --nproc=100000 true",
        "prlimit --fsize=unlimited true",
        "head -c 9000000 /dev/zero > large",
        "head -c 20000000 /dev/zero > /tmp/large",
        "hostname escaped",
        "nice -n -5 true 2>&1 | grep -q denied || exit 0; exit 1",
    ],
)
async def test_no_way_out(caged: Cage, hand_over: Folder, tmp_path: Path, escape: str) -> None:
    outside = tmp_path / "outside"
    outside.mkdir(mode=0o777)
    (outside / "secret").write_text("nobody may read this")
    (outside / "secret").chmod(0o666)
    command = escape.format(outside=outside, home=Path.home(), pid=os.getpid())
    result = await caged.run(command, hand_over(caged), timeout_s=20)

    assert result.exit_status not in (0, None), result.output
    assert "nobody may" not in result.output
    assert [path.name for path in outside.iterdir()] == ["secret"]


async def test_processes_are_bounded(caged: Cage, hand_over: Folder) -> None:
    command = "i=0; while [ $i -lt 200 ]; do sleep 60 & i=$((i+1)); done; echo all"
    result = await caged.run(command, hand_over(caged), timeout_s=20)

    assert "all" not in result.output.splitlines()
    assert "fork" in result.output


async def test_memory_is_bounded(hand_over: Folder, caged: Cage) -> None:
    cage = await open_cage(SandboxPolicy(memory_bytes=256 << 20))
    assert not isinstance(cage, Refusal)
    result = await cage.run(f"{PYTHON} -c 'bytearray(1 << 30)'", hand_over(caged), timeout_s=20)

    assert result.exit_status == 1
    assert "MemoryError" in result.output


async def test_a_symlinked_checkout_is_refused(
    caged: Cage, hand_over: Folder, tmp_path: Path
) -> None:
    hand_over(caged)
    (tmp_path / "link").symlink_to(tmp_path / "files")

    with pytest.raises(NeedsPerson, match="is not a folder"):
        await caged.run("true", tmp_path / "link", timeout_s=20)
