"""Which rules a goal's words ask for.

Owns the table from words to ruff's selectors, and the line that carries the rules from planner
to worker. Must never guess: words that no row knows are said to be out of reach.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal, TypeAlias

Quotes: TypeAlias = Literal["double", "single", "preserve"]
Indent: TypeAlias = Literal["space", "tab"]

TARGETS: Final = tuple(f"py3{minor}" for minor in range(7, 15))


@dataclass(frozen=True, slots=True)
class Rules:
    """What to fix, and in which style."""

    select: tuple[str, ...] = ()
    """Ruff's selectors."""
    format: bool = False
    target: str | None = None
    """Oldest Python that the code must run on, as ruff writes it; None: ruff's default."""
    line_length: int | None = None
    quotes: Quotes | None = None
    indent: Indent | None = None
    first_party: tuple[str, ...] = ()
    """Top-level names of the project itself: the order of imports depends on them."""
    lines: tuple[int, int] | None = None
    """First and last line that may change; None: all."""

    def __bool__(self) -> bool:
        return bool(self.select) or self.format

    def line(self) -> str:
        """The rules as a line of a task's instructions."""
        values = {
            "select": ",".join(self.select),
            "format": "yes" if self.format else "",
            "target": self.target,
            "line-length": self.line_length,
            "quotes": self.quotes,
            "indent": self.indent,
            "first-party": ",".join(self.first_party),
            "lines": self.lines and f"{self.lines[0]}-{self.lines[1]}",
        }
        return "Rules: " + "; ".join(f"{name}={value}" for name, value in values.items() if value)


@dataclass(frozen=True, slots=True)
class GoalReading:
    """What rules can and can't do of a goal."""

    rules: Rules
    label: str
    """The work in a few words, to begin a title with."""
    outside: tuple[str, ...]
    """Parts of the goal that ask for what no rule can do."""
    kept_out: tuple[str, ...]
    """Constraints that no rule could read; nothing here can check them."""


@dataclass(frozen=True, slots=True)
class _Row:
    label: str
    asked: re.Pattern[str]
    """Words of a goal that ask for it."""
    forbidden: re.Pattern[str]
    """Words of a constraint that, beside a "no", forbid it."""
    select: tuple[str, ...]
    formats: bool = False


def _row(label: str, asked: str, forbidden: str, *select: str, formats: bool = False) -> _Row:
    flags = re.IGNORECASE
    return _Row(label, re.compile(asked, flags), re.compile(forbidden, flags), select, formats)


_CODE: Final = (
    r"((all|the|this|our|my|python|source) )*(code|files?|sources?|modules?|project|repo)"
)

_TABLE: Final = (
    _row(
        "Modernise",
        r"\bmoderni[sz]|\bpresent form of its language\b|\bpyupgrade\b"
        r"|\bmodern (python|syntax|code|idioms?|style)"
        r"|\bupgrade\b.{0,30}\b(python|syntax)\b|\bpython ?3\.\d+ (syntax|idioms?|features?)"
        r"|\b(modern|new)\w* (type hints?|annotations?)",
        r"moderni|pyupgrade|\bsyntax\b|upgrade",
        "UP",
    ),
    _row(
        "Lint",
        r"\blint|\bruff (check|finds|reports)|\b(flake8|pyflakes|pycodestyle)\b",
        r"\blint",
        "E4", "E7", "E9", "F", "W", "B", "I",
    ),
    _row(
        "Sort imports",
        r"\b(sort|order|organi[sz]e|tidy)\w*\b.{0,20}\bimports?\b"
        r"|\bimports?\b.{0,12}\b(order|sort)|\bisort\b",
        r"\bimports?\b",
        "I",
    ),
    _row(
        "Remove unused code",
        r"\bunused\b|\bdead code\b|\bcode that nothing uses\b",
        r"\bunused\b|\bdead code\b",
        "F401", "F811", "F841",
    ),
    _row("Simplify", r"\bsimplif", r"\bsimplif", "SIM", "C4", "PIE"),
    _row("Tidy whitespace", r"\bwhite ?space\b", r"\bwhite ?space\b", "W"),
    _row(
        "Format",
        rf"\b(re)?format(ting)? {_CODE}|\bcode (style|format)|\b{_CODE} format|\bformatting\b"
        r"|\bblack\b|\bruff format\b|^\W*(re)?format\W*$",
        r"format|\bblack\b|\bstyle\b",
        formats=True,
    ),
)  # fmt: skip

