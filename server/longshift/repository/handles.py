"""Handles of repositories that are let go of as soon as nobody holds them.

Owns how pygit2 opens a repository. A handle keeps every pack that it has read from open, also one
that is deleted since; pygit2's own sit in a cycle with their collections of refs and branches, and
would stay until the collector comes by, which in a process that serves an editor may be never.
No other module opens one.
"""

from pathlib import Path
from typing import Final

import pygit2
from pygit2.enums import Option, RepositoryOpenFlag
from pygit2.references import References

MOST_OPEN_PACKS: Final = 64
"""Packs that libgit2 holds open at one moment. Each run adds packs to the person's repository, and
without a limit each of them would take a descriptor for as long as the process lives."""
_IN_A_CYCLE: Final = ("branches", "references", "remotes", "submodules")


def open_repository(path: Path | str) -> pygit2.Repository:
    """Open the repository at a path, not in a folder above it.

    The handle has no attribute `references` and the like: `refs_of` gives them.

    Raises:
        pygit2.GitError, KeyError, ValueError: there is none that can be opened.
    """
    pygit2.option(Option.SET_MWINDOW_FILE_LIMIT, MOST_OPEN_PACKS)
    repository = pygit2.Repository(str(path), RepositoryOpenFlag.NO_SEARCH)
    for name in _IN_A_CYCLE:
        vars(repository).pop(name, None)
    return repository


def refs_of(repository: pygit2.Repository) -> References:
    """The refs of a repository that `open_repository` has opened."""
    return References(repository)
