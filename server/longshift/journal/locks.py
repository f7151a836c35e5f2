"""Advisory locks on whole files, which the kernel lets go of when their holder dies.

Owns the difference between the platforms. Must never leave a lock to a child process: Python
opens descriptors that are closed on exec, and nobody may pass one of these on.

The Windows half is written for and not run.
"""

import os
import sys
from pathlib import Path


def open_lock(path: Path) -> int:
    """Open the file to lock, making it for its owner alone; returns a descriptor."""
    return os.open(path, os.O_RDWR | os.O_CREAT, 0o600)


if sys.platform == "win32":
    import msvcrt
    import time

    def try_lock(descriptor: int) -> bool:
        """Take the lock if nobody holds it."""
        os.lseek(descriptor, 0, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def lock(descriptor: int) -> None:
        """Take the lock, waiting for whoever holds it."""
        while not try_lock(descriptor):  # msvcrt's own waiting gives up after ten seconds
            time.sleep(0.01)

    def unlock(descriptor: int) -> None:
        """Give the lock back."""
        os.lseek(descriptor, 0, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def try_lock(descriptor: int) -> bool:
        """Take the lock if nobody holds it."""
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def lock(descriptor: int) -> None:
        """Take the lock, waiting for whoever holds it."""
        fcntl.flock(descriptor, fcntl.LOCK_EX)

    def unlock(descriptor: int) -> None:
        """Give the lock back."""
        fcntl.flock(descriptor, fcntl.LOCK_UN)
