"""What makes the work look better than it is: tests and checks that ask for less than before.

Owns holding two trees against each other for tests that are gone, skipped or weakened, checks
that are turned off, and coverage that is lowered. Knows no run and no store. Pure; its time grows
with the files that differ. It would rather warn than accuse: what has an honest explanation (a
test that moved, was renamed, merged or made into cases; code that went with its tests) is none.
"""

from collections.abc import Sequence
from typing import NamedTuple

from longshift.engine.checking.hacks.lost_tests import lost_tests
from longshift.engine.checking.hacks.scripted import scripted
from longshift.engine.checking.hacks.settings.configured import configured
from longshift.engine.checking.hacks.shape import CODES, Change, Hack
from longshift.engine.checking.hacks.silenced import silenced
from longshift.engine.checking.hacks.wished import as_wished

__all__ = ["CODES", "Change", "Compared", "Hack", "find_hacks"]


class Compared(NamedTuple):
    """Two trees.

    Attributes:
        changes: every text file that differs; of those that don't, the configuration of the root,
            and that beside or above one of them.
        said: what a person asked for; what they asked for by name is a warning.
        base: every path of the tree that the run took.
    """

    changes: Sequence[Change]
    said: str = ""
    base: Sequence[str] = ()


def find_hacks(compared: Compared) -> list[Hack]:
    """Find them, by path and line."""
    changes, said, base = compared
    found = [
        *lost_tests(changes),
        *silenced(changes),
        *configured(changes, base),
        *scripted(changes, base),
    ]
    found.sort(key=lambda one: (one.path, one.line, one.code))
    return as_wished(found, said)
