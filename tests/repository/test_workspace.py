from collections.abc import Callable

import pytest

from longshift.crew.prompts import words_of
from longshift.errors import OutOfBounds, TellModel
from longshift.repository.files import EXECUTABLE, SYMLINK, FileEdit
from longshift.repository.search import Match
from longshift.repository.workspace import Workspace
from tests.support.refused import refused
from tests.support.repository_git import GitRepository

FILES: dict[str, bytes | None] = {
    "README": b"hello\n",
    "src/a.py": b"import os\n\ndef f():\n    return 1\n\ndef g():\n    return 1\n",
    "src/deep/b.py": b"x = 1\r\ny = 2\r\n",
    "src/mixed.txt": b"one\r\ntwo\nthree\r\n",
    "latin.txt": "caf\xe9 na\xefve\n".encode("latin-1"),
    "bom.txt": b"\xef\xbb\xbffirst\nsecond\n",
    "data.bin": b"\0\1\2",
    "no newline": b"end",
    "näme 😀\n.txt": b"odd name\n",
}


@pytest.fixture
def workspace(make_store: Callable, person: GitRepository) -> Workspace:
    person.write(FILES)
    (person.root / "tool.sh").write_bytes(b"#!/bin/sh\n")
    (person.root / "tool.sh").chmod(0o755)
    (person.root / "link").symlink_to("src/a.py")
    (person.root / "outside").symlink_to("/etc")
    store, commit = make_store({})
    return Workspace(store, commit)


def content(workspace: Workspace, path: str) -> bytes:
    file = workspace.read(path)
    assert file is not None
    return file.data


def test_listing(workspace: Workspace) -> None:
    assert set(workspace.list_files()) == {*FILES, "tool.sh", "link", "outside"}
    assert workspace.list_files("src", "*.py") == ["src/a.py", "src/deep/b.py"]
    assert workspace.list_files("src", "deep/*") == ["src/deep/b.py"]
    assert workspace.list_files(glob="/src/*.py") == ["src/a.py"]
    assert workspace.list_files("src/a.py") == ["src/a.py"]
    workspace.write_file("src/new.py", "")
    workspace.delete_file("src/a.py")
    assert workspace.list_files("src", "*.py") == ["src/deep/b.py", "src/new.py"]


EDITS = [
    ("src/a.py", "import os\n", "", b"\ndef f():\n    return 1\n\ndef g():\n    return 1\n"),
    ("src/deep/b.py", "x = 1\ny = 2\n", "x = 3\ny = 4\n", b"x = 3\r\ny = 4\r\n"),
    ("src/deep/b.py", "1\r\ny", "1\r\nz = 0\ny", b"x = 1\r\nz = 0\r\ny = 2\r\n"),
    ("src/mixed.txt", "two\nth", "TWO\nTH", b"one\r\nTWO\nTHree\r\n"),
    ("src/mixed.txt", "one\ntwo", "1\n2", b"1\r\n2\nthree\r\n"),
    ("latin.txt", "caf\xe9", "th\xe9", b"th\xe9 na\xefve\n"),
    ("latin.txt", "caf\xe9", "€", "€ na\xefve\n".encode()),
    ("bom.txt", "first", "1st", b"\xef\xbb\xbf1st\nsecond\n"),
    ("no newline", "end", "the end", b"the end"),
    ("näme 😀\n.txt", "odd", "even", b"even name\n"),
]


@pytest.mark.parametrize(("path", "old", "new", "expected"), EDITS)
def test_an_edit_keeps_what_a_file_is_like(
    workspace: Workspace, path: str, old: str, new: str, expected: bytes
) -> None:
    assert workspace.edit_file(path, old, new) == 1
    assert content(workspace, path) == expected
    assert workspace.changed_paths() == [path]


def test_of_places_that_overlap_none_is_chosen(workspace: Workspace) -> None:
    workspace.write_file("same.txt", "same\n" * 3)
    with pytest.raises(TellModel) as told:
        workspace.edit_file("same.txt", "same\nsame\n", "other\n")
    assert "2 times" in words_of(told.value)
    assert "lines 1, 2" in words_of(told.value)
    assert workspace.edit_file("same.txt", "same\nsame\n", "other\n", replace_all=True) == 1


