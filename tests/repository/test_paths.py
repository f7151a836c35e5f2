import pytest

from longshift.errors import OutOfBounds, TellModel
from longshift.repository.paths import checked_file_path, checked_folder_path
from tests.support.refused import refused

OUT_OF_BOUNDS = {
    "absolute": ["/etc/passwd", "//x", "C:/x", "c:x", "C:\\x", "\\x", "\\\\server\\share\\x", "~",
                 "~/x", "~root/x", "~\\x"],
    "'..'": ["..", "../x", "a/../../x", "a/..", "./../x", "a//../x", "..\\x", "a\\..\\x"],
    "backslash": ["a\\b", "a\\"],
    "NUL": ["a\0b", "\0"],
    "git's own": [
        ".git", ".git/config", "a/.GIT/hooks/x", ".git./x", ".git /x", ".git::$INDEX_ALLOCATION/x",
        ".g\u200cit/config", "git~1/config", "GIT~1/x", "sub/.git/hooks/post-checkout", ".git\\x",
    ],
}  # fmt: skip
MISTYPED = ["", ".", "folder/", "\ud800", "x" * 300, "a/" * 3000 + "x"]
ACCEPTED = {
    "a.py": "a.py",
    "./a//b/./c.py": "a/b/c.py",
    ".gitignore": ".gitignore",
    ".github/workflows/ci.yml": ".github/workflows/ci.yml",
    "git/x": "git/x",
    "with space/näme😀": "with space/näme😀",
    "line\nbreak": "line\nbreak",
    "..a/b..": "..a/b..",
    "~x": "~x",
    "a~1/x": "a~1/x",
    "...": "...",
}


@pytest.mark.parametrize(
    ("path", "words"), [(path, words) for words, paths in OUT_OF_BOUNDS.items() for path in paths]
)
def test_out_of_bounds(path: str, words: str) -> None:
    for check in (checked_file_path, checked_folder_path):
        with refused(OutOfBounds, words) as mistake:
            check(path)
        assert mistake.value.guard == "path"


@pytest.mark.parametrize("path", MISTYPED)
def test_mistyped(path: str) -> None:
    with refused(TellModel) as mistake:
        checked_file_path(path)
    assert not isinstance(mistake.value, OutOfBounds)


@pytest.mark.parametrize(("path", "expected"), ACCEPTED.items())
def test_accepted(path: str, expected: str) -> None:
    assert checked_file_path(path) == expected


def test_folders() -> None:
    assert [checked_folder_path(path) for path in (".", "", "./", "a/b/")] == ["", "", "", "a/b"]
