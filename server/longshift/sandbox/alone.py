"""Running a command in the weaker cage, for machines where bubblewrap can't build one.

Owns what stands in for namespaces: Landlock for files, signals and traces, the filter of system
calls for the network, unix sockets and memory that processes share. Says in its profile what
that can't hold. Never opened where the kernel lacks one of the two.

All that a command starts stays in one process group, since the filter lets nothing leave it; so
killing the group kills everything.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from longshift.errors import NeedsPerson
from longshift.sandbox import landlock
from longshift.sandbox.confinement import (
    MEND_INTERPRETER,
    NO_INTERPRETER,
    find_interpreter,
    launched,
    limits,
    require_folder,
)
from longshift.sandbox.disk import DiskWatch
from longshift.sandbox.escapes import Way
from longshift.sandbox.groups import Groups, grouped
from longshift.sandbox.limits import limits_in_words
from longshift.sandbox.mounts import shown_mounts, tool_path
from longshift.sandbox.policy import UNPRIVILEGED, CommandResult, Owner, Refusal, SandboxPolicy
from longshift.sandbox.process import Launch, in_thread, run_to_end
from longshift.sandbox.seccomp import lone_filter
from longshift.sandbox.status import Status, status_pipe

_DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")
_TRUNCATE_SINCE = 3
_SIGNALS = ("send a signal", "send a signal to a group", "send a signal by descriptor")


class LandlockCage:
    """A cage of what a process can forbid itself."""

    has_namespaces = False
    because = ""
    """Why there is no stronger one, where one was looked for."""

    def __init__(
        self, policy: SandboxPolicy, interpreter: Path, program: bytes, groups: Groups | None
    ) -> None:
        """Prepare it.

        Args:
            policy: says what is allowed.
            interpreter: a Python below the folders that commands may read.
            program: the filter of system calls.
            groups: where the memory of a command can be counted together.
        """
        self._policy = policy
        self.interpreter = interpreter
        self._filter = program
        self._groups = groups
        self._version = landlock.kernel_version()

    @property
    def profile(self) -> str:
        """What holds a command, and what does not, in words."""
        user = " as an ordinary user" if self.owner else ""
        network = "the machine's network" if self._policy.network else "no network"
        open_ways = [
            "sees the command lines of other processes and the machine's name",
            "can change modes and times of its user's files",
            "can change priority and processors of its user's processes",
        ]
        if self._version < landlock.SCOPES_SINCE:
            open_ways.append("can send signals to its user's processes")
        if self._version < _TRUNCATE_SINCE:
            open_ways.append("can empty its user's files")
        return (
            f"weaker cage, without namespaces: Landlock {self._version}{user}, a filter of system "
            f"calls, {network}, no unix sockets, reads only system and tool folders, writes only "
            f"its checkout and a private home on the disk; a command {', '.join(open_ways)}; "
            f"{limits_in_words(self._policy, self._groups)}"
            f"{f'. Why: {self.because}' if self.because else ''}"
        )

    @property
    def owner(self) -> Owner | None:
        """Who a checkout's files must belong to."""
        return UNPRIVILEGED if os.geteuid() == 0 else None

    def claims(self, way: Way) -> bool:
        """Whether it holds a way; the others stand in its profile."""
        if way.name in _SIGNALS:
            return self._version >= landlock.SCOPES_SINCE
        if way.name == "truncate a file":
            return self._version >= _TRUNCATE_SINCE
        return way.held_alone

    async def run(self, command: str, checkout: Path, *, timeout_s: float) -> CommandResult:
        """Run one command line in a checkout; see `Cage.run`."""
        require_folder(checkout)
        homes: list[Path] = []
        try:
            await in_thread(lambda: homes.append(self._make_home()))
            async with grouped(self._groups, self._policy) as doors:
                with status_pipe() as status:
                    launch = self._launch(command, checkout, homes[0], doors, status)
                    result = await run_to_end(launch, timeout_s=timeout_s)
                    if result.exit_status is None or "confined" in status.read():
                        return result
        finally:
            for home in homes:  # made even where the caller was cancelled meanwhile
                await in_thread(partial(shutil.rmtree, home, ignore_errors=True))
        raise NeedsPerson(
            "The sandbox could not be built, so a command was not run; nothing was changed. "
            f"Its launcher says: {result.output.strip()[:500] or 'nothing'}. "
            "Run `longshift doctor` to see what it needs."
        )

    def _launch(
        self, command: str, checkout: Path, home: Path, doors: tuple[int, ...], status: Status
    ) -> Launch:
        words = list(self._words(checkout, home, doors, status))
        return Launch(
            argv=launched(self.interpreter, words, ["/bin/sh", "-c", command]),
            cwd=Path("/"),
            env={
                "PATH": tool_path(self._policy),
                "HOME": str(home),
                "TMPDIR": str(home / "tmp"),
                "USER": "longshift",
                "LOGNAME": "longshift",
                "LANG": "C.UTF-8",
                "TERM": "dumb",
                "NO_COLOR": "1",
            },
            output_bytes=self._policy.output_bytes,
            pass_fds=(status.for_launcher, status.life, *doors),
            watch=DiskWatch(checkout, self._policy),
        )

    def _words(
        self, checkout: Path, home: Path, doors: tuple[int, ...], status: Status
    ) -> Iterator[str]:
        """In the order in which each is still possible."""
        rules = [
            *self._readable(),
            landlock.Rule(str(checkout), landlock.ALL),
            landlock.Rule(str(home), landlock.ALL),
        ]
        *prepare, restrict = landlock.words(self._version, rules, tcp=self._policy.network)
        # With root's rights, if there are any: the checkout may lie below a closed home.
        yield f"folder={checkout}"
        yield from prepare
        if self.owner is not None:
            yield f"user={self.owner.uid}:{self.owner.gid}"
        yield f"life={status.life}"
        yield from (f"enter={door}" for door in doors)
        user = os.getuid() if self.owner is None else self.owner.uid
        yield from limits(self._policy, self._policy.processes + _processes_of(user))
        yield restrict
        yield f"filter={self._filter.hex()}"
        yield f"tell={status.for_launcher}"

    def _readable(self) -> Iterator[landlock.Rule]:
        for mount in shown_mounts(self._policy):
            # The machine's own accounts stay unread; ours can't stand in their place.
            if mount.source == mount.destination or not mount.is_of_etc:
                yield landlock.Rule(mount.destination, landlock.READ)
        yield landlock.Rule("/proc", landlock.READ)
        yield from (landlock.Rule(device, landlock.DEVICE) for device in _DEVICES)

    def _make_home(self) -> Path:
        home = Path(tempfile.mkdtemp(prefix="longshift-home-"))
        (home / "tmp").mkdir()
        if self.owner is not None:
            for folder in (home / "tmp", home):
                os.chown(folder, *self.owner)
        return home


def landlock_cage(policy: SandboxPolicy, groups: Groups | None) -> LandlockCage | Refusal:
    """The weaker cage, not proven yet."""
    program = lone_filter(network=policy.network)
    if landlock.kernel_version() == 0 or program is None:
        return Refusal(
            "Commands are not run here: the weaker sandbox needs Linux 5.13 or later with "
            "Landlock switched on, on x86_64 or aarch64.",
            "Switch Landlock on (the kernel's parameter lsm must name it), or install bubblewrap.",
        )
    interpreter = find_interpreter(policy, for_everybody=os.geteuid() == 0)
    if interpreter is None:
        return Refusal(NO_INTERPRETER, MEND_INTERPRETER)
    return LandlockCage(policy, interpreter, program, groups)


def _processes_of(uid: int) -> int:
    """Processes and threads that a user runs now, which the kernel's limit counts too."""
    count = 0
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if process.stat().st_uid == uid:
                count += sum(1 for _ in (process / "task").iterdir())
        except OSError:
            continue
    return count
