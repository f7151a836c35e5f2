"""Running a command in a cage of Linux namespaces, built by bubblewrap.

Owns bubblewrap's arguments. Never trusts them: `canary` proves each cage before its first use.

What a command finds: /usr and what the loader, certificates and time zones need of /etc, the
tool prefixes of the policy, all read-only; its checkout at /checkout; an empty home, /tmp and
/dev/shm in bounded memory. What it does not find: any other file, the person's environment,
other processes, System V and abstract sockets, and, unless the policy says so, the network.

bubblewrap started by real uid 0 is no cage: who is uid 0 outside owns /proc/sys inside. So for
root there are two, one inside the other. The outer one, the anteroom, shows only what the cage
may show, opened with root's rights (prefixes and checkouts may lie below a closed home); in it
`setpriv` becomes an ordinary user, who builds the cage.
"""

import contextlib
import json
import os
import shutil
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from longshift.errors import NeedsPerson
from longshift.sandbox.limits import limited_with_processes
from longshift.sandbox.mounts import Mount, shown_mounts, tool_path
from longshift.sandbox.policy import CHECKOUT, HOME, CommandResult, Owner, Refusal, SandboxPolicy
from longshift.sandbox.process import Launch, kill_group, run_to_end

_UNPRIVILEGED = Owner(65534, 65534)
"""Who root becomes: the kernel's own overflow user, which owns no files anywhere."""

_INSIDE_ID = "1000"  # as /etc/passwd inside says; must not be 0, which some tools take for rights

_INIT = '/bin/sh -c "$1"; exit $?'
"""What runs as process 1 of a cage. The model's command is its argument, never part of it.

Not left to the command itself, since process 1 ignores the signals it sends itself; and not to
bubblewrap's own reaper, since that lets daemons live on for a moment after the command's end.
When this ends the kernel kills the rest, before bubblewrap learns of it.
"""


@dataclass(frozen=True, slots=True)
class Programs:
    """The programs that a cage is built with."""

    bwrap: Path
    prlimit: Path
    setpriv: Path | None
    """Only where Longshift runs as root."""


def find_programs(policy: SandboxPolicy) -> Programs | Refusal:
    """Look for bubblewrap and what it needs beside it."""
    bwrap = policy.bwrap_path or _which("bwrap")
    if bwrap is None:
        return Refusal(
            "Commands are not run here: bubblewrap (the program bwrap) was not found on PATH, "
            "and a model's command runs only inside its sandbox.",
            "Install it with your system's package manager (the package is called bubblewrap), "
            "then start Longshift again.",
        )
    prlimit = _which("prlimit")
    setpriv = _which("setpriv") if os.geteuid() == 0 else None
    if prlimit is None or (os.geteuid() == 0 and setpriv is None):
        return Refusal(
            "Commands are not run here: the sandbox needs the programs prlimit and setpriv.",
            "Install the package util-linux, then start Longshift again.",
        )
    return Programs(bwrap, prlimit, setpriv)


