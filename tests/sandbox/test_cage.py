"""Commands as they run, in the cage and without one."""

import asyncio
import os
import socket
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from longshift.errors import NeedsPerson
from longshift.sandbox.bubblewrap import bubblewrap_cage
from longshift.sandbox.cage import Cage, Refusal, SandboxPolicy, open_cage
from longshift.sandbox.disk import DiskWatch
from longshift.sandbox.groups import find_groups
from longshift.sandbox.status import status_pipe
from tests.support.sandbox_processes import (
    are_gone,
    forever,
    processes_saying,
    wait_until_alive,
)

Folder = Callable[[Cage], Path]
MODES = {"BubblewrapCage": "bubblewrap", "LandlockCage": "landlock"}


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
async def test_python_tools_work(tooled: Cage, hand_over: Folder) -> None:
    command = "python -c 'import pytest, sys; print(sys.prefix)' && ruff --version"
    result = await tooled.run(command, hand_over(tooled), timeout_s=30)

    assert result.exit_status == 0, result.output
    assert result.output.startswith(sys.prefix)


@pytest.mark.parametrize("daemon", ["setsid", "nohup", "trap '' TERM HUP INT; setsid nohup"])
async def test_timeout_leaves_nothing(any_caged: Cage, hand_over: Folder, daemon: str) -> None:
    marker, command = forever(daemon)
    result = await any_caged.run(command, hand_over(any_caged), timeout_s=0.5)

    assert result.timed_out
    assert result.exit_status is None
    assert "started" in result.output
    assert processes_saying(marker) == []


async def test_daemons_end_with_their_command(any_caged: Cage, hand_over: Folder) -> None:
    marker, command = forever("setsid", wait=False)
    result = await any_caged.run(command, hand_over(any_caged), timeout_s=20)

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
    any_caged: Cage, hand_over: Folder
) -> None:
    caged = any_caged
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


SERVER = (
    PYTHON + ' -c "import socket; server = socket.create_server((str(), 0)); '
    "port = server.getsockname()[1]; "
    "socket.create_connection(('127.0.0.1', port)).sendall(b'x'); "
    'print(server.accept()[0].recv(1))"'
)


async def test_a_cage_without_network_has_a_loopback_of_its_own(
    caged: Cage, hand_over: Folder
) -> None:
    """Test suites start servers there."""
    result = await caged.run(SERVER, hand_over(caged), timeout_s=20)

    assert (result.exit_status, result.output) == (0, "b'x'\n")


async def test_nothing_of_longshift_is_seen_inside(
    any_caged: Cage, hand_over: Folder, tmp_path: Path
) -> None:
    """Not its files, even where a careless start of a process would pass them on."""
    (tmp_path / "secret").write_text("nobody may read this")
    with (tmp_path / "secret").open() as secret:
        os.set_inheritable(secret.fileno(), True)
        command = "for f in /proc/self/fd/*; do echo ${f##*/}; done; cat /proc/*/environ"
        result = await any_caged.run(command, hand_over(any_caged), timeout_s=20)

    assert {line for line in result.output.splitlines() if line.isdigit()} <= set("0123")
    assert "nobody may" not in result.output
    assert "PYTEST_CURRENT_TEST" not in result.output


async def test_a_command_can_use_its_whole_checkout(any_caged: Cage, hand_over: Folder) -> None:
    command = (
        "mkdir -p a/b c; echo 1 > a/b/x; mv a/b/x c/y; ln c/y hard; ln -s c/y soft; cat soft; "
        "mkfifo pipe; echo 2 > $HOME/x; echo 3 > $TMPDIR/x; mv $TMPDIR/x moved; cat moved; "
        "echo gone > /dev/null; head -c 2 /dev/urandom | wc -c; rm -r a c; ls"
    )
    result = await any_caged.run(command, hand_over(any_caged), timeout_s=20)

    assert result.exit_status == 0, result.output
    assert result.output.split() == ["1", "3", "2", "hard", "moved", "pipe", "soft"]


async def test_a_signal_of_the_interpreter_is_not_inherited(
    any_caged: Cage, hand_over: Folder
) -> None:
    """Python ignores SIGPIPE; a command that did so too would never notice a closed pipe."""
    command = f"sh -c 'kill -PIPE $$'; {PYTHON} -c 'pass'; yes | head -1; ulimit -f; exit $?"
    result = await any_caged.run(command, hand_over(any_caged), timeout_s=20)

    assert "y\n" in result.output
    assert "Broken pipe" not in result.output


TOGETHER = """
import os, signal
children = []
for _ in range(4):
    ours, theirs = os.pipe()
    if (child := os.fork()) == 0:
        held = bytearray(b"x") * (40 << 20)
        os.write(theirs, b"x")
        signal.pause()
    os.close(theirs)
    children.append(child)
    os.read(ours, 1)
for child in children:
    os.kill(child, signal.SIGTERM)
print(*sorted(-os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children))
"""
"""Each of its processes takes less than the limit of one, and waits; all together take more."""


async def test_memory_of_all_processes_together_is_bounded(hand_over: Folder, caged: Cage) -> None:
    policy = SandboxPolicy(tree_memory_bytes=96 << 20)
    cage = await open_cage(policy)
    assert not isinstance(cage, Refusal)
    if "not held together" in cage.profile:
        pytest.skip(cage.profile)
    result = await cage.run(f"{PYTHON} -c '{TOGETHER}'", hand_over(cage), timeout_s=20)

    assert result.exit_status == 0
    assert "9" in result.output.split()  # the kernel chooses which; the others end by ours, 15


