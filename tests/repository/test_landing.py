import random
import subprocess
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from longshift.repository.files import EXECUTABLE, REGULAR, SYMLINK, FileEdit
from longshift.repository.hunks import line_hunks
from longshift.repository.landing import (
    Conflict,
    Merged,
    Submission,
    foreseen_conflict,
    merge_submission,
)
from longshift.repository.merge import Revision, keeps_landed_lines, merge_trees_favouring
from longshift.repository.store import ObjectStore
from longshift.repository.text_merge import are_apart, merge_contents
from longshift.repository.workspace import Workspace

MakeStore = Callable[[dict[str, bytes | None]], tuple[ObjectStore, str]]
Files = dict[str, bytes | None]

TEN = b"".join(b"line %d\n" % number for number in range(10))
LATIN = TEN.replace(b"line 5", b"caf\xe9")
LATIN_CLASH = b"<<<<<<< head\ncaf\xe8\n||||||| base\ncaf\xe9\n=======\ncaf\xea\n>>>>>>> yours\n"
CRLF = TEN.replace(b"\n", b"\r\n")
LATE_NUL = TEN * 120 + b"\0\n"  # past what git looks at to tell binary content
BASE: Files = {
    "ten": TEN, "latin": LATIN, "crlf": CRLF, "nul": LATE_NUL, "bin": b"\0base", "end": b"a\nb",
    "dir/one": b"1\n" + TEN, "dir/two": b"2\n" + TEN, "other": b"o\n",
}  # fmt: skip


def edits(files: Files) -> dict[str, FileEdit | None]:
    return {path: None if data is None else FileEdit(data) for path, data in files.items()}


def sub(data: bytes, *pairs: tuple[bytes, bytes]) -> bytes:
    for old, new in pairs:
        assert old in data
        data = data.replace(old, new, 1)
    return data


def top(data: bytes) -> bytes:
    return sub(data, (b"line 0", b"TOP"))


def bottom(data: bytes) -> bytes:
    return sub(data, (b"line 9", b"BOTTOM"))


