"""Files of unusual size and form: what is too large is said to be, and all else is as ever."""

from collections.abc import Callable, Mapping

import pytest

from longshift.engine.ports import LARGEST_FILE_BYTES, DiskPresent
from longshift.repository.files import FileEdit
from longshift.repository.hunks import LARGEST_COMPARED
from longshift.review.proposals import apply
from longshift.review.shapes import PresentFile
from tests.support.review_world import File, World

MakeWorld = Callable[[Mapping[str, File]], World]
LARGE = b"a line of a large text\n" * (LARGEST_COMPARED // 23 + 1)
TEN = "".join(f"line {n}\n" for n in range(10))
MILLION = "x" * 1_000_000

# name: base, head, what the person types in front; the hunks fit the person's text all the same
FORMS = {
    "a line of a million characters": (f"a\n{MILLION}\nb\n", f"a\n{MILLION}y\nb\n", "# typed\n"),
    "one line of a million letters beyond ASCII": ("é" * 1_000_000, "é" * 1_000_000 + "!", "\n"),
    "lone carriage returns": ("a\rb\rc\n\nd\n", "a\rB\rc\n\nd\n", "# typed\n"),
    "form feeds": ("a\n\fb\n\f\nc\n", "a\n\fB\n\f\nc\n", "# typed\n"),
    "tabs": ("a:\n\tb\n\tc\n", "a:\n\tb\n\t\tc\n", "# typed\n"),
    "no line end at the end": ("a\nb\nc", "a\nb\nC", "# typed\n"),
    "a line end that goes": ("a\nb\nc\n", "a\nb\nc", "# typed\n"),
    "an empty line that comes": ("a\n", "a\n\n", "# typed\n"),
}


@pytest.mark.parametrize("name", FORMS)
def test_texts_of_any_form(world: MakeWorld, name: str) -> None:
    base, head, typed = FORMS[name]
    review = world({"f": base.encode()})
    review.land({"f": head.encode()})
    review.person.buffers["f"] = typed + base
    hunks = review.hunks("f")
    assert [hunk.state for hunk in hunks] == ["pending"]
    assert apply(typed + base, hunks) == typed + head


def test_a_large_text_is_one_hunk_that_is_taken_whole(world: MakeWorld) -> None:
    review = world({"f": LARGE})
    review.land({"f": b"first\n" + LARGE + b"last\n"})
    (hunk,) = review.hunks("f")
    assert (hunk.kind, hunk.state, hunk.edits) == ("binary", "pending", ())
    assert "not compared line by line" in hunk.reason
    assert "4 MB" in hunk.reason
    review.accept(hunk)
    assert review.person.files["f"].data == b"first\n" + LARGE + b"last\n"
    assert [one.state for one in review.hunks("f")] == ["accepted"]


@pytest.mark.parametrize("is_open", [True, False])
def test_a_large_text_that_the_person_changed_is_kept(world: MakeWorld, is_open: bool) -> None:
    review = world({"f": LARGE})
    review.land({"f": LARGE + b"last\n"})
    mine = b"mine\n" + LARGE
    if is_open:
        review.person.buffers["f"] = mine.decode()
    else:
        review.person.files["f"] = FileEdit(mine)
    (hunk,) = review.hunks("f")
    assert (hunk.state, hunk.edits) == ("stale", ())
    assert "you changed f since" in hunk.reason


def test_a_small_change_to_a_text_that_the_person_made_large(world: MakeWorld) -> None:
    review = world({"f": TEN.encode()})
    review.land({"f": TEN.encode() + b"more\n"})
    review.person.buffers["f"] = TEN + LARGE.decode()
    (hunk,) = review.hunks("f")
    assert (hunk.state, hunk.edits) == ("stale", ())
    assert hunk.reason.startswith("a text of more than 4 MB stands at f now")


def test_a_file_beyond_reading_says_so(world: MakeWorld, tmp_path) -> None:
    with (tmp_path / "f").open("wb") as file:
        file.truncate(LARGEST_FILE_BYTES + 1)
    review = world({"f": LARGE})
    review.land({"f": LARGE + b"last\n"})
    (hunk,) = review.proposals.of_path(review.run, "f", DiskPresent(tmp_path))
    assert hunk.state == "stale"
    assert "your f is not compared, because it is larger than 20 MB" in hunk.reason


def test_what_was_not_read_equals_nothing(world: MakeWorld) -> None:
    """Else a file of one NUL in the repository would be taken for the person's."""
    review = world({"f": b"\0"})
    review.land({"f": b"\0\0"})

    class Unread:
        def read(self, path: str) -> PresentFile | None:
            return PresentFile(data=b"\0", unread="it can't be read")

    (hunk,) = review.proposals.of_path(review.run, "f", Unread())
    assert hunk.state == "stale"
    assert "because it can't be read" in hunk.reason
