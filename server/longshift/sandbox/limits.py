"""The limits that the kernel holds the processes of a command to.

Owns how they are given to prlimit where no launcher sets them, and how they are told.
"""

from collections.abc import Sequence
from pathlib import Path

from longshift.sandbox.groups import Groups
from longshift.sandbox.policy import SandboxPolicy


def limited(policy: SandboxPolicy, prlimit: Path, argv: Sequence[str]) -> list[str]:
    """A command that runs `argv` under the policy's limits, hard ones.

    The number of processes is not among them: it is counted for a whole user, so only a cage
    can hold it.
    """
    return [
        str(prlimit),
        f"--data={policy.memory_bytes}",
        f"--fsize={policy.file_bytes}",
        f"--cpu={policy.cpu_s}",
        "--core=0",
        "--",
        *argv,
    ]


def limits_in_words(policy: SandboxPolicy, groups: Groups | None) -> str:
    """The limits, as a cage's profile tells them."""
    memory = _size(policy.memory_bytes)
    together = (
        f"{_size(policy.tree_memory_bytes)} together (cgroup v{groups.version})"
        if groups
        else "not held together (no cgroup to write to)"
    )
    return (
        f"memory {memory} a process, {together}; {policy.processes} processes, "
        f"{_size(policy.file_bytes)} a file, {_size(policy.disk_bytes)} in the checkout, "
        f"{policy.cpu_s} CPU seconds"
    )


def _size(amount: int) -> str:
    """Bytes in the largest unit that divides them."""
    for shift, unit in ((30, "GiB"), (20, "MiB"), (10, "KiB")):
        if amount and amount % (1 << shift) == 0:
            return f"{amount >> shift} {unit}"
    return f"{amount} bytes"
