"""Drift: cycles that go away from the goal.

Owns this rule. Pure. It shows where all that lands lies outside of the paths that the goal names,
and where more findings of weight are open after each cycle. What a change needs elsewhere, a test
or a caller, lands beside what lies inside, and is none; nor are findings that only grow as the
difference does.
"""

from itertools import pairwise
from typing import Final

from longshift.domain.state import CycleRecord, Run
from longshift.domain.stopping.shapes import Stop, counted, ending

GROWTH: Final = 2
"""So many times as many findings as at the beginning are a drift; fewer are more of the same."""
ADVICE: Final = (
    "Look at what landed (`longshift diff {run}`) and reject what was not asked for; then steer "
    "it and `longshift resume {run}`, or start a narrower goal."
)


def drift(run: Run) -> Stop | None:
    """Cycles in a row landed outside of the goal's scope alone, or left more findings each time."""
    return _beyond_scope(run) or _more_findings(run)


def _beyond_scope(run: Run) -> Stop | None:
    most = run.started.stop.drift_cycles
    last = counted(run)[-most:]
    if not most or len(last) < most or any(one.inside or not one.outside for one in last):
        return None
    outside = sum(one.outside for one in last)
    what = (
        f"in each of {most} cycles in a row all that landed lies outside of what the goal names: "
        f"{outside} landings."
    )
    figures = {"cycles": most, "landed_outside": outside, "landed_inside": 0}
    return Stop("drift", "no_progress", ending(run, "drift", what, ADVICE), figures)


def _more_findings(run: Run) -> Stop | None:
    most = run.started.stop.drift_cycles
    cycles = counted(run)[-most - 1 :]
    counts = [one.weighty for one in cycles]
    grows = all(before < after for before, after in pairwise(counts))
    if not most or len(counts) <= most or not grows or not counts[0]:
        return None
    if counts[-1] < GROWTH * counts[0] or _is_thinner(run, cycles[0], cycles[-1]):
        return None
    what = (
        f"after each of {most} cycles in a row more findings of weight were open: "
        f"{', '.join(map(str, counts))}."
    )
    figures = {"cycles": most, "findings_before": counts[0], "findings_now": counts[-1]}
    return Stop("drift", "no_progress", ending(run, "drift", what, ADVICE), figures)


def _is_thinner(run: Run, first: CycleRecord, last: CycleRecord) -> bool:
    """Whether the later one has fewer findings for each line that differs, or it is unknown."""
    if not first.diff_lines or not last.diff_lines:
        return True
    # What the person accepted is no part of the difference any more; its findings are still there.
    if first.taken != last.taken and _accepted_any(run):
        return True
    return last.weighty * first.diff_lines < first.weighty * last.diff_lines


def _accepted_any(run: Run) -> bool:
    return any(
        one.decision == "accepted"
        for change in run.changes.values()
        for one in change.decisions.values()
    )
