"""Whose words count in the prompts of a run."""

import dataclasses
from pathlib import Path

import pytest

from longshift.crew.prompts import library
from longshift.crew.roles import role_prompt
from longshift.domain.events import RunStarted
from longshift.domain.model import Budget, Goal
from longshift.engine.outfitting import Outfitter
from longshift.errors import UsageError
from longshift.settings import Trust
from tests.support.engine_world import World, judge, planner, task, worker

WORDS = "{% block project %}\nMind the commas.\n{% endblock %}\n"
FILE = ".longshift/prompts/worker.md"


def told(outfitter: Outfitter, base: str) -> bool:
    prompts, _ = outfitter._prompts(base)
    text = role_prompt(prompts, "worker", calls=1).text
    return "Mind the commas." in text


async def test_a_projects_words_count_only_as_they_were_trusted(world: World) -> None:
    base = world.person.commit({FILE: WORDS.encode()})
    world.trusted = False
    async with world.opened() as it:
        outfitter, root = it.engine._outfitter, world.worktree.root
        trust: Trust = outfitter._surroundings.trust
        store = it.engine.shop.store
        assert store.read_file(base, FILE) is not None
        assert not told(outfitter, base)
        trust.trust(root)
        assert told(outfitter, base)
        (root / FILE).write_text(WORDS.replace("Mind", "Never mind"), encoding="utf-8")
        assert trust.standing(root) == "changed"
        assert told(outfitter, base)  # the run's base still has the words that were trusted
        trust.trust(root)  # the new words; the base has the old ones, which nobody trusts now
        assert not told(outfitter, base)


async def test_a_person_is_told_of_words_that_are_not_used(world: World) -> None:
    world.person.commit({FILE: WORDS.encode()})
    world.trusted = False
    world.play(planner(task("Shout", "a.txt")), worker("Shout"), *judge("done"))
    async with world.opened() as it:
        _, notices = await it.engine.start(Goal(text="Make it better"), {})
        await it.ended()
    (told,) = [notice for notice in notices if ".longshift/prompts" in notice]
    assert ".longshift/prompts: worker" in told
    assert "longshift trust" in told


async def test_the_persons_words_need_no_trust_and_a_broken_file_starts_nothing(
    world: World, tmp_path: Path
) -> None:
    base = world.person.commit({"a.txt": b"x\n"})
    folder = tmp_path / "config" / "prompts"
    folder.mkdir(parents=True)
    (folder / "worker.md").write_text(WORDS, encoding="utf-8")
    async with world.opened() as it:
        outfitter = it.engine._outfitter
        outfitter._surroundings = dataclasses.replace(
            outfitter._surroundings, person_file=tmp_path / "config" / "longshift.toml"
        )
        assert told(outfitter, base)
        (folder / "worker.md").write_text("Do as you like.", encoding="utf-8")
        loaded = await it.engine.settings()
        started = RunStarted(run="R9", goal=Goal(text="g"), repo="r", base=base, checkout=None,
                             workers=1, budget=Budget())  # fmt: skip
        with pytest.raises(UsageError, match="Nothing was started"):
            await outfitter.room(started, loaded.settings)
        assert library().prompt("worker").body
