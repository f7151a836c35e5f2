"""The pure parts: positions in every encoding, ranges that meet, buffers as files."""

import pytest
from lsprotocol.types import Position, Range

from longshift.lsp.actions import Action, unique, wanted
from longshift.lsp.configuration import EditorSettings
from longshift.lsp.positions import Lines, meets
from longshift.lsp.present import as_saved, as_shown

TEXT = "a😀é\r\n\n🦀b\rlast"


@pytest.mark.parametrize(
    ("offset", "utf8", "utf16", "utf32"),
    [
        (0, (0, 0), (0, 0), (0, 0)),
        (2, (0, 5), (0, 3), (0, 2)),
        (3, (0, 7), (0, 4), (0, 3)),
        (5, (1, 0), (1, 0), (1, 0)),
        (6, (2, 0), (2, 0), (2, 0)),
        (7, (2, 4), (2, 2), (2, 1)),
        (9, (3, 0), (3, 0), (3, 0)),
        (len(TEXT), (3, 4), (3, 4), (3, 4)),
    ],
)
def test_offsets_in_every_encoding(offset, utf8, utf16, utf32):
    found = {e: Lines(TEXT, e).position(offset) for e in ("utf-8", "utf-16", "utf-32")}
    assert {e: (p.line, p.character) for e, p in found.items()} == {
        "utf-8": utf8,
        "utf-16": utf16,
        "utf-32": utf32,
    }


@pytest.mark.parametrize(
    ("text", "start", "end", "expected"),
    [
        ("one\ntwo\n", 0, 1, ((0, 0), (1, 0))),
        ("one\ntwo", 1, 2, ((1, 0), (1, 3))),
        ("one\ntwo\n", 2, 2, ((2, 0), (2, 0))),
        ("one\rtwo\nthree", 1, 2, ((2, 0), (2, 5))),  # review's lines end at \n alone
        ("", 0, 1, ((0, 0), (0, 0))),
    ],
)
def test_whole_lines_of_reviews_counting(text, start, end, expected):
    found = Lines(text, "utf-16").lines_range(start, end)
    assert ((found.start.line, found.start.character), (found.end.line, found.end.character)) == (
        expected
    )


@pytest.mark.parametrize(
    ("asked", "hunk", "expected"),
    [
        ((2, 2), ((2, 0), (3, 0)), True),
        ((3, 3), ((2, 0), (3, 0)), False),
        ((1, 1), ((2, 0), (3, 0)), False),
        ((0, 9), ((2, 0), (3, 0)), True),
        ((1, 1), ((2, 0), (2, 0)), True),  # an insertion, from the line before it
        ((2, 2), ((2, 0), (2, 0)), True),
        ((3, 3), ((2, 0), (2, 0)), False),
        ((1, 1), ((1, 0), (1, 3)), True),  # a last line without an end
    ],
)
def test_ranges_that_meet(asked, hunk, expected):
    range_ = Range(Position(asked[0], 1), Position(asked[1], 1))
    assert meets(range_, Position(*hunk[0]), Position(*hunk[1])) is expected


@pytest.mark.parametrize(
    ("text", "stored", "saved"),
    [
        ("é\n", b"e\n", "é\n".encode()),
        ("a\nb\n", b"x\r\ny\r\n", b"a\r\nb\r\n"),
        ("a\r\nb\r\n", b"x\ny\n", b"a\r\nb\r\n"),
        ("a\n", b"\xef\xbb\xbfx\n", b"\xef\xbb\xbfa\n"),
        ("caf\u00e9\n", b"caf\xe9\n", b"caf\xe9\n"),
        ("new", None, b"new"),
    ],
)
def test_buffers_are_saved_as_their_files_are(text, stored, saved):
    assert as_saved(text, stored) == saved
    assert as_shown(saved, text) == text


@pytest.mark.parametrize(
    ("kind", "only", "expected"),
    [
        ("quickfix.longshift.accept", None, True),
        ("quickfix.longshift.accept", [], True),
        ("quickfix.longshift.accept", [""], True),
        ("quickfix.longshift.accept", ["quickfix"], True),
        ("quickfix.longshift.accept", ["quickfix.longshift.acc"], False),
        ("quickfix.longshift.accept", ["source", "quickfix.longshift"], True),
        ("source.longshift.acceptFile", ["quickfix"], False),
    ],
)
def test_kinds(kind, only, expected):
    assert wanted(kind, only) is expected


def test_titles_are_unique():
    titles = ["a", "b", "a", "a #2", "a"]
    made = [one.title for one in unique(Action(t, "k", "c", {}) for t in titles)]
    assert len(set(made)) == len(titles)
    assert made[:2] == ["a", "b"]


def test_settings_of_initialize_count_before_the_configuration():
    settings = EditorSettings()
    assert not settings
    settings.set_configured({"workers": 3, "budget": {"usd": 1.0, "calls": 5}})
    settings.set_initial({"budget": {"usd": 2.0}, "strategy": None})
    assert dict(settings) == {"workers": 3, "budget": {"usd": 2.0, "calls": 5}}
    settings.set_configured("nonsense")
    assert dict(settings) == {"budget": {"usd": 2.0}}
