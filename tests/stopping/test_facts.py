"""The thirty runs of `runs/` as facts: each ends by its rule, in its last cycle and no sooner."""

import pytest

from longshift.domain.decide import BeginCycle, FinishRun, decide
from longshift.domain.model import StopRules
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


SWITCHES = {
    "no_progress": ("idle_cycles", "stalled_cycles"),
    "oscillation": ("returns",),
    "diminishing_return": ("diminishing",),
    "drift": ("drift_cycles",),
}


@pytest.mark.parametrize(
    "spec", [spec for spec in SPECS if spec.rule in SWITCHES], ids=lambda spec: spec.name
)
def test_a_rule_that_is_set_to_0_never_speaks(spec: Spec) -> None:
    facts = Facts(spec, StopRules(**dict.fromkeys(SWITCHES[spec.rule], 0)))
    [step] = decide(facts.run, judging=False)
    for cycle in spec.cycle:
        step = facts.play(step, cycle)
    assert getattr(step, "rule", "") != spec.rule


def test_without_a_second_judge_one_word_is_enough() -> None:
    [spec] = [spec for spec in SPECS if spec.name == "marginal-and-confirmed"]
    facts = Facts(spec, StopRules(second_judge="never"))
    [step] = decide(facts.run, judging=False)
    step = facts.play(step, spec.cycle[0].model_copy(update={"second": None}))
    assert isinstance(step, FinishRun)
    assert (step.rule, step.figures["judges"]) == ("goal_met", 1)
