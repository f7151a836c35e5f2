"""Whether a server that works on run after run stays as large as it was.

One real server over stdio with an editor at it, real repositories, real HTTP to a scripted model
that takes no time to think. Each round is a whole run: two cycles, a conflict, a command, a
finding, decisions of every kind, another process that asks over the control socket. After the first
minutes memory and open files must not grow any more.
"""

import argparse

from benchmarks.result import Result


def run(*, quick: bool = False, arguments: list[str] | None = None) -> Result:
    """Let a server work, and measure it.

    Args:
        quick: for a minute only; proves the harness and nothing about an hour.
        arguments: `--minutes M` works for so long; `--keep N` forgets all runs but the last N, 0
            none; `--log FILE` writes a line of JSON for each reading.
    """
    from benchmarks.soak.measure import Length, measure

    parser = argparse.ArgumentParser(prog="python -m benchmarks soak")
    parser.add_argument("--minutes", type=float, default=1.0 if quick else 60.0)
    parser.add_argument("--keep", type=int, default=10)
    parser.add_argument("--log")
    asked = parser.parse_args(arguments or [])
    return measure(Length.of_minutes(asked.minutes), keep=asked.keep, log=asked.log)
