"""Globs as in .gitignore, written by models and by strangers' settings.

Pure. Owns which are taken: a glob's stars are tried out in every way, so the time that one name
takes grows by a power with each of them; those with too many are refused before they are used.
"""

import re
import warnings
from collections.abc import Sequence
from typing import Final

from pathspec import GitIgnoreSpec

_MOST_STARS: Final = 3
_MOST_FOLDER_STARS: Final = 2


def parse_globs(globs: Sequence[str]) -> GitIgnoreSpec:
    """Make globs ready to match.

    Raises:
        ValueError: one of them is malformed or could take unbounded time; says what is wrong.
    """
    for glob in globs:
        _refuse_many_stars(glob)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # "possible nested set" and its kin
            return GitIgnoreSpec.from_lines(globs)
    except (OverflowError, re.error) as error:
        raise ValueError(str(error)) from error


def _refuse_many_stars(glob: str) -> None:
    parts = glob.split("/")
    # Stars in a row count singly: the library tries them all out.
    stars = max(part.count("*") for part in parts)
    if stars > _MOST_STARS or parts.count("**") > _MOST_FOLDER_STARS:
        raise ValueError(
            f"it could take unbounded time, with more than {_MOST_STARS} stars in one name or "
            f"more than {_MOST_FOLDER_STARS} times **"
        )
