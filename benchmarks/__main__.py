"""Run benchmarks: `python -m benchmarks NAME [--json] [--quick]`, or `all` of them.

Each is a module of this folder with `run(*, quick) -> Result`. Exit status 1 where a figure is
outside its limit.
"""

import argparse
import importlib
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.page import as_json, as_page, as_table, holds
from benchmarks.result import Result

NAMES = (
    "startup",
    "attach",
    "landing",
    "workspace",
    "journal",
    "recovery",
    "lsp",
    "review",
    "cage",
    "agents",
    "coordination",
    "prompts",
    "extension",
    "replay",
    "soak",
)
FOR_LONG = ("soak",)
"""Those that take an hour, and are no part of `all`."""
TAKE_MORE = ("prompts", "replay", "review", "soak")
"""Those with options of their own."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what was asked for and say whether every figure is within its limit."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("name", choices=[*NAMES, "all"])
    parser.add_argument("--json", action="store_true", help="one JSON object a benchmark")
    parser.add_argument("--quick", action="store_true", help="fewer repetitions; figures vary more")
    parser.add_argument(
        "--write",
        type=Path,
        help="put the tables into this Markdown page too, the charts into `pictures/` beside it",
    )
    parser.add_argument("--pictures", type=Path, help="write the charts to this folder")
    asked, further = parser.parse_known_args(arguments)
    names = tuple(n for n in NAMES if n not in FOR_LONG) if asked.name == "all" else (asked.name,)
    results: list[Result] = []
    for name in names:
        module = importlib.import_module(f"benchmarks.{name}")
        if further and asked.name not in TAKE_MORE:
            parser.error(f"unknown: {' '.join(further)}")
        more = {"arguments": further} if further else {}
        result = module.run(quick=asked.quick, **more)
        results.append(result)
        print(as_json(result) if asked.json else as_table(result), flush=True)
    if asked.write:
        before = asked.write.read_text(encoding="utf-8") if asked.write.exists() else ""
        asked.write.write_text(as_page(results, before, NAMES), encoding="utf-8")
    pictures = asked.pictures or (asked.write.parent / "pictures" if asked.write else None)
    if pictures:
        _draw(results, pictures)
    return int(any(not holds(result, figure) for result in results for figure in result.figures))


def _draw(results: Sequence[Result], folder: Path) -> None:
    charts = [chart for result in results for chart in result.charts]
    if not charts:
        return
    from benchmarks.plots import draw

    folder.mkdir(parents=True, exist_ok=True)
    for chart in charts:
        (folder / f"{chart.name}.svg").write_text(draw(chart), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
