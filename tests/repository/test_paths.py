import pytest

from longshift.errors import TellModel
from longshift.repository.paths import checked_file_path, checked_folder_path

REFUSED = [
    "", ".", "/etc/passwd", "../x", "a/../../x", "a/..", "C:/x", "a\\b", "a\0b", "folder/",
    ".git/config", "a/.GIT/hooks/x", ".git./x", ".git /x", ".git::$INDEX_ALLOCATION/x",
    ".g\u200cit/config", "git~1/config", "GIT~1/x", "\ud800", "x" * 300, "a/" * 3000 + "x",
]  # fmt: skip
ACCEPTED = {
    "a.py": "a.py",
    "./a//b/./c.py": "a/b/c.py",
    ".gitignore": ".gitignore",
    ".github/workflows/ci.yml": ".github/workflows/ci.yml",
    "git/x": "git/x",
    "with space/näme😀": "with space/näme😀",
    "line\nbreak": "line\nbreak",
    "..a/b..": "..a/b..",
}


@pytest.mark.parametrize("path", REFUSED)
def test_refused(path: str) -> None:
    with pytest.raises(TellModel):
        checked_file_path(path)


@pytest.mark.parametrize(("path", "expected"), ACCEPTED.items())
def test_accepted(path: str, expected: str) -> None:
    assert checked_file_path(path) == expected


def test_folders() -> None:
    assert [checked_folder_path(path) for path in (".", "", "./", "a/b/")] == ["", "", "", "a/b"]