def test_what_is_written_has_its_bounds(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("longshift.repository.workspace.LARGEST_WRITTEN_BYTES", 100)
    monkeypatch.setattr("longshift.repository.workspace.MOST_WRITTEN_BYTES", 250)
    workspace.write_file("one.txt", "x" * 100)
    for write in (
        lambda: workspace.write_file("large.txt", "x" * 101),
        lambda: workspace.write_file("large.txt", "é" * 51),
        lambda: workspace.edit_file("one.txt", "x", "xy", replace_all=True),
    ):
        with pytest.raises(OutOfBounds) as told:
            write()
        assert told.value.guard == "size"
        assert "100 are the most" in words_of(told.value)
    workspace.write_file("two.txt", "x" * 100)
    with pytest.raises(OutOfBounds, match="workspace_full"):
        workspace.write_file("three.txt", "x" * 51)
    workspace.write_file("two.txt", "x")  # what is smaller than it was is no growth
    workspace.write_file("three.txt", "x" * 100)
    assert workspace.changed_paths() == ["one.txt", "three.txt", "two.txt"]


MISTAKES = [
    (lambda w: w.edit_file("src/a.py", "return 1", "return 2"), r"2 times .* lines 4, 7"),
    (lambda w: w.edit_file("src/a.py", "return  1", "x"), "not found"),
    (lambda w: w.edit_file("src/a.py", "def f():\n  return 1", "x"), "stands in line 3"),
    (lambda w: w.edit_file("src/a.py", "", "x"), "empty"),
    (lambda w: w.edit_file("src/a.py", "import os", "import os"), "the same"),
    (lambda w: w.edit_file("none.py", "a", "b"), 'no file "none.py"'),
    (lambda w: w.edit_file("data.bin", "a", "b"), "binary"),
    (lambda w: w.read_text("link"), 'symbolic link to "src/a.py"'),
    (lambda w: w.read_text("src"), "It is a folder"),
    (lambda w: w.read_text("outside/passwd"), '"outside" is a symbolic link'),
    (lambda w: w.write_file("outside/passwd", "x"), '"outside" is a symbolic link'),
    (lambda w: w.write_file("link", "x"), "symbolic link"),
    (lambda w: w.write_file("src", "x"), "is a folder"),
    (lambda w: w.write_file("README/x", "x"), '"README" is a file'),
    (lambda w: w.write_file(".git/hooks/pre-commit", "x"), "git's own"),
    (lambda w: w.write_file("src/a.py", "\ud800"), "surrogate"),
    (lambda w: w.delete_file("none"), "no file"),
    (lambda w: w.move_file("none", "x"), "no file"),
    (lambda w: w.move_file("README", "src/a.py"), "already"),
    (lambda w: w.move_file("README", "src/a.py/x"), '"src/a.py" is a file'),
    (lambda w: w.list_files("nowhere"), "nothing at"),
    (lambda w: w.search("("), "not a regular expression"),
    (lambda w: w.search("(a+)+$"), "unbounded time"),
    (lambda w: w.search(r".*.*.*x"), "unbounded time"),
    (lambda w: w.search(r"(x+x+)\1*y"), "unbounded time"),
]


@pytest.mark.parametrize(("act", "message"), MISTAKES)
def test_mistakes_are_told_and_change_nothing(
    workspace: Workspace, act: Callable[[Workspace], object], message: str
) -> None:
    with refused(TellModel, message):
        act(workspace)
    assert not workspace.is_changed


def test_replace_all_and_going_back_leaves_no_edit(workspace: Workspace) -> None:
    assert workspace.edit_file("src/a.py", "return 1", "return 2", replace_all=True) == 2
    assert workspace.diff().count("\n+    return 2\n") == 2
    workspace.edit_file("src/a.py", "return 2", "return 1", replace_all=True)
    assert not workspace.is_changed
    assert workspace.diff() == ""


def test_writing_keeps_mode_line_ends_and_mark(workspace: Workspace) -> None:
    workspace.write_file("tool.sh", "echo\n")
    workspace.write_file("src/deep/b.py", "a\nb\n")
    workspace.write_file("bom.txt", "x\n")
    workspace.write_file("data.bin", "text now\n")
    assert workspace.edits == {
        "tool.sh": FileEdit(b"echo\n", EXECUTABLE),
        "src/deep/b.py": FileEdit(b"a\r\nb\r\n"),
        "bom.txt": FileEdit(b"\xef\xbb\xbfx\n"),
        "data.bin": FileEdit(b"text now\n"),
    }


def test_moves_and_files_that_become_folders(workspace: Workspace) -> None:
    workspace.move_file("tool.sh", "bin/tool")
    assert workspace.read("bin/tool") == FileEdit(b"#!/bin/sh\n", EXECUTABLE)
    workspace.move_file("link", "bin/link")
    assert workspace.read("bin/link") == FileEdit(b"src/a.py", SYMLINK)
    workspace.move_file("README", "README/en")
    assert workspace.read("README") is None
    workspace.delete_file("bin/tool")
    workspace.delete_file("bin/link")
    workspace.write_file("bin", "no folder any more\n")
    store = workspace._store
    commit = store.commit_edits(workspace.commit, workspace.edits, "moves", when=1)
    landed = set(store.list_files(commit))
    assert landed == set(workspace.list_files())
    assert {"bin", "README/en"} <= landed


def test_searching_sees_the_overlay(workspace: Workspace) -> None:
    assert workspace.search("return 1", "src") == [
        Match("src/a.py", 4, "    return 1"),
        Match("src/a.py", 7, "    return 1"),
    ]
    assert workspace.search("^y = 2$") == [Match("src/deep/b.py", 2, "y = 2")]
    assert workspace.search("(?i)CAF\xc9") == [Match("latin.txt", 1, "caf\xe9 na\xefve")]
    workspace.edit_file("src/a.py", "return 1", "give 1", replace_all=True)
    assert workspace.search("return 1") == []
    assert len(workspace.search("give", limit=1)) == 1
    assert workspace.search(r"a|\d", glob="*.md") == []


def test_rebasing_onto_another_commit(workspace: Workspace) -> None:
    workspace.write_file("README", "mine\n")
    store = workspace._store
    commit = store.commit_edits(workspace.commit, {"README": FileEdit(b"theirs\n")}, "m", when=1)
    workspace.rebase_onto(commit, {"README": FileEdit(b"both\n"), "no newline": FileEdit(b"end")})
    assert workspace.changed_paths() == ["README"]
    assert "-theirs\n+both\n" in workspace.diff()


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("readme", '"README", which exists'),
        ("SRC/new.py", '"src", which exists'),
        ("src/A.py", '"src/a.py", which exists'),
        ("src/DEEP/c.py", '"src/deep", which exists'),
        ("src/deep/B.PY", '"src/deep/b.py", which exists'),
        ("NA\u0308ME \U0001f600\n.txt", "which exists"),
        ("na\u0308me \U0001f600\n.txt", "which exists"),
        ("LINK", '"link", which exists'),
        ("s\u200crc/x", '"src", which exists'),
        ("CON", "device"),
        ("src/nul.txt", "device"),
        ("COM\u00b9", "device"),
        ("aux/x.c", "device"),
        ("README:stream", "stream"),
        ("README.", "dot or a space"),
        ("src /x", "dot or a space"),
    ],
)
def test_a_new_file_that_would_be_another_one_somewhere(
    workspace: Workspace, path: str, words: str
) -> None:
    with refused(OutOfBounds, words):
        workspace.write_file(path, "x\n")
    with refused(OutOfBounds, words):
        workspace.move_file("src/mixed.txt", path)
    taken = workspace.take_over({path: FileEdit(b"x\n")})
    assert list(taken) == [path]
    assert isinstance(taken[path], OutOfBounds)
    assert not workspace.is_changed


