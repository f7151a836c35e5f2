"""When a run is over: every rule that ends one after a verdict, in one table and a fixed order.

Owns that order. Each rule is a pure function of the run's folded state, which returns an end with
its figures or None; `domain.decide` asks, and nothing else ends a run but a person and a budget
that is used up in the middle of a cycle. Settings are `stop.*`; `docs/stopping.md` tells people.
"""

from collections.abc import Callable
from typing import Final

from longshift.domain.state import Run
from longshift.domain.stopping.budget import out_of_budget, out_of_cycles
from longshift.domain.stopping.diminishing import diminishing_return
from longshift.domain.stopping.drift import drift
from longshift.domain.stopping.goal import given_up, goal_met, wants_second_judge
from longshift.domain.stopping.oscillation import oscillation
from longshift.domain.stopping.progress import no_progress
from longshift.domain.stopping.shapes import Figures, RuleName, Stop

Rule = Callable[[Run], Stop | None]

RULES: Final[tuple[Rule, ...]] = (
    goal_met,
    given_up,
    no_progress,
    oscillation,
    diminishing_return,
    drift,
    out_of_cycles,
)
"""In this order; the first that speaks ends the run. None is asked while a person's wish waits,
but for the cycles of the budget."""


def ended_by(run: Run) -> Stop | None:
    """The end of a run whose cycle was judged; None: it goes on."""
    return next((stop for stop in (rule(run) for rule in RULES) if stop is not None), None)


__all__ = [
    "RULES",
    "Figures",
    "RuleName",
    "Stop",
    "ended_by",
    "out_of_budget",
    "out_of_cycles",
    "wants_second_judge",
]
