"""What the reading tools show of files of every shape."""

import json

import pytest

from longshift.crew.fences import untrusted
from longshift.crew.texts import head_and_tail
from longshift.crew.toolbox import as_text
from longshift.crew.tools.reading import ReadFile, excerpt, reading_tools
from longshift.errors import TellModel
from tests.support.refused import refused


@pytest.mark.parametrize(
    ("text", "asked", "expected"),
    [
        ("a\nb\nc\n", {}, (1, 3, 3, "a\nb\nc\n")),
        ("a\nb\nc", {"start_line": 2}, (2, 3, 3, "b\nc")),
        ("a\r\nb\r\n", {"end_line": 1}, (1, 1, 2, "a\r\n")),
        ("a\nb\n", {"start_line": 2, "end_line": 9}, (2, 2, 2, "b\n")),
        ("", {}, (1, 0, 0, "")),
        ("\n", {}, (1, 1, 1, "\n")),
        ("x\x0c\u2028y\n", {}, (1, 1, 1, "x\x0c\u2028y\n")),
        ("1234567\n" * 2_000, {}, (1, 1_250, 2_000, "1234567\n" * 1_250)),
        ("1234567\n" * 2_000, {"start_line": 1_251}, (1_251, 2_000, 2_000, "1234567\n" * 750)),
    ],
)
def test_whole_lines_as_many_as_fit(text, asked, expected):
    shown = excerpt(text, ReadFile(path="x", **asked))
    keys = ("start_line", "end_line", "total_lines", "text")
    assert tuple(shown[key] for key in keys) == expected


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("a\n", {"start_line": 2}),
        ("", {"start_line": 2}),
        ("a\nb\n", {"start_line": 2, "end_line": 1}),
    ],
)
def test_lines_that_are_not_there(text, asked):
    with refused(TellModel, r"has \d lines"):
        excerpt(text, ReadFile(path="x", **asked))


def test_one_line_that_is_too_long_is_cut_with_a_mark():
    shown = excerpt("y" * 12_000 + "\nz\n", ReadFile(path="x"))
    assert shown["end_line"] == 1
    assert shown["text"].startswith("y" * 10_000 + "[")
    assert "2000 more characters" in shown["text"]


@pytest.mark.parametrize("hidden", ["\U000e0041", "\u202e", "\x01"])
@pytest.mark.parametrize("lines", [1, 100])
def test_hidden_characters_count_as_what_they_are_written_as(hidden, lines):
    """So that a file of them does not fill a conversation many times over."""
    shown = excerpt((hidden * (9_000 // lines) + "\n") * lines, ReadFile(path="x"))
    assert 500 < len(as_text(shown)) < 11_000
    cut = head_and_tail(hidden * 9_000, 10_000, how_to_see="how_to_see_output")
    assert 500 < len(as_text({"output": cut})) < 11_000
    assert len(untrusted(cut, "a command")) < 11_000


def test_a_cut_text_says_how_much_is_left_out():
    hidden = "\u202e"
    cut = head_and_tail(f"{hidden * 700}{'b' * 600}", 1_000, how_to_see="how_to_see_output")
    head, mark, tail = cut.split("\n")
    assert (head, tail) == (hidden * 41, "b" * 500)
    assert "759 characters are left out" in mark


@pytest.mark.parametrize(
    ("name", "arguments", "key"),
    [("list_files", {}, "files"), ("search", {"pattern": "v = "}, "matches")],
)
async def test_long_lists_say_that_they_are_cut(make_desk, name, arguments, key):
    desk = make_desk()
    for number in range(700):
        desk.workspace.write_file(f"many/module_{number:03}.py", f"v = {number}{' ' * 600}\n")
    tools = {tool.name: tool.call for tool in reading_tools(desk)}
    answer = await tools[name](json.dumps(arguments))
    assert answer["truncated"] is True
    assert 20 < len(answer[key]) < 700
    assert len(str(answer)) < 11_000
