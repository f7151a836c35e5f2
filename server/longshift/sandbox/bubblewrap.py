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

import os
import re
import shutil
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

from longshift.errors import NeedsPerson
from longshift.sandbox import landlock
from longshift.sandbox.confinement import (
    MEND_INTERPRETER,
    NO_INTERPRETER,
    cage_rules,
    find_interpreter,
    launched,
    limits,
    require_folder,
)
from longshift.sandbox.disk import DiskWatch
from longshift.sandbox.escapes import SOCKETS, Way
from longshift.sandbox.groups import Groups, grouped
from longshift.sandbox.limits import limits_in_words
from longshift.sandbox.mounts import Mount, shown_mounts, tool_path
from longshift.sandbox.policy import (
    CHECKOUT,
    HOME,
    UNPRIVILEGED,
    CommandResult,
    Owner,
    Refusal,
    SandboxPolicy,
)
from longshift.sandbox.process import Launch, kill_group, run_to_end
from longshift.sandbox.seccomp import cage_filter
from longshift.sandbox.status import Status, status_pipe

_INSIDE_ID = "1000"  # as /etc/passwd inside says; must not be 0, which some tools take for rights


@dataclass(frozen=True, slots=True)
class Programs:
    """The programs that a cage is built with."""

    bwrap: Path
    interpreter: Path
    """A Python that the cage shows. It runs the launcher as process 1 of the cage.

    That is not left to the command itself, since process 1 ignores the signals it sends itself;
    and not to bubblewrap's own reaper, since that lets daemons live on for a moment after the
    command's end. When the launcher ends the kernel kills the rest, before bubblewrap learns of
    it.
    """

    setpriv: Path | None
    """Only where Longshift runs as root."""

    version: str = "of unknown version"
    """bubblewrap's own word."""


def bubblewrap_cage(policy: SandboxPolicy, groups: Groups | None) -> "BubblewrapCage | Refusal":
    """The strongest cage, not proven yet."""
    programs = find_programs(policy)
    return programs if isinstance(programs, Refusal) else BubblewrapCage(policy, programs, groups)


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
    setpriv = _which("setpriv") if os.geteuid() == 0 else None
    if os.geteuid() == 0 and setpriv is None:
        return Refusal(
            "Commands are not run here: as root the sandbox needs the program setpriv.",
            "Install the package util-linux, or start Longshift as an ordinary user.",
        )
    interpreter = find_interpreter(policy)
    if interpreter is None:
        return Refusal(NO_INTERPRETER, MEND_INTERPRETER)
    return Programs(bwrap, interpreter, setpriv, _version_of(bwrap))


