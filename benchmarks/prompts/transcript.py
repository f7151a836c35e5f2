"""What one play of a case came to: all that a grader may look at.

Owns the shape, which is JSON, so that graders are tested on recorded ones.
"""

from typing import Any

from pydantic import BaseModel, ConfigDict


class Call(BaseModel):
    """A tool call and its result."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    arguments: dict[str, Any]
    result: dict[str, Any]

    @property
    def done(self) -> bool:
        """Whether it was carried out."""
        return "error" not in self.result and self.result.get("status") != "not_yet"


class Transcript(BaseModel):
    """One play."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    calls: tuple[Call, ...] = ()
    """Of the role that is looked at, in order, all its conversations together."""
    changed: dict[str, str | None] = {}
    """Files of the result that differ from the repository; None: deleted, or no text."""
    added_lines: tuple[str, ...] = ()
    findings: tuple[dict[str, Any], ...] = ()
    verdict: str = ""
    reason: str = ""
    """The verdict's."""
    constraints: tuple[str, ...] = ()
    """Ids of those that hold."""
    hidden_exit: int | None = None
    """How the hidden command ended; None: it was not run."""
    prompt: str = ""
    """Name, version and the start of the digest of the role's prompt."""
    model: str = ""
    n_calls: int = 0
    tokens: int = 0
    cost_usd: float | None = None
    """None: unknown."""
    ended: str = ""
    """How the run ended, or why it could not be played."""

    def called(self, *names: str) -> list[Call]:
        """The calls of these tools that were carried out."""
        return [call for call in self.calls if call.name in names and call.done]
