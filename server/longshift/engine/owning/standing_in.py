"""How long an engine without an editor stays.

Owns the rule: as long as a run is running or somebody is connected, and a while after. Must never
end one that has work: who started it has gone home.
"""

from dataclasses import dataclass
from typing import Final

from longshift.domain.state import Phase, State
from longshift.engine.owning.ownership import Owner
from longshift.engine.ports import Clock

POLL_S: Final = 0.5
PATIENCE_S: Final = 300.0
"""How long it waits for somebody where a run is paused, or nobody has come yet."""
NOTHING_LEFT_S: Final = 2.0
"""How long where nothing is left to do: a window that is loaded anew is back by then."""


@dataclass(frozen=True, slots=True)
class Situation:
    """What an engine without an editor looks at.

    Attributes:
        is_running: a run is running, or will by itself once its endpoint is well.
        is_unfinished: a run is paused.
        n_attached: connections that somebody has.
        was_attached: whether anybody has ever been connected.
    """

    is_running: bool
    is_unfinished: bool
    n_attached: int
    was_attached: bool

    @property
    def patience_s(self) -> float | None:
        """How long to stay from here on, if nothing changes; None: for good."""
        if self.is_running or self.n_attached:
            return None
        return PATIENCE_S if self.is_unfinished or not self.was_attached else NOTHING_LEFT_S


async def stay_while_needed(owner: Owner, clock: Clock) -> str:
    """Return once the engine is of no further use, with the reason."""
    was_attached, since = False, clock.now()
    while True:
        was_attached = was_attached or owner.n_attached > 0
        patience_s = situation(owner.engine.state, owner.n_attached, was_attached).patience_s
        if patience_s is None:
            since = clock.now()
        elif (clock.now() - since).total_seconds() >= patience_s:
            return "Nothing was left to do, and nobody was there."
        if not owner.is_held:
            return "The state folder was deleted."
        if owner.is_broken:
            return "The journal could not be written."
        await clock.sleep(POLL_S)


def situation(state: State, n_attached: int, was_attached: bool) -> Situation:
    """What is to be looked at, from what is known of the runs."""
    runs = state.runs.values()
    return Situation(
        is_running=any(
            run.lifecycle == "running" or (run.paused and run.pause_cause == "endpoint")
            for run in runs
            if run.phase is not Phase.ENDED
        ),
        is_unfinished=any(run.phase is not Phase.ENDED for run in runs),
        n_attached=n_attached,
        was_attached=was_attached,
    )
