"""Which part of a run an export holds, and what its commits make of the person's last commit."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count, groupby
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from longshift.domain import events as e
from longshift.errors import NeedsPerson
from longshift.repository.exporting import Commit, DoesNotFit, commit_all
from longshift.repository.files import EXECUTABLE, SYMLINK, FileEdit
from longshift.repository.person import Identity
from longshift.repository.store import ObjectStore
from longshift.review.decisions import rejected_edits
from longshift.review.exporting import exported
from tests.review.test_properties import SMALL, chains, edited, landed, text, unrepeated_chains
from tests.support.review_world import File, World, as_edit

WHO = Identity("Ada <ada@example.org> 0 +0000", "Ada <ada@example.org> 0 +0000")
ABC = b"a\nb\nc\nd\ne\nf\ng\nh\ni\n"


def of(**changed: str) -> bytes:
    """The letters with some of them changed, or gone ("")."""
    lines = ABC.decode().splitlines()
    new = [changed.get(line, line) for line in lines]
    return "".join(f"{line}\n" for line in new if line).encode()


def land(**files: File) -> tuple[str, Any]:
    return "land", {path.replace("_", "."): file for path, file in files.items()}


def accept(change: str, path: str, *hunks: int) -> tuple[str, Any]:
    return "accept", (change, path, hunks)


def reject(change: str, path: str, *hunks: int) -> tuple[str, Any]:
    return "reject", (change, path, hunks)


def typed(**files: File) -> tuple[str, Any]:
    return "typed", {path.replace("_", "."): file for path, file in files.items()}


def taken(**head: File) -> tuple[str, Any]:
    """The next cycle begins: the person's text is taken, and that is what the head then has."""
    return "taken", {path.replace("_", "."): file for path, file in head.items()}


def own(change: str, path: str, hunk: int, lines: str, after: bytes) -> tuple[str, Any]:
    """The person accepts a hunk with lines of their own."""
    return "own", (change, path, hunk, lines, after)


@dataclass(frozen=True)
class Case:
    """A run, and the commits of its export: by change, the files that differ from before it."""

    name: str
    steps: Sequence[tuple[str, Any]]
    commits: Sequence[tuple[str, Mapping[str, File]]]
    base: Mapping[str, File] = field(default_factory=lambda: {"a.x": ABC})
    committed: Mapping[str, File] | None = None
    """What of the base is committed; None: all."""
    accepted: bool = False
    left_out: Sequence[str] = ()


