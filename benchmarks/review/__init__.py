"""What review costs a person who types: the menu at one line, a keystroke, and workers that land.

Real server processes over stdio, real repositories, real runs by a scripted model in a process of
its own. What a keystroke and a landing cost is read off the server's loop: it is one thread, and
while something holds it the editor waits.
"""

from benchmarks.result import Result


def run(*, quick: bool = False, arguments: list[str] | None = None) -> Result:
    """Measure all figures.

    Args:
        quick: fewer repetitions; figures vary more.
        arguments: `--long` measures landing workers for ten minutes instead of half of one.
    """
    from benchmarks.review.measure import measure  # the server in this folder needs it not

    return measure(quick=quick, long="--long" in (arguments or []))
