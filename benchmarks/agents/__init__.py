"""What an agent's turn costs, beside a bare loop over the same client and beside other frameworks.

Every contestant leads the same conversations (a system prompt, tools, so many turns with one tool
call each) against the same server, which is a process of its own. Each measurement is a process
too, so that none pays for another's imports or garbage.
"""

from benchmarks.result import Result


def run(*, quick: bool = False) -> Result:
    """Measure all contestants.

    Args:
        quick: fewer agents and rounds; noisier.
    """
    from benchmarks.agents.measure import measure_all  # the servers in this folder need it not

    return measure_all(quick=quick)
