"""The errors that Longshift raises on purpose, by who must act on them.

LongshiftError
├── UsageError        the person asked for something that can't be (exit status 2)
├── NeedsPerson       only a person can mend the surroundings: git, state, sandbox, endpoint
└── TellModel         becomes the model's next tool result; never leaves the crew

Lowest of all modules: imports nothing, and every floor may import it. Anything raised that is
not of this family is a defect of Longshift itself.
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
    """A model's mistake, told back to it as the result of its tool call."""
