"""One test as it stands in a file, and with it in a difference. Owns the shape. Pure."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from longshift.engine.checking.hacks.shape import Change

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
        hidden: the class that keeps pytest from finding it, if one does: by its name, or with
            `.__init__` behind that, by having a constructor.
    """

    __test__ = False  # the name is ours; pytest is not meant

    name: str
    short: str
    line: int
    skipped: Skip
    body: str
    reads: Callable[[str], Iterable[str]] = field(repr=False)
    cases: int = 1
    hidden: str = ""

    @cached_property
    def checks(self) -> tuple[str, ...]:
        """What it asserts and can fail, each on one line, its spaces folded.

        Read when it is asked for: of thousands of tests only those that differ are.
        """
        return tuple(self.reads(self.body))


@dataclass(frozen=True, slots=True)
class Placed:
    """A test with the file that it stands in."""

    test: Test
    change: Change

    @property
    def path_before(self) -> str:
        """Where a test of the old text stood."""
        return self.change.old_path or self.change.path

    def is_like(self, now: "Placed") -> bool:
        """Whether a runner that found this one of the old text finds that one of the new text."""
        return self.path_before == now.change.path and self.test.hidden == now.test.hidden
