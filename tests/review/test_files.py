"""Hunks of whole files, and bytes that are no plain UTF-8 with plain line ends."""

from collections.abc import Callable, Mapping

import pytest

from longshift.repository.files import EXECUTABLE, SYMLINK, FileEdit
from longshift.review.decisions import rejected_edits
from longshift.review.edits import apply_edits
from longshift.review.of_file import hunks_of as hunks_in_file
from longshift.review.proposals import Proposals, apply
from longshift.review.shapes import DIRECTORY, PresentFile
from tests.support.review_world import File, World, as_edit

MakeWorld = Callable[[Mapping[str, File]], World]
TEN = b"".join(b"line %d\n" % n for n in range(10))
RUN_ME = FileEdit(b"#!/bin/sh\n", EXECUTABLE)

# name: base, landings, what the person does to their files before looking (None: deletes),
# expected (path, kind, state) of the hunks that are not superseded
WHOLE: dict[str, tuple[dict[str, File], list[dict[str, File]], dict[str, File], list[str]]] = {
    "create": ({}, [{"f": b"new\n"}], {}, ["f create pending"]),
    "create an empty file": ({}, [{"f": b""}], {}, ["f create pending"]),
    "create, edited by a later landing": (
        {},
        [{"f": b"new\n"}, {"f": b"new\nmore\n"}],
        {},
        ["f create pending"],
    ),
    "create where the same file stands": (
        {}, [{"f": b"new\n"}], {"f": b"new\n"}, ["f create accepted"],
    ),
    "create where another file stands": (
        {}, [{"f": b"new\n"}], {"f": b"mine\n"}, ["f create stale"],
    ),
    "create where a symlink stands": (
        {}, [{"f": b"new\n"}], {"f": FileEdit(b"g", SYMLINK)}, ["f create stale"],
    ),
    "create and delete again": ({}, [{"f": b"new\n"}, {"f": None}], {}, []),
    "delete": ({"f": TEN}, [{"f": None}], {}, ["f delete pending"]),
    "delete what the person deleted": (
        {"f": TEN}, [{"f": None}], {"f": None}, ["f delete accepted"],
    ),
    "delete what the person edited": (
        {"f": TEN}, [{"f": None}], {"f": TEN + b"mine\n"}, ["f delete stale"],
    ),
    "edit, then delete": (
        {"f": TEN}, [{"f": b"new\n" + TEN}, {"f": None}], {}, ["f delete pending"],
    ),
    "delete and create again": (
        {"f": TEN}, [{"f": None}, {"f": TEN + b"more\n"}], {}, ["f edit pending"],
    ),
    "edit what the person deleted": (
        {"f": TEN}, [{"f": TEN + b"more\n"}], {"f": None}, ["f edit stale"],
    ),
    "rename": ({"f": TEN}, [{"f": None, "g": TEN}], {}, ["g rename pending"]),
    "rename with an edit": (
        {"f": TEN}, [{"f": None, "g": TEN + b"more\n"}], {}, ["g rename pending"],
    ),
    "rename, then edit": (
        {"f": TEN},
        [{"f": None, "g": TEN}, {"g": TEN + b"more\n"}],
        {},
        ["g rename pending", "g edit pending"],
    ),
    "rename what the person edited elsewhere": (
        {"f": TEN},
        [{"f": None, "g": TEN + b"more\n"}],
        {"f": b"mine\n" + TEN},
        ["g rename pending"],
    ),
    "rename onto a file of the person's": (
        {"f": TEN}, [{"f": None, "g": TEN}], {"g": b"mine\n"}, ["g rename stale"],
    ),
    "rename done by the person": (
        {"f": TEN}, [{"f": None, "g": TEN}], {"f": None, "g": TEN}, ["g rename accepted"],
    ),
    "mode": ({"f": RUN_ME.data}, [{"f": RUN_ME}], {}, ["f mode pending"]),
    "mode done by the person": (
        {"f": RUN_ME.data}, [{"f": RUN_ME}], {"f": RUN_ME}, ["f mode accepted"],
    ),
    "mode and text": (
        {"f": b"echo\n"},
        [{"f": FileEdit(b"#!\necho\n", EXECUTABLE)}],
        {},
        ["f edit pending", "f mode pending"],
    ),
    "binary": ({"f": b"\0a"}, [{"f": b"\0b"}], {}, ["f binary pending"]),
    "binary that the person changed": (
        {"f": b"\0a"}, [{"f": b"\0b"}], {"f": b"\0c"}, ["f binary stale"],
    ),
    "binary twice": (
        {"f": b"\0a"}, [{"f": b"\0b"}, {"f": b"\0c"}], {}, ["f binary pending"],
    ),
    "binary created": ({}, [{"f": b"\0b"}], {}, ["f create pending"]),
    "binary deleted": ({"f": b"\0b"}, [{"f": None}], {}, ["f delete pending"]),
    "binary renamed": (
        {"f": b"\0b" * 99}, [{"f": None, "g": b"\0b" * 99}], {}, ["g rename pending"],
    ),
    "file becomes a symlink": (
        {"f": b"g"}, [{"f": FileEdit(b"g", SYMLINK)}], {}, ["f mode pending"],
    ),
}  # fmt: skip


