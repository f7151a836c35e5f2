"""What tools print, as diagnostics: real outputs, documented forms, and anything else at all."""

import json
from dataclasses import asdict
from pathlib import Path
from time import process_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from longshift.engine.checking.parsers import read_diagnostics
from longshift.engine.checking.parsers.shape import (
    LARGEST_OUTPUT,
    MESSAGE_CHARACTERS,
    MOST_LINES,
    MOST_READ,
)
from tests.support.examples import examples

DATA = Path(__file__).parent / "data" / "printed"
PRINTED = sorted(file.stem for file in DATA.glob("*.txt"))
COMMANDS = {"mypy": "mypy src", "ruff-concise": "ruff check ."}


def read(text: str, command: str = "make lint") -> list[dict[str, object]]:
    """Without what is as usual."""
    usual = {"end_line": None, "test": "", "severity": "error"}
    found = [asdict(one) for one in read_diagnostics(text, command)]
    return [{k: v for k, v in one.items() if usual.get(k, one) != v} for one in found]


@pytest.mark.parametrize("name", PRINTED)
def test_what_a_tool_prints(name: str) -> None:
    """`python -m tests.engine.checking.test_parsers` writes what is read now."""
    found = read((DATA / f"{name}.txt").read_text(), COMMANDS.get(name, "make lint"))
    assert found == json.loads((DATA / f"{name}.json").read_text())


@pytest.mark.parametrize("name", PRINTED)
def test_colours_line_ends_and_words_around_change_nothing(name: str) -> None:
    text = (DATA / f"{name}.txt").read_text()
    text = f"make: Entering directory\n[info] linting\n{text}\nmake: *** [lint] Error 1\n[done]\n"
    coloured = "".join(f"\x1b[1;31m{line}\x1b[0m\r\n" for line in text.split("\n"))
    found = read(coloured, COMMANDS.get(name, "make lint"))
    assert found == json.loads((DATA / f"{name}.json").read_text())


PIECES = st.sampled_from(
    [
        "a.py:1:2: error: no\n", "a.py", ":", "1", " ", "\n", "error[E1]: x\n", " --> a.rs:1:2\n",
        "____ test_a ____\n", "FAILED a.py::b - c\n", "=====", "_____ ", "E   x\n",
        "--- FAIL: T (0)\n", "    a_test.go:1: x\n", "FAIL\tp\t1s\n", "● a \u203a b\n",
        "at (a.test.js:1:2)\n", "not ok 1 - x\n", "  1:2  error  no  rule\n", "/x/a.js\n",
        "a.ts(1,2): error TS1: x\n", "::error file=a,line=", "::error file=a::b\n", "{", "[",
        '{"runs": [', '"results": [{}]', "]}]}\n", "}\n", "\x1b[",
        '{"reason":"x","message":{"spans":[{"is_primary":true}]}}\n',
        '{"file":"a","hint":null}\n', '[{"filename":"a","location":{"row":1}}]\n',
        '[{"messages":[{}],"filePath":1}]\n', "\x00",
        '{"Action":"output","Output":"--- FAIL: T (0)\\n"}\n', "\ud800", "test a ... FAILED\n",
        "thread 'a' panicked at a.rs:1:2:\n", "FAIL: a (b)\n", '  File "a.py", line 1\n',
        "9" * 40,
    ]
)  # fmt: skip


@settings(max_examples=examples(300), deadline=None)
@given(st.lists(PIECES | st.text(max_size=10), max_size=30).map("".join), st.text(max_size=10))
def test_any_output_is_read_within_bounds(text: str, command: str) -> None:
    for one in read_diagnostics(text, command):
        assert 1 <= one.line <= MOST_LINES
        assert len(one.message) <= MESSAGE_CHARACTERS
        assert "\n" not in one.message + one.code
        assert one.code


WORK: list[int] = []


