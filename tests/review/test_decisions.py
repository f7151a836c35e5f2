from collections.abc import Callable, Mapping

import pytest

from longshift.domain.model import HunkDecision
from longshift.errors import UsageError
from longshift.review.decisions import (
    Target,
    chosen,
    parse_target,
    rejected_edits,
)
from longshift.review.unified import change_diff, hunk_diff, run_diff
from tests.support.review_world import File, World

MakeWorld = Callable[[Mapping[str, File]], World]


@pytest.fixture
def reviewed(world: MakeWorld) -> World:
    """C1 has two hunks on f (the second is stale) and one on g, which is accepted."""
    run = world({"f": b"a\nb\nc\nd\n", "g": b"g\n"})
    run.land({"f": b"A\nb\nc\nD\n", "g": b"g\nmore\n"}, "raise letters")
    run.accept(*run.hunks("g"))
    run.person.buffers["f"] = "a\nb\nc\nmine\n"
    return run


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("C1", Target("C1")),
        ("C12:src/a b.py", Target("C12", "src/a b.py")),
        ("C1:a.py:2", Target("C1", "a.py", 2)),
        ("C1:odd:name:2", Target("C1", "odd:name", 2)),
        ("C1:odd:name", Target("C1", "odd:name")),
    ],
)
def test_targets(text: str, expected: Target) -> None:
    assert parse_target(text) == expected


@pytest.mark.parametrize("text", ["", "c1", "C", "T1", "C1x", "a.py:2"])
def test_what_is_no_target(text: str) -> None:
    with pytest.raises(UsageError, match="CHANGE:PATH:HUNK"):
        parse_target(text)


@pytest.mark.parametrize(
    ("target", "decision", "expected"),
    [
        ("C1", "accepted", ["f:1"]),
        ("C1:f", "accepted", ["f:1"]),
        ("C1", "rejected", ["f:1", "f:2"]),
        ("C1:f:2", "rework", ["f:2"]),
        ("C1", "pending", ["g:1"]),
        ("C1:g:1", "accepted", ["g:1"]),
    ],
)
def test_hunks_that_a_word_speaks_of(
    reviewed: World, target: str, decision: HunkDecision, expected: list[str]
) -> None:
    hunks = chosen(reviewed.run, reviewed.hunks(), parse_target(target), decision)
    assert [f"{hunk.path}:{hunk.hunk}" for hunk in hunks] == expected


@pytest.mark.parametrize(
    ("target", "decision", "said"),
    [
        ("C7", "accepted", "no change C7 in R1, which has C1"),
        ("C1:h", "accepted", "no hunk in h; it has hunks in f, g"),
        ("C1:f:9", "accepted", "no hunk 9 in f, but 1, 2"),
        ("C1:f:2", "accepted", "stale .*changed by you since.*can't be accepted.*not changed"),
        ("C1:g", "rejected", "Nothing of C1 in g can be rejected: hunk 1 of C1 in g is accepted"),
        ("C1:f:1", "pending", "is pending, so it can't be undone"),
    ],
)
def test_refusals_say_why(reviewed: World, target: str, decision: HunkDecision, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        chosen(reviewed.run, reviewed.hunks(), parse_target(target), decision)


def test_the_buffer_that_holds_a_hunk_already_is_recorded(reviewed: World) -> None:
    reviewed.person.buffers["f"] = "A\nb\nc\nmine\n"  # applied by the editor, not yet recorded
    hunks = chosen(reviewed.run, reviewed.hunks(), Target("C1"), "accepted")
    assert [(hunk.path, hunk.hunk, hunk.state) for hunk in hunks] == [("f", 1, "accepted")]


def test_a_rejected_hunk_that_others_built_on_is_a_clash(world: MakeWorld) -> None:
    run = world({"f": b"a\nb\nc\nd\n"})
    run.land({"f": b"x\ny\nb\nc\nD\n"})
    run.decide("C1", "f", [1, 2], "rejected")
    run.land({"f": b"x\nz\ny\nb\nc\nD\n"})
    found = rejected_edits(run.run, run.proposals)
    edit = found.edits["f"]
    assert edit is not None
    assert edit.data == b"x\nz\ny\nb\nc\nd\n"
    assert [(hunk.key, hunk.new_text) for hunk in found.clashes] == [(("C1", "f", 1), "x\ny\n")]
    # A task takes the clash out; nothing of it is left then, and nothing is proposed.
    run.land({"f": b"a\nb\nc\nd\n"})
    assert {hunk.state for hunk in run.hunks()} <= {"rejected", "accepted", "superseded"}


def test_diffs(reviewed: World) -> None:
    first = reviewed.hunks("f")[0]
    assert hunk_diff(first) == "--- a/f\n+++ b/f\n@@ -1 +1 @@\n-a\n+A\n"
    whole = change_diff(reviewed.store, reviewed.run, "C1")
    assert whole == run_diff(reviewed.store, reviewed.run)
    only = change_diff(reviewed.store, reviewed.run, "C1", "g")
    assert only in whole
    assert only.splitlines()[-1] == "+more"
    with pytest.raises(UsageError, match="no change C9"):
        change_diff(reviewed.store, reviewed.run, "C9")
    with pytest.raises(UsageError, match="does not touch h, but f, g"):
        change_diff(reviewed.store, reviewed.run, "C1", "h")


def test_hunks_keep_their_numbers_when_a_file_is_renamed_later(world: MakeWorld) -> None:
    text = b"".join(b"line %d\n" % n for n in range(9))
    run = world({"f": text})
    run.land({"f": b"new\n" + text})
    run.land({"f": None, "g": b"new\n" + text})
    (edit,) = run.proposals.of_change(run.run, "C1", run.person)
    assert (edit.path, edit.file, edit.old_path, edit.state) == ("f", "g", "f", "pending")
    run.accept(edit)  # before the rename: where the file still is
    assert run.person.files["f"].data == b"new\n" + text
    (rename,) = run.proposals.of_change(run.run, "C2", run.person)
    run.accept(rename)
    assert set(run.person.files) == {"g"}
    assert {hunk.state for hunk in run.hunks()} == {"accepted"}
