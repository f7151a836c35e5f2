"""The thirty runs of `runs/` as facts: each ends by its rule, in its last cycle and no sooner."""

import pytest

from longshift.domain.decide import BeginCycle, FinishRun, decide
from tests.support.stopping_facts import Facts
from tests.support.stopping_spec import Spec, specs

SPECS = specs()
AT_LEAST = {"good": 10, "stuck": 5, "oscillating": 5, "drifting": 5, "cheating": 5}
RULES = {
    "good": {"goal_met"},
    "stuck": {"no_progress", "given_up", "diminishing_return"},
    "oscillating": {"oscillation"},
    "drifting": {"drift"},
    "cheating": {"no_progress", "given_up", "budget"},
}


def test_there_are_enough_of_each_kind() -> None:
    kinds = [spec.kind for spec in SPECS]
    assert {kind: kinds.count(kind) >= least for kind, least in AT_LEAST.items()} == dict.fromkeys(
        AT_LEAST, True
    )
    assert all(spec.rule in RULES[spec.kind] for spec in SPECS)


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name)
def test_facts_end_by_the_right_rule(spec: Spec) -> None:
    facts = Facts(spec)
    [step] = decide(facts.run, judging=False)
    for number, cycle in enumerate(spec.cycle, 1):
        assert isinstance(step, BeginCycle), f"cycle {number} was not begun: {step}"
        step = facts.play(step, cycle)
    assert isinstance(step, FinishRun), step
    assert (step.rule, step.outcome) == (spec.rule, spec.outcome)
    for words in spec.says:
        assert words in step.reason
    assert step.figures, "a rule says what it went by"
