"""What a run and its tasks have used of their budgets, and what is to be said about it.

Pure. Owns the shares at which a person is warned, and the budgets that time and cycles use up;
those of calls, tokens and dollars are held by the ledger, before each call.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from longshift.domain import events as e
from longshift.domain.model import Budget, BudgetKind, Task, Usage
from longshift.domain.state import Run

WARNINGS_PERCENT: Final = (50, 80, 100)
"""A warning is given once for each; 100: used up exactly. Exceeded is what was refused."""
_KINDS: Final[tuple[BudgetKind, ...]] = ("usd", "tokens", "calls", "minutes", "cycles")


@dataclass(frozen=True, slots=True)
class Share:
    """What is used of one limit."""

    kind: BudgetKind
    used: Decimal
    limit: Decimal
    task: str | None = None
    """The task whose limit it is; None: the run's."""

    @property
    def percent(self) -> int:
        """The share in whole percent, rounded down; may be above 100."""
        return int(self.used * 100 / self.limit)

    @property
    def setting(self) -> str:
        """The name of the limit, as it is set."""
        return setting_of(self.kind, self.task)


def setting_of(kind: BudgetKind, task: str | None) -> str:
    """The name of a limit, as it is set: `budget.calls`, `budget.task.calls`."""
    return f"budget.{kind}" if task is None else f"budget.task.{kind}"


def digits(amount: Decimal) -> str:
    """An amount as a person writes it: no zeros at its end, no exponent."""
    return f"{round(amount, 4).normalize():,f}"


def shares(run: Run, now: datetime) -> list[Share]:
    """What a run has used of each limit that is set for it."""
    used: dict[BudgetKind, Decimal] = {
        **_spent(run.usage),
        "minutes": _minutes(run.seconds_at(now)),
        "cycles": Decimal(run.cycle),
    }
    limits = {kind: _limit(run.budget, kind) for kind in _KINDS}
    return [Share(kind, used[kind], limits[kind]) for kind in _KINDS if limits[kind]]


def task_shares(run: Run, task: Task, now: datetime) -> list[Share]:
    """What a task has used of each limit that is set for tasks."""
    used: dict[BudgetKind, Decimal] = {
        **_spent(run.usage_by_task.get(task.id, Usage())),
        "minutes": _minutes(run.task_seconds_at(task, now)),
    }
    limits = {kind: _limit(run.budget, kind, of_task=True) for kind in used}
    return [Share(kind, used[kind], limits[kind], task.id) for kind in used if limits[kind]]


def time_facts(run: Run, now: datetime) -> list[e.Event]:
    """Warnings that are due on minutes, each before the fact that they are used up."""
    facts: list[e.Event] = []
    for share in _times(run, now):
        facts += warnings(run, share)
        facts += _over(run, share)
    return facts


def tasks_over_time(run: Run, now: datetime) -> list[str]:
    """The tasks at work that have used up their own minutes."""
    return [
        share.task
        for share in _times(run, now)
        if share.task is not None and share.used >= share.limit
    ]


def seconds_to_next(run: Run, now: datetime) -> float | None:
    """Seconds until minutes next give something to say; None: never, as things stand."""
    if run.running_since is None:
        return None
    left = [
        float(share.limit * percent / 100 - share.used) * 60
        for share in _times(run, now)
        for percent in WARNINGS_PERCENT
        if (share.task, share.kind, percent) not in run.warned
        # A task that was warned in an earlier attempt is still to be ended in this one.
        or (percent == 100 and share.task is not None)
    ]
    return max(0.0, min(left)) if left else None


def cycle_facts(run: Run, cycle: int) -> list[e.BudgetWarned]:
    """Warnings that are due as a cycle begins; a limit of one cycle is no news."""
    limit = run.budget.cycles
    if limit < 2:
        return []
    return list(warnings(run, Share("cycles", Decimal(cycle), Decimal(limit))))


def warnings(run: Run, share: Share) -> Iterator[e.BudgetWarned]:
    """The warnings on a limit that are due and were not given yet."""
    for percent in WARNINGS_PERCENT:
        due = share.used * 100 >= share.limit * percent
        if due and (share.task, share.kind, percent) not in run.warned:
            yield e.BudgetWarned(
                run=run.id,
                kind=share.kind,
                used=share.used,
                limit=share.limit,
                percent=percent,
                task=share.task,
            )


def used_up(run: Run) -> Share | None:
    """The limit that ended a run, or stands in its way; None: none did."""
    spent = run.exceeded
    if spent is not None:
        return Share(spent.kind, spent.used, spent.limit)
    limit = run.budget.cycles
    # A rule may speak in the very last cycle, and a run that it ended has none left all the same.
    overruled = run.outcome in ("no_progress", "gave_up") and bool(limit) and run.cycle >= limit
    if run.outcome == "out_of_budget" or overruled:
        return Share("cycles", Decimal(run.cycle), Decimal(limit))
    return None


def allows_more(budget: Budget, share: Share) -> bool:
    """Whether under these limits a run could go on that one limit has ended."""
    limit = _limit(budget, share.kind)
    return not limit or limit > max(share.limit, share.used)


def _times(run: Run, now: datetime) -> Iterator[Share]:
    limit = _limit(run.budget, "minutes")
    if limit and run.exceeded is None:
        yield Share("minutes", _minutes(run.seconds_at(now)), limit)
    limit = _limit(run.budget, "minutes", of_task=True)
    if limit:
        for task in run.at_work:
            yield Share("minutes", _minutes(run.task_seconds_at(task, now)), limit, task.id)


def _over(run: Run, share: Share) -> Iterator[e.BudgetExceeded]:
    known = run.exceeded if share.task is None else run.spent_tasks.get(share.task)
    if share.used >= share.limit and known is None:
        yield e.BudgetExceeded(
            run=run.id, kind=share.kind, used=share.used, limit=share.limit, task=share.task
        )


def _spent(usage: Usage) -> dict[BudgetKind, Decimal]:
    return {
        "usd": usage.known_usd,
        "tokens": Decimal(usage.tokens),
        "calls": Decimal(usage.calls),
    }


def _limit(budget: Budget, kind: BudgetKind, *, of_task: bool = False) -> Decimal:
    limits = budget.task if of_task else budget
    return Decimal(str(getattr(limits, kind)))


def _minutes(seconds: float) -> Decimal:
    return Decimal(str(round(seconds / 60, 3)))
