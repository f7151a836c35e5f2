"""The three replays, and the figures made of them. Owns the limits."""

import argparse
import statistics
import sys
from collections.abc import Sequence
from typing import Final, get_args

from benchmarks.replay.playing import Played, play
from benchmarks.replay.releases import AFTER, BEFORE
from benchmarks.replay.tasks import Mode, Replay, part_of, replay
from benchmarks.result import Result

WORKERS: Final = 500
LATENCY_MS: Final = 5_000
"""Of each answer: some hundred tokens of a quick model. `--latency-ms 2000` shows where the
machine, and no longer the model, is what is waited for."""
QUICK_WORKERS: Final = 50
QUICK_LATENCY_MS: Final = 300
QUICK_PART: Final = "django/contrib/admin/"

LIMITS: Final = {
    "wall_over_bound": ("max", 1.3),
    "tree_identical": ("min", 1.0),
    "memory_gb": ("max", 1.5),
    "code_action_p95_ms": ("max", 50.0),
}
"""Of each replay's figures."""


def measure(*, quick: bool, arguments: Sequence[str]) -> Result:
    """Play the replays, one after the other."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks replay")
    parser.add_argument("--workers", type=int, default=QUICK_WORKERS if quick else WORKERS)
    latency_ms = QUICK_LATENCY_MS if quick else LATENCY_MS
    parser.add_argument("--latency-ms", type=int, default=latency_ms)
    parser.add_argument("--mode", choices=get_args(Mode), action="append")
    asked = parser.parse_args(arguments)
    before, after = BEFORE.files(), AFTER.files()
    if quick:
        before, after = part_of(before, QUICK_PART), part_of(after, QUICK_PART)
    figures: dict[str, float] = {}
    limits: dict[str, tuple[str, float]] = {}
    conditions: dict[str, str | int | float] = {
        "before": f"{BEFORE.name} {BEFORE.version}",
        "after": f"{AFTER.name} {AFTER.version}",
        "part": QUICK_PART if quick else "all",
        "workers": asked.workers,
        "latency_ms": asked.latency_ms,
        "python": sys.version.split()[0],
    }
    for mode in asked.mode or get_args(Mode):
        it = replay(mode, before, after)
        played = play(it, workers=asked.workers, latency_s=asked.latency_ms / 1000)
        for name, value in _figures(played).items():
            figures[f"{mode}_{name}"] = value
            if name in LIMITS:
                limits[f"{mode}_{name}"] = LIMITS[name]
        conditions |= {f"{mode}_{name}": one for name, one in _conditions(it, played).items()}
    return Result("replay", figures, conditions, limits)


def _figures(played: Played) -> dict[str, float]:
    stalls, others = (sorted(one) for one in played.stalls_s)
    return {
        "wall_over_bound": round(played.course.wall_s / played.bound_s, 3),
        "tree_identical": float(played.is_identical),
        "conflicts_a_landing": round(
            played.course.counts["landing.conflict"] / played.course.counts["task.landed"], 4
        ),
        "memory_gb": round(played.memory_gb, 3),
        "code_action_p95_ms": _ms(_at(sorted(played.menus_s), 0.95)),
        "stall_p99_ms": _ms(max(0.0, _at(stalls, 0.99) - _at(others, 0.99))),
        "stall_max_ms": _ms(stalls[-1]),
        "cpu_over_bare": round(played.cpu_s / played.bare.cpu_s, 2),
    }


def _conditions(it: Replay, played: Played) -> dict[str, str | int | float]:
    course, others = played.course, sorted(played.stalls_s[1])
    told: dict[str, str | int | float] = {
        "outcome": course.outcome,
        "tasks": len(it.plan.tasks),
        "files_before": len(it.before),
        "files_after": len(it.after),
        "lines_after": sum(file.data.count(b"\n") for file in it.after.values()),
        "calls": course.counts["model.called"],
        "landings": course.counts["task.landed"],
        "landings_an_hour": round(course.counts["task.landed"] / course.landed_s * 3600),
        "conflicts": course.counts["landing.conflict"],
        "failed_attempts": course.counts["attempt.failed"],
        "wall_s": round(course.wall_s, 2),
        "bound_by_models_s": round(played.scheduled_s, 2),
        "bound_by_bare_client_s": round(played.bare.wall_s, 2),
        "first_attempt_s": round(course.first_attempt_s, 2),
        "planned_s": round(course.planned_s, 2),
        "landed_s": round(course.landed_s, 2),
        "cpu_s": round(played.cpu_s, 2),
        "bare_client_cpu_s": round(played.bare.cpu_s, 2),
        "code_action_median_ms": _ms(statistics.median(played.menus_s)),
        "code_actions": len(played.menus_s),
        "idle_loop_stall_p99_ms": _ms(_at(others, 0.99)),
        "idle_loop_stall_max_ms": _ms(others[-1]),
        **{f"left_out_for_{why}": count for why, count in it.left_out.items()},
    }
    if played.strange:
        told["not_understood"] = "; ".join(played.strange)[:500]
    return told


def _at(values: Sequence[float], share: float) -> float:
    return values[min(len(values) - 1, int(len(values) * share))]


def _ms(seconds: float) -> float:
    return round(seconds * 1e3, 2)
