"""Words of models, tools and repositories on their way to the person's screen.

Owns the one guard that they pass: titles, sentences and messages hold no secret, and what a reader
would not see in them is shown. Code is never sent through here: it is the person's, and exact.
"""

from longshift.screening.hidden import visible
from longshift.screening.secrets import mask


def shown(text: str) -> str:
    """The text as it may be shown."""
    return visible(mask(text))
