"""Whether a run may go on, and under which limits: the budget that a resume brings.

Owns the words for a budget that was not raised. Must never resume anything by itself.
"""

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from longshift.domain.budgets import Share, allows_more, digits, used_up
from longshift.domain.model import Budget, BudgetKind, Outcome
from longshift.domain.state import Phase, Run
from longshift.errors import UsageError
from longshift.settings import Loaded, merge_tables

RESUME_OPTIONS: Final[Mapping[BudgetKind, str]] = {
    "usd": "--budget-usd X",
    "tokens": "--budget-tokens N",
    "calls": "--budget-calls N",
    "minutes": "--max-minutes M",
    "cycles": "--max-cycles N",
}
"""How the command line raises each limit of a run."""

GOES_ON: Final[frozenset[Outcome]] = frozenset({"no_progress", "gave_up"})
"""Ends that a person may overrule: a rule or a judge spoke, and the counting begins anew."""


async def budget_to_resume(
    run: Run,
    limits: Mapping[str, object],
    settings: Callable[[Mapping[str, object]], Awaitable[Loaded]],
) -> Budget | None:
    """The limits that a run is to be resumed with; None: those that it has.

    Args:
        run: the run.
        limits: those that were named with the resume, as in the settings' table `budget`.
        settings: reads the settings that hold now, under a run's own overrides.

    Raises:
        UsageError: it has ended and may not go on, or a limit is wrong.
    """
    if run.lifecycle == "running" and limits:
        raise UsageError(
            f"{run.id} is under way, and its budget is what it was. Pause it first: "
            f"`longshift pause {run.id}`."
        )
    share = used_up(run)
    if run.phase is Phase.ENDED and share is None and run.outcome not in GOES_ON:
        raise UsageError(
            f"{run.id} has ended ({run.outcome}); there is nothing to resume. Start a new "
            "goal, or ask for rework of one of its changes."
        )
    if share is None and not limits:
        return None
    own: dict[str, object] = json.loads(run.started.overrides)
    loaded = await settings(merge_tables({"budget": dict(limits)}, own))
    budget = loaded.settings.budget.limits()
    if limits:
        budget = _with_limits(run.budget, budget, limits)
    if share is None or allows_more(budget, share):
        return budget
    if run.phase is Phase.ENDED:
        raise UsageError(_not_raised(run, share))
    return None


def _not_raised(run: Run, share: Share) -> str:
    return (
        f"{run.id} has used up `{share.setting}`, {digits(share.used)} of {digits(share.limit)}, "
        "and what is set now allows no more. Nothing was resumed. Raise it: "
        f"`longshift resume {run.id} {RESUME_OPTIONS[share.kind]}`, or `{share.setting}` in your "
        "settings where the run was started without a limit of its own."
    )


def _with_limits(old: Budget, new: Budget, named: Mapping[str, object]) -> Budget:
    """A run's limits with those replaced that were named."""
    update: dict[str, object] = {name: getattr(new, name) for name in named if name != "task"}
    of_task = named.get("task")
    if isinstance(of_task, Mapping):
        changed = {str(name): getattr(new.task, str(name)) for name in of_task}
        update["task"] = old.task.model_copy(update=changed)
    return old.model_copy(update=update)
