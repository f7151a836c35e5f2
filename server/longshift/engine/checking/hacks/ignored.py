"""Files that a configuration which is code newly leaves out: `ignores` of eslint.config.js.

Owns reading such lists without running the code. Pure; the text is a stranger's.
"""

import fnmatch
import re
from collections.abc import Iterator, Sequence
from posixpath import dirname
from typing import Final

from longshift.domain.model import Severity
from longshift.engine.checking.hacks.shape import DISABLED, Change, Hack

_LIST: Final = re.compile(r"\bignores[\"']?\s{0,80}:\s{0,80}\[|\bglobalIgnores\(\s{0,80}\[")
_TEXT: Final = re.compile(r"\"([^\"\n]{1,200})\"|'([^'\n]{1,200})'|`([^`\n]{1,200})`")
_EITHER: Final = re.compile(r"\{[^{}]{0,200}\}")
LONGEST: Final = 4_000
"""Characters of a list that are read."""
MOST: Final = 200
"""Lists that are read."""
MOST_NEW: Final = 30
"""New patterns that are held against the files."""


def newly_ignored(one: Change, base: Sequence[str]) -> Iterator[Hack]:
    """Patterns that came, and by which files are left out that there were.

    Args:
        one: the configuration.
        base: every path of the old tree; what is only made when the code is built is not there.
    """
    if one.old is None or one.new is None or "eslint" not in one.path:
        return
    stood = {pattern for _, pattern, _ in _patterns(one.old)}
    came = [found for found in _patterns(one.new) if found[1] not in stood]
    folder = f"{dirname(one.path)}/".lstrip("/")
    inside = [path.removeprefix(folder) for path in base if path.startswith(folder)]
    below = [text for path in inside for text in (path, f"/{path}")]  # for what begins with `**/`
    for at, pattern, is_global in came[:MOST_NEW]:
        if not _holds(below, pattern):
            continue
        severity: Severity = "error" if is_global else "warning"
        message = f"Files are left out of a check: {pattern[:120]}"
        yield Hack(one.path, one.new.count("\n", 0, at) + 1, DISABLED, message, severity)


def _patterns(text: str) -> Iterator[tuple[int, str, bool]]:
    """Each pattern with its place, and whether its list stands alone, for all rules."""
    for found in list(_LIST.finditer(text))[:MOST]:
        end = text.find("]", found.end(), found.end() + LONGEST)
        before = text[max(0, found.start() - 80) : found.start()].rstrip(" \t\r\n\"'")
        behind = text[end + 1 : end + 80].lstrip(" \t\r\n,")
        alone = "globalIgnores" in found.group() or (before[-1:] == "{" and behind[:1] == "}")
        for part in _TEXT.finditer(text, found.end(), max(end, found.end())):
            yield part.start(), next(filter(None, part.groups())), alone


def _holds(below: Sequence[str], pattern: str) -> bool:
    """Whether a pattern fits a file, or a folder that holds one."""
    if pattern.startswith("!"):
        return False
    plain = _EITHER.sub("*", pattern).removeprefix("./").lstrip("/")
    folder = plain.rstrip("/").removesuffix("/**")
    return any(fnmatch.filter(below, one) for one in (plain, f"{folder}/*"))
