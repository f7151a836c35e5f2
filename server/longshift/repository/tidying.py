"""Keeping the private store small: packing it anew.

Owns git's repack. Never while agents are at work: readers wait for the objects that go, up to a
tenth of a second, and an editor's key with them.
"""

from pathlib import Path

from longshift.repository.gitcommand import run_git


def repack(git_dir: Path) -> None:
    """Pack the store's reachable objects into one pack; loose unreachable ones stay.

    Safe while agents land: packs that no ref leads to yet are marked as kept.
    """
    arguments = ["repack", "-a", "-d", "-l", "-q"]
    # One thread, behind all others: on two processors it would make an editor's key wait.
    run_git(arguments, cwd=git_dir, configuration=["pack.threads=1"], is_patient=True)
