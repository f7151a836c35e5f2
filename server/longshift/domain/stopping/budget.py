"""Budgets: what a run may spend is spent.

Owns the words of this end; when a budget is used up is said by `models.ledger` and
`domain.budgets`. Pure.
"""

from longshift.domain.budgets import digits
from longshift.domain.state import Run
from longshift.domain.stopping.shapes import Figures, Stop, standing_words


def out_of_budget(run: Run, why: str = "") -> Stop:
    """The end of a run whose budget is used up.

    Args:
        run: the run.
        why: what it would still have been needed for; "" where that goes without saying.
    """
    spent = run.exceeded
    assert spent is not None, "called only once a budget is exceeded"
    reason = (
        f"budget.{spent.kind} is used up: {digits(spent.used)} of {digits(spent.limit)}. {why}"
        f"What landed stands at the run's head; raise budget.{spent.kind} and resume the run to "
        "go on."
    )
    figures: Figures = {
        "budget": spent.kind,
        "used": float(spent.used),
        "limit": float(spent.limit),
    }
    return Stop("budget", "out_of_budget", reason, figures)


def out_of_cycles(run: Run) -> Stop | None:
    """The run has had its cycles."""
    limit = run.budget.cycles
    if not limit or run.cycle < limit:
        return None
    last = run.cycles[-1]
    standing = standing_words(run, last.standing)
    reason = (
        f"budget.cycles allows {limit}, and {run.cycle} are done; raise it and resume the run to "
        f"go on. {standing}{' ' if standing else ''}"
        f"The judge's last word: {last.verdict.reason if last.verdict else ''}"
    )
    figures: Figures = {"budget": "cycles", "used": run.cycle, "limit": limit}
    return Stop("budget", "out_of_budget", reason, figures)
