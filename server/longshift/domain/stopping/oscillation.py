"""Oscillation: the run comes back to where it was.

Owns this rule. Pure. Three things show it: the head's files are once more those of an earlier
cycle, a finding comes back after it was resolved, and edits undo those of earlier cycles. Once is
how people work too; the rule speaks when it happens again.
"""

from collections import Counter
from collections.abc import Sequence
from itertools import takewhile
from typing import Final

from longshift.domain.state import CycleRecord, Run
from longshift.domain.stopping.shapes import MOST_NAMED, Figures, Stop, counted, ending

ADVICE: Final = (
    "Say which of the two is right: `longshift constraint add …` or `longshift steer {run} …`, "
    "then `longshift resume {run}`. What landed is kept."
)


def oscillation(run: Run) -> Stop | None:
    """Trees, findings or edits came back more often than the settings bear."""
    most, cycles = run.started.stop.returns, counted(run)
    if not most:
        return None
    found = _trees(cycles, most) or _findings(run, cycles, most) or _edits(cycles, most)
    if found is None:
        return None
    what, figures = found
    return Stop("oscillation", "no_progress", ending(run, "oscillation", what, ADVICE), figures)


def _trees(cycles: Sequence[CycleRecord], most: int) -> tuple[str, Figures] | None:
    if not cycles or not all(one.tree for one in cycles):
        return None
    seen = {cycles[0].start_tree: cycles[0].number - 1}
    returns, now, back_to = 0, cycles[0].start_tree, -1
    for one in cycles:
        # Where nothing came of a cycle, its files are those that it was given: what took others
        # out before it, the person's rejections, is no return of the crew's.
        if one.tree in (now, one.start_tree):
            now, back_to = one.tree, -1
            continue
        back_to = seen.get(one.tree, -1)
        returns += back_to >= 0
        now = one.tree
        seen[now] = one.number
    if returns < most or back_to < 0:
        return None
    what = (
        f"the head's files came back to those of an earlier cycle {returns} times, "
        f"now to those {_after(back_to)}."
    )
    return what, {"returns": returns, "back_to_cycle": back_to}


def _after(cycle: int) -> str:
    return f"after cycle {cycle}" if cycle else "before the first cycle"


def _findings(run: Run, cycles: Sequence[CycleRecord], most: int) -> tuple[str, Figures] | None:
    if not cycles or not cycles[-1].came_back:
        return None
    if len(cycles) > 1 and cycles[-1].weighty < min(one.weighty for one in cycles[:-1]):
        return None  # fewer are open than ever before: it gets somewhere all the same
    times = Counter(id_ for one in cycles for id_ in one.came_back)
    worst = [id_ for id_ in dict.fromkeys(cycles[-1].came_back) if times[id_] >= most]
    if not worst:
        return None
    finding = run.findings[worst[0]]
    what = (
        f"{_named(worst)} came back {times[worst[0]]} times after having been resolved "
        f"({finding.path}: {finding.message})."
    )
    return what, {"returns": times[worst[0]], "finding": worst[0]}


def _edits(cycles: Sequence[CycleRecord], most: int) -> tuple[str, Figures] | None:
    row = list(takewhile(_undoes, reversed(cycles)))
    if len(row) < most:
        return None
    undone, edits = sum(one.undone for one in row), sum(one.edits for one in row)
    paths = list(dict.fromkeys(path for one in row for path in one.undone_paths))
    what = (
        f"in each of the last {len(row)} cycles at least half of the edits undid edits of earlier "
        f"cycles: {undone} of {edits}, in {_named(paths)}."
    )
    return what, {"cycles": len(row), "undone": undone, "edits": edits}


def _undoes(cycle: CycleRecord) -> bool:
    return cycle.undone > 0 and cycle.undone * 2 >= cycle.edits


def _named(names: Sequence[str]) -> str:
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return ", ".join(names[:MOST_NAMED]) + more