_NO: Final = re.compile(
    r"\b(no|not|never|don'?t|without|avoid|leave|reject\w*|keep)\b", re.IGNORECASE
)
_VERSION: Final = re.compile(r"\bpython ?(>= ?)?3\.(\d+)", re.IGNORECASE)
_CLAUSES: Final = re.compile(r"\band\b|[,;\n]|\.(?:\s|$)", re.IGNORECASE)
_BEYOND: Final = re.compile(
    r"^\W*(?:then |also |please )*(add|write|implement|create|rename|translate|document|test"
    r"|refactor|optimi[sz]e|delete|move|replace|explain|convert|migrate|support|extract|split)\s+\w",
    re.IGNORECASE,
)


def read_goal(goal: str, constraints: Sequence[str], codes: Sequence[str] = ()) -> GoalReading:
    """Say which rules a goal asks for, what it asks beyond them, and what constraints leave.

    Args:
        goal: the person's words.
        constraints: sentences that every plan must obey.
        codes: codes of diagnostics that the goal is about; they alone then choose the rules.
    """
    if by_code := _codes(",".join(codes)):
        target = _oldest_target("", constraints)
        return GoalReading(Rules(by_code, target=target), f"Fix {' and '.join(by_code)} in", (), ())
    rows = [row for row in _TABLE if row.asked.search(goal)]
    clauses = [clause.strip() for clause in _CLAUSES.split(goal) if clause.strip()]
    beyond = tuple(
        clause
        for clause in clauses
        if _BEYOND.search(clause) and not any(row.asked.search(clause) for row in rows)
    )
    forbidden = {row for row in _TABLE for text in constraints if _forbids(text, row)}
    kept = [row for row in rows if row not in forbidden]
    left_out = {code for row in forbidden for code in row.select}
    select = dict.fromkeys(code for row in kept for code in row.select if code not in left_out)
    rules = Rules(
        tuple(select), any(row.formats for row in kept), _oldest_target(goal, constraints)
    )
    kept_out = tuple(
        text
        for text in constraints
        if not _VERSION.search(text) and not any(_forbids(text, row) for row in _TABLE)
    )
    label = " and ".join(
        row.label if number == 0 else row.label.lower() for number, row in enumerate(kept)
    )
    return GoalReading(rules, label, beyond, kept_out)


def forbidden_paths(paths: Iterable[str], constraints: Sequence[str]) -> frozenset[str]:
    """Paths that a constraint names.

    What the constraint says of them no rule can know, so they are left alone: a hunk that the
    person rejected is never proposed again.
    """
    return frozenset(
        path
        for path in paths
        for text in constraints
        if re.search(rf"(?<![\w/.-]){re.escape(path)}(?![\w/-])", text)
    )


def parse_rules(instructions: str) -> Rules | None:
    """Read the line that `Rules.line` wrote; None where there is none that makes sense."""
    line = re.search(r"^Rules:(.*)$", instructions, re.MULTILINE)
    if line is None:
        return None
    pairs = (pair.partition("=") for pair in line[1].split(";"))
    values = {name.strip(): value.strip() for name, _, value in pairs}
    rules = Rules(_codes(values.get("select", "")), values.get("format") == "yes")
    lines = re.fullmatch(r"([1-9]\d{0,6})-([1-9]\d{0,6})", values.get("lines", ""))
    names = tuple(name for name in values.get("first-party", "").split(",") if name.isidentifier())
    return replace(
        with_style(rules, values),
        target=values["target"] if values.get("target") in TARGETS else None,
        first_party=names,
        lines=(int(lines[1]), int(lines[2])) if lines else None,
    )


def with_style(rules: Rules, values: dict[str, str]) -> Rules:
    """`rules` with those values of `line-length`, `quotes` and `indent` that are allowed."""
    length = values.get("line-length", "")
    quotes: dict[str, Quotes] = {"double": "double", "single": "single", "preserve": "preserve"}
    indents: dict[str, Indent] = {"space": "space", "tab": "tab"}
    return replace(
        rules,
        line_length=int(length) if re.fullmatch(r"[1-9]\d{0,2}", length) else None,
        quotes=quotes.get(values.get("quotes", "")),
        indent=indents.get(values.get("indent", "")),
    )


def _forbids(constraint: str, row: _Row) -> bool:
    return bool(_NO.search(constraint) and row.forbidden.search(constraint))


def _oldest_target(goal: str, constraints: Sequence[str]) -> str | None:
    """The Python that the goal names, or an older one that a constraint insists on."""
    minors = [int(match[2]) for text in (goal, *constraints) for match in _VERSION.finditer(text)]
    known = [minor for minor in minors if f"py3{minor}" in TARGETS]
    return f"py3{min(known)}" if known else None


def _codes(text: str) -> tuple[str, ...]:
    return tuple(code for code in text.split(",") if re.fullmatch(r"[A-Z]{1,5}\d{0,4}", code))
