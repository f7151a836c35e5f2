"""The threat model points at tests that exist, so that a row can't outlive its proof."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "security.md"
REFERENCE = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`")
ROW = re.compile(r"^\| (?P<id>[A-Z]\d+) \|(?P<rest>.*)\|$", re.MULTILINE)


def references() -> list[tuple[str, str]]:
    return REFERENCE.findall(PAGE.read_text(encoding="utf-8"))


def functions(module: Path) -> set[str]:
    tree = ast.parse(module.read_text(encoding="utf-8"))
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return {node.name for node in ast.walk(tree) if isinstance(node, kinds)}


@pytest.mark.parametrize(("module", "test"), references())
def test_the_page_names_tests_that_exist(module: str, test: str) -> None:
    assert (ROOT / module).is_file()
    assert not test or test in functions(ROOT / module)


def test_every_threat_has_a_test_and_a_number_of_its_own() -> None:
    rows = list(ROW.finditer(PAGE.read_text(encoding="utf-8")))
    numbers = [row["id"] for row in rows]
    assert len(numbers) >= 30
    assert len(numbers) == len(set(numbers))
    assert [row["id"] for row in rows if not REFERENCE.search(row["rest"])] == []
