"""What one benchmark brings back."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Result:
    """One benchmark's figures.

    Attributes:
        name: the benchmark, as given to `python -m benchmarks`.
        figures: ratios measured side by side in this run; these gate.
        conditions: what the run stood on: sizes, counts, versions, absolute times with units in
            their names.
        limits: for each gated figure, the largest (`"max"`) or smallest (`"min"`) value allowed.
    """

    name: str
    figures: dict[str, float]
    conditions: dict[str, str | int | float] = field(default_factory=dict)
    limits: dict[str, tuple[str, float]] = field(default_factory=dict)
