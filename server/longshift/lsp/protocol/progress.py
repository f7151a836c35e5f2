"""Show long work in the client's progress bar.

Owns one progress from its token to its end. Never shows anything to a client that has no
progress bar, and never holds up the work that it reports on.

Each progress has a fresh token, freed at its end: pygls 2.1.1 frees none (#607 upstream).
"""

import asyncio
import logging
import uuid
from collections.abc import Callable
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, Final, Literal

from lsprotocol import types
from pygls.capabilities import get_capability

from longshift.lsp.protocol.throttle import Throttle

if TYPE_CHECKING:
    from longshift.lsp.protocol.server import LongshiftLanguageServer

logger = logging.getLogger(__name__)

REPORT_INTERVAL_S: Final = 0.2

State = Literal["unused", "asked", "shown", "over"]


class Progress:
    """One piece of work in the client's progress bar; belongs to the loop's thread.

    Attributes:
        cancelled: set when the person cancels it in the client.
        token: what the client knows it by.
    """

    def __init__(
        self,
        server: "LongshiftLanguageServer",
        *,
        on_cancel: Callable[[], None] | None = None,
        interval_s: float = REPORT_INTERVAL_S,
    ) -> None:
        """Prepare; nothing is shown before `begin`.

        Args:
            server: an initialized server.
            on_cancel: called once, when the person cancels.
            interval_s: seconds between two reports, at least; the last one is never lost.
        """
        self.token: Final = str(uuid.uuid4())
        self.cancelled: Final = asyncio.Event()
        self._server = server
        self._on_cancel = on_cancel
        self._interval_s = interval_s
        self._state: State = "unused"
        self._begin: types.WorkDoneProgressBegin | None = None
        self._reports: Throttle[Callable[[], types.WorkDoneProgressReport]] | None = None

    def begin(
        self,
        title: str,
        *,
        cancellable: bool = True,
        message: str | None = None,
        percentage: int | None = None,
    ) -> None:
        """Ask the client to show it; what is reported before it agrees is shown when it does.

        Args:
            title: what is being done, as long as it lasts.
            cancellable: whether to offer a cancel button.
            message: where it stands.
            percentage: 0 to 100; None shows no measure, then and in every report.
        """
        if self._state != "unused":
            raise RuntimeError("A progress begins once.")
        supported = get_capability(self._server.client_capabilities, "window.work_done_progress")
        if not supported:
            self._state = "over"
            return
        self._begin = types.WorkDoneProgressBegin(
            title, cancellable=cancellable, message=message, percentage=_percent(percentage)
        )
        self._state = "asked"
        self._server.protocol.progress_cancels[self.token] = self._cancel
        asked = self._server.protocol.send_request(
            types.WINDOW_WORK_DONE_PROGRESS_CREATE, types.WorkDoneProgressCreateParams(self.token)
        )
        asked.add_done_callback(self._agreed)

    def report(
        self, message: str | Callable[[], str] | None = None, percentage: int | None = None
    ) -> None:
        """Say where the work stands; ignored before `begin` and after `end`.

        Args:
            message: None leaves the last one standing; what makes one is called only if it is
                shown, which most of many are not.
            percentage: 0 to 100; ignored where `begin` had none.
        """
        if self._begin is None or self._state == "over":
            return
        shown = None if self._begin.percentage is None else _percent(percentage)
        if self._state == "asked":
            self._begin.message = _said(message) or self._begin.message
            self._begin.percentage = self._begin.percentage if shown is None else shown
        elif self._reports is not None:
            self._reports.put(
                lambda: types.WorkDoneProgressReport(message=_said(message), percentage=shown)
            )

    def end(self, message: str | None = None) -> None:
        """Take it off the screen, after the last report; safe to call twice."""
        if self._state == "shown" and self._reports is not None:
            self._reports.close()
            self._reports = None  # it holds this, which holds it
            self._notify(types.WorkDoneProgressEnd(message=message))
        self._state = "over"
        self._server.protocol.progress_cancels.pop(self.token, None)

    def _agreed(self, asked: "Future[Any]") -> None:
        if asked.cancelled() or (error := asked.exception()) is not None:
            if not asked.cancelled():
                logger.warning("The client refused to show a progress: %s", error)
            self.end()
            return
        ended_meanwhile = self._state == "over"
        self._notify(self._begin)
        if ended_meanwhile:  # the client holds the token until it sees an end
            self._notify(types.WorkDoneProgressEnd())
            return
        self._state = "shown"
        loop = asyncio.get_running_loop()
        self._reports = Throttle(self._interval_s, lambda make: self._notify(make()), loop)

    def _cancel(self) -> None:
        if self.cancelled.is_set():
            return
        self.cancelled.set()
        if self._on_cancel is not None:
            self._on_cancel()

    def _notify(self, value: object) -> None:
        params = types.ProgressParams(self.token, value)
        self._server.protocol.notify(types.PROGRESS, params)


def _said(message: str | Callable[[], str] | None) -> str | None:
    return message() if callable(message) else message


def _percent(percentage: int | None) -> int | None:
    return None if percentage is None else max(0, min(100, percentage))
