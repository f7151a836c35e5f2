"""`longshift/runDidChange`: for clients that show runs in a view of their own and asked for it.

Owns the rate: five a second at most, over all runs together; the last state of each is never
lost. A client that wants more asks with `longshift.describeRun`.
"""

import asyncio
from typing import TYPE_CHECKING, Final

from longshift.lsp.host import Host

if TYPE_CHECKING:
    from longshift.domain.events import Recorded
    from longshift.lsp.session import Session

METHOD: Final = "longshift/runDidChange"
INTERVAL_S: Final = 0.2


def register(host: Host) -> None:
    """Tell a client that asked for it."""
    updates = _Updates(host)
    host.listen(updates.on_fact)
    host.listen_opened(updates.on_opened)


class _Updates:
    """Runs whose last state the client does not have yet, the one that waits longest first."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._waiting: dict[tuple[str, str], Session] = {}
        self._timer: asyncio.TimerHandle | None = None

    def on_fact(self, session: "Session", recorded: "Recorded") -> None:
        """Take note of a run that changed."""
        if recorded.event.run is not None:
            self._put(session, recorded.event.run)

    def on_opened(self, session: "Session") -> None:
        """Tell of every run of a repository."""
        for run_id in session.runs:
            self._put(session, run_id)

    def _put(self, session: "Session", run_id: str) -> None:
        if not self._host.client.run_updates:
            return
        self._waiting[session.root_uri, run_id] = session
        if self._timer is None:
            self._send()

    def _send(self) -> None:
        self._timer = None
        if not self._waiting or self._host.closing:
            return
        (repo, run_id), session = next(iter(self._waiting.items()))
        del self._waiting[repo, run_id]
        self._host.server.protocol.notify(METHOD, _shape(session, run_id))
        self._timer = asyncio.get_running_loop().call_later(INTERVAL_S, self._send)


def _shape(session: "Session", run_id: str) -> dict[str, object]:
    """A run in short: Run's fields of CONTRACT section 6, lists as counts."""
    run = session.runs.get(run_id)
    if run is None:
        return {"runId": run_id, "repo": session.root_uri, "state": "ended", "outcome": None}
    return {
        "runId": run.id,
        "repo": session.root_uri,
        "goal": run.started.goal.text,
        "state": run.lifecycle,
        "outcome": run.outcome,
        "cycle": run.cycle,
        "tasks": {str(state): count for state, count in run.task_counts.items() if count},
        "changes": len(run.changes),
        "findings": sum(one.state == "open" for one in run.findings.values()),
        "questions": sum(one.answer is None for one in run.questions.values()),
        "usage": run.usage.model_dump(mode="json"),
    }
