"""What was computed of runs is let go of, and is the same when it is computed anew."""

import weakref

from longshift.repository.store import ObjectStore
from tests.support.review_world import World

LINES = b"".join(b"%d\n" % n for n in range(30))


def test_a_run_that_was_let_go_is_computed_anew(store: ObjectStore) -> None:
    world = World(store, {"a": LINES})
    world.land({"a": LINES.replace(b"7\n", b"seven\n")})
    proposals, run, person = world.proposals, world.run, world.person
    shown = proposals.of_run(run, person)
    assert shown
    side = weakref.ref(proposals._readings(run, "a", person))
    proposals.let_go({"R2"})
    assert side() is not None, "another run's stays"
    proposals.let_go({"R1"})
    assert side() is None
    assert proposals.of_run(run, person) == shown
