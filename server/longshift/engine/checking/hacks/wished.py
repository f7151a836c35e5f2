"""Whether a person asked for what would else look like cheating.

Owns reading their own words: the goal, their steering, their constraints. Never a task's, which a
model wrote. Pure.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from longshift.engine.checking.hacks.shape import (
    COVERAGE,
    DELETED,
    DISABLED,
    SKIPPED,
    WEAKENED,
    Hack,
)

_AWAY: Final = r"(?:delet|remov|drop|prun|discard|get\w* rid of|merg|consolidat)"
_LESS: Final = r"(?:lower|reduc|relax|loosen|weaken)"
_OFF: Final = r"(?:disabl|silenc|ignor|suppress|turn\w* off|switch\w* off|exclud|skip)"
_TESTS: Final = r"(?:tests?|specs?|suite)\b"
_WISHES: Final[Mapping[str, Sequence[tuple[str, str]]]] = {
    DELETED: [(_AWAY, _TESTS)],
    SKIPPED: [(rf"(?:{_OFF}|xfail|quarantin)", rf"(?:{_TESTS}|describe\b)")],
    WEAKENED: [(rf"(?:{_LESS}|{_AWAY})", r"(?:assert\w*|expect\w*|tolerances?|tests?)\b")],
    DISABLED: [
        (
            rf"(?:{_OFF}|{_LESS})",
            r"(?:rules?|warnings?|checks?|lint\w*|mypy|ruff|eslint|pylint|flake8|ci|strict\w*)\b",
        ),
        # To remove warnings is to mend them; to remove what makes them is to turn it off.
        (_AWAY, r"(?:rules?|checks?|hooks?|jobs?|workflows?)\b"),
        (r"(?:add|us|put)", r"(?:noqa|type: ignore|eslint-disable|ts-ignore|suppressions?)\b"),
    ],
    COVERAGE: [(rf"(?:{_LESS}|{_AWAY}|{_OFF})", r"(?:coverage|fail_under|threshold)\b")],
}
_BETWEEN: Final = r"\w*(?:[^\S\n]+[^\s,.;:!?]{1,60}){0,5}?[^\S\n]+[^\s,;!?]{0,60}?"
_NOT: Final = re.compile(r"(?:\bnot|n't|\bnever|\bwithout|\bno)(?:\s+\w+){0,2}\s*$", re.IGNORECASE)
LARGEST: Final = 20_000


def as_wished(hacks: Sequence[Hack], said: str) -> list[Hack]:
    """What was found, as a warning where a person's own words ask for it.

    Args:
        hacks: what was found.
        said: everything that a person said to the run.
    """
    text = said[:LARGEST]
    wished = {
        code for code, wishes in _WISHES.items() if any(_asks(text, *wish) for wish in wishes)
    }
    return [
        replace(one, severity="warning")
        if one.severity == "error" and (one.code in wished or _names(text, one))
        else one
        for one in hacks
    ]


def _asks(text: str, verb: str, thing: str) -> bool:
    """Whether a sentence asks to do such a thing, and does not forbid it."""
    pattern = re.compile(rf"\b{verb}{_BETWEEN}\b{thing}", re.IGNORECASE)
    return any(
        not _NOT.search(text[max(0, m.start() - 40) : m.start()]) for m in pattern.finditer(text)
    )


def _names(text: str, one: Hack) -> bool:
    """Whether what is gone or turned off is named right behind such a verb."""
    verb, _ = _WISHES[one.code][0]
    names = [name for name in (*one.names, one.path) if len(name) > 3]
    return any(_asks(text, verb, rf"{re.escape(name)}(?!\w)") for name in names)
