"""Figures over time in one line of blocks. Pure."""

from collections.abc import Sequence
from typing import Final

_BLOCKS: Final = "▁▂▃▄▅▆▇█"


def sparks(values: Sequence[float]) -> str:
    """A block for each value, the highest for the largest; what is not nothing is not the lowest.

    Args:
        values: none of them below zero.
    """
    top = max(values, default=0.0)
    return "".join(_block(value, top) for value in values)


def _block(value: float, top: float) -> str:
    if value <= 0 or top <= 0:
        return _BLOCKS[0]
    return _BLOCKS[max(1, min(len(_BLOCKS) - 1, round(value / top * (len(_BLOCKS) - 1))))]