@pytest.mark.parametrize(
    "piece",
    [
        "a", " ", "_", "=", ":", "-", "a:", "a:1", "a:1: ", "a  ", "● a\n", " FAIL  a > b\n",
        "\x1b[", "FAIL: a (b)\n", "--- FAIL: T (0)\n", "error: x\n", "____ a ____\n", "{", "[",
        '{"a":', "not ok 1 - x\n", "::error ", "a.js\n", "FAILED a.py::b - ", "  1:2  error  a",
        "(", "[a-", "test a ... FAILED\n", "thread 'a", " --> a", '{"Action":"x","Output":"y"}\n',
        "\\", "E  \n", '{"a":\n', "[\n", '[\n1,\n', '{"a": [1],\n', '["a",\n', '[info]\n',
        "=== RUN a\n", "=== RUN a\n    a.go:1: x\n", "\t/a.go:1 +0x1\n",
        "test at a:1:1\n✖ a (1ms)\n", "     Running a (b)\nrunning 1 test\n", "FAIL\tp\t1s\n",
        "FAIL a.js\n  ● a\n",
    ],
)  # fmt: skip
def test_hostile_output_takes_time_in_proportion(piece: str) -> None:
    """Twice as much takes about twice the steps, by the calls and lines that Python runs.

    Time inside one pattern is not counted here.
    """
    text = piece * (30_000 // len(piece))
    steps = [_steps(text[: len(text) // part]) for part in (2, 1)]
    assert steps[1] <= 3 * steps[0] + 2_000


STARTS = (
    "", "  ", " FAIL  ", "FAIL: ", "FAIL\t", "FAILED a.py::", "FAILED ", "::error file=a::",
    "E501 ", "a.py:1:1: error: bad name (a", "a.py:1: x [a", "a.py:1:1 - error TS1: ",
    "a.ts(1,1): error TS1: ",
    "a.rs:1:1: error[", "error[", "error: ", "a_test.go:1: ", "    a_test.go:1: ", "--- FAIL: T",
    "  1:2  error  ", "● ", "not ok 1 - ", "✖ ", "_ ", "____ ", "thread 'a", "test a", " --> ",
    '{"', "     Running ", "Run a (", "/a.py:1: ", "Coverage failure: ", "\t/a.go:1 ", "# ",
)  # fmt: skip
REPEATED = (
    "a", " ", "_", " _", "-a", ".a", "a.", "/a", " (a", "(a-", "[a", "] [", ": ", ":1", " > ",
    " - ", "a  ", "%2", "'", "::", "--", "=", ".js:1 ", '{"', "[{", "@",
)  # fmt: skip


@pytest.mark.parametrize("start", STARTS)
def test_no_line_holds_a_pattern_up(start: str) -> None:
    """A short line first: what doubles with each piece is seen before it takes for ever."""
    for piece in REPEATED:
        for length in (52, 200_000):
            line = start + piece * (length // len(piece))
            began = process_time()
            read_diagnostics(f"{line} !)\n", "x")
            assert process_time() - began < 1.5, piece


def _steps(text: str) -> int:
    import sys  # the only user

    count = 0

    def counting(*_: object) -> object:
        nonlocal count
        count += 1
        return counting

    before = sys.gettrace()
    sys.settrace(counting)
    try:
        read_diagnostics(text, "x")
    finally:
        sys.settrace(before)
    return count


def test_what_is_read_is_bounded() -> None:
    line = "a.py:1:2: error: %d is wrong\n"
    text = "".join(line % number for number in range(60_000))
    assert len(text) > LARGEST_OUTPUT
    assert len(read_diagnostics(text)) == MOST_READ


if __name__ == "__main__":
    for each in PRINTED:
        now = read((DATA / f"{each}.txt").read_text(), COMMANDS.get(each, "make lint"))
        lines = ",\n".join(f"  {json.dumps(one, ensure_ascii=False)}" for one in now)
        (DATA / f"{each}.json").write_text(f"[\n{lines}\n]\n" if now else "[]\n")
