"""The calls of a long journal, booked together.

They are the most of all facts and nothing follows from one but sums, so that a fold of many facts
adds them up and books the sums before whatever may look at them. Pure.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final, TypeVar

from longshift.domain import events as e
from longshift.domain.copies import replace
from longshift.domain.model import Usage
from longshift.domain.state import Run
from longshift.domain.table import Table

INDIFFERENT: Final = frozenset(
    (
        e.TaskAdded,
        e.AttemptStarted,
        e.ConversationOpened,
        e.LandingIntended,
        e.TaskLanded,
    )
)
"""Facts whose effect does not ask what was spent; before all others, what was is booked."""

Key = TypeVar("Key")
Item = TypeVar("Item")


class Sums:
    """What some calls have used, as `Usage.plus` would have it."""

    __slots__ = ("cached", "calls", "estimated", "known", "read", "reasoned", "unknown", "written")

    def __init__(self) -> None:
        """Begin with nothing."""
        self.calls = self.read = self.written = self.cached = self.reasoned = self.estimated = 0
        self.known = Decimal(0)
        self.unknown = False

    def add(self, used: Usage) -> None:
        """Add what one call has used."""
        self.calls += used.calls
        self.read += used.input_tokens
        self.written += used.output_tokens
        self.cached += used.cached_tokens
        self.reasoned += used.reasoning_tokens
        self.estimated += used.estimated_calls
        if used.cost_usd is None:
            self.unknown = True
            self.known += used.priced_usd
        elif used.cost_usd:
            self.known += used.cost_usd

    @property
    def usage(self) -> Usage:
        """The sum."""
        return Usage.trusted(
            calls=self.calls,
            input_tokens=self.read,
            output_tokens=self.written,
            cached_tokens=self.cached,
            reasoning_tokens=self.reasoned,
            cost_usd=None if self.unknown else self.known,
            priced_usd=self.known if self.unknown else Decimal(0),
            estimated_calls=self.estimated,
        )


class Tally:
    """The calls of one run that are not booked yet."""

    def __init__(self) -> None:
        """Begin with none."""
        self._by_agent: dict[tuple[str, str, str], Sums] = {}
        """By role, model and agent: one sum a call, and all others are made of these."""
        self._prices: dict[str, str] = {}

    def add(self, event: e.ModelCalled) -> None:
        """Take a call in."""
        _of(self._by_agent, (event.role, event.model, event.agent)).add(event.usage)
        if event.prices:
            self._prices[event.model] = event.prices

    def into(self, run: Run) -> Run:
        """The run with all of it booked."""
        total = Sums()
        by_role: dict[str, Sums] = {}
        by_model: dict[str, Sums] = {}
        by_task: dict[str, Sums] = {}
        for (role, model, agent), sums in self._by_agent.items():
            used = sums.usage
            total.add(used)
            _of(by_role, role).add(used)
            _of(by_model, model).add(used)
            if role == "worker":
                _of(by_task, agent.partition(".")[0]).add(used)
        return replace(
            run,
            usage=run.usage.plus(total.usage),
            usage_by_role=_booked(run.usage_by_role, by_role),
            usage_by_model=_booked(run.usage_by_model, by_model),
            usage_by_task=_booked(run.usage_by_task, by_task),
            prices={**run.prices, **self._prices} if self._prices else run.prices,
        )


def _of(sums: dict[Key, Sums], key: Key) -> Sums:
    found = sums.get(key)
    if found is None:
        found = sums[key] = Sums()
    return found


def _booked(usages: Mapping[str, Usage], sums: Mapping[str, Sums]) -> Mapping[str, Usage]:
    if not sums:
        return usages
    changed = {
        key: before.plus(one.usage) if (before := usages.get(key)) else one.usage
        for key, one in sums.items()
    }
    return put_all(usages, changed)


def put_all(mapping: Mapping[str, Item], changed: Mapping[str, Item]) -> Mapping[str, Item]:
    """The mapping with several values put in."""
    if not isinstance(mapping, Table):
        return {**mapping, **changed}
    return mapping.put_all(changed)
