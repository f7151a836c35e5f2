"""Which files a run has touched is the same, whether it was followed as it went or told at once."""

from collections.abc import Mapping
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from longshift.domain.state import Run
from longshift.repository.store import ObjectStore
from longshift.review.lineage import Histories
from tests.support.examples import examples
from tests.support.review_world import File, World

NAMES = ["a", "b", "c/d"]
STEP = st.tuples(
    st.sampled_from(["edit", "rename", "delete", "take"]),
    st.sampled_from(NAMES),
    st.sampled_from(NAMES),
)


def doing(world: World, what: str, name: str, other: str, number: int) -> Mapping[str, File]:
    files = {path: world.store.read_file(world.run.head, path) for path in (name, other)}
    old = files[name]
    if what == "rename" and old is not None and files[other] is None:
        return {name: None, other: old.data}
    if what == "delete" and old is not None:
        return {name: None}
    return {name: b"".join(b"%d of %s\n" % (n, name.encode()) for n in range(9)) + b"%d\n" % number}


def told_at_once(store: ObjectStore, run: Run) -> tuple[str, ...]:
    paths: set[str] = set()
    for step in run.steps:
        for difference in store.differences(step.parent, step.commit):
            followed = difference.old_path in paths
            paths.discard(difference.old_path or "")
            if followed or step.change_id is not None:
                paths.add(difference.path)
    return tuple(sorted(paths))


@given(steps=st.lists(STEP, max_size=8), looks=st.lists(st.booleans(), min_size=8, max_size=8))
@settings(max_examples=examples(30), deadline=None)
def test_histories_grow_with_their_run(
    store: ObjectStore, steps: list[tuple[str, str, str]], looks: list[bool]
) -> None:
    world = World(store, {"a": b"1\n2\n3\n4\n5\n6\n"})
    growing = Histories(store)
    runs = [world.run]
    for number, (step, looks_now) in enumerate(zip(steps, looks, strict=False)):
        world.land(doing(world, *step, number))
        last = world.run.steps[-1]
        told = last.model_copy(update={"change_id": None}) if step[0] == "take" else last
        runs.append(replace(world.run, steps=(*runs[-1].steps, told)))
        if looks_now:
            assert growing.paths(runs[-1]) == told_at_once(store, runs[-1])
    for run in reversed(runs):
        fresh = Histories(store)
        assert growing.paths(run) == fresh.paths(run) == told_at_once(store, run)
        steps = enumerate(run.steps)
        assert growing.takings(run) == tuple(n for n, step in steps if step.change_id is None)
        for name in NAMES:
            assert growing.of(run, name) == fresh.of(run, name)
            assert fresh.is_ever_renamed(run, name) or fresh.names(run, name) == (name,)


def test_a_file_that_came_back_to_a_name_has_that_name(store: ObjectStore) -> None:
    """As after a rejected renaming that is taken out of the head, and another renaming."""
    text = b"".join(b"%d\n" % n for n in range(9))
    world = World(store, {"a": text})
    for old, new in (("a", "b"), ("b", "a"), ("a", "c")):
        world.land({old: None, new: text})
    lineage = Histories(store).of(world.run, "c")
    assert (lineage.names, lineage.reused) == (["a", "b", "a", "c"], frozenset())


def test_a_name_that_another_file_took_is_not_the_files_own(store: ObjectStore) -> None:
    text = b"".join(b"%d\n" % n for n in range(9))
    world = World(store, {"a": text})
    world.land({"a": None, "b": text})
    world.land({"a": b"another\n"})
    assert Histories(store).of(world.run, "b").reused == {"a"}


def test_a_step_may_touch_a_file_and_give_its_old_name_to_another(store: ObjectStore) -> None:
    text = b"".join(b"%d\n" % n for n in range(9))
    world = World(store, {"a": text})
    world.land({"a": None, "b": text})
    world.land({"a": b"another\n", "b": text + b"9\n"})
    assert Histories(store).of(world.run, "b").reused == {"a"}


def test_a_taking_that_puts_a_file_back_under_its_old_name_is_followed(store: ObjectStore) -> None:
    """However unlike the two are: what the crew had rewritten, the person has not."""
    world = World(store, {"a": b"one\n"})
    world.land({"a": None, "b": b"one\n"})
    world.land({"b": b"quite another text\n"})
    world.land({"b": None, "a": b"one\n"})
    [*landed, last] = world.run.steps
    run = replace(world.run, steps=(*landed, last.model_copy(update={"change_id": None})))
    lineage = Histories(store).of(run, "a")
    assert lineage.names == ["a", "b", "a"]
    assert Histories(store).of(world.run, "a").names == ["a"]


def test_every_name_is_told_without_reading_a_file(store: ObjectStore) -> None:
    text = b"".join(b"%d\n" % n for n in range(9))
    world = World(store, {"a": text})
    world.land({"a": None, "b": text})
    world.land({"a": b"another\n"})
    histories = Histories(store)
    assert [histories.names(world.run, name) for name in "ab"] == [("a",), ("b", "a")]
