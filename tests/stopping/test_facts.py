"""The thirty runs of `runs/` as facts: each ends by its rule, in its last cycle and no sooner."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from longshift.domain.decide import BeginCycle, FinishRun, StartJudge, decide
from longshift.domain.model import StopRules
from tests.support.examples import examples
from tests.support.stopping_facts import Facts
from tests.support.stopping_spec import Cycle, Spec, specs

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


PATHS = st.sampled_from(["a.txt", "b.txt", "src/c.txt"])
CYCLES = st.builds(
    Cycle,
    write=st.dictionaries(PATHS, st.sampled_from(["P Q", "Q P", "P Q R", "P*50", "one two"])),
    sees=st.sets(
        st.builds("{} {} {}:1".format, st.sampled_from(["bug", "odd"]),
                  st.sampled_from(["error", "warning", "info"]), PATHS)
    ).map(tuple),
    says=st.sampled_from(["continue", "continue", "replan", "done", "give_up"]),
    second=st.sampled_from(["continue", "done"]),
    cost=st.integers(0, 5000),
    steer=st.sampled_from(["", "", "", "Go on."]),
    reason=st.sampled_from(["", "ok"]),
)  # fmt: skip


@settings(max_examples=examples(60), deadline=None)
@given(st.lists(CYCLES, min_size=1, max_size=9), st.sampled_from([(), ("src",)]))
def test_whatever_happens_a_run_goes_on_or_ends_with_a_reason(
    cycles: list[Cycle], paths: tuple[str, ...]
) -> None:
    facts = Facts(
        Spec(name="", kind="", why="", rule="", outcome="done", paths=paths, cycle=cycles)
    )
    [step] = decide(facts.run, judging=False)
    for cycle in cycles:
        step = facts.work(step, cycle)
        if isinstance(step, StartJudge):
            step = facts.judge_again(step, cycle)
        if isinstance(step, FinishRun):
            assert step.reason
            assert step.figures
            return
        assert isinstance(step, BeginCycle)


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
