"""Control groups: the memory of everything that a command starts, counted together.

Owns the groups of this process, each made for one command and removed after it. Never touches a
group that it did not make, and makes none where the person's system did not hand over a place.

Version 2 counts memory only below a folder that hands the controller on and holds no process
itself: a systemd user service, for instance. Version 1 counts below every group.
"""

import contextlib
import itertools
import os
import re
import signal
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

from longshift.sandbox.policy import SandboxPolicy
from longshift.sandbox.process import in_thread

Version = Literal[1, 2]

_NAME = re.compile(r"longshift-(\d+)-\d+")
_numbers = itertools.count(1)

_OWN_PROCESSES = 8
"""Those of the cage itself, which are in the group too."""

_PATIENCE_S = 2.0
"""How long the kernel may take to let go of a group whose processes have ended."""


@dataclass(frozen=True, slots=True)
class Group:
    """One command's group."""

    folder: Path

    def open_door(self) -> int:
        """A descriptor through which a process that inherits it can put itself into the group.

        The kernel asks what its opener may do, so it works for any user and from any namespace.
        Where the kernel has it, the door for one thread: through the one for a whole process
        every command would wait 5 to 10 ms for all processors to come by. The launcher, which
        enters, has one thread.
        """
        name = "tasks" if (self.folder / "tasks").exists() else "cgroup.procs"
        return os.open(self.folder / name, os.O_WRONLY | os.O_CLOEXEC)

    def remove(self) -> None:
        """Kill what is left in the group and remove it."""
        end = time.monotonic() + _PATIENCE_S
        while not self._removed() and time.monotonic() < end:
            self._kill()
            time.sleep(0.005)

    def _removed(self) -> bool:
        try:
            self.folder.rmdir()
        except FileNotFoundError:
            return True
        except OSError:
            return False
        return True

    def _kill(self) -> None:
        with contextlib.suppress(OSError):
            for pid in (self.folder / "cgroup.procs").read_text().split():
                # Those are in the group now; a number is not given anew within a moment.
                os.kill(int(pid), signal.SIGKILL)


@dataclass(frozen=True, slots=True)
class Groups:
    """A place where groups can be made."""

    folder: Path
    version: Version

    def make(self, memory_bytes: int, processes: int) -> Group:
        """Make a group with a limit on the memory of all that is in it, swap included.

        Raises:
            OSError: the place can't be written to, or does not count memory.
        """
        group = Group(self.folder / f"longshift-{os.getpid()}-{next(_numbers)}")
        group.folder.mkdir()
        try:
            for name, value, is_needed in self._limits(memory_bytes, processes):
                if is_needed or (group.folder / name).exists():
                    _set(group.folder / name, value)
        except OSError:
            group.remove()
            raise
        return group

    def remove_stale(self) -> None:
        """Remove the groups of Longshifts that were killed, with what still runs in them."""
        for folder in self.folder.glob("longshift-*-*"):
            named = _NAME.fullmatch(folder.name)
            if named and not Path(f"/proc/{named[1]}").exists():
                Group(folder).remove()

    def _limits(self, memory_bytes: int, processes: int) -> Iterator[tuple[str, int, bool]]:
        if self.version == 1:
            yield "memory.limit_in_bytes", memory_bytes, True
            yield "memory.memsw.limit_in_bytes", memory_bytes, False
        else:
            yield "memory.max", memory_bytes, True
            yield "memory.swap.max", 0, False
            yield "pids.max", processes, False


def find_groups() -> Groups | None:
    """A place that holds a limit when asked; None: memory can be held for each process only."""
    try:
        own = Path("/proc/self/cgroup").read_text()
        mounts = Path("/proc/self/mountinfo").read_text()
    except OSError:
        return None
    return next((groups for groups in places(own, mounts) if _works(groups)), None)


@contextlib.asynccontextmanager
async def grouped(groups: Groups | None, policy: SandboxPolicy) -> AsyncIterator[tuple[int, ...]]:
    """One command's group for the time of a block: the descriptors by which it is entered."""
    if groups is None:
        yield ()
        return
    made: list[Group] = []

    def make() -> None:
        made.append(groups.make(policy.tree_memory_bytes, policy.processes + _OWN_PROCESSES))

    try:
        await in_thread(make)
        door = made[0].open_door()
        try:
            yield (door,)
        finally:
            os.close(door)
    finally:
        for group in made:
            await in_thread(group.remove)


def places(own: str, mounts: str) -> Iterator[Groups]:
    """Where groups might be made, nearest to this process first.

    Args:
        own: the text of /proc/self/cgroup.
        mounts: the text of /proc/self/mountinfo.
    """
    paths = {line.split(":", 2)[1]: line.split(":", 2)[2] for line in own.splitlines()}
    for line in mounts.splitlines():
        before, _, after = line.partition(" - ")
        root, mount_point = before.split(" ")[3:5]
        kind, _, options = after.split(" ")[:3]
        if kind == "cgroup2" and (folder := _below(mount_point, root, paths.get(""))):
            yield from (
                Groups(place, 2)
                for place in (folder, *folder.parents)
                if place.is_relative_to(mount_point)
            )
        elif kind == "cgroup" and "memory" in options.split(","):
            controllers = next((names for names in paths if "memory" in names.split(",")), "-")
            if folder := _below(mount_point, root, paths.get(controllers)):
                yield Groups(folder, 1)


def _set(file: Path, value: int) -> None:
    # Never made: in a folder that is no control group that would look like a limit.
    with os.fdopen(os.open(file, os.O_WRONLY), "wb", buffering=0) as limit:
        limit.write(str(value).encode())


def _below(mount_point: str, root: str, path: str | None) -> Path | None:
    """A group's folder, where the mount shows it."""
    if path is None or not PurePosixPath(path).is_relative_to(root):
        return None
    return Path(mount_point) / PurePosixPath(path).relative_to(root)


def _works(groups: Groups) -> bool:
    try:
        if groups.version == 2:
            handed_on = (groups.folder / "cgroup.subtree_control").read_text().split()
            # Who moves a process must be allowed to write where both its groups are below.
            if "memory" not in handed_on or not os.access(groups.folder / "cgroup.procs", os.W_OK):
                return False
        groups.make(1 << 30, 64).remove()
    except OSError:
        return False
    groups.remove_stale()
    return True
