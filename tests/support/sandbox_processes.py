"""Commands that would never end, and whether they did."""

import contextlib
import secrets
import time
from pathlib import Path


def forever(daemon: str, *, wait: bool = True) -> tuple[str, str]:
    """A command with children, and with what its processes can be found by.

    Args:
        daemon: a program that detaches one of them, or nothing.
        wait: whether the command itself stays too.
    """
    marker = f"longshift-test-{secrets.token_hex(8)}"
    stay = f"sh -c 'while :; do sleep 100; done' {marker}"
    last = stay if wait else "true"
    return marker, f"{stay} & {daemon} {stay} >/dev/null 2>&1 & echo started; {last}"


def processes_saying(marker: str) -> list[str]:
    """The command lines of live processes, in any namespace below ours, that name the marker."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            # A dead process that is not yet reaped has no command line.
            line = (process / "cmdline").read_bytes().decode(errors="replace")
            if marker in line:
                found.append(line)
    return found


def wait_until_alive(marker: str) -> None:
    """Return once a process of the command itself runs, not only what starts it."""
    while not any(f"\0{marker}\0" in line for line in processes_saying(marker)):
        pass


def are_gone(marker: str, within_s: float) -> bool:
    """Whether no process that names the marker is left before long."""
    end = time.monotonic() + within_s
    while processes_saying(marker):
        if time.monotonic() > end:
            return False
    return True
