"""How much of the person's disk a command takes.

Owns the judgement. The checkout lies on the person's disk, where no kernel limit bounds what
many files take together, so it is looked at while the command runs.
"""

import os
import sys
from pathlib import Path

from longshift.sandbox.policy import SandboxPolicy

_SELDOM = 10
_BLOCK_BYTES = 512  # as stat counts, whatever the disk's own blocks are


class DiskWatch:
    """One command's look at the disk of its checkout."""

    def __init__(self, checkout: Path, policy: SandboxPolicy) -> None:
        """Remember how it is before the command; one system call.

        Args:
            checkout: the folder that the command may fill.
            policy: says how much.
        """
        self._checkout = checkout
        self._policy = policy
        self._free_before = _free(checkout)
        self._looks = 0

    def is_filled(self) -> bool:
        """Whether the command takes too much; to be asked from time to time, in a thread.

        Others write to the disk and delete too, so the checkout itself is measured: when the disk
        has lost so much that the command may be the cause, and else every tenth time.
        """
        free = _free(self._checkout)
        if free < self._policy.free_disk_bytes and free < self._free_before:
            return True
        self._looks += 1
        if self._free_before - free <= self._policy.disk_bytes and self._looks % _SELDOM:
            return False
        return _size(self._checkout) > self._policy.disk_bytes


def _free(folder: Path) -> int:
    try:
        seen = os.statvfs(folder)
    except OSError:  # it is gone, and its command will notice
        return sys.maxsize
    return seen.f_bavail * seen.f_frsize


def _size(folder: Path) -> int:
    """Bytes on disk of everything in a folder; what vanishes meanwhile counts as nothing."""
    total = 0
    for parent, _, files, handle in os.fwalk(folder, follow_symlinks=False):
        del parent
        for name in files:
            try:
                total += os.stat(name, dir_fd=handle, follow_symlinks=False).st_blocks
            except OSError:
                continue
    return total * _BLOCK_BYTES