def shown(world: World) -> list[str]:
    return [
        f"{hunk.file} {hunk.kind} {hunk.state}"
        for hunk in world.hunks()
        if hunk.state != "superseded"
    ]


@pytest.mark.parametrize("name", WHOLE)
def test_whole_files(world: MakeWorld, name: str) -> None:
    base, landings, person, expected = WHOLE[name]
    run = world(base)
    for files in landings:
        run.land(files)
    for path, file in person.items():
        if file is None:
            del run.person.files[path]
        else:
            run.person.files[path] = as_edit(file)
    assert shown(run) == expected
    if not person:
        check_round_trip(run)


def check_round_trip(world: World) -> None:
    """Accepting all makes the head; undoing all brings back what was; rejecting all, the base."""
    before = dict(world.person.files)
    accepted = [hunk for hunk in world.hunks() if hunk.state == "pending"]
    world.accept(*accepted)
    files = world.store.list_files(world.run.head)
    head = {path: world.store.version(entry).as_edit() for path, entry in files.items()}
    assert world.person.files == head
    assert {hunk.state for hunk in world.hunks()} <= {"accepted", "superseded"}
    keys = {hunk.key for hunk in accepted}
    mine = [hunk for hunk in world.hunks() if hunk.key in keys]
    world.person.perform(world.proposals.file_effects(world.run, mine, world.person))
    for hunk in mine:
        world.decide(hunk.change_id, hunk.path, [hunk.hunk], "pending")
    assert world.person.files == before
    assert [hunk.key for hunk in world.hunks() if hunk.state == "pending"] == [
        hunk.key for hunk in accepted
    ]
    for hunk in accepted:
        world.decide(hunk.change_id, hunk.path, [hunk.hunk], "rejected")
    assert not [hunk for hunk in world.hunks() if hunk.state in ("pending", "stale")]
    rejected = rejected_edits(world.run, world.proposals)
    assert rejected.clashes == ()
    assert {path: file for path, file in (head | dict(rejected.edits)).items() if file} == before


