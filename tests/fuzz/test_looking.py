"""What a model or a project may write to look for: globs and patterns, which end and find.

The property: a glob is taken or refused, and one that is taken is matched soon, whatever the name;
and a pattern finds the same lines in a process of its own as it does here. It matters because
Python's `re`, on which both rest, can't be interrupted and holds up every run while it works.
"""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longshift.errors import TellModel
from longshift.repository.globs import parse_globs
from longshift.repository.search import Match, Query
from tests.fuzz.replay import replayed, tries

LONG_NAMES = ["a" * 250, "a/" * 2000 + "a", "ab" * 120, "a/b/" * 900 + "c", "a.b-c" * 50]
GLOB_TEXTS = st.lists(
    st.sampled_from(["*", "**", "**/", "/", "a", "ab", "?", "[a-z]", "[", "]", "!", "\\", "-",
                     "z-a", ".", " ", "#", "\ud800", "\0", "^"]),
    max_size=12,
).map("".join)  # fmt: skip


def check_glob(glob: str) -> None:
    try:
        spec = parse_globs([glob])
    except ValueError:
        return
    for name in LONG_NAMES:
        assert spec.match_file(name) in (True, False)


@tries(150)
@given(GLOB_TEXTS)
def test_a_glob_is_matched_soon_or_refused(glob: str) -> None:
    check_glob(glob)


@replayed("globs")
def test_the_corpus_of_globs(data: bytes) -> None:
    check_glob(data.decode("utf-8", "surrogatepass"))


PATTERN_TEXTS = st.lists(
    st.sampled_from(["a", "b", "[ab]", ".", "a*", "b+", ".*", "(a|b)", "(?:ab)?", "^", "$", "\\b",
                     "\\w+", "(?=a)", "(?<!b)", "a{2,4}", "(?i:A)", "|"]),
    min_size=1, max_size=5,
).map("".join)  # fmt: skip
LINES = st.lists(st.text(alphabet="abAB \r\u2028é", max_size=12), max_size=8)


@tries(40)
@given(PATTERN_TEXTS, st.lists(LINES, min_size=1, max_size=3), st.integers(1, 9))
def test_a_search_finds_what_the_pattern_matches(
    pattern: str, files: list[list[str]], limit: int
) -> None:
    try:
        query = Query(pattern)
    except TellModel:
        return
    data = [(str(number), "\n".join(lines).encode()) for number, lines in enumerate(files)]
    expected = [
        Match(str(number), place, line.removesuffix("\r"))
        for number, lines in enumerate(files)
        for place, line in enumerate("\n".join(lines).split("\n"), 1)
        if "\n".join(lines) and re.search(pattern, line.removesuffix("\r"))
    ]
    found = query.search(data, limit)
    assert [match for match in found if match.text] == [
        match for match in expected[: len(found)] if match.text
    ]


@pytest.mark.parametrize("pattern", ["a*b*c", "(a|b)+c", "x?y?z?c", "(?=a).*c"])
def test_a_search_apart_stops_at_its_limit(pattern: str) -> None:
    data = [("one", b"ac\nabc\nbc\n"), ("two", b"\xe9c\nac\n"), ("binary", b"\0ac\n")]
    found = Query(pattern).search(data, 2)
    assert found == Query(pattern).search(data, 9)[:2]
    assert len(found) == 2
