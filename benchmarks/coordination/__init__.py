"""How much of a crew's time becomes work, for each strategy and size.

Every play is a run of the real engine: its journal, git store, conversations and tools. Only
thinking is simulated, and time is virtual, so hours of hundreds of agents take seconds and the
same seed gives the same play. `play` defines what is measured, `parameters.toml` what it stands
on, and `docs/coordination.md` says what follows from it and what does not.
"""

from benchmarks.coordination import measure
from benchmarks.result import Result


def run(*, quick: bool = False) -> Result:
    """Measure effective workers from 1 to 500 agents, and sweep the parameters at 20.

    Args:
        quick: fewer seeds, at most 50 agents, no sweep.
    """
    return measure.run(quick=quick)
