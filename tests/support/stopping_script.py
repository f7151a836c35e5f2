"""A scripted run as what each agent answers, for the real engine and the scripted model."""

import re
from itertools import count

from tests.support.engine_world import Script, call, flow, turn, write
from tests.support.stopping_spec import Cycle, Spec, path_of, reason, seen, text

CHEAP = {"prompt_tokens": 1, "completion_tokens": 0, "total_tokens": 1}


def flows(spec: Spec) -> list[Script]:
    """Who says what, in the order in which the engine asks for it."""
    found: list[Script] = []
    titles: dict[str, tuple[str, str]] = {}
    numbers, retries = count(1), False
    for number, cycle in enumerate(spec.cycle, 1):
        tasks = [*cycle.write, *cycle.give_up]
        if not retries:
            titles |= {key: (f"T{next(numbers)}", f"cycle {number} {key}.") for key in tasks}
            found.append(_planner(cycle, {key: titles[key][1] for key in tasks}))
        found += [_worker(key, titles[key][1], cycle) for key in tasks]
        again = [titles[key][0] for key in cycle.again]
        found.append(_judge(number, cycle, cycle.says, again))
        if cycle.second is not None:
            found.append(_judge(number, cycle, cycle.second, again))
        retries = (cycle.second or cycle.says) == "retry"
    return found


def _planner(cycle: Cycle, titles: dict[str, str]) -> Script:
    added = [
        call("add_task", title=title, instructions=f"Do: {title}", paths=[path_of(key)],
             acceptance=["F401 is gone."])
        for key, title in titles.items()
    ]  # fmt: skip
    end = call("finish", summary="Planned.", evidence="a.txt:1")
    return flow("planner", turn(*added, end, usage=CHEAP), times=1)


def _worker(key: str, title: str, cycle: Cycle) -> Script:
    path = path_of(key)
    if key in cycle.give_up:
        made = [call("give_up", reason="It can't be.")]
    elif cycle.write[key]:
        made = [write(path, text(cycle.write[key])), call("submit", summary="Did it.")]
    else:
        made = [call("delete_file", path=path), call("submit", summary="Did it.")]
    once_more = turn(made[-1], usage=CHEAP)  # where a gate has sent it back
    match = f"Do: {re.escape(title)}"
    return flow("worker", turn(*made, usage=CHEAP), once_more, match=match, times=1)


def _judge(number: int, cycle: Cycle, decision: str, again: list[str]) -> Script:
    reports = [
        call("report_finding", **seen(words).model_dump(), message=f"It is {seen(words).code}.",
             evidence="It stands there.")
        for words in cycle.sees
    ]  # fmt: skip
    verdict = call("verdict", reason=reason(number, cycle), decision=decision,
                   tasks=again if decision == "retry" else [])  # fmt: skip
    paid = {"prompt_tokens": cycle.cost, "completion_tokens": 0, "total_tokens": cycle.cost}
    if cycle.tries_done:
        done = call("verdict", reason=reason(number, cycle), decision="done")
        return flow("judge", turn(*reports, done, usage=CHEAP), turn(verdict, usage=paid), times=1)
    if cycle.steer:
        heard = turn(*reports, verdict, usage=paid, signal="judging", wait_for=["steered"])
        return flow("judge", heard, turn(verdict, usage=CHEAP), times=1)
    return flow("judge", turn(*reports, verdict, usage=paid), times=1)
