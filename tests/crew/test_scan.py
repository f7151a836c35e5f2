"""What the scan of added lines catches, by language, and what it lets through."""

import tomllib
import warnings
from pathlib import Path

import pytest

from longshift.crew.gates.python_stubs import stub_lines
from longshift.crew.gates.scan import FileChange, as_changes, scan

DATA = Path(__file__).parent / "data" / "scan"
LINES = tomllib.loads((DATA / "lines.toml").read_text())
SOURCES = tomllib.loads((DATA / "python.toml").read_text())["source"]


def kinds(path, line):
    return [hit.kind for hit in scan([FileChange(path, "a\n", f"a\n{line}\n")])]


@pytest.mark.parametrize("path", LINES)
def test_what_evades_the_work_is_caught(path):
    for kind in ("stub", "suppression", "skipped_test"):
        assert [line for line in LINES[path][kind] if kinds(path, line) != [kind]] == []


@pytest.mark.parametrize("path", LINES)
def test_what_is_fine_is_let_through(path):
    assert [line for line in LINES[path]["fine"] if kinds(path, line)] == []


@pytest.mark.parametrize("given", SOURCES, ids=lambda given: given["name"])
def test_a_body_that_is_none_is_seen_in_the_tree(given):
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="<submission>")
        assert sorted(stub_lines(given["text"])) == given["stubs"]


TEST = "def test_a():\n    assert f(1) == 2\n\n\ndef test_b():\n    assert f(2) == 3\n"


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ([("a.py", "x = 1  # noqa\n", "y = 1\nx = 1  # noqa\n")], []),
        ([("a.py", "x = 1  # noqa\n", ""), ("b.py", "", "x = 1  # noqa\n")], []),
        ([("a.py", "x = 1  # noqa\n", "if y:\n    x = 1  # noqa\n")], []),
        ([("a.py", "x = 1  # noqa\n", "x = 1  # noqa\nx = 1  # noqa\n")], [("a.py", 2)]),
        ([("a.py", "# noqa\n", "")], []),
        ([("tests/test_a.py", TEST, TEST[: TEST.index("def test_b")])], [("tests/test_a.py", 0)]),
        ([("tests/test_a.py", TEST, "")], [("tests/test_a.py", 0), ("tests/test_a.py", 0)]),
        ([("tests/test_a.py", TEST, ""), ("tests/test_c.py", "", TEST)], []),
        ([("tests/test_a.py", TEST, TEST.replace("test_b", "test_c"))], []),
        (
            [("tests/test_a.py", TEST, TEST.replace("    assert f(2) == 3", "    f(2)"))],
            [("tests/test_a.py", 0)],
        ),
        ([("tests/test_a.py", TEST, TEST.replace("== 3", "== 4"))], []),
        ([("app/a.py", TEST, "")], []),
        ([("a.generated.py", "", "x = 1  # noqa\n" * 40_000)], []),
    ],
    ids=[
        *("stood there", "moved to a file", "indented", "doubled", "taken away"),
        *("a test deleted", "all tests deleted", "tests moved", "a test renamed"),
        *("an assertion removed", "an assertion changed", "no file of tests", "too large"),
    ],
)
def test_only_what_an_attempt_brought_counts(changes, found):
    hits = scan(FileChange(*change) for change in changes)
    assert [(hit.path, hit.line) for hit in hits] == found


def test_what_is_no_text_is_not_looked_at():
    changes = as_changes([("a.py", None, b"\xff# noqa"), ("b.py", None, b"x  # noqa\n")])
    assert [hit.path for hit in scan(changes)] == ["b.py"]
