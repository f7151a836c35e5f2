"""Words of models, tools and repositories on their way to the person's screen.

Owns the one guard that they pass: titles, sentences and messages hold no secret, and what a reader
would not see in them is shown. Code is never sent through here: it is the person's, and exact.
"""

from functools import lru_cache
from typing import Final

from longshift.screening.hidden import visible
from longshift.screening.known import KNOWN
from longshift.screening.secrets import mask

SHORT: Final = 512
"""Characters of a text whose form is remembered: the few titles that stand in many actions."""


def shown(text: str) -> str:
    """The text as it may be shown."""
    return _remembered(text, KNOWN.n_changes) if len(text) <= SHORT else visible(mask(text))


@lru_cache(1024)
def _remembered(text: str, _known: int) -> str:
    return visible(mask(text))
