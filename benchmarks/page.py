"""Results as text: JSON, Markdown tables, and the page of all of them."""

import json
import platform
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict

from benchmarks.result import Result

NOT_IN_JSON = ("limits", "tables", "charts")
"""Left out; tables are there where a benchmark has some."""


def as_json(result: Result) -> str:
    """One JSON object: name, figures, conditions and tables."""
    wanted = {key: value for key, value in asdict(result).items() if key not in NOT_IN_JSON}
    if result.tables:
        wanted["tables"] = [asdict(table) for table in result.tables]
    return json.dumps(wanted)


def as_table(result: Result) -> str:
    """A Markdown table of the figures, the conditions beneath it, and what belongs to them."""
    rows = tuple(
        (figure, f"{value:.3g}", _limit(result, figure)) for figure, value in result.figures.items()
    )
    conditions = ", ".join(f"{key} {_shown(value)}" for key, value in result.conditions.items())
    lines = [f"## {result.name}", "", *_rows(("figure", "value", "limit"), rows), ""]
    if conditions:
        lines += [f"Conditions: {conditions}.", ""]
    for chart in result.charts:
        lines += [f"![{chart.title}](pictures/{chart.name}.svg)", ""]
    for table in result.tables:
        lines += [f"{table.title}:", "", *_rows(table.head, table.rows), ""]
    return "\n".join(lines)


def _rows(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    lines = [" | ".join(row) for row in (head, *rows)]
    lines.insert(1, "|".join(["---"] * len(head)))
    return [f"| {lines[0]} |", f"|{lines[1]}|", *(f"| {line} |" for line in lines[2:])]


def as_page(results: Iterable[Result], before: str, order: Sequence[str]) -> str:
    """The page with what was measured in the place of what it said of it before.

    Args:
        results: what was measured now.
        before: the page as it is; "": there is none.
        order: the names of all benchmarks.
    """
    parts = re.split(r"^## (\w+)\n", before, flags=re.MULTILINE)
    sections = {
        name: f"## {name}\n{text.rstrip()}\n"
        for name, text in zip(parts[1::2], parts[2::2], strict=True)
    }
    sections |= {result.name: as_table(result) for result in results}
    made = f"Python {platform.python_version()}, {platform.system()} {platform.machine()}"
    head = (
        "# Benchmarks\n\n"
        "Written by `make bench`; `python -m benchmarks NAME --write docs/benchmarks.md` measures\n"
        "one of them anew.\n"
        "Every figure is a ratio of two things measured side by side in the same run or, where\n"
        "its name ends in `_ms` or `_kb`, their difference in milliseconds or kilobytes (under\n"
        "review: how long the server's loop is held); absolute times stand under the conditions\n"
        f"and hold for one machine only ({made}).\n"
    )
    return "\n".join([head, *(sections[name] for name in order if name in sections)])


def _limit(result: Result, figure: str) -> str:
    if figure not in result.limits:
        return ""
    kind, value = result.limits[figure]
    kept = "" if holds(result, figure) else " (not met)"
    return f"at {'most' if kind == 'max' else 'least'} {value:g}{kept}"


def holds(result: Result, figure: str) -> bool:
    """Whether a figure is within its limit, if it has one."""
    if figure not in result.limits:
        return True
    kind, value = result.limits[figure]
    return result.figures[figure] <= value if kind == "max" else result.figures[figure] >= value


def _shown(value: str | float) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
