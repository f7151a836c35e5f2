"""Tell a key from a name, so that no key is kept in a file or repeated in a message.

Owns the guess alone; errs on the side of silence. Must never return or print what it looked at.
"""

import re
from typing import Final

_KNOWN_KEY: Final = re.compile(
    r"""(?<![A-Za-z0-9])
    (?: sk[-_] | rk[-_] | gsk_ | hf_ | r8_ | xai- | nvapi- | pplx- | glpat- | gh[opsu]_
      | github_pat_ | AIza | AKIA )
    (?= [A-Za-z0-9_-]{0,99} [0-9] ) [A-Za-z0-9_-]{12,}""",
    re.VERBOSE,
)
_SECRET_NAME: Final = re.compile(
    r"api_?key|secret|passw|auth_?token|access_?token|(?:^|_)(?:key|token|auth(?:orization)?|credentials?)$",
    re.IGNORECASE,
)


def holds_key(text: str) -> bool:
    """Whether a text has something in it that looks like a provider's key."""
    return _KNOWN_KEY.search(text) is not None


def looks_like_key(value: str) -> bool:
    """Whether what should be the NAME of a variable looks like the key itself."""
    one_long_word = len(value) >= 24 and "_" not in value
    return holds_key(value) or (one_long_word and any(map(str.isdigit, value)))


def names_secret(name: str) -> bool:
    """Whether a key that is no setting is called as secrets are called."""
    return _SECRET_NAME.search(name) is not None
