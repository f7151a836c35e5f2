"""What all facts share.

Owns the two kinds: of one run, and of the whole repository.
"""

from longshift.domain.model import Value


class Fact(Value):
    """What all events share; `run` is None for what concerns the whole repository."""

    run: str | None


class OfRun(Fact):
    """An event of one run."""

    run: str
