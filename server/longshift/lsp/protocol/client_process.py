"""Notice that the editor's process is gone.

Owns the watch on `processId`. Never ends anything itself: it calls back once, in the loop's thread.

pygls watched the client until version 1 (its pull request #149); 2.1.1 stores the id and does no
more (not reported upstream). Where an editor dies but something else holds the pipe open, the
server would otherwise live on.
"""

import asyncio
import logging
import os
import sys
from collections.abc import Callable
from typing import Final

logger = logging.getLogger(__name__)

POLL_INTERVAL_S: Final = 3.0


class ClientWatch:
    """Watches one process until it ends or `close` is called.

    Uses a pidfd where the system has one, so that the end is noticed at once and a reused process
    id can't deceive; elsewhere asks every few seconds. On Windows it watches nothing, since
    signal 0 would kill there: the end of standard input ends the server.
    """

    def __init__(
        self, pid: int, on_gone: Callable[[], None], *, interval_s: float = POLL_INTERVAL_S
    ) -> None:
        """Start watching; needs a running loop.

        A process that can't be seen from the start (the client runs in another container) is not
        watched: its absence says nothing.
        """
        self._loop = asyncio.get_running_loop()
        self._pid = pid
        self._on_gone = on_gone
        self._interval_s = interval_s
        self._pidfd: int | None = None
        self._poll: asyncio.TimerHandle | None = None
        if sys.platform == "win32" or not is_alive(pid):
            logger.warning("The client's process %d can't be watched from here.", pid)
            return
        self._start()

    def close(self) -> None:
        """Stop watching; safe to call twice."""
        if self._poll is not None:
            self._poll.cancel()
            self._poll = None
        if self._pidfd is not None:
            self._loop.remove_reader(self._pidfd)
            os.close(self._pidfd)
            self._pidfd = None

    def _start(self) -> None:
        try:
            self._pidfd = os.pidfd_open(self._pid)
            self._loop.add_reader(self._pidfd, self._gone)
        except (AttributeError, OSError, NotImplementedError):
            self.close()
            self._poll = self._loop.call_later(self._interval_s, self._ask)

    def _ask(self) -> None:
        if is_alive(self._pid):
            self._poll = self._loop.call_later(self._interval_s, self._ask)
        else:
            self._gone()

    def _gone(self) -> None:
        self.close()
        self._on_gone()


def is_alive(pid: int) -> bool:
    """Say whether a process with this id exists, ours to signal or not. POSIX only."""
    if pid <= 0:
        return False  # to kill(), these name groups of processes
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except (ProcessLookupError, OverflowError):
        return False
    return True