@pytest.mark.parametrize("how", ["ends", "times out"])
async def test_no_control_group_is_left(caged: Cage, hand_over: Folder, how: str) -> None:
    groups = find_groups()
    if groups is None:
        pytest.skip("no control group can be made here")
    await caged.run("true" if how == "ends" else "sleep 60", hand_over(caged), timeout_s=0.5)

    assert list(groups.folder.glob(f"longshift-{os.getpid()}-*")) == []


async def test_a_command_that_fills_the_disk_is_stopped(
    any_caged: Cage, policy: SandboxPolicy
) -> None:
    """On a disk that nobody else writes to."""
    small = replace(policy, disk_bytes=1 << 20, mode=MODES[type(any_caged).__name__])
    cage = await open_cage(small)
    assert not isinstance(cage, Refusal)
    with tempfile.TemporaryDirectory(dir="/dev/shm") as name:
        folder = Path(name)
        if cage.owner is not None:
            os.chown(folder, *cage.owner)
        fill = "for i in 1 2 3 4; do head -c 1000000 /dev/zero > $i; done; echo full; sleep 50"
        result = await cage.run(fill, folder, timeout_s=40)

    assert (result.exit_status, result.timed_out) == (153, False)
    assert result.output == "full\n"


@pytest.mark.parametrize(
    ("policy", "is_filled"),
    [
        (SandboxPolicy(), False),
        (SandboxPolicy(free_disk_bytes=1 << 60, disk_bytes=1 << 60), True),
    ],
)
def test_a_disk_that_runs_full_is_noticed(policy: SandboxPolicy, is_filled: bool) -> None:
    with tempfile.TemporaryDirectory(dir="/dev/shm") as name:
        watch = DiskWatch(Path(name), policy)
        (Path(name) / "file").write_bytes(bytes(1 << 20))

        assert watch.is_filled() is is_filled


async def test_symlinks_in_a_checkout_mislead_no_mount(
    caged: Cage, hand_over: Folder, tmp_path: Path
) -> None:
    """Before 0.12 bubblewrap follows a symlink that stands where it mounts."""
    outside = tmp_path / "outside"
    outside.mkdir(mode=0o777)
    folder = hand_over(caged)
    for name in ("usr", "etc", "proc", "dev", "tmp", "home", "checkout", "bin", "lib"):
        (folder / name).symlink_to(outside)
    result = await caged.run("ls -A /usr/bin/env /checkout/ && touch /tmp/x", folder, timeout_s=20)

    assert result.exit_status == 0, result.output
    assert "usr" in result.output.split()
    assert list(outside.iterdir()) == []


def test_nothing_is_mounted_below_what_an_agent_can_write(policy: SandboxPolicy) -> None:
    """So no symlink of an agent's can stand on the way to where bubblewrap mounts."""
    cage = bubblewrap_cage(policy, None)
    if isinstance(cage, Refusal):
        pytest.skip(cage.message)
    with status_pipe() as status:
        argv = cage.argv("true", Path("/the-checkout"), status, ())
    # Those with one argument and those with two; the destination is the last.
    ones, twos = (
        {"--proc", "--dev", "--tmpfs", "--dir", "--remount-ro"},
        {"--bind", "--ro-bind", "--dev-bind", "--symlink"},
    )
    destinations = [
        Path(argv[at + (1 if word in ones else 2)])
        for at, word in enumerate(argv)
        if word in ones | twos
    ]

    assert len(destinations) > 20
    assert {path.name for path in destinations} >= {"checkout", "proc", "usr"}
    assert [path for path in destinations if Path("/checkout") in path.parents] == []
    checkouts = [at for at, path in enumerate(destinations) if path == Path("/checkout")]
    later = [path for at in checkouts for path in destinations[at + 1 : at + 2]]
    assert set(later) <= {Path("/"), Path("/proc")}  # remounted, or the next cage begins


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
    any_caged: Cage, hand_over: Folder, tmp_path: Path
) -> None:
    hand_over(any_caged)
    (tmp_path / "link").symlink_to(tmp_path / "files")

    with pytest.raises(NeedsPerson, match="is not a folder"):
        await any_caged.run("true", tmp_path / "link", timeout_s=20)


RUNS_FOR_EVER = """
import asyncio, os, sys
from pathlib import Path
from longshift.sandbox.cage import SandboxPolicy, open_cage

async def main():
    cage = await open_cage(SandboxPolicy(mode=sys.argv[1]))
    folder = Path(sys.argv[2])
    if cage.owner is not None:
        os.chown(folder, *cage.owner)
    await cage.run(sys.argv[3], folder, timeout_s=600)

asyncio.run(main())
"""


async def test_a_command_dies_with_longshift(any_caged: Cage) -> None:
    """Even where Longshift is killed so that it can do nothing any more."""
    marker, command = forever("setsid")
    mode = MODES[type(any_caged).__name__]
    with tempfile.TemporaryDirectory(prefix="ls-") as name:
        folder = Path(name) / "files"
        await asyncio.to_thread(folder.mkdir)
        await asyncio.to_thread(os.chmod, name, 0o755)
        longshift = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", RUNS_FOR_EVER, mode, str(folder), command),
            env={**os.environ, "TMPDIR": name},
        )
        await asyncio.to_thread(wait_until_alive, marker)
        longshift.kill()
        await longshift.wait()
        assert await asyncio.to_thread(are_gone, marker, 20)
    if (groups := find_groups()) is not None:  # which removes those of the dead
        assert list(groups.folder.glob(f"longshift-{longshift.pid}-*")) == []
