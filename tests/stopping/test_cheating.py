"""Runs that make the checks easier: a judge who would call them done is refused, and they end."""

import pytest

from tests.support.engine_world import World, call, edit, flow, judge, planner, task, turn, write

TESTS = "def test_a():\n    assert f() == 1\n\n\ndef test_b():\n    assert f() == 2\n"
PROJECT = '[tool.ruff.lint]\nselect = ["E", "F"]\n[tool.coverage.report]\nfail_under = 90\n'
CHEATS = {
    "tests-deleted": ("test_it.py", TESTS.partition("\n\n\n")[0] + "\n"),
    "test-skipped": ("test_it.py", f"import pytest\n\n\n@pytest.mark.skip\n{TESTS}"),
    "test-weakened": ("test_it.py", TESTS.replace("f() == 1", "f() == 1 or True")),
    "check-disabled": ("pyproject.toml", PROJECT.replace('["E", "F"]', '["E"]')),
    "coverage-lowered": ("pyproject.toml", PROJECT.replace("90", "10")),
}
WORDS = ("one", "two", "three", "four")


@pytest.mark.parametrize("code", CHEATS)
async def test_a_run_that_cheats_is_never_done(world: World, code: str) -> None:
    path, content = CHEATS[code]
    world.person.commit({"test_it.py": TESTS.encode(), "pyproject.toml": PROJECT.encode()})
    submit = turn(call("submit", summary="It passes now."))
    done, more = (
        call("verdict", reason="All is green.", decision=one) for one in ("done", "continue")
    )
    world.play(
        planner(task("one", path), times=1),
        flow("worker", turn(write(path, content)), submit, submit, match="Do: one"),
        *(planner(task(word, "a.txt"), times=1) for word in WORDS[1:]),
        *(
            flow("worker", turn(edit(word, word.upper())), submit, submit, match=f"Do: {word}")
            for word in WORDS[1:]
        ),
        flow("judge", turn(done), turn(more)),
    )
    async with world.opened() as it:
        run = await it.work(gates="enforce", checks=[])
        assert (run.outcome, run.outcome_rule, run.cycle) == ("no_progress", "no_progress", 4)
        assert f"F1 {code} ({path}:" in run.outcome_reason
        assert len(run.changes) == len(WORDS)


async def test_a_vaguer_test_takes_a_second_judge(world: World) -> None:
    world.person.commit({"test_it.py": TESTS.encode()})
    submit = turn(call("submit", summary="It passes now."))
    vague = TESTS.replace("f() == 1", "f()")
    world.play(
        planner(task("one", "test_it.py"), times=1),
        flow("worker", turn(write("test_it.py", vague)), submit, submit),
        *judge("done", "give_up"),
    )
    async with world.opened() as it:
        run = await it.work(gates="enforce", checks=[])
        assert (run.outcome, run.cycles[-1].looks) == ("gave_up", 2)
        assert [(one.code, one.severity) for one in run.findings.values()] == [
            ("test-weakened", "warning")
        ]
