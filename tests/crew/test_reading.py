"""What the reading tools show of files of every shape."""

import json

import pytest

from longshift.crew.tools.reading import ReadFile, excerpt, reading_tools
from longshift.errors import TellModel


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
    with pytest.raises(TellModel, match=r"has \d lines"):
        excerpt(text, ReadFile(path="x", **asked))


def test_one_line_that_is_too_long_is_cut_with_a_mark():
    shown = excerpt("y" * 12_000 + "\nz\n", ReadFile(path="x"))
    assert shown["end_line"] == 1
    assert shown["text"].startswith("y" * 10_000 + "[")
    assert "2000 more characters" in shown["text"]


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