BINARY = b"\0\1\2"
CASES = [
    Case("as it landed", [land(a_x=of(a="A", e="E"))], [("C1", {"a.x": of(a="A", e="E")})]),
    Case(
        "one commit for each change, in landing order",
        [land(a_x=of(a="A")), land(b_x=b"new\n"), land(a_x=of(a="A", e="E"))],
        [("C1", {"a.x": of(a="A")}), ("C2", {"b.x": b"new\n"}), ("C3", {"a.x": of(a="A", e="E")})],
    ),
    Case(
        "a rejected hunk is in no commit",
        [land(a_x=of(a="A", e="E", i="I")), reject("C1", "a.x", 2)],
        [("C1", {"a.x": of(a="A", i="I")})],
    ),
    Case(
        "nor in a later one that did not touch it",
        [land(a_x=of(e="E")), reject("C1", "a.x", 1), land(a_x=of(e="E", a="A"))],
        [("C2", {"a.x": of(a="A")})],
    ),
    Case(
        "nor after the head has lost it",
        [
            land(a_x=of(a="A", e="E")),
            reject("C1", "a.x", 2),
            taken(a_x=of(a="A")),
            land(a_x=of(a="A", i="I")),
        ],
        [("C1", {"a.x": of(a="A")}), ("C2", {"a.x": of(a="A", i="I")})],
    ),
    Case(
        "what it stood for goes with it",
        [land(a_x=of(e="E")), land(a_x=of(e="EE")), reject("C2", "a.x", 1)],
        [],
    ),
    Case(
        "also once the head has lost both",
        [
            land(a_x=of(e="E")),
            land(a_x=of(e="EE")),
            reject("C2", "a.x", 1),
            taken(a_x=ABC),
            land(a_x=of(a="A")),
        ],
        [("C3", {"a.x": of(a="A")})],
    ),
    Case(
        "what builds on it is left out",
        [
            land(a_x=of(e="E\nE2")),
            reject("C1", "a.x", 1),
            land(a_x=of(e="E\nE3", a="A")),
        ],
        [("C2", {"a.x": of(a="A")})],
        left_out=["C2:a.x:2"],
    ),
    Case(
        "a rejected hunk that was replaced is built on as well",
        [land(a_x=of(e="E\nE2")), reject("C1", "a.x", 1), land(a_x=of(e="x\ny"))],
        [],
        left_out=["C2:a.x:1"],
    ),
    Case(
        "unless later landings took it out: then their outcome counts",
        [land(a_x=of(e="e\nE2")), reject("C1", "a.x", 1), land(a_x=of(e="e\nx"))],
        [("C2", {"a.x": of(e="e\nx")})],
    ),
    Case(
        "what a rejection put back is worked on later",
        [
            land(a_x=of(e="E", c="C")),
            reject("C1", "a.x", 2),
            taken(a_x=of(c="C")),
            land(a_x=of(e="e\ne2", c="C")),
            land(a_x=of(e="x\ne2", c="C")),
        ],
        [
            ("C1", {"a.x": of(c="C")}),
            ("C2", {"a.x": of(c="C", e="e\ne2")}),
            ("C3", {"a.x": of(c="C", e="x\ne2")}),
        ],
    ),
    Case(
        "what was accepted before stays when what was put on it is rejected",
        [
            land(a_x=of(e="E")),
            accept("C1", "a.x", 1),
            land(a_x=of(e="EE")),
            reject("C2", "a.x", 1),
        ],
        [("C1", {"a.x": of(e="E")})],
    ),
    Case(
        "a rejected new file",
        [land(b_x=b"new\n", a_x=of(a="A")), reject("C1", "b.x", 1)],
        [("C1", {"a.x": of(a="A")})],
    ),
    Case(
        "accepted: one of three hunks",
        [land(a_x=of(a="A", e="E", i="I")), accept("C1", "a.x", 2)],
        [("C1", {"a.x": of(e="E")})],
        accepted=True,
    ),
    Case(
        "accepted: a change without accepted hunks gives no commit",
        [land(a_x=of(a="A")), land(a_x=of(a="A", e="E")), accept("C2", "a.x", 1)],
        [("C2", {"a.x": of(e="E")})],
        accepted=True,
    ),
    Case(
        "accepted: what a hunk stood for comes with it",
        [land(a_x=of(e="E")), land(a_x=of(e="EE", i="I")), accept("C2", "a.x", 1)],
        [("C2", {"a.x": of(e="EE")})],
        accepted=True,
    ),
    Case(
        "accepted: also after the text was taken",
        [
            land(a_x=of(a="A", e="E")),
            accept("C1", "a.x", 2),
            taken(),
            land(a_x=of(a="A", e="E", i="I")),
            accept("C2", "a.x", 1),
        ],
        [("C1", {"a.x": of(e="E")}), ("C2", {"a.x": of(e="E", i="I")})],
        accepted=True,
    ),
    Case(
        "accepted: taken back by hand it is not",
        [land(a_x=of(a="A", e="E")), accept("C1", "a.x", 1, 2), typed(a_x=of(e="E"))],
        [("C1", {"a.x": of(e="E")})],
        accepted=True,
    ),
    Case(
        "create, edit, delete",
        [land(b_x=b"1\n2\n3\n"), land(b_x=b"1\nII\n3\n"), land(a_x=None)],
        [("C1", {"b.x": b"1\n2\n3\n"}), ("C2", {"b.x": b"1\nII\n3\n"}), ("C3", {"a.x": None})],
    ),
    Case(
        "a rejected deletion",
        [land(a_x=None, b_x=b"n\n"), reject("C1", "a.x", 1)],
        [("C1", {"b.x": b"n\n"})],
    ),
    Case(
        "made and removed again",
        [land(b_x=b"1\n"), land(b_x=None)],
        [("C1", {"b.x": b"1\n"}), ("C2", {"b.x": None})],
    ),
    Case(
        "rename, and an edit of it",
        [land(a_x=None, b_x=of(a="A")), land(b_x=of(a="A", i="I"))],
        [("C1", {"a.x": None, "b.x": of(a="A")}), ("C2", {"b.x": of(a="A", i="I")})],
    ),
    Case(
        "a rejected rename, and an edit of the file",
        [land(a_x=None, b_x=ABC), land(b_x=of(i="I")), reject("C1", "b.x", 1)],
        [("C2", {"a.x": of(i="I")})],
    ),
    Case(
        "mode alone, and mode with lines of which one is rejected",
        [
            land(a_x=FileEdit(ABC, EXECUTABLE)),
            land(a_x=FileEdit(of(a="A", e="E"), EXECUTABLE)),
            reject("C2", "a.x", 1),
        ],
        [
            ("C1", {"a.x": FileEdit(ABC, EXECUTABLE)}),
            ("C2", {"a.x": FileEdit(of(e="E"), EXECUTABLE)}),
        ],
    ),
    Case(
        "a rejected mode",
        [land(a_x=FileEdit(of(a="A"), EXECUTABLE)), reject("C1", "a.x", 2)],
        [("C1", {"a.x": of(a="A")})],
    ),
    Case(
        "binary, twice, and a link",
        [land(a_x=BINARY, l_x=FileEdit(b"a.x", SYMLINK)), land(a_x=BINARY * 2)],
        [
            ("C1", {"a.x": BINARY, "l.x": FileEdit(b"a.x", SYMLINK)}),
            ("C2", {"a.x": BINARY * 2}),
        ],
        base={"a.x": b"\0"},
    ),
    Case(
        "a rejected binary goes with what it stood for",
        [land(a_x=BINARY), land(a_x=BINARY * 2), reject("C2", "a.x", 1)],
        [],
        base={"a.x": b"\0"},
    ),
    Case(
        "CRLF, latin-1 and no line end at the end stay to the byte",
        [
            land(a_x=b"A\r\nb\r\nc", b_x=b"\xe4\nX\nz\n", c_x=b"end"),
            land(a_x=b"A\r\nb\r\nC"),
        ],
        [
            ("C1", {"a.x": b"A\r\nb\r\nc", "b.x": b"\xe4\nX\nz\n", "c.x": b"end"}),
            ("C2", {"a.x": b"A\r\nb\r\nC"}),
        ],
        base={"a.x": b"a\r\nb\r\nc", "b.x": b"\xe4\ny\nz\n"},
    ),
    Case(
        "what was not committed is left out where no change touches it",
        [land(a_x=of(a="A", i="MINE")), land(b_x=b"n\n")],
        [("C1", {"a.x": of(a="A")}), ("C2", {"b.x": b"n\n"})],
        base={"a.x": of(i="MINE"), "notes.x": b"private\n"},
        committed={"a.x": ABC},
    ),
    Case(
        "what the person types meanwhile as well",
        [
            land(a_x=of(a="A")),
            typed(a_x=of(i="MINE")),
            taken(a_x=of(a="A", i="MINE")),
            land(a_x=of(a="A", e="E", i="MINE")),
        ],
        [("C1", {"a.x": of(a="A")}), ("C2", {"a.x": of(a="A", e="E")})],
    ),
    Case(
        "a removed file that was never committed",
        [land(n_x=None, a_x=of(a="A"))],
        [("C1", {"a.x": of(a="A")})],
        base={"a.x": ABC, "n.x": b"private\n"},
        committed={"a.x": ABC},
    ),
    Case(
        "lines of the person's own stand for the hunk's",
        [land(a_x=of(a="A", e="E")), own("C1", "a.x", 2, "mine\ntoo\n", of(e="mine\ntoo"))],
        [("C1", {"a.x": of(e="mine\ntoo")})],
        accepted=True,
    ),
    Case(
        "also among all others, and once the run has taken them",
        [
            land(a_x=of(a="A", e="E")),
            own("C1", "a.x", 2, "mine\n", of(e="mine")),
            taken(a_x=of(a="A", e="mine")),
            land(a_x=of(a="A", e="mine", i="I")),
        ],
        [("C1", {"a.x": of(a="A", e="mine")}), ("C2", {"a.x": of(a="A", e="mine", i="I")})],
    ),
    Case(
        "a new file with lines of their own",
        [land(b_x=b"1\n2\n"), own("C1", "b.x", 1, "one\n", b"one\n")],
        [("C1", {"b.x": b"one\n"})],
        accepted=True,
    ),
]


