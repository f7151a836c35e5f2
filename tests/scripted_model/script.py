"""What a script may say.

Owns the format, which is plain JSON (see `Script`). Must never do anything: `player` plays it.

    {"flows": [
        {"role": "planner", "turns": [
            {"calls": [{"name": "add_task", "arguments": {"title": "Rename", "paths": ["a.py"]}}]},
            {"calls": [{"name": "finish", "arguments": {"summary": "One task."}}]}]},
        {"role": "worker", "match": "Rename", "turns": [
            {"faults": [{"kind": "status", "status": 429, "headers": {"retry-after": "0"}}],
             "calls": [{"name": "submit", "arguments": {"summary": "Renamed."}}]}]}]}
"""

from pathlib import Path
from typing import Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

Role: TypeAlias = Literal["planner", "worker", "judge", "agent", "integrator", "other"]


class _Data(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Fault(_Data):
    """One answer that is no proper reply. Each is given once, before its turn's own answer."""

    kind: Literal["status", "drop", "garbage", "empty", "body", "endless"]
    """`status`: an error status. `drop`: the connection ends in the middle of the reply.
    `garbage`: broken JSON. `empty`: no choices. `body`: `body` as it is, with status 200.
    `endless`: bytes come for ever and never make a reply."""
    status: int = 500
    headers: dict[str, str] = {}
    body: object = None
    times: int = 1


class Call(_Data):
    """One tool call."""

    name: str
    arguments: dict[str, object] | str = {}
    """A string goes out as it is, so it may be garbage. In an object, a text that is
    `${add_task.0.task}` becomes key `task` of the first result of `add_task` in the conversation,
    and `${brief.task.id}` that value of the JSON block in the first user message."""


class Turn(_Data):
    """One reply."""

    text: str = ""
    calls: tuple[Call, ...] = ()
    finish_reason: str | None = None
    """None: what fits."""
    reasoning: str = ""
    """What was thought: a `/responses` answer carries it, unreadable, and wants it back."""
    usage: dict[str, object] | Literal["none"] | None = None
    """None: bytes divided by four; "none": the reply has no usage."""
    delay_s: float = 0
    signal: str | None = None
    """A name that stands raised, for good, as soon as this turn is asked for."""
    wait_for: tuple[str, ...] = ()
    """Names that must stand raised before this turn is answered."""
    faults: tuple[Fault, ...] = ()


class Flow(_Data):
    """The replies of one conversation, by the number of replies that it has had."""

    role: Role
    match: str = ""
    """A regular expression that must be found in the first user message."""
    turns: tuple[Turn, ...]
    times: int | None = None
    """How many conversations it serves; None: any number. The first flow that matches and is not
    used up serves a conversation."""
    then: Literal["default", "repeat"] = "default"
    """After the last turn: the role's default, or the last turn again and again."""


class Chaos(_Data):
    """Faults by chance, the same for the same seed, whoever asks in which order."""

    seed: int
    share: float
    """Of all requests."""
    kinds: tuple[Literal["429", "500", "drop", "garbage", "length"], ...] = (
        "429", "500", "drop", "garbage", "length",
    )  # fmt: skip
    """`length`: a reply that is cut off in the middle of its call; the others as in `Fault`."""
    in_a_row: int = 2
    """Most faults of one turn, one after the other."""


class Script(_Data):
    """Everything that a server does. Whatever no flow matches gets its role's default."""

    flows: tuple[Flow, ...] = ()
    defaults: dict[Role, Turn] = Field(default_factory=dict)
    chaos: Chaos | None = None

    @classmethod
    def load(cls, path: Path) -> "Script":
        """Read a script from a JSON file."""
        return cls.model_validate_json(path.read_bytes())


DEFAULTS: dict[Role, Turn] = {
    "planner": Turn(
        calls=(
            Call(
                name="finish",
                arguments={"summary": "Nothing to add.", "evidence": "README.md:1 shows it."},
            ),
        )
    ),
    "worker": Turn(calls=(Call(name="give_up", arguments={"reason": "Not in the script."}),)),
    "judge": Turn(
        calls=(Call(name="verdict", arguments={"reason": "As scripted.", "decision": "done"}),)
    ),
    "agent": Turn(calls=(Call(name="leave", arguments={"summary": "Nothing to take."}),)),
    "integrator": Turn(calls=(Call(name="submit", arguments={"summary": "As handed in."}),)),
    "other": Turn(text="ok"),
}
