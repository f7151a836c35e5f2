"""The errors that Longshift raises on purpose, by who must act on them.

LongshiftError
├── UsageError        the person asked for something that can't be (exit status 2)
├── NeedsPerson       only a person can mend the surroundings: git, state, sandbox, endpoint
└── TellModel         becomes the model's next tool result; never leaves the crew
    └── OutOfBounds   the same, and it is recorded: it reached for what is not its own

Lowest of all modules: imports nothing, and every floor may import it. Anything raised that is
not of this family is a defect of Longshift itself.
"""

from collections.abc import Mapping
from typing import Final, Literal

Guard = Literal["path", "command", "secret", "tool", "size"]
"""What keeps an agent within its bounds.

`path`: paths outside of its workspace. `command`: commands where none may run. `secret`: text and
files that look like keys. `tool`: tools that there are not, or that its role does not have.
`size`: more than a file, an attempt, a cycle or a run may hold.
"""


class LongshiftError(Exception):
    """An error with a message for a reader.

    The message says what happened, to what, what was kept, and what to do next.
    """


class UsageError(LongshiftError):
    """Wrong usage or configuration; nothing was started."""


class NeedsPerson(LongshiftError):
    """Only a person can supply or mend what is missing."""


class TellModel(LongshiftError):
    """A model's mistake, told back to it as the result of its tool call.

    Its words stand in `prompts/errors/`; as a string it is what a log needs.
    """

    def __init__(self, message: str, /, **inputs: object) -> None:
        """Name a message, and give exactly the inputs that it declares."""
        super().__init__(message)
        self.message: Final = message
        self.inputs: Final[Mapping[str, object]] = inputs

    def __str__(self) -> str:
        """The message's name and its inputs."""
        given = "".join(f" {name}={value!r}" for name, value in self.inputs.items())
        return f"{self.message}{given}"


class OutOfBounds(TellModel):
    """A model reached for what is not its own; the run's journal keeps that it tried."""

    def __init__(self, guard: Guard, message: str, /, **inputs: object) -> None:
        """Refuse with a message for the model, and name what stood in the way."""
        super().__init__(message, **inputs)
        self.guard: Guard = guard
