"""Files that a configuration which is code newly leaves out: `ignores` of eslint.config.js.

Owns reading such lists, and those of `.eslintignore`, without running the code. Pure; the text is a
stranger's.
"""

import fnmatch
import re
from collections.abc import Iterator, Sequence
from posixpath import dirname
from typing import Final

from longshift.domain.model import Severity
from longshift.engine.checking.hacks.shape import DISABLED, Change, Hack

_LIST: Final = re.compile(r"\bignores[\"']?\s{0,80}:\s{0,80}\[|\bglobalIgnores\(\s{0,80}\[")
_LIST_BEFORE: Final = re.compile(_LIST.pattern.replace("ignores", "(?:ignores|ignorePatterns)", 1))
"""What of `.eslintrc` says the same."""
_TEXT: Final = re.compile(r"\"([^\"\n]{1,200})\"|'([^'\n]{1,200})'|`([^`\n]{1,200})`")
_EITHER: Final = re.compile(r"\{[^{}]{0,200}\}")
LONGEST: Final = 4_000
"""Characters of a list that are read."""
LONGEST_PATTERN: Final = 200
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
    below = _below(one, base)
    for at, pattern, is_global in came[:MOST_NEW]:
        if not _holds(below, pattern):
            continue
        severity: Severity = "error" if is_global else "warning"
        message = f"Files are left out of a check: {pattern[:120]}"
        yield Hack(one.path, one.new.count("\n", 0, at) + 1, DISABLED, message, severity)


def lines_ignored(one: Change, base: Sequence[str], told: Sequence[str]) -> Iterator[Hack]:
    """The same of a file that lists patterns line by line (`.eslintignore`).

    Args:
        one: the file.
        base: every path of the old tree; where nothing is known of it, each pattern counts.
        told: configuration that said what is left out before.
    """
    below = _below(one, base)
    stood = {part for text in told for _, part, _ in _patterns(text, _LIST_BEFORE)}
    came = [(number, line.strip()) for number, line in one.added]
    came = [(at, said) for at, said in came if said[:1] not in ("", "#", "!") and said not in stood]
    for number, pattern in came[:MOST_NEW]:
        said = pattern[:LONGEST_PATTERN]
        anywhere = f"**/{said}" if "/" not in said.rstrip("/") else said
        if not base or _holds(below, said) or _holds(below, anywhere):
            message = f"Files are left out of a check: {pattern[:120]}"
            yield Hack(one.path, number, DISABLED, message)


def _below(one: Change, base: Sequence[str]) -> Sequence[str]:
    folder = f"{dirname(one.path)}/".lstrip("/")
    inside = [path.removeprefix(folder) for path in base if path.startswith(folder)]
    return [text for path in inside for text in (path, f"/{path}")]  # for what begins with `**/`


def _patterns(text: str, opens: re.Pattern[str] = _LIST) -> Iterator[tuple[int, str, bool]]:
    """Each pattern with its place, and whether its list stands alone, for all rules."""
    for found in list(opens.finditer(text))[:MOST]:
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
