"""Tests and checks that ask for less than before are seen; honest work is let through."""

import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from longshift.engine.checking.hacks import CODES, Change, Compared, find_hacks
from longshift.repository.aside import aside
from tests.support.examples import examples

DATA = Path(__file__).parent / "data" / "hacks"
CASES = [
    pytest.param(case, id=f"{file.stem}: {case['name']}")
    for file in sorted(DATA.glob("*.toml"))
    for case in tomllib.loads(file.read_text())["case"]
]


def changes_of(case):
    return [
        Change(
            one["path"],
            one.get("old"),
            one["old"] if one.get("same") else one.get("new"),
            one.get("old_path", ""),
        )
        for one in case["file"]
    ]


def compared(case):
    return Compared(changes_of(case), case.get("said", ""), case.get("base", ()))


def found(case):
    hacks = find_hacks(compared(case))
    return [f"{one.severity} {one.code} {one.path}:{one.line}" for one in hacks]


@pytest.mark.parametrize("case", CASES)
def test_what_is_found(case):
    assert found(case) == case["found"]


def test_the_same_is_found_in_a_process_of_its_own():
    cases = [case for one in CASES for case in one.values]
    every = list(map(compared, cases))
    assert list(aside(find_hacks, every)) == list(map(find_hacks, every))


@pytest.mark.parametrize("case", CASES)
def test_the_way_back_of_an_identity_is_silent(case):
    """A tree held against itself has nothing to say, whatever stands in it."""
    old = [Change(one.path, one.old, one.old) for one in changes_of(case)]
    new = [Change(one.path, one.new, one.new) for one in changes_of(case)]
    assert find_hacks(Compared([*old, *new], base=case.get("base", ()))) == []


PATHS = st.sampled_from(
    [
        "tests/test_a.py", "a.py", "a.test.ts", "a_test.go", "src/lib.rs", "pyproject.toml",
        "tox.ini", "package.json", "tsconfig.json", "Makefile", ".github/workflows/ci.yml",
        "eslint.config.js", ".coveragerc", "conftest.py", "Cargo.toml", "codecov.yml",
    ]
)  # fmt: skip
PIECES = st.sampled_from(
    [
        "def test_a():\n", "    assert x == 1\n", "@pytest.mark.skip\n", "it('a', () => {\n",
        "});\n", "func TestA(t *testing.T) {\n", "}\n", "#[test]\nfn a() {\n", "# noqa\n",
        "[tool.ruff]\n", 'ignore = ["E1"]\n', '{"a": [1,', "\x00", "\ud800", "\u2028", "'''",
        "((((", "strict = true\n", "\t-pytest || true\n", "branches: 80,\n", '"no-x": "off",\n',
        "[" * 300, "class A:\n", "\\\n", '"""', "  - run: ruff check\n", "fail_under = 9\n",
        "[report]\n", "\r", "\f",
    ]
)  # fmt: skip
TEXTS = st.none() | st.lists(PIECES | st.text(max_size=20), max_size=12).map("".join)


@settings(max_examples=examples(150), deadline=None)
@given(st.lists(st.tuples(PATHS, TEXTS, TEXTS), max_size=4), st.text(max_size=40))
def test_any_text_is_looked_at_and_placed_in_its_file(files, said):
    changes = [
        Change(path, *(text and text.encode("utf-8", "replace").decode() for text in (old, new)))
        for path, old, new in files
    ]
    for one in find_hacks(Compared(changes, said)):
        assert one.code in CODES
        alike = [change for change in changes if change.path == one.path]
        texts = [change.old if one.is_gone else change.new for change in alike]
        assert any(
            1 <= one.line <= max(1, text.count("\n") + 1) for text in texts if text is not None
        )


LONG = 200_000
MOVED = "def test_add():\n    assert add(1, 2) == 3\n"
HOSTILE = {
    "app.py": ["# noqa" + " " * LONG, "x = 1 #" * (LONG // 7), "(" * LONG, "0x" + "f" * LONG],
    "tests/test_a.py": ["def test_a():\n    assert x == 0x" + "f" * LONG, "def test_a(): " * 9_000],
    "tests/test_b.py": ["import " + "a" * LONG + "\nclass A(\n" * 20_000, "class A(" * 9_000],
    "a.test.ts": ["it('" * (LONG // 4), " " * LONG + "it.only", "expect(" * 20_000],
    "b.test.js": ["/*" * (LONG // 2), "if (false) {" * 16_000, "\\`" * LONG, "'\\" * LONG],
    "src/b.rs": ["/* '" * (LONG // 4), '/*"\\' * (LONG // 4), "if false {}" * 16_000, "'" * LONG],
    "b_test.go": ["func TestA() {\n" + "\tif t.Skip(1) {" * (LONG // 15), "/*`" * (LONG // 3)],
    "pytest.ini": ["[pytest]\npython_files = " + "*a*a*a*b " * 20_000, "[pytest]\na" * 20_000],
    "eslint.config.js": ["ignores: [" + "'*a*a*a*b'," * 20_000 + "]", "ignores: [" * 20_000],
    "tsconfig.json": ["/*" * (LONG // 2), '{"' * (LONG // 2), "," + " " * LONG, "[" * LONG],
    "pyproject.toml": ["[tool.pytest]\naddopts = '" + '-k "' * 40_000 + "'", "[" * LONG],
    "setup.cfg": ["[mypy]\nexclude = " + "a\n" * 90_000, "[flake8]\n" * 20_000],
    ".github/workflows/ci.yml": ["lines" + " " * LONG, "|| " * 60_000, "if: " * 50_000],
    "conftest.py": ["items[:] =" * 20_000, "items[:]" + " " * LONG, "add_marker(" * 18_000],
    "ci/run.sh": ["pytest " * 28_000, "pytest |" * 25_000, "pytest '" * 25_000, "| tee" * 40_000],
    "mypy.ini": ["[mypy-" + "a," * 90_000 + "]\nstrict = 1", "[mypy]\nfiles = " + "a/" * 90_000],
    "ruff.toml": ['exclude = ["' + "a/." * 60_000 + '"]', "select = ['" + "E1" * 60_000 + "']"],
    "Makefile": ["a " * (LONG // 2) + ":", "\t" * LONG, "ruff " * 40_000],
}  # fmt: skip


@pytest.mark.parametrize("path", HOSTILE)
def test_hostile_text_is_done_with(path):
    """In a pattern that goes over it again and again each of these would take hours."""
    for text in HOSTILE[path]:
        changes = [Change(path, "", text), Change(f"old/{path}", text, "")]
        changes += [Change("calc.py", MOVED, MOVED, "test_calc.py")]
        base = [path, *(f"tests/test_{'a' * number}.py" for number in range(200))]
        find_hacks(Compared(changes, "delete " * 3_000, base))
