"""Run benchmarks: `python -m benchmarks NAME [--json] [--quick]`, or `all` of them.

Each is a module of this folder with `run(*, quick) -> Result`. Exit status 1 where a figure is
outside its limit.
"""

import argparse
import importlib
import json
import platform
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from benchmarks.result import Result

NAMES = (
    "startup",
    "landing",
    "workspace",
    "journal",
    "lsp",
    "review",
    "cage",
    "agents",
    "coordination",
    "prompts",
    "extension",
    "replay",
)
TAKE_MORE = ("prompts", "replay", "review")
"""Those with options of their own."""
NOT_IN_JSON = ("limits", "tables", "charts")
"""Left out; tables are there where a benchmark has some."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what was asked for and say whether every figure is within its limit."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("name", choices=[*NAMES, "all"])
    parser.add_argument("--json", action="store_true", help="one JSON object a benchmark")
    parser.add_argument("--quick", action="store_true", help="fewer repetitions; figures vary more")
    parser.add_argument(
        "--write",
        type=Path,
        help="write the tables to this Markdown file too, and the charts to `pictures/` beside it",
    )
    parser.add_argument("--pictures", type=Path, help="write the charts to this folder")
    asked, further = parser.parse_known_args(arguments)
    names = NAMES if asked.name == "all" else (asked.name,)
    results: list[Result] = []
    for name in names:
        module = importlib.import_module(f"benchmarks.{name}")
        if further and asked.name not in TAKE_MORE:
            parser.error(f"unknown: {' '.join(further)}")
        more = {"arguments": further} if further else {}
        result = module.run(quick=asked.quick, **more)
        results.append(result)
        print(_as_json(result) if asked.json else _as_table(result), flush=True)
    if asked.write:
        asked.write.write_text(_as_page(results), encoding="utf-8")
    pictures = asked.pictures or (asked.write.parent / "pictures" if asked.write else None)
    if pictures:
        _draw(results, pictures)
    return int(any(not _holds(result, figure) for result in results for figure in result.figures))


def _draw(results: Sequence[Result], folder: Path) -> None:
    charts = [chart for result in results for chart in result.charts]
    if not charts:
        return
    from benchmarks.plots import draw

    folder.mkdir(parents=True, exist_ok=True)
    for chart in charts:
        (folder / f"{chart.name}.svg").write_text(draw(chart), encoding="utf-8")


def _as_json(result: Result) -> str:
    wanted = {key: value for key, value in asdict(result).items() if key not in NOT_IN_JSON}
    if result.tables:
        wanted["tables"] = [asdict(table) for table in result.tables]
    return json.dumps(wanted)


def _as_table(result: Result) -> str:
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


def _as_page(results: Sequence[Result]) -> str:
    made = f"Python {platform.python_version()}, {platform.system()} {platform.machine()}"
    head = (
        "# Benchmarks\n\n"
        "Written by `make bench`.\n"
        "Every figure is a ratio of two things measured side by side in the same run or, where\n"
        "its name ends in `_ms` or `_kb`, their difference in milliseconds or kilobytes (under\n"
        "review: how long the server's loop is held); absolute times stand under the conditions\n"
        f"and hold for one machine only ({made}).\n"
    )
    return head + "\n" + "\n".join(_as_table(result) for result in results)


def _limit(result: Result, figure: str) -> str:
    if figure not in result.limits:
        return ""
    kind, value = result.limits[figure]
    kept = "" if _holds(result, figure) else " (not met)"
    return f"at {'most' if kind == 'max' else 'least'} {value:g}{kept}"


def _holds(result: Result, figure: str) -> bool:
    if figure not in result.limits:
        return True
    kind, value = result.limits[figure]
    return result.figures[figure] <= value if kind == "max" else result.figures[figure] >= value


def _shown(value: str | float) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    sys.exit(main())
