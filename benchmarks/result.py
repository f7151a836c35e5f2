"""What one benchmark brings back."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Table:
    """More about the figures than fits one line each.

    Attributes:
        title: what it shows, in a few words.
        head: the names of its columns.
        rows: its cells, as they are printed.
    """

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Line:
    """One line of a chart.

    Attributes:
        name: what it is of.
        x: where its points are.
        y: how high.
        error: how far each may be off, up and down; empty: it is not known.
        is_ideal: whether it is what could be reached at most, and nothing that was measured.
    """

    name: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    error: tuple[float, ...] = ()
    is_ideal: bool = False


@dataclass(frozen=True)
class Chart:
    """A picture of figures: `benchmarks.plots` draws it.

    Attributes:
        name: of its file, without the ending.
        title: what it shows, for who can't see it too.
        x: what goes to the right, with its unit.
        y: what goes up.
        lines: in the order in which they are named.
        is_log: whether both axes grow by factors.
    """

    name: str
    title: str
    x: str
    y: str
    lines: tuple[Line, ...]
    is_log: bool = False


@dataclass(frozen=True)
class Result:
    """One benchmark's figures.

    Attributes:
        name: the benchmark, as given to `python -m benchmarks`.
        figures: ratios measured side by side in this run; these gate.
        conditions: what the run stood on: sizes, counts, versions, absolute times with units in
            their names.
        limits: for each gated figure, the largest (`"max"`) or smallest (`"min"`) value allowed.
        tables: what stands beside the figures.
        charts: pictures of them.
    """

    name: str
    figures: dict[str, float]
    conditions: dict[str, str | int | float] = field(default_factory=dict)
    limits: dict[str, tuple[str, float]] = field(default_factory=dict)
    tables: tuple[Table, ...] = ()
    charts: tuple[Chart, ...] = ()
