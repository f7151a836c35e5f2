"""Names in every spelling that some file system takes for another."""

import pytest

from longshift.places.spelling import folded, names_git, names_gitmodules, why_no_file

GIT = [".git", ".GIT", ".gIt", ".git.", ".git ", ".git. .", ".git::$INDEX_ALLOCATION", ".git:x",
       "git~1", "GIT~2", "git~12", ".g\u200cit", "\ufeff.git", ".gi\u202et",
       ".GI\u206fT. "]  # fmt: skip


@pytest.mark.parametrize("name", GIT)
def test_every_spelling_of_git(name: str) -> None:
    assert names_git(name)


@pytest.mark.parametrize("name", [".gitignore", "git", ".github", "git~x", "x.git", ".git2", "~1"])
def test_names_that_only_look_like_it(name: str) -> None:
    assert not names_git(name)


@pytest.mark.parametrize(
    ("name", "is_one"),
    [(".gitmodules", True), (".GitModules ", True), ("GITMOD~1", True), ("gi7eba~9", True),
     (".gitmod\u200dules", True), ("gitmodules", False), (".gitmodules2", False)],
)  # fmt: skip
def test_every_spelling_of_gitmodules(name: str, is_one: bool) -> None:
    assert names_gitmodules(name) is is_one


@pytest.mark.parametrize(
    ("one", "other"),
    [("README", "readme"), ("Straße", "STRASSE"), ("caf\u00e9", "cafe\u0301"),
     ("\u212b", "\u00e5"), ("a\u200cb", "AB"), ("\u1e9e", "ss"), ("Σ", "ς")],
)  # fmt: skip
def test_the_same_file_somewhere(one: str, other: str) -> None:
    assert folded(one) == folded(other)


@pytest.mark.parametrize(
    ("name", "why"),
    [("CON", "device"), ("nul", "device"), ("Aux.c", "device"), ("prn.tar.gz", "device"),
     ("COM1", "device"), ("lpt9.txt", "device"), ("com¹", "device"), ("LPT³.x", "device"),
     ("nul .txt", "device"), ("CONIN$", "device"), ("con:", "stream"), ("a.txt:hidden", "stream"),
     ("x.", "ending"), ("x ", "ending")],
)  # fmt: skip
def test_names_that_are_no_file_somewhere(name: str, why: str) -> None:
    assert why_no_file(name) == why


@pytest.mark.parametrize(
    "name", ["console", "com", "com10", "com0", "null", "auxiliary.c", ".con", "a b", "...x"]
)
def test_ordinary_names(name: str) -> None:
    assert why_no_file(name) is None
