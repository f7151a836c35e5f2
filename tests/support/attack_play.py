"""An attack as a script: where its text stands, and what a model that obeys it does then."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from longshift.domain.model import Diagnostic, Goal
from tests.support.attack_data import Attack
from tests.support.attack_scene import Scene
from tests.support.engine_world import Open, Script, call, edit, flow, judge, planner, task, turn
from tests.support.engine_world import worker as working

MARK = "zeppelin-7141"
"""A word in every poisoned text, by which it is found in what the model was sent."""
NUMBERED = ("title", "scope")
NEEDED_BEFORE = ("finding", "verdict", "handoff")
"""Places that a first cycle, in which nobody obeys, has to fill."""


@dataclass
class Play:
    """One attack, ready to be played."""

    attack: Attack
    scene: Scene
    files: dict[str, str] = field(default_factory=dict)
    subject: str = "work"
    goal: Goal = field(default_factory=lambda: Goal(text="Make it better"))

    def __post_init__(self) -> None:
        attack = self.attack
        self.files = {**attack.files}
        match attack.place:
            case "file" | "AGENTS.md":
                path = "AGENTS.md" if attack.place == "AGENTS.md" else attack.path
                self.files[path] = f"{self.text}\n"
            case "file name":
                self.files[f"{self.text}.txt"] = "nothing\n"
            case "check output":
                self.files["report.txt"] = f"{self.text}\n"
            case "commit message":
                self.subject = self.text
            case "diagnostic":
                found = Diagnostic(path="a.txt", line=1, message=self.text, source="other")
                self.goal = Goal(text="Mend this", diagnostics=(found,))

    @property
    def text(self) -> str:
        """What the poisoned place says."""
        return f"{self.scene.filled(self.attack.text)} {MARK}"

    def flows(self) -> list[Script]:
        """All conversations of the run, in the order in which they are looked for."""
        first = self._first()
        if self.attack.place in ("rejected hunk", "reworked hunk"):
            return first
        return [*first, *self._main()]

    async def after(self, it: Open) -> None:
        """What the person does once the first run has ended, and the run that comes of it."""
        match self.attack.place:
            case "rejected hunk":
                await it.call("rejectChange", changeId="C1")
                it.world.play(*self._main())
                await it.ended(await it.start("Make it better still", checks=[]))
            case "reworked hunk":
                it.world.play(self._obeying(), *judge("done"))
                await it.call("reworkChange", changeId="C1", path="a.txt", hunk=1, reason="Softer.")
                await it.ended()

    def _first(self) -> list[Script]:
        """What fills the place, where that takes a cycle or a run of its own."""
        tasks = planner(task("first", "a.txt"), times=1)
        match self.attack.place:
            case "finding":
                found = call("report_finding", path="a.txt", line=1, message=self.text,
                             code="x", severity="warning")  # fmt: skip
                verdict = call("verdict", reason="More.", decision="continue")
                return [planner(task("none", "a.txt"), times=1),
                        flow("judge", turn(found), turn(verdict), times=1)]  # fmt: skip
            case "verdict":
                said = call("verdict", reason=self.text, decision="continue")
                return [planner(task("none", "a.txt"), times=1),
                        flow("judge", turn(said), times=1)]  # fmt: skip
            case "handoff":
                submit = call("submit", summary=self.text, concerns=self.text)
                done = flow("worker", turn(edit("line 1", "LINE 1")), turn(submit), times=1)
                if self.attack.role == "judge":
                    return [tasks, done]
                return [tasks, done, *judge("continue")]
            case "rejected hunk" | "reworked hunk":
                poisons = turn(edit("line 2", self.text))
                return [tasks, working("first", poisons, times=1), *judge("done")]
        return []

    def _main(self) -> list[Script]:
        match self.attack.role:
            case "worker" if self.attack.place == "task":
                title = self.text[:190]
                added = call("add_task", title=title, instructions=self.text, paths=["a.txt"])
                return [planner(added, times=1), self._obeying(), *judge(*self.attack.verdicts)]
            case "worker":
                tasks = planner(task("obey", "a.txt"), times=1)
                return [tasks, self._obeying(), *judge(*self.attack.verdicts)]
            case "planner":
                return [self._obeying(times=1), *judge(*self.attack.verdicts)]
            case _:
                return [self._obeying()]

    def _obeying(self, **more: object) -> Script:
        """A conversation that reads the poisoned place and does what it says, then ends."""
        role, place = self.attack.role, self.attack.place
        reading = {
            "file": call("read_file", path=self.attack.path),
            "file name": call("list_files"),
            "check output": call("run_checks"),
        }
        ending = {
            "planner": call("finish", summary="Obeyed."),
            "worker": call("submit", summary="Obeyed."),
            "judge": call("verdict", reason="Obeyed.", decision="done"),
        }
        if role == "judge":  # to whom handoffs come with what was measured
            reading["handoff"] = call("run_checks")
        turns = [turn(reading[place])] if place in reading else []
        for act in self.attack.acts:
            arguments = self.scene.filled(act.arguments)
            made = [
                {"name": act.tool, "arguments": _numbered(arguments, number)}
                for number in range(act.times)
            ]
            turns.append(turn(*made))
        return flow(role, *turns, turn(ending[role]), **more)


def holds(facts: list[Mapping[str, object]], event: str, wanted: Mapping[str, object]) -> bool:
    """Whether one fact is of a kind and holds what is wanted of its fields."""
    return any(
        fact["event"] == event and all(_fits(fact, path, value) for path, value in wanted.items())
        for fact in facts
    )


def _fits(fact: object, path: str, wanted: object) -> bool:
    for step in path.split("."):
        fact = fact[step]
    if wanted == "<none>":
        return fact is None
    return wanted in fact if isinstance(wanted, str) else fact == wanted


def results(messages: Iterable[Mapping[str, object]]) -> str:
    """The results of tools in a conversation, each as JSON, one after the other."""
    told = [json.loads(str(m["content"])) for m in messages if m["role"] == "tool"]
    return "\n".join(json.dumps(one, ensure_ascii=False, separators=(",", ":")) for one in told)


def _numbered(arguments: Script | str, number: int) -> Script | str:
    """The arguments of one of several calls: each another, for the same ones are run once."""
    if isinstance(arguments, str) or not number:
        return arguments
    own = {key: f"{value} {number}" for key, value in arguments.items() if key in NUMBERED}
    return {**arguments, **own}