ENCODED: dict[str, tuple[bytes, bytes, str | bytes, str]] = {
    # base, head, the person's buffer (str) or file (bytes), the same with all hunks applied
    "crlf": (b"a\r\nb\r\n", b"a\r\nB\r\n", "mine\r\na\r\nb\r\n", "mine\r\na\r\nB\r\n"),
    "crlf that the editor shows as lf": (b"a\r\nb\r\n", b"a\r\nB\r\n", "a\nb\n", "a\nB\n"),
    "mixed that the editor made one": (b"a\r\nb\nc\n", b"a\r\nb\nC\n", "a\nb\nc\n", "a\nb\nC\n"),
    "lf that the person converted": (b"a\nb\n", b"a\nB\n", b"a\r\nb\r\n", "a\r\nB\r\n"),
    "line ends that a landing converts": (b"a\r\nb\r\n", b"a\nb\n", "a\r\nb\r\n", "a\nb\n"),
    "mark that the editor hides": (
        b"\xef\xbb\xbfa\nb\n", b"\xef\xbb\xbfA\nb\n", "a\nb\n", "A\nb\n",
    ),
    "mark on disk": (
        b"\xef\xbb\xbfa\nb\n", b"\xef\xbb\xbfA\nb\n", b"\xef\xbb\xbfa\nb\n", "\ufeffA\nb\n",
    ),
    "latin-1": (b"caf\xe9\nb\n", b"caf\xe9\nB\xfc\n", b"x\ncaf\xe9\nb\n", "x\ncaf\xe9\nB\xfc\n"),
    "latin-1 typed into utf-8": (b"a\nb\nc\n", b"a\nb\nC\n", b"caf\xe9\nb\nc\n", "caf\xe9\nb\nC\n"),
    "outside the basic plane": (
        "😀\nb\n".encode(), "😀\n𝄞\n".encode(), "😀😀\n😀\nb\n", "😀😀\n😀\n𝄞\n",
    ),
    "lone returns and form feeds": (
        b"a\rb\n\x0cc\nd\n", b"a\rb\n\x0cC\nd\n", "a\rb\n\x0cc\nd\ne", "a\rb\n\x0cC\nd\ne",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ENCODED)
def test_bytes_and_buffers(world: MakeWorld, name: str) -> None:
    base, head, person, expected = ENCODED[name]
    run = world({"f": base})
    run.land({"f": head})
    if isinstance(person, bytes):
        run.person.files["f"] = FileEdit(person)
        hunks = [hunk for hunk in run.hunks("f") if hunk.state == "pending"]
        run.accept(*hunks)
        encoding = "latin-1" if "latin" in name else "utf-8"
        assert run.person.files["f"].data == expected.encode(encoding)
    else:
        run.person.buffers["f"] = person
        hunks = [hunk for hunk in run.hunks("f") if hunk.state == "pending"]
        assert apply(person, hunks) == expected
        for hunk in hunks:
            for edit in hunk.edits:  # offsets and lines speak of the same places
                lines = person.split("\n")
                assert edit.start == sum(len(line) + 1 for line in lines[: edit.start_line])
                assert person[edit.start : edit.end].count("\n") <= edit.end_line - edit.start_line
        run.person.buffers["f"] = expected
    assert [hunk.state for hunk in run.hunks("f")] == ["accepted"]


def test_a_folder_in_the_way_makes_a_creation_stale(world: MakeWorld) -> None:
    run = world({})
    run.land({"f": b"new\n"})

    class Folder:
        def read(self, path: str) -> PresentFile | None:
            return PresentFile(mode=DIRECTORY)

    (hunk,) = run.proposals.of_path(run.run, "f", Folder())
    assert (hunk.state, "a folder stands at f" in hunk.reason) == ("stale", True)


def test_writing_keeps_the_mark_that_an_editor_hides(world: MakeWorld) -> None:
    run = world({"f": b"\xef\xbb\xbfa\nb\n"})
    run.land({"f": b"\xef\xbb\xbfa\nB\n"})
    run.person.buffers["f"] = "a\nb\n"
    (effect,) = run.proposals.file_effects(run.run, run.hunks("f"), run.person)
    assert getattr(effect, "data", b"") == b"\xef\xbb\xbfa\nB\n"


@pytest.mark.parametrize(
    ("line", "expected"),
    [(0, 0), (1, 2), (2, 3), (3, 3), (4, 4)],
    ids=["above", "after an insertion", "pending", "pending too", "below"],
)
def test_lines_of_the_head_in_the_present_text(world: MakeWorld, line: int, expected: int) -> None:
    run = world({"f": b"a\nb\nc\nd\n"})
    run.land({"f": b"a\nb\nC\nC2\nd\n"})
    present = PresentFile(text="a\ntyped\nb\nc\nd\n")
    assert run.proposals.line_in_present(run.run.head, "f", line, present) == expected
    assert run.proposals.line_in_present(run.run.head, "gone", line, present) is None


def states(world: World) -> dict[str, str]:
    return {f"{hunk.path} {hunk.kind}": hunk.state for hunk in world.hunks()}


def test_a_rename_stays_pending_through_a_new_cycle(world: MakeWorld) -> None:
    it = world({"f": TEN, "other": b"o\n"})
    it.land({"f": None, "g": TEN})
    it.person.files["other"] = as_edit(b"mine\n")
    it.take({"other": b"mine\n"})
    assert states(it) == {"g rename": "pending"}
    it.accept(*it.hunks())
    assert sorted(it.person.files) == ["g", "other"]
    assert states(it) == {"g rename": "accepted"}


def test_what_was_accepted_under_one_name_is_renamed_from_there(world: MakeWorld) -> None:
    """A made file, and a renamed one, go on from the name that the person has."""
    it = world({"f": TEN})
    it.land({"f": None, "g": TEN, "new": b"new\n"})
    it.land({"new": TEN + b"new\n"})  # the hunk that is accepted then stands for the making, too
    it.accept(*(hunk for hunk in it.hunks() if hunk.state == "pending"))
    assert sorted(it.person.files) == ["g", "new"]
    it.land({"g": None, "h": TEN, "new": None, "newer": TEN + b"new\n"})
    pending = [hunk for hunk in it.hunks() if hunk.state == "pending"]
    assert {(hunk.path, hunk.old_path) for hunk in pending} == {("h", "g"), ("newer", "new")}
    it.accept(*pending)
    assert sorted(it.person.files) == ["h", "newer"]


def test_taking_a_made_file_back_leaves_what_was_typed_into_it(world: MakeWorld) -> None:
    it = world({})
    it.land({"f": b"made\n"})
    it.accept(*it.hunks())
    it.person.files["f"] = as_edit(b"typed\nmade\n")
    [hunk] = it.hunks()
    it.person.perform(it.proposals.file_effects(it.run, [hunk], it.person))
    assert it.person.files["f"].data == b"typed\n"


def test_a_hunk_of_an_earlier_cycle_is_taken_back_by_itself(world: MakeWorld) -> None:
    it = world({"f": TEN})
    it.land({"f": TEN.replace(b"line 2", b"LINE 2").replace(b"line 7", b"LINE 7")})
    it.accept(*it.hunks())
    it.take({})
    it.person.files["f"] = as_edit(b"typed\n" + it.person.files["f"].data)
    first = it.hunks()[0]
    assert (first.state, first.settled, first.undo) == ("accepted", True, ())
    undo = it.proposals.undo_alone(it.run, first, it.person)
    text = apply_edits(it.person.files["f"].data.decode(), undo)
    assert text.encode() == b"typed\n" + TEN.replace(b"line 7", b"LINE 7")
    it.person.files["f"] = as_edit(text.encode())
    it.decide(first.change_id, first.path, [first.hunk], "pending")
    assert [hunk.state for hunk in it.hunks()] == ["superseded", "accepted"]


def test_an_empty_file_is_still_to_be_made_in_the_next_cycle(world: MakeWorld) -> None:
    it = world({"f": TEN})
    it.land({"new": b"new\n"})
    it.land({"new": b""})
    it.person.files["f"] = as_edit(b"mine\n")
    it.take({"f": b"mine\n"})
    assert states(it)["new create"] == "pending"
    it.accept(*(hunk for hunk in it.hunks() if hunk.state == "pending"))
    assert it.person.files["new"].data == b""


def test_a_name_that_another_file_has_is_no_name_of_the_old_one(world: MakeWorld) -> None:
    """Whatever was known before: what a merge could not follow gave the old name to another."""
    it = world({"f": TEN})
    it.land({"f": None, "g": TEN})
    it.land({"g": None})
    it.person.files["f"] = as_edit(TEN + b"mine\n")
    it.take({"f": TEN + b"mine\n"})
    assert it.hunks()
    it.land({"f": None, "h": TEN + b"mine\n"})
    known = it.hunks()
    it.proposals = Proposals(it.store)
    assert it.hunks() == known
    assert states(it)["h rename"] == "pending"


def test_the_hunks_of_a_renamed_file_do_not_stand_in_another_of_its_old_name(
    world: MakeWorld,
) -> None:
    it = world({"f": TEN})
    it.land({"f": None, "g": TEN})
    it.accept(*it.hunks())
    it.person.files["f"] = as_edit(b"another\n")
    it.take({"f": b"another\n"})
    it.land({"g": TEN + b"more\n"})
    assert it.proposals.names(it.run, "g") == ("g",)
    it.accept(*(hunk for hunk in it.hunks() if hunk.state == "pending"))
    assert it.person.files["f"].data == b"another\n"
    assert it.person.files["g"].data == TEN + b"more\n"


def test_a_made_file_whose_renaming_was_rejected_keeps_its_name(world: MakeWorld) -> None:
    it = world({})
    it.land({"new": TEN})
    it.accept(*it.hunks())
    it.land({"new": None, "newer": TEN})
    [renaming] = [hunk for hunk in it.hunks() if hunk.state == "pending"]
    it.decide(renaming.change_id, renaming.path, [1], "rejected")
    rejected = rejected_edits(it.run, it.proposals)
    assert rejected.clashes == ()
    assert {path: edit and edit.data for path, edit in rejected.edits.items()} == {
        "newer": None, "new": TEN
    }  # fmt: skip


def test_hunks_stand_in_the_file_that_the_person_has_moved_not_in_another_of_its_old_name(
    world: MakeWorld,
) -> None:
    """As after a checkout of a branch that has the old name."""
    it = world({"f": TEN})
    it.land({"f": None, "g": TEN})
    it.accept(*it.hunks())
    it.land({"g": TEN + b"more\n"})
    it.person.files["f"] = as_edit(TEN)
    here, there = (hunks_in_file(it.proposals, (it.run,), path, it.person) for path in ("g", "f"))
    assert [hunk.path for _, hunk in here] == ["g", "g"]
    assert there == ()


def test_a_file_that_the_person_moved_is_not_the_one_that_came_back_in_its_place(
    world: MakeWorld,
) -> None:
    """As after a checkout of a branch that has the old name: the moved one stays decidable."""
    it = world({"f": TEN})
    it.land({"f": None, "g": TEN})
    it.accept(*it.hunks())
    it.person.files["f"] = as_edit(b"of another branch\n")
    it.land({"g": None, "h": TEN + b"more\n"})
    it.accept(*(hunk for hunk in it.hunks() if hunk.state == "pending"))
    assert {path: file.data for path, file in it.person.files.items()} == {
        "f": b"of another branch\n", "h": TEN + b"more\n"
    }  # fmt: skip
    assert {hunk.state for hunk in it.hunks()} == {"accepted"}


def test_an_undo_takes_no_typed_line_along_and_glues_none(world: MakeWorld) -> None:
    it = world({"f": b"one\ntwo"})
    it.land({"f": b"one\ntwo\n"})
    typed = b"one\ntyped before\ntwo\n"
    it.person.files["f"] = as_edit(typed)
    [hunk] = it.hunks()
    assert apply_edits(typed.decode(), hunk.undo) == "one\ntyped before\ntwo"
    it.person.files["f"] = as_edit(typed + b"typed behind\n")
    [hunk] = it.hunks()
    assert (hunk.state, hunk.undo) == ("accepted", ())


def test_what_was_accepted_is_taken_out_of_a_file_that_is_still_to_be_renamed(
    world: MakeWorld,
) -> None:
    it = world({"f": TEN})
    it.land({"f": TEN.replace(b"line 7", b"LINE 7")})
    it.accept(*it.hunks())
    it.land({"f": None, "g": TEN.replace(b"line 7", b"LINE 7")})
    it.person.files["f"] = as_edit(b"typed\n" + it.person.files["f"].data)
    accepted = [hunk for hunk in it.hunks() if hunk.kind == "edit"]
    it.person.perform(it.proposals.file_effects(it.run, accepted, it.person))
    assert {path: file.data for path, file in it.person.files.items()} == {"f": b"typed\n" + TEN}


def test_what_was_taken_back_in_a_later_cycle_and_typed_into_is_not_put_back_twice(
    world: MakeWorld,
) -> None:
    it = world({"f": TEN})
    gone = TEN.replace(b"line 3\nline 4\nline 5\n", b"")
    it.land({"f": gone})
    it.accept(*it.hunks())
    it.take({"f": gone})
    [hunk] = it.hunks()
    it.land({"f": gone.replace(b"line 6", b"LINE 6")})
    it.accept(*(hunk for hunk in it.hunks() if hunk.state == "pending"))
    it.decide(hunk.change_id, hunk.path, [hunk.hunk], "pending")
    typed = TEN.replace(b"line 6", b"LINE 6").replace(b"line 4", b"line 4, typed")
    it.person.files["f"] = as_edit(typed)
    assert it.hunks()[0].state == "superseded"


def test_a_change_has_its_hunks_though_another_file_took_the_name_that_they_go_by(
    world: MakeWorld,
) -> None:
    it = world({"f": TEN})
    it.land({"f": TEN.replace(b"line 7", b"LINE 7")})
    [hunk] = it.hunks()
    it.land({"f": None, "g": TEN.replace(b"line 7", b"LINE 7")})
    it.accept(*it.hunks())
    it.person.files["f"] = as_edit(b"another\n")
    it.take({"f": b"another\n"})
    assert it.proposals.names(it.run, "g") == ("g",)
    of_change = it.proposals.of_change(it.run, hunk.change_id, it.person)
    assert [one.key for one in of_change] == [hunk.key]


def test_a_made_file_that_came_back_to_its_name_is_moved_back_by_one(world: MakeWorld) -> None:
    it = world({})
    it.land({"new": TEN})
    it.accept(*it.hunks())
    for old, new in (("new", "newer"), ("newer", "new")):
        it.land({old: None, new: TEN})
        it.accept(*(hunk for hunk in it.hunks() if hunk.state == "pending"))
    [_, renaming] = [hunk for hunk in it.hunks() if hunk.kind == "rename"]
    assert renaming.state == "accepted"
    it.person.perform(it.proposals.file_effects(it.run, [renaming], it.person))
    assert [*it.person.files] == ["newer"]
