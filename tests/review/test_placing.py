"""Where findings stand: in the person's text, on the hunk that would write their line, nowhere."""

from collections.abc import Callable, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longshift.domain.model import Finding
from longshift.repository.hunks import split_lines
from longshift.repository.store import ObjectStore
from longshift.review.placing import Standing, place_findings
from tests.review.test_properties import SMALL, edited, landed, text, unrepeated_chains
from tests.support.review_world import File, World, as_edit

MakeWorld = Callable[[Mapping[str, File]], World]
BASE = b"one\ntwo\nthree\nfour\nfive\n"
TWO = BASE.replace(b"two", b"TWO")


def stand(world: World, line: int, path: str = "f", commit: str | None = None) -> Standing | None:
    finding = Finding(id="F1", path=path, line=line, severity="error", code="c", message="m",
                      commit=commit or world.run.head)  # fmt: skip
    placed = place_findings(world.proposals, world.run, [finding], world.person)
    return placed[0] if placed else None


def words(standing: Standing | None) -> str:
    if standing is None:
        return "nowhere"
    where = f"{standing.file}:{standing.start_line + 1}" if standing.exists else "no file"
    hunk, written = standing.hunk, standing.written
    on = f" on {hunk.change_id}.{hunk.hunk} {hunk.state}" if hunk is not None else ""
    by = f" by {written.change_id}:{written.line + 1}" if written is not None else ""
    return f"{where}{on}{by}{' changed' if standing.changed else ''}"


# name: landings, decisions (change, number, word), what the person has then, line: where it stands
ROWS: dict[str, tuple[list[dict[str, File]], list[tuple], dict[str, File], dict[int, str]]] = {
    "pending": ([{"f": TWO}], [], {}, {1: "f:1", 2: "f:2 on C1.1 pending by C1:2", 5: "f:5"}),
    "pending, lines typed above": (
        [{"f": TWO}], [], {"f": b"x\nx\n" + BASE}, {1: "f:3", 2: "f:4 on C1.1 pending by C1:2"},
    ),
    "inserted at the end": (
        [{"f": BASE + b"six\nseven\n"}], [], {},
        {6: "f:5 on C1.1 pending by C1:6", 7: "f:5 on C1.1 pending by C1:7"},
    ),
    "inserted at the start": (
        [{"f": b"zero\n" + BASE}], [], {}, {1: "f:1 on C1.1 pending by C1:1", 2: "f:1", 6: "f:5"},
    ),
    "accepted": ([{"f": TWO}], [("C1", 1, "accepted")], {"f": TWO}, {2: "f:2 by C1:2"}),
    "accepted, then edited": (
        [{"f": TWO}], [("C1", 1, "accepted")], {"f": TWO.replace(b"TWO", b"Two")},
        {2: "f:2 by C1:2 changed"},
    ),
    "accepted, then deleted": (
        [{"f": TWO}], [("C1", 1, "accepted")], {"f": TWO.replace(b"TWO\n", b"")},
        {2: "nowhere", 3: "f:2"},
    ),
    "rejected": ([{"f": TWO}], [("C1", 1, "rejected")], {}, {2: "nowhere", 3: "f:3"}),
    "rework": ([{"f": TWO}], [("C1", 1, "rework")], {}, {2: "nowhere", 3: "f:3"}),
    "does not fit any more": (
        [{"f": TWO}], [], {"f": BASE.replace(b"two", b"mine")},
        {2: "f:2 on C1.1 stale by C1:2", 3: "f:3"},
    ),
    "own line edited": ([{"f": TWO}], [], {"f": BASE.replace(b"four", b"4")}, {4: "f:4 changed"}),
    "own line deleted": (
        [{"f": TWO}], [], {"f": BASE.replace(b"four\n", b"")}, {4: "nowhere", 5: "f:4"},
    ),
    "rewritten by a later landing": (
        [{"f": TWO}, {"f": TWO.replace(b"TWO", b"2")}], [], {},
        {2: "f:2 on C2.1 pending by C2:2"},
    ),
    "two landings apart": (
        [{"f": TWO}, {"f": b"zero\n" + TWO}], [], {},
        {1: "f:1 on C2.1 pending by C2:1", 3: "f:2 on C1.1 pending by C1:2"},
    ),
    "the person's line ends are others": (
        [{"f": TWO}], [], {"f": BASE.replace(b"\n", b"\r\n")},
        {2: "f:2 on C1.1 pending by C1:2", 4: "f:4"},
    ),
    "created": ([{"g": b"new\nmore\n"}], [], {}, {2: "no file on C1.1 pending by C1:2"}),
    "created and accepted": (
        [{"g": b"new\nmore\n"}], [("C1", 1, "accepted")], {"g": b"mine\nnew\nmore\n"},
        {2: "g:3 by C1:2"},
    ),
    "renamed with an edit": (
        [{"f": None, "g": TWO}], [], {}, {1: "f:1", 2: "f:2 on C1.1 pending by C1:2", 5: "f:5"},
    ),
    "renamed, and accepted": (
        [{"f": None, "g": TWO}], [("C1", 1, "accepted")], {"f": None, "g": TWO},
        {2: "g:2 by C1:2"},
    ),
    "not text": ([{"g": b"\0\n\0\n"}], [], {}, {1: "nowhere"}),
    "the file is gone for the person": ([{"f": TWO}], [], {"f": None}, {1: "nowhere"}),
}  # fmt: skip


