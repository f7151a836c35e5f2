"""The real difference between two releases, replayed: planner, workers and judge of a real run.

Django 5.0 becomes Django 5.2 three times over: by one task for each file that differs, by one for
each hunk, so that many workers are at one file, and from an empty repository. A server that knows
both releases speaks as the models, over real HTTP; client, engine, git, journal and language
server are real, with an editor attached that types and asks for its menu meanwhile. In the end
the run's head has the tree of the release, by its id.

The wall time is set against a bound below which no crew could be: the larger of what the models'
answers take, with as many workers and no time for anything else, and of the time in which a bare
client makes the same calls in the same run.
"""

from benchmarks.result import Result


def run(*, quick: bool = False, arguments: list[str] | None = None) -> Result:
    """Replay all three.

    Args:
        quick: one folder of Django, and a tenth of the workers.
        arguments: `--workers N`, `--latency-ms N` of each answer, `--mode by_file|…`.
    """
    from benchmarks.replay.measure import measure  # the server in this folder needs it not

    return measure(quick=quick, arguments=arguments or [])
