"""Tell by its name that something holds a secret.

Owns the names alone. Pure.
"""

import re
from typing import Final

_SECRET_NAME: Final = re.compile(
    r"api_?key|secret|passw|auth_?token|access_?token|(?:^|_)(?:key|token|auth(?:orization)?|credentials?)$",
    re.IGNORECASE,
)


def names_secret(name: str) -> bool:
    """Whether a key of a table, or a variable, is called as secrets are called."""
    return _SECRET_NAME.search(name) is not None
