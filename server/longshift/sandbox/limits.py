"""The limits that the kernel holds each process of a command to."""

from collections.abc import Sequence
from pathlib import Path

from longshift.sandbox.policy import SandboxPolicy


def limited(policy: SandboxPolicy, prlimit: Path, argv: Sequence[str]) -> list[str]:
    """A command that runs `argv` under the policy's limits, hard ones.

    The number of processes is not among them: it is counted for a whole user, so only a cage,
    whose user is its own, can hold it (`limited_with_processes`).
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


def limited_with_processes(policy: SandboxPolicy, prlimit: Path, argv: Sequence[str]) -> list[str]:
    """As `limited`, with the number of processes; to be run inside a user namespace.

    Since Linux 5.14 the count is the namespace's own. Set from outside, it would count what
    the person runs elsewhere, and refuse the cage itself.
    """
    name, *rest = limited(policy, prlimit, argv)
    return [name, f"--nproc={policy.processes}", *rest]
