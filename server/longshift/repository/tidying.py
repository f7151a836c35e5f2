"""Keeping the private store small: packing it anew when it has grown ragged.

Hundreds of agents make a pack with each group of landings and loose objects with each landing
alone. Owns when that is too much, and git's repack.
"""

from pathlib import Path
from typing import Final

from longshift.repository.gitcommand import run_git

MOST_PACKS: Final = 100
"""Reading looks through each of them; git's own limit is 50, for stores that grow slowly."""
MOST_LOOSE: Final = 6_700
"""As git's own `gc.auto`."""
_SAMPLE: Final = "17"
"""The folder by which all 256 are judged, as git does it."""


def is_untidy(git_dir: Path) -> bool:
    """Whether a repository has so many packs or loose objects that a repack is worth it."""
    objects = git_dir / "objects"
    loose = sum(1 for _ in (objects / _SAMPLE).glob("*"))
    packs = sum(1 for _ in (objects / "pack").glob("*.idx"))
    return loose * 256 > MOST_LOOSE or packs > MOST_PACKS


def repack(git_dir: Path) -> None:
    """Pack the store's reachable objects into one pack; loose unreachable ones stay.

    Safe while agents land: packs that no ref leads to yet are marked as kept.
    """
    arguments = ["repack", "-a", "-d", "-l", "-q"]
    # One thread, behind all others: on two processors it would make an editor's key wait.
    run_git(arguments, cwd=git_dir, configuration=["pack.threads=1"], is_patient=True)
