"""When two reports speak of one defect, although numbers, quotes or the line's place have moved.

Pure. Owns what of a report counts: the path, the code, the message and the text of the line, each
folded. Must never look at a line's number: a defect that moves with its line stays what it is.
Secrets are masked by the caller first: a fingerprint is kept, and short texts can be guessed from
their digest.
"""

import hashlib
import re
from typing import Final

LENGTH: Final = 24
"""Hexadecimal digits of a fingerprint: 96 bits, far more than a repository has findings."""
_QUOTES: Final = str.maketrans(
    dict.fromkeys('"`\u00b4\u2018\u2019\u201c\u201d\u201e\u00ab\u00bb', "'")
)
_NUMBER: Final = re.compile(r"\b\d+(?:[.,:]\d+)*\b")
"""A number by itself: in `x1` it is part of a name."""
_FIXABLE: Final = re.compile(r"\[[*-]\]")
"""How ruff marks what it could mend by itself."""


def fingerprint(path: str, code: str, message: str, line_text: str) -> str:
    """The same for two reports of one defect.

    Args:
        path: of the file, as the report has it.
        code: the name of the kind of defect.
        message: what is wrong; how it is counted, quoted and spaced does not matter.
        line_text: the line that it stands on, with or without its line end.

    Returns:
        `LENGTH` hexadecimal digits.
    """
    parts = (path, fold_code(code), fold_message(message, code), fold_line(line_text))
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:LENGTH]


def fold_code(code: str) -> str:
    """A code without the differences that its writers make: `Off-By-One` is `off by one`."""
    return " ".join(re.split(r"[\s_-]+", code.strip().casefold()))


def fold_message(message: str, code: str = "") -> str:
    """A message without its numbers, kinds of quotes, letter case and spacing.

    A code that stands at its beginning or end, as in a linter's output, is left out too.
    """
    text = message.strip()
    name = re.escape(code.strip())
    if name:
        text = re.sub(rf"^{name}\b:?|\(?\[?{name}\]?\)?$", "", text)
    text = _FIXABLE.sub("", text).translate(_QUOTES).casefold()
    text = _NUMBER.sub("0", text)
    return " ".join(text.split()).rstrip(" .!;:")


def fold_line(line_text: str) -> str:
    """A line without its spacing: re-indented or reformatted it is the same line."""
    return " ".join(line_text.split())
