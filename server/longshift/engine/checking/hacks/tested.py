"""One test as it stands in a file. Owns the shape. Pure."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

Skip = Literal["", "always", "sometimes"]


@dataclass(frozen=True)
class Test:
    """One test.

    Attributes:
        name: as its runner calls it within the file.
        short: the last part of it, by which it is known when it moves.
        line: of its head, from 1.
        skipped: whether it is kept from running, always or under a condition.
        body: its text.
        reads: gives what a body asserts.
        cases: into how many it is multiplied by its own list of values.
    """

    __test__ = False  # the name is ours; pytest is not meant

    name: str
    short: str
    line: int
    skipped: Skip
    body: str
    reads: Callable[[str], Iterable[str]] = field(repr=False)
    cases: int = 1

    @cached_property
    def checks(self) -> tuple[str, ...]:
        """What it asserts and can fail, each on one line, its spaces folded.

        Read when it is asked for: of thousands of tests only those that differ are.
        """
        return tuple(self.reads(self.body))