CLEAN: list[tuple[str, Files, Files, Files]] = [
    ("the base itself", {}, {"ten": top(TEN)}, {"ten": top(TEN)}),
    ("other files", {"other": b"O\n"}, {"ten": top(TEN), "new/x": b"x", "bin": None},
     {"ten": top(TEN), "new/x": b"x", "bin": None}),
    ("other lines", {"ten": top(TEN)}, {"ten": bottom(TEN)}, {"ten": bottom(top(TEN))}),
    ("latin-1", {"latin": top(LATIN)}, {"latin": bottom(LATIN)}, {"latin": bottom(top(LATIN))}),
    ("crlf", {"crlf": top(CRLF)}, {"crlf": bottom(CRLF)}, {"crlf": bottom(top(CRLF))}),
    ("a late NUL", {"nul": top(LATE_NUL)}, {"nul": LATE_NUL + b"end\n"},
     {"nul": top(LATE_NUL) + b"end\n"}),
    ("the same edit", {"ten": top(TEN)}, {"ten": top(TEN)}, {}),
    ("the same deletion", {"bin": None}, {"bin": None}, {}),
    ("the same creation", {"n": b"n"}, {"n": b"n", "m": b"m"}, {"m": b"m"}),
    ("an edit that is none", {"ten": top(TEN)}, {"ten": TEN, "other": b"O\n"}, {"other": b"O\n"}),
    ("the head moved the file", {"ten": None, "moved/ten": top(TEN)}, {"ten": bottom(TEN)},
     {"moved/ten": bottom(top(TEN))}),
    ("the worker moved the file", {"ten": top(TEN)}, {"ten": None, "moved": bottom(TEN)},
     {"ten": None, "moved": bottom(top(TEN))}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("landed", "yours", "expected"), [case[1:] for case in CLEAN], ids=[case[0] for case in CLEAN]
)
def test_what_fits_lands(
    make_store: MakeStore, landed: Files, yours: Files, expected: Files
) -> None:
    store, base = make_store(BASE)
    head = store.commit_edits(base, edits(landed), "landed", when=1) if landed else base
    submission = Submission(base, edits(yours), "mine")
    assert foreseen_conflict(store, head, submission) is None
    merged = merge_submission(store, head, submission, when=2)
    assert isinstance(merged, Merged)
    assert merged.paths == tuple(sorted(expected))
    now = {path: store.version(e).data for path, e in store.list_files(merged.commit).items()}
    assert now == {
        path: data for path, data in (BASE | landed | expected).items() if data is not None
    }
    if expected:
        assert store.objects.parents_of(merged.commit) == [head]
    again = merge_submission(store, merged.commit, submission, when=3)
    assert again == Merged(merged.commit, ()), "landing is idempotent"


CLASHES: list[tuple[str, Files, Files, set[str], dict[str, bytes | None]]] = [
    ("the same line", {"ten": top(TEN)}, {"ten": sub(TEN, (b"line 0", b"MINE")), "other": b"O\n"},
     {"ten"},
     {"ten": b"<<<<<<< head\nTOP\n||||||| base\nline 0\n=======\nMINE\n>>>>>>> yours\n" + TEN[7:],
      "other": b"O\n"}),
    ("the last line without end", {"end": b"a\nB"}, {"end": b"a\nc"}, {"end"},
     {"end": b"a\n<<<<<<< head\nB\n||||||| base\nb\n=======\nc\n>>>>>>> yours\n"}),
    ("latin-1", {"latin": sub(LATIN, (b"\xe9", b"\xe8"))},
     {"latin": sub(LATIN, (b"\xe9", b"\xea"))}, {"latin"},
     {"latin": sub(LATIN, (b"caf\xe9\n", LATIN_CLASH))}),
    ("two new files", {"n": b"a\n"}, {"n": b"b\n"}, {"n"},
     {"n": b"<<<<<<< head\na\n||||||| base\n=======\nb\n>>>>>>> yours\n"}),
    ("binary", {"bin": b"\0head"}, {"bin": b"\0mine"}, {"bin"}, {"bin": b"\0mine"}),
    ("the head deleted it", {"ten": None}, {"ten": top(TEN), "other": b"O\n"}, {"ten"},
     {"ten": top(TEN), "other": b"O\n"}),
    ("the worker deleted it", {"ten": top(TEN)}, {"ten": None, "other": b"O\n"}, {"ten"},
     {"other": b"O\n"}),
    ("a folder came in place of a new file", {"n/x": b"x\n"}, {"n": b"file\n"}, {"n"},
     {"n~yours": b"file\n"}),
    ("a file came in place of a new folder", {"n": b"file\n"}, {"n/x": b"x\n"}, {"n"},
     {"n~yours/x": b"x\n"}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("landed", "yours", "paths", "laid"), [c[1:] for c in CLASHES], ids=[c[0] for c in CLASHES]
)
def test_what_clashes_goes_back_with_all_that_fits(
    make_store: MakeStore,
    landed: Files,
    yours: Files,
    paths: set[str],
    laid: dict[str, bytes | None],
) -> None:
    store, base = make_store(BASE)
    head = store.commit_edits(base, edits(landed), "landed", when=1)
    submission = Submission(base, edits(yours), "m")
    conflict = merge_submission(store, head, submission, when=2)
    assert isinstance(conflict, Conflict)
    assert foreseen_conflict(store, head, submission) in (conflict, None)
    assert set(conflict.paths) == paths
    assert conflict.head == head
    assert conflict.edits == edits(laid)
    assert conflict.notes
    workspace = Workspace(store, base)
    workspace.rebase_onto(conflict.head, conflict.edits)
    resolved = Submission(workspace.commit, workspace.edits, "resolved")
    assert isinstance(merge_submission(store, head, resolved, when=3), Merged)


def test_a_clash_of_lines_is_foreseen_without_a_merge(make_store: MakeStore) -> None:
    store, base = make_store(BASE)
    head = store.commit_edits(base, edits({"ten": top(TEN)}), "landed", when=1)
    mine = Submission(base, edits({"ten": sub(TEN, (b"line 0", b"MINE"))}), "m")
    conflict = foreseen_conflict(store, head, mine)
    assert conflict is not None
    assert conflict == merge_submission(store, head, mine, when=2)


@pytest.mark.parametrize(
    ("base", "head", "yours", "expected"),
    [
        (REGULAR, EXECUTABLE, REGULAR, EXECUTABLE),
        (REGULAR, REGULAR, EXECUTABLE, EXECUTABLE),
        (EXECUTABLE, REGULAR, EXECUTABLE, REGULAR),
    ],
)
def test_modes_merge_too(
    make_store: MakeStore, base: int, head: int, yours: int, expected: int
) -> None:
    store, root = make_store({"x": b""})
    start = store.commit_edits(root, {"f": FileEdit(TEN, base)}, "m", when=0)
    moved = store.commit_edits(start, {"f": FileEdit(top(TEN), head)}, "m", when=1)
    submission = Submission(start, {"f": FileEdit(bottom(TEN), yours)}, "m")
    merged = merge_submission(store, moved, submission, when=2)
    assert isinstance(merged, Merged)
    version = store.read_file(merged.commit, "f")
    assert version is not None
    assert version.as_edit() == FileEdit(bottom(top(TEN)), expected)


def test_a_symlink_against_a_text_clashes(make_store: MakeStore) -> None:
    store, base = make_store(BASE)
    head = store.commit_edits(base, {"ten": FileEdit(b"other", SYMLINK)}, "m", when=1)
    conflict = merge_submission(
        store, head, Submission(base, edits({"ten": top(TEN)}), "m"), when=2
    )
    assert isinstance(conflict, Conflict)
    assert conflict.paths == ("ten",)


def mutate(chance: random.Random, lines: list[bytes]) -> list[bytes]:
    result = list(lines)
    for _ in range(chance.randint(0, 3)):
        at = chance.randint(0, len(result))
        match chance.randint(0, 2):
            case 0:
                result.insert(at, b"%c%d\n" % (chance.choice(b"xyz"), chance.randint(0, 9)))
            case 1 if at < len(result):
                del result[at]
            case _ if at < len(result):
                result[at] = b"changed %d\n" % chance.randint(0, 9)
    return result


def test_random_merges_agree_with_git_and_are_certified(
    make_store: MakeStore, tmp_path: Path
) -> None:
    store, _ = make_store({"x": b""})
    chance = random.Random(20)
    clean = 0
    for _ in range(120):
        base = [chance.choice([b"{\n", b"}\n", b"a\n", b"b\n", b"\n"]) for _ in range(12)]
        texts = [b"".join(lines) for lines in (base, mutate(chance, base), mutate(chance, base))]
        for name, text in zip(("base", "head", "yours"), texts, strict=True):
            (tmp_path / name).write_bytes(text)
        git = subprocess.run(
            ["git", "merge-file", "-p", "-q", "head", "base", "yours"],
            cwd=tmp_path, capture_output=True, check=False,
        )  # fmt: skip
        merged = merge_contents(store, *texts)
        assert merged == (git.stdout if git.returncode == 0 else None)
        if merged is not None:
            clean += 1
            assert keeps_landed_lines([Revision(*texts, merged)])
    assert 30 < clean < 120


LOSSES = [
    (b"a\nb\n", b"a\nNEW\nb\n", b"a\nb\nc\n", b"a\nb\nc\n", False),
    (b"a\nb\n", b"a\nb\nb\n", b"a\nb\nc\n", b"a\nb\nc\n", False),
    (b"a\nb\n", b"a\nb\nb\n", b"a\n", b"a\nb\n", True),
    (b"a\nb\n", b"a\nb\nb\n", b"a\n", b"a\n", False),
    (b"a\nb", b"a\nb\nc\n", b"A\nb", b"A\nb\nc\n", True),
    (b"a\n", b"a\nc\n", None, None, False),
    (b"a\n", b"a\n", None, None, True),
]


@pytest.mark.parametrize(("base", "head", "yours", "merged", "kept"), LOSSES)
def test_the_certificate_sees_a_lost_line(
    base: bytes, head: bytes, yours: bytes | None, merged: bytes | None, kept: bool
) -> None:
    assert keeps_landed_lines([Revision(base, head, yours, merged)]) is kept


def by_the_letter(revision: Revision) -> bool:
    """The certificate's rule as its docstring has it, over whole texts."""

    def lines(data: bytes | None) -> list[bytes]:
        return data.removesuffix(b"\n").split(b"\n") if data else []

    missing = Counter(lines(revision.head))
    missing.subtract(lines(revision.merged))
    base, yours = ((one or b"").decode("latin-1") for one in (revision.base, revision.yours))
    for hunk in line_hunks(base, yours):
        missing.subtract(line.removesuffix("\n").encode("latin-1") for line in hunk.old_lines)
    return all(count <= 0 for count in missing.values())


def test_the_certificate_is_the_same_without_what_is_alike_at_both_ends() -> None:
    chance = random.Random(5)
    kept = 0
    for _ in range(3000):
        end = chance.choice([b"", b"\n"])
        base = [
            chance.choice([b"a\n", b"b\n", b"\n", b"a\r\n"]) for _ in range(chance.randrange(9))
        ]
        texts = [b"".join(mutate(chance, base) if base else base) for _ in range(4)]
        texts = [chance.choice([text, text.removesuffix(b"\n"), text + end]) for text in texts]
        revision = Revision(*(chance.choice([text, text, None]) for text in texts))
        kept += keeps_landed_lines([revision])
        assert keeps_landed_lines([revision]) is by_the_letter(revision), revision
    assert 300 < kept < 2700


def test_the_certificate_follows_lines_that_moved() -> None:
    left = Revision(TEN, top(TEN), None, None)
    assert keeps_landed_lines([left, Revision(None, None, bottom(TEN), bottom(top(TEN)))])
    assert not keeps_landed_lines([left, Revision(None, None, bottom(TEN), bottom(TEN))])


FAVOURED: list[tuple[str, Files, Files, Files, set[str]]] = [
    ("apart", {"other": b"P\n"}, {"ten": top(TEN)}, {"other": b"P\n", "ten": top(TEN)}, set()),
    ("a line and another", {"ten": sub(top(TEN), (b"line 9", b"P9"))},
     {"ten": sub(TEN, (b"line 0", b"R0"), (b"line 5", b"R5"))},
     {"ten": sub(top(TEN), (b"line 9", b"P9"), (b"line 5", b"R5"))}, {"ten"}),
    ("the person deleted", {"ten": None}, {"ten": top(TEN)}, {"ten": None}, {"ten"}),
    ("the run deleted", {"ten": top(TEN)}, {"ten": None}, {"ten": top(TEN)}, {"ten"}),
    ("binary", {"bin": b"\0P"}, {"bin": b"\0R"}, {"bin": b"\0P"}, {"bin"}),
    ("the run moved", {"ten": top(TEN)}, {"ten": None, "moved": bottom(TEN)},
     {"ten": None, "moved": bottom(top(TEN))}, set()),
    ("a line of a file that the run moved", {"ten": sub(top(TEN), (b"line 9", b"P9"))},
     {"ten": None, "moved": sub(TEN, (b"line 0", b"R0"), (b"line 5", b"R5"))},
     {"ten": None, "moved": sub(top(TEN), (b"line 9", b"P9"), (b"line 5", b"R5"))}, {"moved"}),
    ("what has no lines, moved by the run", {"nul": LATE_NUL + b"P"},
     {"nul": None, "moved": LATE_NUL + b"R"}, {"nul": None, "moved": LATE_NUL + b"P"}, {"moved"}),
    ("both names of what the run moved", {"ten": top(TEN), "moved": TEN},
     {"ten": None, "moved": TEN}, {"ten": top(TEN), "moved": TEN}, set()),
    ("both made it, and the run emptied it", {"n": b"P\n"}, {"n": b""}, {"n": b"P\n"}, {"n"}),
    ("file against folder", {"n": b"P\n"}, {"n/x": b"R\n"}, {"n": b"P\n"}, {"n"}),
    ("folder against file", {"n/x": b"P\n"}, {"n": b"R\n"}, {"n/x": b"P\n"}, {"n"}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("typed", "run", "expected", "lost"), [c[1:] for c in FAVOURED], ids=[c[0] for c in FAVOURED]
)
def test_the_persons_side_wins(
    make_store: MakeStore, typed: Files, run: Files, expected: Files, lost: set[str]
) -> None:
    store, base = make_store(BASE)
    ours = store.commit_edits(base, edits(typed), "person", when=1)
    theirs = store.commit_edits(base, edits(run), "run", when=1)
    merged = merge_trees_favouring(store, base, ours, theirs, message="m", when=2)
    now = {path: store.version(e).data for path, e in store.list_files(merged.commit).items()}
    assert now == {path: data for path, data in (BASE | expected).items() if data is not None}
    assert set(merged.lost) == lost
    assert store.objects.parents_of(merged.commit) == [theirs, ours]


def test_nothing_new_from_the_person_makes_no_merge(make_store: MakeStore) -> None:
    store, base = make_store(BASE)
    theirs = store.commit_edits(base, edits({"ten": top(TEN)}), "run", when=1)
    merged = merge_trees_favouring(store, base, base, theirs, message="m", when=2)
    assert (merged.commit, merged.lost) == (theirs, ())


@pytest.mark.parametrize("seed", range(30))
def test_edits_that_are_far_apart_merge(make_store: MakeStore, seed: int) -> None:
    store, _ = make_store({})
    rng = random.Random(seed)
    lines = [rng.choice([b"", b"}", b"  return x", b"  x = %d" % n]) + b"\n" for n in range(2_000)]
    sides = []
    for _ in range(2):
        changed, at = list(lines), rng.randrange(2_000)
        changed[at : at + rng.randrange(3)] = [*lines[at - rng.randrange(3) : at], b"new\n"]
        sides.append(b"".join(changed))
    base = b"".join(lines)
    if are_apart(base, *sides):
        assert merge_contents(store, base, *sides) is not None
    assert not are_apart(base, sides[0], sides[0])
