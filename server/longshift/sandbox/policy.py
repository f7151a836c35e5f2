"""What a command may use, and how its end is told.

Owns the sandbox's vocabulary. Starts nothing and touches no disk.
"""

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple, Protocol

CHECKOUT = "/checkout"
"""Where a caged command finds the files it works on; also its working directory."""

HOME = "/home/longshift"
"""The private, empty home of a caged command."""

Mode = Literal["auto", "bubblewrap", "landlock", "none"]


def running_prefixes() -> tuple[Path, ...]:
    """The prefixes of the running interpreter: its virtual environment's and its base's."""
    return tuple(dict.fromkeys((Path(sys.prefix), Path(sys.base_prefix))))


@dataclass(frozen=True, slots=True)
class SandboxPolicy:
    """What a command may use. Limits of a single process hold for each that it starts."""

    mode: Mode = "auto"
    """`landlock` is the weaker cage, which `auto` takes where bubblewrap can't be had. `none` runs
    commands uncaged: only the person's own configuration may say so."""

    network: bool = False
    """True shares the machine's network, its loopback services and abstract sockets included."""

    memory_bytes: int = 4 << 30
    """Private memory of one process (RLIMIT_DATA: what is only reserved does not count)."""

    tree_memory_bytes: int = 8 << 30
    """Memory of everything in a cage together, its /tmp and home included. Only where a control
    group can be made; the cage's profile tells."""

    processes: int = 512
    """Processes and threads in one cage at a time. Not applied in mode `none`, where it would
    count everything else that the person runs."""

    file_bytes: int = 1 << 30
    """The largest file that a command may write."""

    disk_bytes: int = 8 << 30
    """How much a command may add to the disk of its checkout until it is stopped. Looked at
    every second, so a fast writer gets further."""

    free_disk_bytes: int = 1 << 30
    """What must stay free on that disk; below it a command that takes more is stopped."""

    cpu_s: int = 1800
    """CPU seconds of one process."""

    scratch_bytes: int = 1 << 30
    """Size of /tmp, and as much again of the home and of /dev/shm; they live in memory."""

    output_bytes: int = 1 << 20
    """How much output is kept: half from its beginning, half from its end."""

    tool_prefixes: tuple[Path, ...] = field(default_factory=running_prefixes)
    """Prefixes with a `bin/` that are readable at their own place and lead PATH.

    Each exposes itself and nothing beside it. One that is or holds a home is left out.
    """

    bwrap_path: Path | None = None
    """The bubblewrap to use; None: the one on PATH."""


class Owner(NamedTuple):
    """Who the files of a checkout must belong to, so that a caged command may change them."""

    uid: int
    gid: int


UNPRIVILEGED = Owner(65534, 65534)
"""Who root becomes: the kernel's own overflow user, which owns no files anywhere."""


@dataclass(frozen=True, slots=True)
class CommandResult:
    """How a command ended."""

    exit_status: int | None
    """As a shell tells it: 128 + n for signal n. None: it was stopped for its time. One that was
    stopped for the disk it took ends as if by SIGXFSZ, "file size limit exceeded": 153."""

    output: str
    """stdout and stderr in the order they came; terminal escapes are left as data."""

    truncated: bool
    """Whether the middle of the output was left out."""

    timed_out: bool

    duration_s: float


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why no command can run, and how to change that."""

    reason: str
    remedy: str
    cause: Literal["machine", "untrusted", "changed"] = "machine"
    """`untrusted`: the person never trusted the workspace; `changed`: it is another one now."""

    @property
    def message(self) -> str:
        """Both, for a person."""
        return f"{self.reason} {self.remedy}"


class Cage(Protocol):
    """A place to run commands that a model chose."""

    @property
    def profile(self) -> str:
        """What holds a command here, in words for `longshift doctor`."""

    @property
    def owner(self) -> Owner | None:
        """Who a checkout's files must belong to. None: whoever runs Longshift."""

    async def run(self, command: str, checkout: Path, *, timeout_s: float) -> CommandResult:
        """Run one command line in a checkout and wait until nothing of it runs any more.

        Args:
            command: for `/bin/sh -c`.
            checkout: a real folder (no symlink) that belongs to `owner`.
            timeout_s: seconds until everything the command started is killed.

        Raises:
            NeedsPerson: the cage itself could not be built; the command did not run.
        """
