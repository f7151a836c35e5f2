import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from longshift.repository import hunks as hunks_room
from longshift.repository.files import EXECUTABLE, FileEdit
from longshift.repository.hunks import (
    LARGEST_COMPARED,
    LineHunk,
    apply_hunks,
    line_hunks,
    split_lines,
    unified,
)
from tests.support.examples import examples
from tests.support.repository_git import GitRepository

line = st.sampled_from(["a", "b", "{", "", "x\r", "\x0c", "\u2028", "é😀", "\r", "\0", "    y"])
texts = st.tuples(st.lists(line, max_size=30), st.booleans()).map(
    lambda given_: "\n".join(given_[0]) + ("\n" if given_[1] and given_[0] else "")
)


@settings(max_examples=examples(300), deadline=None)
@given(texts, texts)
def test_hunks_make_the_new_text_and_none_is_empty_or_equal(old: str, new: str) -> None:
    hunks = line_hunks(old, new)
    assert apply_hunks(old, hunks) == new
    for hunk in hunks:
        assert hunk.old_lines != hunk.new_lines
        end = hunk.new_start + len(hunk.new_lines)
        assert tuple(split_lines(new)[hunk.new_start : end]) == hunk.new_lines


@settings(max_examples=examples(150), deadline=None)
@given(texts, texts, st.integers(0, 20))
def test_large_texts_are_compared_between_what_is_alike(old: str, new: str, largest: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hunks_room, "LARGEST_COMPARED", largest)
        hunks = line_hunks(old, new)
    assert apply_hunks(old, hunks) == new
    for hunk in hunks:
        end = hunk.new_start + len(hunk.new_lines)
        assert tuple(split_lines(new)[hunk.new_start : end]) == hunk.new_lines


@settings(max_examples=examples(300), deadline=None)
@given(texts, texts, texts, texts, st.integers(0, 9))
def test_what_is_alike_about_a_change_is_not_compared(
    ahead: str, old: str, new: str, behind: str, around: int
) -> None:
    old, new = ahead + old + behind, ahead + new + behind
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hunks_room, "_AROUND", around)
        hunks = line_hunks(old, new)
    assert apply_hunks(old, hunks) == new
    for hunk in hunks:
        end = hunk.new_start + len(hunk.new_lines)
        assert tuple(split_lines(new)[hunk.new_start : end]) == hunk.new_lines


@pytest.mark.parametrize("seed", range(20))
def test_hunks_in_a_large_text_are_those_of_a_comparison_of_all_of_it(seed: int) -> None:
    rng = random.Random(seed)
    lines = [rng.choice(["", "}", "    return x", f"    x = {n}"]) + "\n" for n in range(3_000)]
    changed = list(lines)
    for _ in range(rng.randrange(1, 5)):
        at = rng.randrange(len(changed))
        changed[at : at + rng.randrange(4)] = changed[at - rng.randrange(4) : at]
    old, new = "".join(lines), "".join(changed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hunks_room, "_AROUND", len(old) + len(new))
        whole = line_hunks(old, new)
    assert line_hunks(old, new) == whole


def test_a_large_text_is_named_and_not_shown() -> None:
    line = b"x" * 99 + b"\n"
    large = line * (LARGEST_COMPARED // 100 + 1)
    shown = unified(FileEdit(large), FileEdit(large + b"more\n"), "f")
    assert shown.splitlines() == [
        "diff --git a/f b/f", "Files a/f and b/f differ, and are too large to show"
    ]  # fmt: skip
    assert line_hunks(large.decode(), large.decode() + "more\n") == [
        LineHunk(len(large) // 100, (), len(large) // 100, ("more\n",))
    ]


@given(st.text(alphabet="a\n\r\x0b\x85\u2028\ud800"))
def test_lines_end_at_newline_only(text: str) -> None:
    lines = split_lines(text)
    assert "".join(lines) == text
    assert all(line.count("\n") == line.endswith("\n") for line in lines)
    assert len(lines) == text.count("\n") + (not text.endswith("\n") and text != "")


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("", "a\n", [LineHunk(0, (), 0, ("a\n",))]),
        ("a\n", "", [LineHunk(0, ("a\n",), 0, ())]),
        ("a\nb\n", "a\nx\nb\n", [LineHunk(1, (), 1, ("x\n",))]),
        ("a\r\nb", "a\r\nb\n", [LineHunk(1, ("b",), 1, ("b\n",))]),
        (
            "a\nb\nc\n",
            "A\nb\nC\n",
            [LineHunk(0, ("a\n",), 0, ("A\n",)), LineHunk(2, ("c\n",), 2, ("C\n",))],
        ),
    ],
)
def test_positions(old: str, new: str, expected: list[LineHunk]) -> None:
    assert line_hunks(old, new) == expected


def test_some_of_the_hunks_may_be_applied_and_misfits_are_refused() -> None:
    first, second = line_hunks("a\nb\nc\n", "A\nb\nC\n")
    assert apply_hunks("a\nb\nc\n", [second]) == "a\nb\nC\n"
    with pytest.raises(ValueError, match="does not fit"):
        apply_hunks("z\nb\nc\n", [first])


@pytest.mark.parametrize(
    ("old", "new", "path", "old_path"),
    [
        (FileEdit(b"a\nb\n"), FileEdit(b"a\nc"), "f.txt", None),
        (None, FileEdit(b"new\n"), 'odd "näme"\n\t.py', None),
        (FileEdit(b"gone\n"), None, "f", None),
        (FileEdit(b"a\n"), FileEdit(b"a\n", EXECUTABLE), "f", None),
        (FileEdit(b"1\n2\n3\n4\n"), FileEdit(b"1\n2\n3\n5\n"), "new", "old name"),
        (None, FileEdit(b""), "empty", None),
        (FileEdit(b"\xe9t\xe9\nb\n"), FileEdit(b"\xe9t\xe9\nc \xff\n"), "latin", None),
    ],
)
def test_git_applies_what_unified_writes(
    person: GitRepository,
    old: FileEdit | None,
    new: FileEdit | None,
    path: str,
    old_path: str | None,
) -> None:
    person.commit({(old_path or path): old.data} if old else {})
    text = unified(old, new, path, old_path, exact=True)
    person.git("apply", "--index", stdin=text.encode("utf-8", "surrogateescape"))
    unified(old, new, path, old_path).encode()  # for all others it is plain UTF-8
    staged = person.git("ls-files", "-s", "-z")
    assert (path in staged) == (new is not None)
    if new:
        assert (person.root / path).read_bytes() == new.data
        assert f"{new.mode:o} " in staged


def test_binary_content_is_named_only() -> None:
    assert "Binary files a/x and b/x differ" in unified(FileEdit(b"\0"), FileEdit(b"\0\1"), "x")
