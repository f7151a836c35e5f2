"""Whether an agent works, waits, or hangs.

Owns the rule. Pure: from what was heard of an agent, what its owner says that it does now, and the
clock. A wait names what it is for, and is never called hung: whoever stands in line may stand long.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, TypeAlias

from longshift.cli.board.vitals import Heard, Vitals, name_of, p95
from longshift.domain.state import Run
from longshift.engine.activities import Activity, Doing

Kind: TypeAlias = Literal["hung", "waiting", "working"]
"""In the order in which a person wants to see them."""

HUNG_AFTER_S: Final = 60.0
"""However fast a run's calls usually are, so much is left to each."""
CHECK_S: Final = 900.0
"""How long a judge's checks may take: their own time limit."""
TIMES_USUAL: Final = 5.0
"""So many times as long as usual is no more to be called slow."""

_WAITS: Final[Mapping[Doing, str]] = {
    "endpoint": "for a place at the model's endpoint",
    "budget": "for budget that others have reserved",
    "turn": "for its turn",
    "pause": "for the run to go on",
    "lock": "for the list of tasks",
    "line": "in line to land",
}
_WORKS: Final[Mapping[Doing, str]] = {
    "model": "thinking",
    "tools": "reading and editing",
    "command": "running a command",
    "landing": "landing",
}


@dataclass(frozen=True, slots=True)
class Standing:
    """How one agent stands.

    Attributes:
        agent: its id.
        role: what it is.
        kind: whether it works, waits or hangs.
        words: what it does, or waits for.
        seconds: for how long.
        calls: how often its model has answered.
    """

    agent: str
    role: str
    kind: Kind
    words: str
    seconds: float
    calls: int


@dataclass(frozen=True, slots=True)
class Usual:
    """From when on this run's agents are called hung; seconds."""

    call_s: float
    command_s: float
    silence_s: float

    @classmethod
    def of(cls, vitals: Vitals) -> "Usual":
        """What this run's calls and commands have taken decides."""
        call_s = max(HUNG_AFTER_S, TIMES_USUAL * p95(vitals.calls_s))
        command_s = max(HUNG_AFTER_S, TIMES_USUAL * p95(vitals.commands_s))
        return cls(call_s, command_s, max(call_s, command_s))


_Stands: TypeAlias = Callable[[Kind, str, datetime], Standing]

Live: TypeAlias = Mapping[str, Activity]
"""By agent, what the owner says that each does; None in its place: nobody can say."""


def standings(run: Run, vitals: Vitals, live: Live | None, now: datetime) -> list[Standing]:
    """How every agent of a run stands: hung ones first, then those that wait, each by its time.

    Args:
        run: the run.
        vitals: of the run.
        live: what its owner says; None: there is no owner, or it is an older version.
        now: the present moment.
    """
    usual = Usual.of(vitals)
    doing = {name_of(name): one for name, one in (live or {}).items()}
    found = [
        standing(run, heard, doing.get(heard.agent), usual, now, is_told=live is not None)
        for heard in vitals.agents.values()
        # An integrator that has sent a submission back is gone, which no fact tells.
        if live is None or heard.role != "integrator" or heard.agent in doing
    ]
    order = {"hung": 0, "waiting": 1, "working": 2}
    return sorted(found, key=lambda one: (order[one.kind], -one.seconds, one.agent))


def standing(
    run: Run, heard: Heard, doing: Activity | None, usual: Usual, now: datetime, *, is_told: bool
) -> Standing:
    """How one agent stands.

    Args:
        run: its run.
        heard: what facts tell of it.
        doing: what its owner says that it does; None: its conversation has not begun, or is over.
        usual: from when on it hangs.
        now: the present moment.
        is_told: whether an owner says anything.
    """

    def stands(kind: Kind, words: str, since: datetime) -> Standing:
        seconds = max(0.0, (now - since).total_seconds())
        return Standing(heard.agent, heard.role, kind, words, seconds, heard.calls)

    if run.paused:
        for_what = "for its endpoint" if run.pause_cause == "endpoint" else _WAITS["pause"]
        return stands("waiting", for_what, heard.last if doing is None else doing.since)
    if doing is None:
        return _by_facts(run, heard, usual, now, stands, is_told=is_told)
    if doing.doing in _WAITS:
        return stands("waiting", _WAITS[doing.doing], doing.since)
    is_check = doing.doing == "command" and heard.role == "judge"
    limits = {"model": usual.call_s, "command": CHECK_S if is_check else usual.command_s}
    words = _WORKS[doing.doing]
    if heard.conflict and doing.doing != "landing":
        words += ", with a conflict"
    is_hung = (now - doing.since).total_seconds() > limits.get(doing.doing, HUNG_AFTER_S)
    return stands("hung" if is_hung else "working", words, doing.since)


def _by_facts(
    run: Run, heard: Heard, usual: Usual, now: datetime, stands: _Stands, *, is_told: bool
) -> Standing:
    """Where nobody says what it does: as long as it has been heard of lately, it works."""
    if is_told and not heard.talks:
        return stands("waiting", _WAITS["turn"], heard.begun)
    own = [task for task in run.at_work if task.attempts[-1].agent == heard.agent]
    if is_told and own:  # an equal agent works on what it took under the task's name
        return stands("working", f"at {own[0].id}", heard.last)
    if (now - heard.last).total_seconds() > usual.silence_s:
        return stands("hung", "nothing was heard of it", heard.last)
    return stands("working", "at work", heard.last)