def played(world: World, steps: Sequence[tuple[str, Any]]) -> World:
    for word, what in steps:
        match word:
            case "land":
                world.land(what)
            case "typed":
                for path, file in what.items():
                    world.person.files[path] = as_edit(file)
            case "taken":
                world.take(what)
            case "accept":
                change, path, numbers = what
                mine = [h for h in world.hunks() if h.key in {(change, path, n) for n in numbers}]
                assert {h.state for h in mine} == {"pending"}
                world.accept(*mine)
            case "reject":
                change, path, numbers = what
                world.decide(change, path, numbers, "rejected")
            case "own":
                change, path, number, lines, after = what
                world.person.files[path] = FileEdit(after)
                decided = e.ChangeDecided(
                    run="R1", change=change, path=path, hunks=(number,), decision="accepted",
                    text=lines,
                )  # fmt: skip
                world._record(decided)
    return world


def committed(world: World, files: Mapping[str, File]) -> str:
    store = world.store
    edits = {path: as_edit(file) for path, file in files.items() if file is not None}
    return store.objects.write_commit(store.write_edits(None, edits), [], "HEAD", 0)


def commits_of(world: World, *, accepted: bool) -> list[Commit]:
    part = exported(world.run, world.proposals, world.person, accepted_only=accepted)
    return [
        Commit(id_, tuple(part.steps[id_]), id_) for id_ in world.run.changes if id_ in part.steps
    ]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_cases(world: Callable[[Mapping[str, File]], World], case: Case) -> None:
    it = played(world(case.base), case.steps)
    tip = committed(it, case.base if case.committed is None else case.committed)
    found = []
    for commit, id_ in commit_all(it.store, tip, commits_of(it, accepted=case.accepted), WHO):
        changed = {
            change.path: None if change.new is None else it.store.version(change.new).as_edit()
            for change in it.store.changed_paths(tip, id_)
        }
        found.append((commit.name, changed))
        assert it.store.objects.parents_of(id_) == [tip]
        tip = id_
    assert found == [
        (id_, {path: None if file is None else as_edit(file) for path, file in files.items()})
        for id_, files in case.commits
    ]
    part = exported(it.run, it.proposals, it.person, accepted_only=case.accepted)
    names = [f"{hunk.change_id}:{hunk.path}:{hunk.hunk}" for hunk in part.left_out]
    assert names == list(case.left_out)


