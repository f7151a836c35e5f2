"""The same runs through the real engine: real git, a real journal, a scripted model over HTTP."""

from collections.abc import Mapping

import pytest

from longshift.domain.model import Goal
from tests.support.engine_world import World
from tests.support.stopping_script import flows
from tests.support.stopping_spec import Spec, specs


def is_refused(message: Mapping[str, object]) -> bool:
    """Whether a judge is told that the goal is not met as things stand."""
    return message["role"] == "tool" and "error" in str(message["content"])


@pytest.mark.parametrize("spec", specs(), ids=lambda spec: spec.name)
async def test_a_run_ends_by_the_right_rule(spec: Spec, world: World) -> None:
    world.play(*flows(spec))
    steered = [cycle.steer for cycle in spec.cycle if cycle.steer]
    async with world.opened() as it:
        goal = Goal(text="Make it better", paths=spec.paths)
        gates = "enforce" if any(cycle.tries_done for cycle in spec.cycle) else "off"
        settings = {"budget": {"cycles": spec.most_cycles}, "gates": gates}
        run_id, _ = await it.engine.start(goal, settings)
        for message in steered:
            await it.signal("judging")
            await it.engine.steer(run_id, message)
            await it.raise_signal("steered")
        run = await it.ended()
        ended = (run.outcome_rule, run.outcome, run.cycle)
        assert ended == (spec.rule, spec.outcome, len(spec.cycle)), run.outcome_reason
        assert [words for words in spec.says if words not in run.outcome_reason] == []
        told = await it.call("describeRun")
        assert (told["rule"], told["figures"]) == (spec.rule, dict(run.outcome_figures))
        assert told["figures"]
        refused = [one for one in world.server.by_role("judge") if is_refused(one.messages[-1])]
        assert len(refused) == sum(cycle.tries_done for cycle in spec.cycle)