def test_what_is_there_already_is_read_and_edited_by_its_name(
    make_store: Callable, person: GitRepository
) -> None:
    store, commit = make_store({"aux.c": b"x\n", "Foo": b"1\n", "foo": b"2\n", "aa:b/c.": b"3\n"})
    workspace = Workspace(store, commit)
    for path in ("aux.c", "Foo", "foo", "aa:b/c."):
        workspace.write_file(path, workspace.read_text(path).text + "more\n")
    workspace.write_file("aa:b/d", "beside\n")
    assert workspace.changed_paths() == ["Foo", "aa:b/c.", "aa:b/d", "aux.c", "foo"]
    with pytest.raises(OutOfBounds):
        workspace.write_file("FOO", "3\n")


def test_a_name_may_change_its_case_or_come_again_once_it_is_free(workspace: Workspace) -> None:
    workspace.move_file("README", "readme")
    workspace.delete_file("latin.txt")
    workspace.write_file("LATIN.txt", "x\n")
    with refused(OutOfBounds, '"readme", which exists'):
        workspace.write_file("ReadMe", "x\n")
    workspace.write_file("new/x", "x\n")
    with refused(OutOfBounds, '"new", which exists'):
        workspace.write_file("NEW/y", "x\n")


@pytest.mark.parametrize("path", ["nul", "src/con.py", "missing./x"])
def test_names_that_mean_something_else_are_out_of_bounds_for_every_look(
    workspace: Workspace, path: str
) -> None:
    looks: list[Callable[[], object]] = [
        lambda: workspace.list_files(path),
        lambda: workspace.read_text(path),
        lambda: workspace.search("x", path),
        lambda: workspace.edit_file(path, "a", "b"),
        lambda: workspace.delete_file(path),
        lambda: workspace.move_file(path, "y"),
        lambda: workspace.checked_scope(path),
    ]
    for look in looks:
        with pytest.raises(OutOfBounds):
            look()