class BubblewrapCage:
    """A cage that is built anew for each command and gone with it."""

    def __init__(self, policy: SandboxPolicy, programs: Programs) -> None:
        self._policy = policy
        self._programs = programs
        self._mounts = shown_mounts(policy)

    @property
    def profile(self) -> str:
        """What holds a command, in words."""
        network = "the machine's network" if self._policy.network else "no network"
        anteroom = " as an ordinary user in a second cage" if self.owner else ""
        return (
            f"bubblewrap{anteroom}: own user, process, mount, ipc and host-name namespaces, "
            f"{network}, no capabilities, read-only system, private home"
        )

    @property
    def owner(self) -> Owner | None:
        """Who a checkout's files must belong to."""
        return _UNPRIVILEGED if self._programs.setpriv else None

    async def run(self, command: str, checkout: Path, *, timeout_s: float) -> CommandResult:
        """Run one command line in a checkout; see `Cage.run`."""
        if checkout.is_symlink() or not checkout.is_dir():  # noqa: ASYNC240 - one lstat, no read
            raise NeedsPerson(
                f"The checkout for commands at {checkout} is not a folder. The command was not "
                "run and no file of yours was changed. Start Longshift again to have it remade."
            )
        with _status_pipe() as (reading, writing):
            status = _Status(reading)
            launch = Launch(
                argv=self._argv(command, checkout, writing),
                cwd=Path("/"),
                env={},
                output_bytes=self._policy.output_bytes,
                pass_fds=(writing,),
                kill=status.kill_cage,
            )
            result = await run_to_end(launch, timeout_s=timeout_s)
            if result.timed_out or status.command_ended():
                return result
        raise NeedsPerson(
            "The sandbox could not be built, so a command was not run; nothing was changed. "
            f"bubblewrap says: {result.output.strip()[:500] or 'nothing'}. "
            "Run `longshift doctor` to see what it needs."
        )

    def _argv(self, command: str, checkout: Path, status_fd: int) -> list[str]:
        init = ["/bin/sh", "-c", _INIT, "init", command]
        inner = limited_with_processes(self._policy, self._programs.prlimit, init)
        if self._programs.setpriv is None:
            return [*self._cage(str(checkout), self._mounts, status_fd), "--", *inner]
        # In the anteroom everything already stands where the cage will show it.
        mounts = [mount.in_place() for mount in self._mounts]
        cage = [*self._cage(CHECKOUT, mounts, status_fd), "--", *inner]
        return [*self._anteroom(checkout, self._programs.setpriv), *cage]

    def _cage(self, checkout: str, mounts: list[Mount], status_fd: int) -> list[str]:
        """Arguments of bubblewrap for the cage proper, built by an ordinary user."""
        policy = self._policy
        size = ["--size", str(policy.scratch_bytes)]
        return [
            str(self._programs.bwrap),
            *("--unshare-user", "--disable-userns", "--uid", _INSIDE_ID, "--gid", _INSIDE_ID),
            *("--unshare-pid", "--as-pid-1", "--unshare-ipc", "--unshare-uts"),
            *("--unshare-cgroup-try", "--hostname", "longshift"),
            *([] if policy.network else ["--unshare-net"]),
            *("--cap-drop", "ALL", "--new-session", "--die-with-parent"),
            *("--json-status-fd", str(status_fd)),
            *("--proc", "/proc", "--dev", "/dev"),
            *(*size, "--perms", "1777", "--tmpfs", "/dev/shm", "--remount-ro", "/dev"),  # noqa: S108 - inside the cage
            *(*size, "--perms", "1777", "--tmpfs", "/tmp"),  # noqa: S108 - inside the cage
            *(*size, "--perms", "0700", "--tmpfs", HOME),
            *(argument for mount in mounts for argument in mount.arguments()),
            # Every destination above has parents that only bubblewrap made, and no command has
            # run yet: before 0.12 bubblewrap would follow a symlink planted there.
            *("--bind", checkout, CHECKOUT, "--chdir", CHECKOUT, "--remount-ro", "/"),
            *("--clearenv", "--setenv", "PATH", tool_path(policy)),
            *("--setenv", "HOME", HOME, "--setenv", "TMPDIR", "/tmp"),  # noqa: S108 - inside the cage
            *("--setenv", "USER", "longshift", "--setenv", "LOGNAME", "longshift"),
            *("--setenv", "LANG", "C.UTF-8", "--setenv", "TERM", "dumb"),
            *("--setenv", "NO_COLOR", "1"),
        ]

    def _anteroom(self, checkout: Path, setpriv: Path) -> list[str]:
        """What root puts before the cage: only its mounts, then an ordinary user."""
        bwrap = self._programs.bwrap
        return [
            str(bwrap),
            *("--cap-drop", "ALL", "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"),
            # The whole /proc, or the kernel would refuse the cage a /proc of its own.
            *("--die-with-parent", "--dev-bind", "/dev", "/dev", "--bind", "/proc", "/proc"),
            *("--perms", "0755", "--dir", "/tmp"),  # noqa: S108 - where bubblewrap builds the cage
            *(argument for mount in self._mounts for argument in mount.arguments()),
            *Mount.read_only(bwrap).arguments(),
            *("--bind", str(checkout), CHECKOUT, "--"),
            *(str(setpriv), "--reuid", str(_UNPRIVILEGED.uid), "--regid", str(_UNPRIVILEGED.gid)),
            *("--clear-groups", "--inh-caps=-all", "--no-new-privs", "--"),
        ]


class _Status:
    """What bubblewrap tells of its cage: process 1 once there is one, and the exit status."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._text = b""

    def command_ended(self) -> bool:
        """Whether the command ran to an end of its own, or of a signal."""
        return "exit-code" in self._read()

    def kill_cage(self, monitor: int) -> None:
        """Kill the cage's process 1, and with it everything in the cage.

        bubblewrap tells of process 1 before it lets it go on. So either it has told, and killing
        that one process suffices; or its child still belongs to bubblewrap's process group.
        """
        status = self._read()
        if "exit-code" in status:
            return
        child, namespace = status.get("child-pid"), status.get("pid-namespace")
        if child is None or namespace is None or not _kill_if_in(child, namespace):
            kill_group(monitor)

    def _read(self) -> dict[str, int]:
        """All that was told so far: one JSON object a line, of numbers only."""
        with contextlib.suppress(BlockingIOError):
            while data := os.read(self._fd, 4096):
                self._text += data
        told: dict[str, int] = {}
        for line in self._text.splitlines():
            with contextlib.suppress(ValueError):
                told |= json.loads(line)
        return told


def _kill_if_in(pid: int, pid_namespace: int) -> bool:
    """Kill a process if it is in the namespace, so never one that got its number later."""
    try:
        handle = os.pidfd_open(pid)
    except OSError:
        return False
    try:
        if Path(f"/proc/{pid}/ns/pid").stat().st_ino != pid_namespace:
            return False
        signal.pidfd_send_signal(handle, signal.SIGKILL)
    except OSError:
        return False
    finally:
        os.close(handle)
    return True


@contextlib.contextmanager
def _status_pipe() -> Iterator[tuple[int, int]]:
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    try:
        yield reading, writing
    finally:
        os.close(reading)
        os.close(writing)


def _which(name: str) -> Path | None:
    found = shutil.which(name)
    return Path(found).resolve() if found else None
