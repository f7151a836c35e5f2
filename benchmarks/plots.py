"""Charts of benchmarks as SVG: the same bytes for the same figures, for light and dark pages.

The only module that knows matplotlib, which takes a second to import: `python -m benchmarks` loads
this one where a picture is asked for.
"""

import io
from itertools import cycle
from typing import Any, Final

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter, NullLocator, StrMethodFormatter

from benchmarks.result import Chart

INK: Final = "#7a828c"
"""Of text and axes: readable on white and on black, as are the colours."""
COLOURS: Final = ("#1f83d6", "#d9822b", "#2a9d67", "#b85fb8", "#c0504d", "#7f7f1f")
MARKS: Final = ("o", "s", "^", "D", "v", "P")
_STYLE: Final[Any] = {
    "svg.fonttype": "none",  # text stays text, in the reader's own face
    "svg.hashsalt": "longshift",
    "font.family": "sans-serif",
    "font.size": 11,
    **dict.fromkeys(
        ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color"), INK
    ),
}


def draw(chart: Chart) -> str:
    """A chart as an SVG document."""
    with rc_context(_STYLE):
        figure = Figure(figsize=(7.2, 4.8), layout="tight")
        axes = figure.subplots()
        _draw_lines(axes, chart)
        _draw_axes(axes, chart)
        drawn = io.StringIO()
        figure.savefig(
            drawn,
            format="svg",
            transparent=True,
            metadata={"Date": None, "Creator": None, "Title": chart.title},
        )
    return "".join(f"{line.rstrip()}\n" for line in drawn.getvalue().splitlines())


def _draw_lines(axes: Axes, chart: Chart) -> None:
    looks = cycle(zip(COLOURS, MARKS, strict=True))
    for line in chart.lines:
        if line.is_ideal:
            axes.plot(line.x, line.y, color=INK, linestyle="--", linewidth=1, label=line.name)
            continue
        colour, mark = next(looks)
        axes.errorbar(
            line.x,
            line.y,
            yerr=line.error or None,
            color=colour,
            marker=mark,
            markersize=5,
            linewidth=1.8,
            capsize=3,
            label=line.name,
        )


def _draw_axes(axes: Axes, chart: Chart) -> None:
    if chart.is_log:
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_xticks(sorted({x for line in chart.lines for x in line.x}))
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(StrMethodFormatter("{x:g}"))
            axis.set_minor_formatter(NullFormatter())
        axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlabel(chart.x)
    axes.set_ylabel(chart.y)
    axes.set_title(chart.title, fontsize=12)
    axes.grid(visible=True, color=INK, alpha=0.25, linewidth=0.6)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    axes.legend(frameon=False)