class BubblewrapCage:
    """A cage that is built anew for each command and gone with it."""

    def __init__(
        self, policy: SandboxPolicy, programs: Programs, groups: Groups | None = None
    ) -> None:
        self._policy = policy
        self._groups = groups
        self._programs = programs
        self._mounts = shown_mounts(policy)
        self._landlock = landlock.kernel_version()
        rules = list(cage_rules(policy))
        self._words = [
            *limits(policy, policy.processes),
            *landlock.words(self._landlock, rules, tcp=True),
        ]
        if (program := cage_filter()) is not None:
            self._words.append(f"filter={program.hex()}")

    @property
    def profile(self) -> str:
        """What holds a command, in words."""
        network = "the machine's network" if self._policy.network else "no network"
        anteroom = " as an ordinary user in a second cage" if self.owner else ""
        second = f"Landlock {self._landlock}" if self._landlock else "no Landlock in this kernel"
        return (
            f"bubblewrap {self._programs.version}{anteroom}, {second}, a filter of system calls: "
            "own user, process, mount, ipc and host-name namespaces, "
            f"{network}, no capabilities, read-only system, private home; "
            f"{limits_in_words(self._policy, self._groups)}"
        )

    has_namespaces = True

    @property
    def interpreter(self) -> Path:
        """A Python that commands can run."""
        return self._programs.interpreter

    def claims(self, way: Way) -> bool:
        """It holds every way; abstract sockets share the machine's network, if that is allowed."""
        is_abstract = SOCKETS.get(way.name, "").startswith("@")
        shares_them = self._policy.network and self._landlock < landlock.SCOPES_SINCE
        return not (is_abstract and shares_them)

    @property
    def owner(self) -> Owner | None:
        """Who a checkout's files must belong to."""
        return UNPRIVILEGED if self._programs.setpriv else None

    async def run(self, command: str, checkout: Path, *, timeout_s: float) -> CommandResult:
        """Run one command line in a checkout; see `Cage.run`."""
        require_folder(checkout)
        async with grouped(self._groups, self._policy) as doors:
            with status_pipe() as status:
                launch = Launch(
                    argv=self.argv(command, checkout, status, doors),
                    cwd=Path("/"),
                    env={},
                    output_bytes=self._policy.output_bytes,
                    pass_fds=(status.for_bubblewrap, status.for_launcher, status.life, *doors),
                    kill=lambda monitor: _kill_cage(status, monitor),
                    watch=DiskWatch(checkout, self._policy),
                )
                result = await run_to_end(launch, timeout_s=timeout_s)
                # Nothing but both layers' word counts for a command that ended by itself.
                if result.exit_status is None or {"exit-code", "confined"} <= status.read().keys():
                    return result
        raise NeedsPerson(
            "The sandbox could not be built, so a command was not run; nothing was changed. "
            f"bubblewrap says: {result.output.strip()[:500] or 'nothing'}. "
            "Run `longshift doctor` to see what it needs."
        )

    def argv(
        self, command: str, checkout: Path, status: Status, doors: tuple[int, ...]
    ) -> list[str]:
        """The whole command that builds a cage and runs a command in it."""
        words = [
            # bubblewrap's own --die-with-parent ends at the anteroom: the one outside is not
            # allowed to signal the other user's.
            f"life={status.life}",
            *self._words,
            *(f"enter={door}" for door in doors),
            f"tell={status.for_launcher}",
        ]
        inner = launched(self._programs.interpreter, words, ["/bin/sh", "-c", command])
        status_fd = status.for_bubblewrap
        if self._programs.setpriv is None:
            return [*self._cage(str(checkout), self._mounts, status_fd), "--", *inner]
        # In the anteroom everything already stands where the cage will show it, its /etc too.
        others = [mount.in_place() for mount in self._mounts if not mount.is_of_etc]
        mounts = [*others, Mount.read_only(Path("/etc"))]
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
            *(str(setpriv), "--reuid", str(UNPRIVILEGED.uid), "--regid", str(UNPRIVILEGED.gid)),
            *("--clear-groups", "--inh-caps=-all", "--no-new-privs", "--"),
        ]


def _kill_cage(status: Status, monitor: int) -> None:
    """Kill the cage's process 1, and with it everything in the cage.

    bubblewrap tells of process 1 before it lets it go on. So either it has told, and killing
    that one process suffices; or its child still belongs to bubblewrap's process group.
    """
    told = status.read()
    if "exit-code" in told:
        return
    child, namespace = told.get("child-pid"), told.get("pid-namespace")
    if child is None or namespace is None or not _kill_if_in(child, namespace):
        kill_group(monitor)


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


def _version_of(bwrap: Path) -> str:
    """What bubblewrap says of itself; to be told, never to be believed."""
    try:
        told = subprocess.run([bwrap, "--version"], capture_output=True, timeout=1, check=True)
    except (OSError, subprocess.SubprocessError):
        return "of unknown version"
    number = re.fullmatch(r"bubblewrap ([\d.]{1,20})", told.stdout.decode(errors="replace").strip())
    return number[1] if number else "of unknown version"


def _which(name: str) -> Path | None:
    found = shutil.which(name)
    return Path(found).resolve() if found else None
