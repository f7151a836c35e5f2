"""`window/workDoneProgress`: one progress for each run that is running, with counts and cost.

Owns what is shown of a run while it works. Cancelling one stops its run; clients without
progress, or without its cancel, have the commands.
"""

from functools import partial
from typing import TYPE_CHECKING

from longshift.lsp.host import Host
from longshift.lsp.protocol import Progress
from longshift.lsp.words import shown

if TYPE_CHECKING:
    from longshift.domain.events import Recorded
    from longshift.domain.state import Run
    from longshift.lsp.session import Session

LONGEST_GOAL = 60


def register(host: Host) -> None:
    """Follow every run of every repository."""
    progresses = _Shown(host)
    host.listen(progresses.on_fact)


class _Shown:
    """The progresses that stand on the screen."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._by_run: dict[tuple[str, str], Progress] = {}

    def on_fact(self, session: "Session", recorded: "Recorded") -> None:
        """Begin, report or end the progress of the run that a fact is about."""
        run = session.runs.get(recorded.event.run or "")
        if run is None:
            return
        key = (session.root_uri, run.id)
        if run.lifecycle != "running" or self._host.closing:
            if (progress := self._by_run.pop(key, None)) is not None:
                progress.end(run.outcome or run.lifecycle)
        elif key in self._by_run:
            self._by_run[key].report(partial(describe, run))
        elif session.is_live(recorded):
            self._by_run[key] = self._begin(session, run)

    def _begin(self, session: "Session", run: "Run") -> Progress:
        def stop() -> None:
            self._host.spawn(session.call("stopRun", {"runId": run.id}), f"stopping {run.id}")

        progress = Progress(self._host.server, on_cancel=stop)
        goal = " ".join(shown(run.started.goal.text).split())
        short = goal if len(goal) <= LONGEST_GOAL else goal[: LONGEST_GOAL - 1] + "…"
        progress.begin(f"Longshift {run.id}: {short}", message=describe(run))
        return progress


def describe(run: "Run") -> str:
    """Where a run stands, as in `cycle 1, working: 3 of 8 tasks landed, 2 running, $0.02`."""
    counts = {str(state): count for state, count in run.task_counts.items()}
    parts = [f"{counts.get('landed', 0)} of {len(run.tasks)} tasks landed"]
    parts += [f"{counts[state]} {state}" for state in ("running", "failed") if counts.get(state)]
    cost = run.usage.cost_usd
    if cost:
        parts.append(f"${cost:.2f}")
    elif cost is None:
        parts.append(f"{run.usage.input_tokens + run.usage.output_tokens} tokens")
    return f"cycle {run.cycle}, {run.phase}: {', '.join(parts)}"
