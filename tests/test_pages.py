"""Threats and promises point at tests that exist, so that no row can outlive its proof."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
THREATS = ROOT / "docs" / "security.md"
PROMISES = ROOT / "docs" / "reliability.md"
REFERENCE = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`")
ROW = re.compile(r"^\| (?P<id>[A-Z]\d+) \|(?P<rest>.*)\|$", re.MULTILINE)


PROMISE = re.compile(r"^\| (?!promise \||-)(?P<promise>.*) \| (?P<proof>.*) \|$", re.MULTILINE)


def references() -> list[tuple[str, str]]:
    pages = (page.read_text(encoding="utf-8") for page in (THREATS, PROMISES))
    return [found for page in pages for found in REFERENCE.findall(page)]


def functions(module: Path) -> set[str]:
    tree = ast.parse(module.read_text(encoding="utf-8"))
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return {node.name for node in ast.walk(tree) if isinstance(node, kinds)}


@pytest.mark.parametrize(("module", "test"), references())
def test_the_pages_name_tests_that_exist(module: str, test: str) -> None:
    assert (ROOT / module).is_file()
    assert not test or test in functions(ROOT / module)


def test_every_threat_has_a_test_and_a_number_of_its_own() -> None:
    rows = list(ROW.finditer(THREATS.read_text(encoding="utf-8")))
    numbers = [row["id"] for row in rows]
    assert len(numbers) >= 30
    assert len(numbers) == len(set(numbers))
    assert [row["id"] for row in rows if not REFERENCE.search(row["rest"])] == []


def test_every_promise_has_a_test() -> None:
    rows = list(PROMISE.finditer(PROMISES.read_text(encoding="utf-8")))
    assert len(rows) >= 30
    assert [row["promise"] for row in rows if not REFERENCE.search(row["proof"])] == []
