"""What two people may have made of one file: git's own merge, or a clash, and no line lost.

The property, with git itself as the oracle: `merge_contents` gives what `git merge-file` gives or
calls it a clash where git does; a difference as we write it makes exactly the new file when git
applies it, byte for byte; and a submission that lands loses no line that landed before. It matters
because these bytes end in a person's files, and nobody reads every line of a merge.
"""

import json
import re
import subprocess
from collections import Counter
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longshift.repository.files import EXECUTABLE, REGULAR, FileEdit, is_binary
from longshift.repository.hunks import apply_hunks, line_hunks, unified
from longshift.repository.landing import Conflict, Merged, Submission, merge_submission
from longshift.repository.store import ObjectStore
from longshift.repository.text_merge import mark_conflict, merge_contents, merge_favouring
from longshift.repository.worktree import Worktree
from tests.fuzz.replay import replayed, tries
from tests.support.repository_git import GitRepository

LINES = st.sampled_from(
    [b"a", b"b", b"c", b"", b"{", b"}", b"x\r", b"\r", b"\xe9", "\u2028é😀".encode(), b"\x0c",
     b"\\ No newline at end of file", b"<<<<<<< head", b"=======", b">>>>>>> yours", b"-- a",
     b"+++ b", b"@@ -1 +1 @@", b"diff --git a/f b/f", b"\xef\xbb\xbfa", b"a" * 70_000]
)  # fmt: skip
RARE = LINES | st.binary(max_size=4)


@st.composite
def contents(draw: st.DrawFn) -> bytes:
    joined = b"\n".join(draw(st.lists(RARE, max_size=9)))
    return joined + draw(st.sampled_from([b"", b"\n", b"\r\n"]))


@st.composite
def edited(draw: st.DrawFn, data: bytes) -> bytes:
    """The content with up to two of its lines replaced, as a worker or a person would."""
    lines = data.split(b"\n")
    for _ in range(draw(st.integers(0, 2))):
        start = draw(st.integers(0, len(lines)))
        end = draw(st.integers(start, min(len(lines), start + 2)))
        lines = [*lines[:start], *draw(st.lists(RARE, max_size=2)), *lines[end:]]
    return b"\n".join(lines)


TRIPLES = contents().flatmap(
    lambda base: st.tuples(st.just(base), edited(base) | contents(), edited(base) | contents())
)
Triple = tuple[bytes, bytes, bytes]


@pytest.fixture(scope="module")
def person(tmp_path_factory: pytest.TempPathFactory) -> GitRepository:
    repository = GitRepository.create(tmp_path_factory.mktemp("repository"))
    repository.commit({"other": b"o\n"})
    return repository


@pytest.fixture(scope="module")
def store(person: GitRepository) -> Iterator[ObjectStore]:
    opened = ObjectStore.open(Worktree.discover(person.root))
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def empty(store: ObjectStore, person: GitRepository) -> str:
    """A commit to build on."""
    del store
    return person.git("rev-parse", "HEAD").strip()


def git_merge_file(person: GitRepository, base: bytes, ours: bytes, theirs: bytes) -> bytes | None:
    """What git makes of it; None where it sees a clash, or no text."""
    names = ["ours", "base", "theirs"]
    folder = person.root / ".git" / "merge-file"
    folder.mkdir(exist_ok=True)
    for name, data in zip(names, (ours, base, theirs), strict=True):
        (folder / name).write_bytes(data)
    done = subprocess.run(
        ["git", "merge-file", "-p", *names], cwd=folder, capture_output=True, check=False
    )
    return done.stdout if done.returncode == 0 else None


def check_merge(person: GitRepository, store: ObjectStore, triple: Triple) -> None:
    base, ours, theirs = triple
    merged = merge_contents(store, base, ours, theirs)
    if any(map(is_binary, triple)):
        assert merged is None
        return
    expected = git_merge_file(person, base, ours, theirs)
    # libgit2 is the finer of the two in what it calls a clash; where both merge, they agree.
    if merged is not None and expected is not None:
        assert merged == expected
    assert merge_contents(store, base, ours, base) == ours
    assert merge_contents(store, base, base, theirs) == theirs
    assert merge_contents(store, base, ours, ours) == ours
    assert merge_favouring(store, base, ours, theirs) is not None
    marked = mark_conflict(store, base, ours, theirs)
    assert re.search(rb"^<<<<<<< head\r?$", marked, re.MULTILINE)
    assert re.search(rb"^>>>>>>> yours\r?$", marked, re.MULTILINE)