@pytest.mark.parametrize("name", ROWS)
def test_where_a_finding_stands(name: str, world: MakeWorld) -> None:
    landings, decisions, present, expected = ROWS[name]
    it = world({"f": BASE})
    for landing in landings:
        it.land(landing)
    path = "g" if any("g" in landing for landing in landings) else "f"
    for change, number, word in decisions:
        it.decide(change, path, [number], word)
    for changed, data in present.items():
        if data is None:
            del it.person.files[changed]
        else:
            it.person.files[changed] = as_edit(data)
    assert {line: words(stand(it, line, path)) for line in expected} == expected


@pytest.mark.parametrize(
    ("later", "expected"),
    [
        ({"f": b"zero\n" + TWO}, "f:2 on C1.1 pending by C1:2"),
        ({"f": TWO.replace(b"TWO", b"2")}, "f:2 on C2.1 pending by C2:2"),
        ({"f": TWO.replace(b"TWO\n", b"")}, "nowhere"),
        ({"f": None}, "nowhere"),
        ({"f": None, "h": TWO}, "f:2 on C1.1 pending by C1:2"),
    ],
    ids=["moved", "rewritten", "deleted", "file deleted", "renamed"],
)
def test_a_finding_of_an_earlier_head(
    later: dict[str, File], expected: str, world: MakeWorld
) -> None:
    it = world({"f": BASE})
    it.land({"f": TWO})
    commit = it.run.head
    it.land(later)
    assert words(stand(it, 2, commit=commit)) == expected


@given(texts=unrepeated_chains())
@SMALL
def test_a_line_is_the_persons_own_or_on_the_hunk_that_writes_it(
    store: ObjectStore, texts: list[str]
) -> None:
    world = landed(store, texts)
    mine, head = split_lines(texts[0]), split_lines(texts[-1])
    for number, line in enumerate(head, 1):
        standing = stand(world, number)
        assert standing is not None
        if standing.hunk is None:
            assert mine[standing.start_line] == line
        else:
            assert line in split_lines(standing.hunk.new_text)
            assert standing.written is not None
            at = split_lines(world.store.read_file(standing.written.commit, "f").data.decode())
            assert at[standing.written.line] == line
    world.accept(*(hunk for hunk in world.hunks() if hunk.state == "pending"))
    for number in range(1, len(head) + 1):
        standing = stand(world, number)
        assert standing is not None
        assert (standing.hunk, standing.start_line) == (None, number - 1)


@given(texts=unrepeated_chains(), data=st.data())
@SMALL
def test_any_text_of_the_persons_has_a_place_or_none(
    store: ObjectStore, texts: list[str], data: st.DataObject
) -> None:
    world = landed(store, texts)
    lines = data.draw(edited(texts[0].splitlines(), "xyz"))
    world.person.buffers["f"] = text(lines, ended=data.draw(st.booleans()))
    for hunk in world.hunks("f"):
        word = data.draw(st.sampled_from(["accepted", "rejected", "rework", "pending"]))
        world.decide(hunk.change_id, "f", [hunk.hunk], word)
    last = max(0, len(split_lines(world.person.buffers["f"])) - 1)
    for number in range(1, len(split_lines(texts[-1])) + 2):
        standing = stand(world, number)
        if standing is not None:
            assert 0 <= standing.start_line <= standing.end_line <= last
            assert standing.hunk is None or standing.hunk.state in ("pending", "stale")
