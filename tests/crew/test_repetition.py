"""What counts as going round in circles: rows of calls, and what follows from the last of each."""

import pytest

from longshift.crew.repetition import Repetition

RAN = "run_command"


def last_word(results: list[str], *, calls: str = "x", failed: bool = False) -> str:
    """What follows from the last of these results, of calls that take turns."""
    row = Repetition()
    words = [
        row.count(RAN, calls[n % len(calls)], result, 0, failed=failed)
        for n, result in enumerate(results)
    ]
    return words[-1]


@pytest.mark.parametrize(
    "results",
    [
        [f"1 failed in 0.{n}2s" for n in range(4)],
        [f"=== 1 failed, 3 passed in {n}.31 seconds ===" for n in range(4)],
        [f"2026-11-2{n} 12:0{n}:59,{n}27 ERROR at 0x7f{n}a" for n in range(4)],
        [f"done in {n}4 ms" for n in range(4)],
        [f"{n}00\u00b5s" for n in range(4)],
        [f"[INFO] Finished at: 2026-11-28T06:39:4{n}Z" for n in range(4)],
        [f"2026-11-28T06:39:45.12{n}+00:00 boom" for n in range(4)],
        [f"real\t0m{n}.37{n}s" for n in range(4)],
        [f"ok in {n}m 3s, then 1h2m{n}s" for n in range(4)],
        [f"Total time:  01:0{n} min" for n in range(4)],
        [f"# duration_ms 53.{n}21" for n in range(4)],
    ],
)
def test_how_long_it_took_makes_no_result_another(results):
    assert last_word(results) == "nudge"
    assert last_word(results[:3]) == ""


@pytest.mark.parametrize(
    "results",
    [
        [f"{9 - n} failed in 0.12s" for n in range(4)],
        [f"step {n} of 9" for n in range(4)],
        [f"line {n}: x" for n in range(4)],
        [f"a.py:1{n}:3{n}: unused" for n in range(4)],
        [f"a.py:12:3{n} S101 assert" for n in range(4)],
        [f"{n} min, 9 max" for n in range(4)],
    ],
)
def test_counts_and_places_do(results):
    assert last_word(results) == ""


@pytest.mark.parametrize(
    ("calls", "enough"), [("x", 4), ("xy", 6), ("xyz", 9)], ids=["one", "two", "three"]
)
@pytest.mark.parametrize("failed", [False, True])
def test_so_many_in_turn_are_a_circle(calls, enough, failed):
    enough = 3 if failed and len(calls) == 1 else enough
    assert last_word(["same"] * enough, calls=calls, failed=failed) == "nudge"
    assert last_word(["same"] * (enough - 1), calls=calls, failed=failed) == ""
    assert last_word(["same"] * (enough + 1), calls=calls, failed=failed) == "over"


def test_four_in_turn_are_none():
    assert last_word(["same"] * 40, calls="wxyz") == ""