@tries(60)
@given(triple=TRIPLES)
def test_a_merge_of_contents_is_gits(
    person: GitRepository, store: ObjectStore, triple: Triple
) -> None:
    check_merge(person, store, triple)


def lines_of(data: bytes | None) -> Counter[bytes]:
    return Counter((data or b"").removesuffix(b"\n").split(b"\n")) if data else Counter()


def check_landing(store: ObjectStore, empty: str, triple: Triple) -> None:
    """Land one side on the other: what landed first is kept, or the submission is handed back."""
    base, landed, yours = triple
    root = store.commit_edits(empty, {"f": FileEdit(base)}, "base", when=1)
    head = store.commit_edits(root, {"f": FileEdit(landed)}, "landed", when=2)
    submission = Submission(root, {"f": FileEdit(yours)}, "yours")
    match merge_submission(store, head, submission, when=3):
        case Merged(commit):
            version = store.read_file(commit, "f")
            assert version is not None
            if not is_binary(version.data):
                added = lines_of(landed) - lines_of(base)
                taken_out = lines_of(base) - lines_of(yours)
                assert not added - lines_of(version.data) - taken_out
        case Conflict(paths, at, edits):
            assert (paths, at) == (("f",), head)
            assert edits.keys() <= {"f"}


@tries(60)
@given(triple=TRIPLES)
def test_what_landed_is_never_lost(store: ObjectStore, empty: str, triple: Triple) -> None:
    check_landing(store, empty, triple)


EDITS = st.none() | st.builds(FileEdit, contents(), st.sampled_from([REGULAR, EXECUTABLE]))
NAMES = st.sampled_from(["f", "a b", 'q"uote', "é", "tab\there", "back\\slash", "caf\udce9", "-p"])


def check_patch(
    person: GitRepository, old: FileEdit | None, new: FileEdit | None, path: str
) -> None:
    text = unified(old, new, path, exact=True)
    unified(old, new, path).encode()  # for everybody but git, it is plain UTF-8
    if old == new or any(edit is not None and is_binary(edit.data) for edit in (old, new)):
        return
    person.git("read-tree", "--empty")
    if old is not None:
        blob = person.git("hash-object", "-w", "--stdin", stdin=old.data).strip()
        person.git("update-index", "--add", "--cacheinfo", f"{old.mode:o}", blob, path)
    person.git("apply", "--cached", stdin=text.encode("utf-8", "surrogateescape"))
    staged = person.git("ls-files", "-s", "-z")
    assert bool(staged) == (new is not None)
    if new is not None:
        assert staged.startswith(f"{new.mode:o} ")
        assert person.git_bytes("cat-file", "blob", staged.split()[1]) == new.data


CHANGES = contents().flatmap(
    lambda data: st.tuples(st.just(FileEdit(data)), edited(data).map(FileEdit))
)


@tries(30)
@given(files=CHANGES | st.tuples(EDITS, EDITS), path=NAMES)
def test_git_makes_the_new_file_of_a_difference(
    person_of_patches: GitRepository, files: tuple[FileEdit | None, FileEdit | None], path: str
) -> None:
    check_patch(person_of_patches, *files, path)


@pytest.fixture(scope="module")
def person_of_patches(tmp_path_factory: pytest.TempPathFactory) -> GitRepository:
    return GitRepository.create(tmp_path_factory.mktemp("patches"))


@tries(100)
@given(contents(), contents())
def test_hunks_of_any_bytes_make_the_new_text(old: bytes, new: bytes) -> None:
    before, after = (data.decode("utf-8", "surrogateescape") for data in (old, new))
    assert apply_hunks(before, line_hunks(before, after)) == after


@replayed("merges")
def test_the_corpus_merges_or_clashes(
    person: GitRepository,
    person_of_patches: GitRepository,
    store: ObjectStore,
    empty: str,
    data: bytes,
) -> None:
    """Each file is a JSON list of base, ours and theirs, each byte as a letter of Latin-1."""
    base, ours, theirs = (text.encode("latin-1") for text in json.loads(data))
    check_merge(person, store, (base, ours, theirs))
    check_landing(store, empty, (base, ours, theirs))
    check_patch(person_of_patches, FileEdit(base), FileEdit(ours), "f")
