"""The commands that one attempt has run: what a handoff may rest on.

Owns the measured half of a handoff. Pure.
"""

from dataclasses import dataclass, field
from typing import Final, Literal

from longshift.domain.model import CommandRun

MOST_KEPT: Final = 20
"""Commands that a handoff names: the last ones."""
COMMAND_CHARACTERS: Final = 300
"""How much of one it keeps."""


@dataclass(slots=True)
class CommandsRun:
    """The commands of one attempt, oldest first."""

    commands: list[str] = field(default_factory=list)
    _last: list[CommandRun] = field(default_factory=list)
    _passed_on: set[int] = field(default_factory=set)

    def note(self, command: str, exit_status: int | None, state: int) -> None:
        """Take in a command, how it ended, and the state of the workspace after it."""
        self.commands.append(command)
        kept = command[:COMMAND_CHARACTERS]
        self._last = [*self._last, CommandRun(command=kept, exit_status=exit_status)][-MOST_KEPT:]
        if exit_status == 0:
            self._passed_on.add(state)

    @property
    def last(self) -> tuple[CommandRun, ...]:
        """The last ones, with their exit statuses."""
        return tuple(self._last)

    def evidence(self, state: int) -> Literal["tested", "read"]:
        """How well files in this state were looked at."""
        return "tested" if state in self._passed_on else "read"
