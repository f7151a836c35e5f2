"""The lock of the list: who has it, who waits, and what a lease that is over does."""

import pytest

from longshift.domain.task_lock import Locked, TaskLock, Unlocked

LEASE_S = 100
THREE = "0 A asks; 1 B asks; 2 C asks"


def tell(lock: TaskLock, moves: str) -> str:
    """Play moves such as `0 A asks`, and say what changed hands at each."""
    said = []
    for move in filter(None, (part.strip() for part in moves.split(";"))):
        at, agent, verb = move.split()
        match verb:
            case "asks":
                changes = lock.ask(agent, float(at))
            case "releases":
                changes = lock.release(agent, float(at))
            case "leaves":
                lock.leave(agent)
                changes = lock.look(float(at))
            case _:
                changes = lock.look(float(at))
        said += map(words, changes)
    return "; ".join(said)


def words(change: Locked | Unlocked) -> str:
    match change:
        case Locked(agent, waited_s):
            return f"{agent} after {waited_s:.0f}"
        case Unlocked(agent, held_s, cause):
            return f"{agent} {cause} {held_s:.0f}"


@pytest.mark.parametrize(
    ("moves", "expected"),
    [
        ("0 A asks", "A after 0"),
        ("0 A asks; 3 A releases", "A after 0; A released 3"),
        ("0 A asks; 1 A asks; 2 A asks", "A after 0"),
        ("0 A asks; 3 B asks; 5 A releases", "A after 0; A released 5; B after 2"),
        # first come, first served, whoever asks again
        (f"{THREE}; 3 B asks; 4 A releases", "A after 0; A released 4; B after 3"),
        (
            f"{THREE}; 4 A releases; 5 A asks; 6 B releases; 7 C releases",
            "A after 0; A released 4; B after 3; B released 2; C after 4; C released 1; A after 2",
        ),
        # whoever has left is passed over, and comes last when it comes again
        (f"{THREE}; 3 B leaves; 4 A releases", "A after 0; A released 4; C after 2"),
        ("0 A asks; 1 B asks; 2 B leaves; 3 A releases", "A after 0; A released 3"),
        (
            f"{THREE}; 3 B leaves; 4 B asks; 5 A releases; 6 C releases",
            "A after 0; A released 5; C after 3; C released 1; B after 2",
        ),
        # a release that was forgotten
        ("0 A asks; 1 B asks; 99 - looks", "A after 0"),
        ("0 A asks; 1 B asks; 100 - looks", "A after 0; A expired 100; B after 99"),
        ("0 A asks; 250 B asks", "A after 0; A expired 250; B after 0"),
        ("0 A asks; 250 A asks", "A after 0; A expired 250; A after 0"),
        ("0 A asks; 1 B asks; 150 A releases", "A after 0; A expired 150; B after 149"),
        # only who has it can give it back
        ("0 A asks; 1 B asks; 2 B releases", "A after 0"),
        ("0 A releases", ""),
        ("9 A asks; 5 B asks; 3 A releases; 10 B releases",
         "A after 0; A released 0; B after 0; B released 1"),
        ("0 A asks; 1 B asks; 100 - looks; 101 A releases", "A after 0; A expired 100; B after 99"),
    ],
)  # fmt: skip
def test_who_gets_the_lock(moves: str, expected: str) -> None:
    assert tell(TaskLock(LEASE_S), moves) == expected


def test_who_has_it_and_for_how_long() -> None:
    lock = TaskLock(LEASE_S)
    assert (lock.holder(0), lock.ends_in_s(0)) == (None, 0)
    tell(lock, "10 A asks; 20 B asks")
    for now_s, holder, left_s in ((20, "A", 90), (109, "A", 1), (110, None, 0), (500, None, 0)):
        held = lock.holder(now_s)
        assert (held and held.agent, lock.ends_in_s(now_s)) == (holder, left_s)
    assert tell(lock, "500 - looks") == "A expired 490; B after 480"


def test_nobody_in_a_long_line_is_forgotten() -> None:
    lock, agents = TaskLock(LEASE_S), [f"A{number}" for number in range(50)]
    for agent in agents:
        lock.ask(agent, 0)
    served = []
    for now_s in range(50):
        held = lock.holder(now_s)
        assert held is not None
        served.append(held.agent)
        lock.release(held.agent, now_s)
    assert served == agents
