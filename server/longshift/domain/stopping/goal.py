"""When a goal counts as met: the judge says done, and where that was marginal a second one too.

Owns what makes a `done` marginal. Pure. That no check newly fails and no error of the run's own is
open is seen to before a judge can say `done` at all (`engine.desks.judging`), but where the person
has the gates advise or be off.
"""

from typing import Final

from longshift.domain.state import CycleRecord, Run
from longshift.domain.stopping.shapes import Stop, ending

UNCLEAR_BELOW: Final = 12
"""Characters of a reason that says nothing: "Done.", "LGTM", "All good"."""
ADVICE: Final = (
    "What landed is kept. `longshift steer {run} …` can tell the planner a way, then "
    "`longshift resume {run}`; or start another goal."
)
UNCHECKED_LINES: Final = 200
"""Changed lines that one judge can vouch for where no check looks at them."""


def doubts(run: Run) -> tuple[str, ...]:
    """What makes the last `done` marginal, in words; empty: one judge is enough."""
    last = run.cycles[-1]
    lost = list(last.lost)
    lines = last.diff_lines or 0
    verdict = last.verdict
    found = (
        last.weighty and f"{_counted(last.weighty, 'finding')} of weight are open",
        lost and f"{_counted(len(lost), 'task')} of the cycle did not land ({', '.join(lost[:3])})",
        verdict
        and last.checks not in ("", "passed")
        and len(verdict.reason.strip()) < UNCLEAR_BELOW
        and "the judge gave no reason that says anything",
        last.checks == "failed" and "checks fail on this head",
        last.checks == "none"
        and lines > UNCHECKED_LINES
        and f"no check looks at {lines:,} changed lines",
    )
    return tuple(one for one in found if isinstance(one, str))


def wants_second_judge(run: Run) -> str:
    """Why a second judge has to agree that the goal is met, in words; "": none has to."""
    last = run.cycles[-1]
    if run.started.stop.second_judge == "never" or last.looks > 1:
        return ""
    return "; ".join(doubts(run))


def goal_met(run: Run) -> Stop | None:
    """The judge says done, and so does a second one where that was marginal."""
    last = run.cycles[-1]
    if last.verdict is None or last.verdict.decision != "done" or wants_second_judge(run):
        return None
    return Stop("goal_met", "done", last.verdict.reason, _figures(last))


def given_up(run: Run) -> Stop | None:
    """The judge says that the goal can't be reached."""
    last = run.cycles[-1]
    if last.verdict is None or last.verdict.decision != "give_up":
        return None
    reason = ending(run, "given_up", "the judge sees no way to the goal.", ADVICE)
    return Stop("given_up", "gave_up", reason, _figures(last))


def _figures(last: CycleRecord) -> dict[str, int | float | str]:
    figures: dict[str, int | float | str] = {"judges": last.looks, "open_findings": last.weighty}
    return figures | ({"checks": last.checks} if last.checks else {})


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