@pytest.mark.parametrize(
    ("base", "committed_files", "landed"),
    [
        ({"a.x": of(e="MINE")}, {"a.x": ABC}, {"a.x": of(e="YOURS")}),
        ({"a.x": ABC}, {}, {"a.x": of(e="E")}),
        ({"a.x": BINARY}, {"a.x": BINARY * 2}, {"a.x": BINARY * 3}),
        ({}, {"a.x": ABC}, {"a.x": b"another\n"}),
        ({"a.x": ABC}, {"a.x": ABC, "b.x": b"n\n"}, {"a.x": None, "b.x": ABC}),
        ({}, {"a.x": ABC}, {"a.x/b.x": b"n\n"}),
    ],
)
def test_what_builds_on_uncommitted_text_is_refused(
    world: Callable[[Mapping[str, File]], World],
    base: Mapping[str, File],
    committed_files: Mapping[str, File],
    landed: Mapping[str, File],
) -> None:
    it = world(base)
    it.land(landed)
    with pytest.raises(DoesNotFit) as refused:
        commit_all(it.store, committed(it, committed_files), commits_of(it, accepted=False), WHO)
    assert refused.value.name == "C1"
    assert refused.value.path in landed


def test_own_lines_that_a_later_landing_worked_on_are_refused(
    world: Callable[[Mapping[str, File]], World],
) -> None:
    it = played(
        world({"a.x": ABC}),
        [
            land(a_x=of(e="E\nE2")),
            own("C1", "a.x", 1, "mine\n", of(e="mine")),
            land(a_x=of(e="E\nEE")),
        ],
    )
    with pytest.raises(NeedsPerson, match="can't be told apart"):
        exported(it.run, it.proposals, it.person, accepted_only=False)


