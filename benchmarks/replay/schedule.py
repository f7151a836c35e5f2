"""The shortest time that a replay could take if nothing but the models took any.

Pure: plays planners and workers in virtual time.
"""

import heapq

from benchmarks.replay.server import slices
from benchmarks.replay.tasks import CALLS_A_REPLY, Plan


def shortest_s(plan: Plan, *, workers: int, latency_s: float) -> float:
    """Seconds from the goal to the verdict, where each answer takes `latency_s`.

    The planner delegates with its first answer; each sub-planner adds as many tasks with each
    answer as one may hold; a free worker takes the next task at once; the judge answers once.
    """
    ready = sorted(
        (2 + place // CALLS_A_REPLY, number)
        for part in slices(len(plan.tasks))
        for place, number in enumerate(part)
    )
    free = [0] * workers
    ended = 0
    for since, number in ready:
        turns = len(plan.tasks[number].turns) or 3
        done = max(since, heapq.heappop(free)) + turns
        heapq.heappush(free, done)
        ended = max(ended, done)
    return (ended + 1) * latency_s
