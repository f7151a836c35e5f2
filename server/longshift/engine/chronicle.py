"""The state of a repository's runs, kept in step with its journal.

Owns the order "check, then write, then tell": an event is refused here if it cannot happen, is on
the disk when `record` returns, and only then is told to whoever listens. What looks like a secret
is masked before all of that, so that state, journal and listeners hold the same text. Must never
be bypassed: nothing else appends to the journal.
"""

import json
import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Final, cast

from longshift.domain.events import (
    EVENT,
    BudgetExceeded,
    BudgetWarned,
    Event,
    ModelCalled,
    Recorded,
)
from longshift.domain.fold import apply
from longshift.domain.model import Constraint
from longshift.domain.state import Run, State
from longshift.engine.ports import Clock
from longshift.errors import UsageError
from longshift.journal.store import Journal
from longshift.models.port import Message
from longshift.screening.secrets import find_secrets, mask_within, texts_within

log = logging.getLogger(__name__)

NAMES: Final = frozenset(
    {
        "after_sha256", "base", "before_sha256", "checkout", "commit", "file", "head", "hunks",
        "parent", "path", "paths", "published", "repo", "taken",
    }
)  # fmt: skip
"""Fields that name things: only a secret that is known by its value is masked in them."""

FIGURES: Final = (ModelCalled, BudgetWarned, BudgetExceeded)
"""Facts that are figures and our own words; `spending` bounds and masks the name of the model.

They are most of all facts, and to look for secrets in one costs more than all else about it.
"""

Listener = Callable[[Recorded], None]


class Chronicle:
    """One repository's journal and the state that follows from it.

    Invariant: the state is changed without awaiting, before the journal is written. So ids that
    are taken from it can't be taken twice, and no two agents can both be given a place.
    """

    def __init__(self, journal: Journal, state: State, clock: Clock) -> None:
        """Go on from a state that was folded from this journal."""
        self._journal = journal
        self._state = state
        self._clock = clock
        self._listeners: list[Listener] = []
        self._broken: Exception | None = None
        self._when_broken: list[Callable[[Exception], None]] = []

    @property
    def state(self) -> State:
        """Everything that was recorded; some of it may be on its way to the disk."""
        return self._state

    def run(self, run_id: str) -> Run:
        """A run as it stands.

        Raises:
            UsageError: there is no such run.
        """
        run = self._state.runs.get(run_id)
        if run is None:
            known = ", ".join(self._state.runs) or "none yet"
            raise UsageError(f"There is no run {run_id} in this repository. Its runs: {known}.")
        return run

    def constraints(self) -> list[Constraint]:
        """The constraints that hold now, oldest first."""
        return [c for c in self._state.constraints.values() if not c.lifted]

    async def record(self, *events: Event) -> None:
        """Take facts into the state and the journal, all or none; durable when it returns.

        What looks like a secret in them is masked first.

        Raises:
            Refused: one of them cannot happen as things stand; none was recorded.
            NeedsPerson: the journal can't be written; no run goes on until it can.
            ValueError: one of them would not read back as it is; none was recorded.
        """
        self.require_sound()
        events = tuple(map(masked, events))
        before = state = self._state
        now = self._clock.now()
        records = [
            Recorded(seq=state.seq + number, time=now, event=event)
            for number, event in enumerate(events, start=1)
        ]
        for record in records:
            state = apply(state, record)
        self._state = state
        try:
            records = list(await self._journal.append(*events))
        except ValueError:
            # Raised before anything was awaited, so nobody has built on the new state.
            self._state = before
            raise
        except Exception as error:
            self._break(error)
            raise
        finally:
            # A caller that is cancelled while it waits does not take back what it handed over.
            if self._broken is None and self._state is not before:
                for record in records:
                    self._tell(record)

    @property
    def is_broken(self) -> bool:
        """Whether the state is ahead of the journal, which could not be written."""
        return self._broken is not None

    def require_sound(self) -> None:
        """Refuse to go on where the state is ahead of the journal.

        Raises:
            NeedsPerson: the journal could not be written; says why.
        """
        if self._broken is not None:
            raise self._broken

    def when_broken(self, act: Callable[[Exception], None]) -> None:
        """Be told, once, that the journal could not be written; whoever follows it is, too."""
        self._when_broken.append(act)

    def _break(self, error: Exception) -> None:
        """Let nothing more build on the state, which is ahead of the disk from now on."""
        if self._broken is not None:
            return
        self._broken = error
        self._journal.fail(error)
        for act in self._when_broken:
            act(error)

    def keep(self, run_id: str, conversation: str, number: int, message: Message) -> None:
        """Keep a message of a conversation, which has been masked; see `Journal.keep`."""
        self._journal.keep(run_id, conversation, number, json.dumps(message))

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Be told of every fact once it is durable; returns what ends it."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    async def forget(self, run_id: str) -> None:
        """Drop a run, and the constraints that its rejections made, from journal and state.

        The state can't be rebuilt without it, since it is a fold; it is taken out by hand, and
        the journal, folded anew, says the same.
        """
        await self._journal.forget(run_id)
        runs = {id_: run for id_, run in self._state.runs.items() if id_ != run_id}
        kept = {id_: k for id_, k in self._state.constraints.items() if k.run_id != run_id}
        self._state = replace(self._state, runs=runs, constraints=kept)

    def _tell(self, record: Recorded) -> None:
        for listener in tuple(self._listeners):
            try:
                listener(record)
            except Exception:
                log.exception("a listener failed at event %d", record.seq)


def masked(event: Event) -> Event:
    """The event without what looks like a secret; the same one where there is nothing."""
    if isinstance(event, FIGURES):
        return event
    body = event.model_dump()
    # One look at all of it: most events hold nothing, and there are many.
    if not find_secrets("\n".join(texts_within(body))):
        return event
    return EVENT.validate_python(cast("dict[str, object]", mask_within(body, NAMES)))