def branch(world: World, begun: str, *, accepted: bool) -> list[bytes | None]:
    """The file after each commit of an export onto its text at the beginning."""
    base = committed(world, {"f": begun.encode()})
    made = commit_all(world.store, base, commits_of(world, accepted=accepted), WHO)
    files = [world.store.read_file(id_, "f") for _, id_ in [("", base), *made]]
    return [file.data if file is not None else None for file in files]


@SMALL
@given(texts=chains())
def test_undecided_each_commit_is_what_landed(store: ObjectStore, texts: list[str]) -> None:
    world = landed(store, texts)
    wanted = [one.encode() for one, _ in groupby(texts)]
    assert branch(world, texts[0], accepted=False) == wanted


@SMALL
@given(texts=chains(), data=st.data())
def test_what_was_accepted_and_nothing_else_is_exported(
    store: ObjectStore, texts: list[str], data: st.DataObject
) -> None:
    world = landed(store, texts)
    for _ in range(data.draw(st.integers(0, 3))):
        if pending := [hunk for hunk in world.hunks("f") if hunk.state == "pending"]:
            world.accept(data.draw(st.sampled_from(pending)))
    assert branch(world, texts[0], accepted=True)[-1] == world.person.files["f"].data


@SMALL
@given(texts=chains(), data=st.data())
def test_an_export_is_the_head_without_what_was_rejected(
    store: ObjectStore, texts: list[str], data: st.DataObject
) -> None:
    world = landed(store, texts)
    decide_some(world, data)
    without = rejected_edits(world.run, world.proposals)
    assume(not without.clashes)
    edit = without.edits.get("f", FileEdit(texts[-1].encode()))
    assert edit is not None
    assert branch(world, texts[0], accepted=False)[-1] == edit.data


@SMALL
@given(texts=unrepeated_chains(), data=st.data())
def test_what_lands_once_the_rejected_is_gone_makes_the_head(
    store: ObjectStore, texts: list[str], data: st.DataObject
) -> None:
    world = landed(store, texts)
    decide_some(world, data)
    without = rejected_edits(world.run, world.proposals)
    assume(not without.clashes)
    edit = without.edits.get("f", FileEdit(texts[-1].encode()))
    assert edit is not None
    world.take({"f": edit})
    numbers = count()
    lines = [
        f"{line} {next(numbers)}" if line in "PQ" else line
        for line in data.draw(edited(edit.data.decode().splitlines(), "PQ"))
    ]
    world.land({"f": text(lines).encode()})
    assume(not any(hunk.reason.startswith("it proposes again") for hunk in world.hunks("f")))
    made = fitting(world, texts[0], accepted=False)
    assert made is None or made[-1] == text(lines).encode()


def fitting(world: World, begun: str, *, accepted: bool) -> list[bytes | None] | None:
    """The same as `branch`; None where it is refused."""
    try:
        return branch(world, begun, accepted=accepted)
    except DoesNotFit:
        return None


def decide_some(world: World, data: st.DataObject) -> None:
    """Accept or reject up to three pending hunks."""
    for _ in range(data.draw(st.integers(0, 3))):
        if pending := [hunk for hunk in world.hunks("f") if hunk.state == "pending"]:
            hunk = data.draw(st.sampled_from(pending))
            if data.draw(st.booleans()):
                world.accept(hunk)
            else:
                world.decide(hunk.change_id, hunk.path, [hunk.hunk], "rejected")
