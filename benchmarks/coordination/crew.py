"""The simulated crew: models that think in virtual time and then do what their role does.

Owns how long each turn takes and what it calls. Draws lots only from the play's own dice, in the
order in which agents think, so that the same seed gives the same play. It claims nothing about
what models are good at: every edit is right at once, and no agent is timid.
"""

import asyncio
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from benchmarks.coordination.backlog import LINES, Item, draw, number_in, place_line
from benchmarks.coordination.parameters import Parameters
from benchmarks.coordination.talk import NAME, Talk, Use, call, reply
from longshift.models.port import EndpointFailed, ModelReply, ModelRequest

Call: TypeAlias = tuple[str, Mapping[str, object]]
Kind = Literal["work", "merge", "integrate", "plan", "choose", "other"]

INSTRUCTIONS: Final = "Change the value, and enter it in the table if there is one."
MOST_SLICES: Final = 49
"""The engine has room for 50 planners in a cycle."""
CALLS_A_REPLY: Final = 32
"""So many the engine hears."""
CHOOSING_TURNS: Final = 3
"""Turns in which a task is chosen where nothing comes between: lock, read, claim and start. Without
a lock it is one less, each as long."""
MERGING_TURNS: Final = 2
"""Turns in which a conflict is resolved: read the files that clash, then mend them and submit."""
CRASHES: Final = ("work", "merge", "choose")
"""Turns that may be an agent's last. Planners and the integrator don't break off: a run that loses
one of them is paused for a person, and no person is simulated."""
MARKERS: Final = ("<<<<<<<", "|||||||", "=======", ">>>>>>>")


@dataclass(slots=True)
class Turn:
    """What an agent does next: how long it thinks, and what it then calls."""

    kind: Kind
    mean_s: float
    seconds: float
    calls: list[Call]


