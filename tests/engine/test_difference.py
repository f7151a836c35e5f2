"""In which order a judge reads what differs."""

from longshift.engine.difference import in_seeded_order
from longshift.repository.files import FileEdit
from longshift.repository.hunks import unified

NAMES = [f"{letter}.py" for letter in "abcdef"]
FILES = {
    name: unified(None, FileEdit(f"diff --git a/{name} b/{name}\n".encode()), name)
    for name in NAMES
}
DIFF = "".join(FILES.values())


def names_in(diff):
    places = {name: diff.index(one) for name, one in FILES.items()}
    return sorted(NAMES, key=lambda name: places[name])


def test_a_seed_always_gives_the_same_order_and_loses_nothing():
    shuffled = in_seeded_order(DIFF, "R1.1")
    assert shuffled == in_seeded_order(DIFF, "R1.1")
    assert sorted(names_in(shuffled)) == NAMES
    assert len(shuffled) == len(DIFF)


def test_another_cycle_has_another_order_that_is_not_the_alphabets():
    orders = [names_in(in_seeded_order(DIFF, f"R1.{cycle}")) for cycle in (1, 2, 3)]
    assert len({tuple(order) for order in [*orders, NAMES]}) == 4


def test_nothing_that_differs_is_nothing():
    assert in_seeded_order("", "R1.1") == ""
