"""One test as it stands in a file. Owns the shape. Pure."""

from dataclasses import dataclass
from typing import Literal

Skip = Literal["", "always", "sometimes"]


@dataclass(frozen=True, slots=True)
class Test:
    """One test.

    Attributes:
        name: as its runner calls it within the file.
        short: the last part of it, by which it is known when it moves.
        line: of its head, from 1.
        checks: what it asserts and can fail, each on one line, its spaces folded.
        skipped: whether it is kept from running, always or under a condition.
        body: its text.
        cases: into how many it is multiplied by its own list of values.
    """

    __test__ = False  # the name is ours; pytest is not meant

    name: str
    short: str
    line: int
    checks: tuple[str, ...]
    skipped: Skip
    body: str
    cases: int = 1
