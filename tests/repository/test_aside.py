"""Work in a process of its own: its results, its errors, and that nothing of it stays behind."""

import os

import pytest

from longshift.errors import NeedsPerson
from longshift.repository.aside import aside

PID = "__import__('os').getpid()"
CRASH = "__import__('os').kill(__import__('os').getpid(), 9)"


def is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_results_come_in_order_from_one_other_process() -> None:
    texts = [str(number) * 60_000 for number in range(40)]  # far more than a pipe holds
    first, *made, last = aside(eval, [PID, *map(repr, texts), PID])
    assert made == texts
    assert first == last != os.getpid()
    assert not is_there(first)


def test_nothing_to_do_is_done() -> None:
    assert list(aside(len, [])) == []


@pytest.mark.parametrize(("text", "words"), [("1/0", "ZeroDivisionError"), (CRASH, "status -9")])
def test_a_failure_says_what_happened(text: str, words: str) -> None:
    with pytest.raises(NeedsPerson, match=words):
        list(aside(eval, ["1", text, "2"]))


def test_who_loses_interest_leaves_no_process() -> None:
    made = aside(eval, [PID, "2"])
    pid = next(made)
    made.close()
    assert not is_there(pid)
