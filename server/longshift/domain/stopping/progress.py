"""No progress: cycles that bring nothing, or in which the same errors stand whatever lands.

Owns this rule. Pure.
"""

from collections.abc import Sequence
from typing import Final

from longshift.domain.state import CycleRecord, Run
from longshift.domain.stopping.shapes import Stop, brought, counted, ending

QUIET_LINES: Final = 20
QUIET_SHARE: Final = 0.25
"""A difference that moves by no more than so many lines, or this share of it, stays as it was."""
ADVICE: Final = (
    "What landed is kept. `longshift resume {run}` goes on all the same; before that, "
    "`longshift steer {run} …` can tell the planner another way, or narrow the goal."
)


def no_progress(run: Run) -> Stop | None:
    """Cycles in a row brought nothing, or the same errors stand over more of them."""
    return _idle(run) or _stalled(run)


def _idle(run: Run) -> Stop | None:
    most = run.started.stop.idle_cycles
    last = run.cycles[-most:]
    # One that was cut off had no chance, and breaks the row.
    judged = len(counted(run)) >= most and all(one.verdict is not None for one in last)
    if not most or not judged or any(brought(one) for one in last):
        return None
    landed = sum(one.landed for one in last)
    void = f" ({landed} landed, and came to nothing)" if landed else ""
    what = f"{most} cycles in a row landed nothing and resolved no finding{void}."
    figures = {"cycles": most, "landed": landed, "resolved": 0}
    return Stop("no_progress", "no_progress", ending(run, "no_progress", what, ADVICE), figures)


def _stalled(run: Run) -> Stop | None:
    most = run.started.stop.stalled_cycles
    last = counted(run)[-most:]
    if not most or len(last) < most or not _stands_still(last):
        return None
    ids = last[-1].standing
    stands = f"the same {len(ids)} errors stand" if len(ids) > 1 else "the same error stands"
    stands = stands if ids else "checks fail"
    lines = last[-1].diff_lines or 0
    what = (
        f"after each of {most} cycles in a row {stands}, none was resolved, and the difference "
        f"stays at about {lines:,} lines, though {sum(one.landed for one in last)} tasks landed."
    )
    figures = {
        "cycles": most,
        "landed": sum(one.landed for one in last),
        "resolved": 0,
        "open_errors": len(ids),
        "diff_lines": lines,
    }
    return Stop("no_progress", "no_progress", ending(run, "no_progress", what, ADVICE), figures)


def _stands_still(cycles: Sequence[CycleRecord]) -> bool:
    same = len({frozenset(one.standing) for one in cycles}) == 1
    stands = cycles[0].standing or all(one.checks == "failed" for one in cycles)
    # The first is what the others are held against: what it resolved itself is no progress since.
    resolved = any(one.resolved for one in cycles[1:])
    return bool(same and stands) and not resolved and _is_quiet(cycles)


def _is_quiet(cycles: Sequence[CycleRecord]) -> bool:
    sizes = [one.diff_lines for one in cycles if one.diff_lines is not None]
    if len(sizes) < len(cycles):
        return False  # not known, as of an older version
    return max(sizes) - min(sizes) <= max(QUIET_LINES, QUIET_SHARE * sizes[0])
