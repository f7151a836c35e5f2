"""Diminishing return: what a landing or a resolved finding costs has risen over a set factor.

Owns this rule. Pure. The end of good work is dear by the piece too, with a planner and a judge for
one last task; but it is cheaper as a whole. So the rule speaks only where a cycle costs as much as
the dearest before it, and brings far less.
"""

from collections.abc import Sequence
from decimal import Decimal
from itertools import pairwise
from typing import Final

from longshift.domain.model import Usage
from longshift.domain.state import Run
from longshift.domain.stopping.shapes import Stop, brought, counted, ending

FEWEST: Final = 4
"""Cycles before which the rule says nothing."""
LATEST: Final = 2
"""Cycles in a row that must all be as dear."""
AS_MUCH: Final = Decimal("0.95")
"""A cycle that costs this share of the dearest earlier one costs as much."""
ADVICE: Final = (
    "Review what there is; a new goal that is narrower costs less than going on. "
    "`longshift resume {run}` goes on all the same."
)


def diminishing_return(run: Run) -> Stop | None:
    """The last cycles cost as much as the earlier ones, and far more for what they brought."""
    factor, cycles = run.started.stop.diminishing, counted(run)
    if not factor or len(cycles) < FEWEST:
        return None
    unit, costs = _costs(run)
    totals = costs[-len(cycles) :]
    each = [cost / max(1, brought(one)) for cost, one in zip(totals, cycles, strict=True)]
    before, usual = _median(each[:-LATEST]), AS_MUCH * max(totals[:-LATEST])
    dear = all(one >= factor * before for one in each[-LATEST:])
    if not before or not dear or min(totals[-LATEST:]) < usual:
        return None
    times = float(min(each[-LATEST:]) / before)
    what = (
        f"a landing or resolved finding cost {_said(unit, each[-1])} in the last cycle, and at "
        f"least {times:.1f} times as much in each of the last {LATEST} as in the cycles before "
        f"({_said(unit, before)}); `stop.diminishing` is {float(factor):g}."
    )
    figures = {
        "times": round(times, 2),
        "factor": float(factor),
        f"{unit}_before": float(before),
        f"{unit}_now": float(each[-1]),
    }
    return Stop(
        "diminishing_return",
        "no_progress",
        ending(run, "diminishing_return", what, ADVICE),
        figures,
    )


def _costs(run: Run) -> tuple[str, list[Decimal]]:
    """What each cycle of the run cost, in US dollars where all prices are known and not zero."""
    marks: Sequence[Usage] = [*(one.began_with for one in run.cycles), run.usage]
    priced = bool(run.usage.cost_usd)
    sums = [one.known_usd if priced else Decimal(one.tokens) for one in marks]
    costs = [after - before for before, after in pairwise(sums)]
    judged = [cost for cost, one in zip(costs, run.cycles, strict=True) if one.verdict is not None]
    return ("usd" if priced else "tokens"), judged


def _median(amounts: Sequence[Decimal]) -> Decimal:
    """The one in the middle; of two, the higher: what costs no more than either is not dear."""
    return sorted(amounts)[len(amounts) // 2]


def _said(unit: str, amount: Decimal) -> str:
    return f"${amount:.2f}" if unit == "usd" else f"{amount:,.0f} tokens"
