"""One scripted run of `tests/stopping/runs/`: what agents and judge do in each cycle, as data.

    why = "…"; rule = "oscillation"; paths = ["src"]
    [[cycle]]
    write = {"a.txt" = "ONE two"}       each path a task; words are lines, `x*3` is x1 x2 x3,
                                        "" deletes the file; `a.txt#2` is a second task on it
    give_up = ["b.txt"]                 tasks that come to nothing
    sees = ["bug error a.txt:1"]        the judge's findings: code, severity, place
    says = "retry"; again = ["b.txt"]   the verdict, and whose tasks are to be done once more
    second = "done"                     what a second judge says, where one is asked
    cost = 1000                         tokens of the cycle
    tries_done = true                   the judge says done first, and is refused (for real alone)
    steer = "…"                         what the person says while the judge is at work

The run is to end by `rule` in its last cycle, and no sooner.
"""

import tomllib
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from longshift.domain.model import Severity, VerdictDecision

FOLDER = Path(__file__).parents[1] / "stopping" / "runs"
LINES = "one two three four five six seven eight"
BASE = {
    "a.txt": LINES,
    "b.txt": LINES,
    "src/c.txt": LINES,
    "tests/test_a.py": "first second third fourth",
}


class _Data(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Cycle(_Data):
    write: dict[str, str] = {}
    give_up: tuple[str, ...] = ()
    sees: tuple[str, ...] = ()
    says: VerdictDecision = "continue"
    again: tuple[str, ...] = ()
    reason: str = ""
    second: VerdictDecision | None = None
    tries_done: bool = False
    cost: int = 1000
    steer: str = ""


class Seen(_Data):
    """A finding that a judge reports."""

    code: str
    severity: Severity
    path: str
    line: int


class Spec(_Data):
    name: str
    kind: str
    why: str
    rule: str
    outcome: Literal["done", "gave_up", "out_of_budget", "no_progress"]
    says: tuple[str, ...] = ()
    """Words that the reason must have."""
    paths: tuple[str, ...] = ()
    most_cycles: int = 20
    cycle: tuple[Cycle, ...]


def specs() -> list[Spec]:
    """All of them, by their names."""
    found = []
    for path in sorted(FOLDER.glob("*/*.toml")):
        told = tomllib.loads(path.read_text(encoding="utf-8"))
        found.append(Spec(name=path.stem, kind=path.parent.name, **told))
    return found


def text(words: str) -> str:
    """A file's text: a line for each word."""
    lines = []
    for word in words.split():
        stem, star, times = word.partition("*")
        lines += [f"{stem}{n}" for n in range(1, int(times) + 1)] if star else [word]
    return "".join(f"{line}\n" for line in lines)


def path_of(task: str) -> str:
    """The path that a task writes."""
    return task.partition("#")[0]


def seen(words: str) -> Seen:
    code, severity, place = words.split()
    path, _, line = place.partition(":")
    return Seen(code=code, severity=severity, path=path, line=int(line))


def reason(number: int, cycle: Cycle) -> str:
    return cycle.reason or f"Cycle {number} was looked at with care."
