"""What a reader does not see is found, and what belongs to ordinary writing is left alone."""

import pytest

from longshift.screening.hidden import find_hidden, visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("'user\u202e \u2066// admins\u2069'", "'user[U+202E] [U+2066]// admins[U+2069]'"),
        ("pass\u200bword", "pass[U+200B]word"),
        ("if a\u200d: b", "if a[U+200D]: b"),
        ("x = 1\u00ad0", "x = 1[U+00AD]0"),
        ("a\U000e0041\U000e0042", "a[U+E0041][U+E0042]"),
        ("\u3164 = 1", "[U+3164] = 1"),
        ("a\ufe00\ufe01\ufe02", "a[U+FE00][U+FE01][U+FE02]"),
        ("a\U000e0100b", "a[U+E0100]b"),
        ("b\ufeffom", "b[U+FEFF]om"),
        ("\x1b[2Jgone", "[U+001B][2Jgone"),
        ("line\u2028end", "line[U+2028]end"),
        ("\U0001f3f4" + "\U000e0067" * 30, "\U0001f3f4" + "\U000e0067" * 6 + "[U+E0067]" * 24),
    ],
)  # fmt: skip
def test_hidden_characters_are_made_visible(text: str, shown: str) -> None:
    assert visible(text) == shown
    assert [found.character for found in find_hidden(text)] != []


@pytest.mark.parametrize(
    "text",
    [
        "plain, with\ttabs\r\nand lines\n",
        "\ufeffa mark at the start",
        "\u0645\u06cc\u200c\u062e\u0648",  # Persian, a joiner between letters
        "\U0001f468\u200d\U0001f469\u200d\U0001f467",  # a family
        "\u2764\ufe0f",  # a red heart
        "1\ufe0f\u20e3",  # a key cap
        "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",  # England's flag
        "naïve — „quoted“ … 漢\U000e0100字",
        "",
    ],
)
def test_ordinary_writing_is_left_alone(text: str) -> None:
    assert visible(text) == text
    assert list(find_hidden(text)) == []


def test_each_is_told_by_place_and_name() -> None:
    found = list(find_hidden("ok\nab\u202ec\n\n\u200b"))
    assert [(one.line, one.column, one.name) for one in found] == [
        (2, 3, "U+202E RIGHT-TO-LEFT OVERRIDE"),
        (4, 1, "U+200B ZERO WIDTH SPACE"),
    ]