@dataclass(slots=True)
class Crew:
    """The model behind every role of one play.

    Attributes:
        items: the list of work.
        parameters: how long things take, and how often they go wrong.
        dice: the play's own.
    """

    items: Sequence[Item]
    parameters: Parameters
    dice: random.Random

    @property
    def name(self) -> str:
        """What the journal calls it."""
        return NAME

    async def complete(self, request: ModelRequest) -> ModelReply:
        """Think, then answer; see `models.port.Model.complete`."""
        talk = Talk(request)
        turn = self._turn(talk)
        await asyncio.sleep(turn.seconds)
        if turn.kind in CRASHES and self.dice.random() < self._crash_rate(turn.mean_s):
            raise EndpointFailed("The agent broke off, as simulated ones do now and then.")
        return reply(talk, turn.calls)

    def _crash_rate(self, mean_s: float) -> float:
        """The chance that a turn is an agent's last, where `crash_rate` is that of a task."""
        tasks = mean_s / self.parameters.task_s
        return float(1 - (1 - self.parameters.crash_rate) ** tasks)

    def _turn(self, talk: Talk) -> Turn:
        if "send_back" in talk.tools:
            return self._integrate(talk)
        if "submit" in talk.tools:
            return self._work(talk)
        if "claim_task" in talk.tools:
            mean_s = self.parameters.choosing_share * self.parameters.task_s
            return self._drawn("choose", mean_s / CHOOSING_TURNS, self._choose(talk))
        if "delegate" in talk.tools or "add_task" in talk.tools:
            mean_s = self.parameters.planning_turn_minutes * 60
            return self._drawn("plan", mean_s, self._plan(talk))
        if "verdict" in talk.tools:
            done = call("verdict", reason="Every item has landed.", decision="done")
            return self._drawn("other", self.parameters.turn_s, [done])
        raise AssertionError(f"no role has these tools: {sorted(talk.tools)}")

    def _drawn(self, kind: Kind, mean_s: float, calls: list[Call]) -> Turn:
        return Turn(kind, mean_s, draw(self.dice, mean_s, self.parameters.spread), calls)

    # An equal agent, at the list.

    def _choose(self, talk: Talk) -> list[Call]:
        """Lock the list if it has a lock, read it, claim what is ready and start."""
        first = "lock_tasks" if "lock_tasks" in talk.tools else "read_tasks"
        last = {use.name: use.result for use in talk.last()} if talk.turns else {}
        if "read_tasks" in last:
            return self._claim(last["read_tasks"]["tasks"], locking=first == "lock_tasks")
        if "locked" in last.get("lock_tasks", {}):
            return [call("read_tasks")]
        return [call(first)]  # at the beginning, or again: it is another's, or the list is

    def _claim(self, listed: Sequence[Mapping[str, object]], *, locking: bool) -> list[Call]:
        ready = [one["task"] for one in listed if one["ready"]]
        forgets = self.dice.random() < self.parameters.forgotten_releases
        unlock = [call("unlock_tasks")] if locking and not forgets else []
        if not ready:
            return [*unlock, call("leave", summary="Nothing is ready.")]
        return [call("claim_task", task=self.dice.choice(ready)), *unlock, call("start_task")]

    # A planner.

    def _plan(self, talk: Talk) -> list[Call]:
        """Read; then give slices away or, where there is one slice, write its tasks; finish."""
        scope = talk.brief()["slice"]["scope"]
        if talk.turns == 0:
            return [call("list_files", path="shared")]
        if scope:
            first, last = map(int, scope.split("-"))
            return self._add(self.items[first : last + 1], talk)
        size = max(self.parameters.slice_tasks, -(-len(self.items) // MOST_SLICES))
        if len(self.items) <= size:
            return self._add(self.items, talk)
        slices = [self.items[n : n + size] for n in range(0, len(self.items), size)]
        given = slices[CALLS_A_REPLY * (talk.turns - 1) : CALLS_A_REPLY * talk.turns]
        return [
            call(
                "delegate",
                scope=f"{one[0].number}-{one[-1].number}",
                objective="Each item of the slice is done.",
            )
            for one in given
        ] or [call("finish", summary="Every item is in a slice.")]

    def _add(self, items: Sequence[Item], talk: Talk) -> list[Call]:
        size = min(self.parameters.tasks_a_turn, CALLS_A_REPLY)
        return [
            call(
                "add_task",
                title=item.title,
                instructions=INSTRUCTIONS,
                paths=list(item.paths),
            )
            for item in items[size * (talk.turns - 1) : size * talk.turns]
        ] or [call("finish", summary="Every item has its task.")]

    # A worker.

    def _work(self, talk: Talk) -> Turn:
        item = self.items[number_in(talk.brief()["task"]["title"])]
        if talk.turns < len(item.seconds):
            calls = _working(item, talk.turns, len(item.seconds))
            seconds = item.seconds[talk.turns]
            return Turn("work", self.parameters.turn_s, seconds, calls)
        return self._drawn("merge", self._merging_turn_s(), _merging(talk.last()))

    def _merging_turn_s(self) -> float:
        return self.parameters.merging_share * self.parameters.task_s / MERGING_TURNS

    # The integrator.

    def _integrate(self, talk: Talk) -> Turn:
        """Land what fits after a look at it; resolve what clashes as its worker would."""
        clashes = talk.brief()["clashes"]
        if not clashes:
            mean_s = self.parameters.integrating_share * self.parameters.task_s
            return self._drawn("integrate", mean_s, [call("submit", summary="It fits.")])
        first = [call("read_file", path=path) for path in clashes]
        calls = _merging(talk.last()) if talk.turns else first
        return self._drawn("integrate", self._merging_turn_s(), calls)


def _working(item: Item, turn: int, turns: int) -> list[Call]:
    """What a worker calls in one of its turns: it reads, edits, reads again and submits."""
    value = item.number % LINES
    if turn == turns - 1:
        return [call("submit", summary=f"{item.title} is done.")]
    if turn == turns - 3:
        old, new = f"value_{value} = {value}\n", f"value_{value} = {value + item.number + 1}\n"
        return [call("edit_file", path=item.path, old_text=old, new_text=new)]
    if turn == turns - 2 and item.shared:
        old = place_line(item.place)
        return [call("edit_file", path=item.shared, old_text=old, new_text=old + item.line)]
    path = item.shared if item.shared and turn % 2 else item.path
    return [call("read_file", path=path, start_line=turn + 1)]


def _merging(last: Sequence[Use]) -> list[Call]:
    """What an agent calls once a submission clashed: it reads the files, then mends them."""
    clashed = [use.result["paths"] for use in last if use.result.get("status") == "conflict"]
    if clashed:
        return [call("read_file", path=path) for path in clashed[0]]
    mended = [
        call("write_file", path=use.result["path"], content=_both(use.result["text"]))
        for use in last
    ]
    return [*mended, call("submit", summary="It fits what others landed.")]


def _both(text: str) -> str:
    """A text with conflict markers as it is with the lines of both sides."""
    kept: list[str] = []
    in_base = False
    for line in text.splitlines(keepends=True):
        in_base = (in_base or line.startswith("|||||||")) and not line.startswith("=======")
        if not in_base and not line.startswith(MARKERS):
            kept.append(line)
    return "".join(kept)