def test_what_a_command_made_is_taken_over_but_what_leads_out(workspace: Workspace) -> None:
    link = {
        "in": b"src/a.py",
        "src/up": b"../latin.txt",
        "out": b"../elsewhere",
        "abs": b"/etc/passwd",
        "hooks": b".git/hooks",
        "through": b"outside/passwd",
        "a-way": b"src/b-way/../..",
        "src/b-way": b"..",
        ".gitmodules": b"README",
        "README": b"/etc/hostname",
    }
    taken: dict[str, FileEdit | None] = {path: FileEdit(to, SYMLINK) for path, to in link.items()}
    taken |= {
        ".GIT/hooks/post-checkout": FileEdit(b"#!/bin/sh\n", EXECUTABLE),
        "git~1/config": FileEdit(b"x"),
        "a\\b": FileEdit(b"x"),
        "link/x": FileEdit(b"through a link"),
        "fine.txt": FileEdit(b"fine\n"),
        "src/a.py": None,
        "src/a.py/now a folder": FileEdit(b"x"),
    }
    left_out = workspace.take_over(taken)
    assert workspace.changed_paths() == [
        "fine.txt", "in", "src/a.py", "src/a.py/now a folder", "src/b-way", "src/up",
    ]  # fmt: skip
    assert {path for path, why in left_out.items() if not isinstance(why, OutOfBounds)} == {
        "link/x"
    }
    assert "leads out" in words_of(left_out["through"])
    assert content(workspace, "README") == b"hello\n"


def test_a_link_may_not_be_moved_to_where_it_leads_out(workspace: Workspace) -> None:
    workspace.take_over({"src/deep/up": FileEdit(b"../a.py", SYMLINK)})
    workspace.move_file("src/deep/up", "src/up")
    with refused(OutOfBounds, "leads out"):
        workspace.move_file("src/up", "up")
    with refused(OutOfBounds, "git reads it"):
        workspace.move_file("link", ".GitModules")
    assert workspace.changed_paths() == ["src/up"]


def test_very_many_files_of_a_command_are_taken_over(workspace: Workspace) -> None:
    made = {f"out/{n % 7}/{n}.txt": FileEdit(b"%d" % n) for n in range(3_000)}
    links = {f"out/links/{n}": FileEdit(b"../0/0.txt", SYMLINK) for n in range(300)}
    assert workspace.take_over({**made, **links}) == {}
    assert workspace.take_over({"Out/x": FileEdit(b"x"), "out/y": FileEdit(b"y")}).keys() == {
        "Out/x"
    }
    assert len(workspace.changed_paths()) == 3_301
