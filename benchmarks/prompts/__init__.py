"""What the prompts bring: twenty cases with a model of the person's, graded by code.

`python -m benchmarks prompts [--cases P1,W3] [--runs 3] [--save FILE] [--compare A.json B.json]`

The static checks of the prompts always run. Cases run only where a model is configured; without
one no pass rate is stated. Case files are data, graders are code, and what a model did is judged
from the transcript alone.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from benchmarks.result import Result


def run(*, quick: bool = False, arguments: Sequence[str] = ()) -> Result:
    """Check the prompts and, where there is a model, evaluate them.

    Args:
        quick: one run a case instead of three.
        arguments: what stands behind the benchmark's name.
    """
    from benchmarks.prompts import evaluation  # the benchmarks' list needs none of it

    parser = argparse.ArgumentParser(prog="python -m benchmarks prompts")
    parser.add_argument("--cases", default="", help="names, with commas between; all by default")
    parser.add_argument("--runs", type=int, default=1 if quick else 3)
    parser.add_argument("--save", type=Path, help="write the results to this JSON file")
    parser.add_argument("--compare", type=Path, nargs=2, metavar=("BEFORE", "AFTER"))
    asked = parser.parse_args(arguments)
    if asked.compare:
        return evaluation.compare(*asked.compare)
    names = [name for name in asked.cases.split(",") if name]
    return evaluation.evaluate(names, runs=asked.runs, save=asked.save)
