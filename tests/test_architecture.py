"""The floors of the house, proved from the imports (ARCHITECTURE.md, "Floors")."""

import ast
import functools
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent.parent / "server" / "longshift"

FLOORS = {
    "cli": 6,
    "lsp": 5,
    "engine": 4,
    "crew": 3,
    "review": 3,
    "models": 2,
    "sandbox": 2,
    "journal": 2,
    "settings": 2,
    "domain": 1,
    "repository": 1,
    "screening": 1,
    "places": 0,
    "allocator": 0,
    "errors": 0,
    "precedence": 0,
    "telemetry": 0,
}
"""A module imports from rooms on lower floors and from its own, and from no other."""

GUARDED = {
    "pygls": {"lsp"},
    "lsprotocol": {"lsp"},
    "pygit2": {"repository"},
    "git": {"repository"},
    "openai": {"models"},
    "httpx2": {"models"},
    "aiohttp": {"models"},
    "apsw": {"journal"},
    "click": {"cli"},
    "rich": {"cli"},
    "jinja2": {"crew"},
    "frontmatter": {"crew"},
    "keyring": {"models"},
    "kingfisher_sdk": {"screening"},
    "tree_sitter": {"repository"},
    "opentelemetry": {"telemetry"},
    "platformdirs": {"settings", "cli", "lsp"},
}
"""Libraries that only these rooms know: a change of one library is a change of one room."""

SUBPROCESSES = {"sandbox", "repository", "models"}
"""Rooms that start processes: commands of models, git and its editor, ruff. Nobody else does."""
STARTS_ITSELF = "engine/owning/detached.py"
"""The one module that starts this very program, to outlive the process that it is called in."""


def modules() -> Iterator[Path]:
    return iter(sorted(SOURCE.rglob("*.py")))


def room_of(module: Path) -> str:
    return module.relative_to(SOURCE).parts[0].removesuffix(".py")


@functools.cache
def parsed(module: Path) -> tuple[ast.AST, ...]:
    """Every node of a module, the module itself first."""
    return tuple(ast.walk(ast.parse(module.read_text(encoding="utf-8"))))


def imports(module: Path) -> Iterator[tuple[int, str]]:
    """Each imported name with its line, relative ones made absolute, lazy ones included."""
    package = ["longshift", *module.relative_to(SOURCE).parts[:-1]]
    for node in parsed(module):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            name = ".".join([*base, *([node.module] if node.module else [])])
            yield node.lineno, name
            if name == "longshift":
                yield from ((node.lineno, f"longshift.{alias.name}") for alias in node.names)


def test_every_room_has_a_floor() -> None:
    rooms = {room_of(module) for module in modules()} - {"__init__", "__main__"}
    assert rooms == set(FLOORS)


@pytest.mark.parametrize("room", FLOORS)
def test_imports_point_down(room: str) -> None:
    wrong = [
        f"{module.relative_to(SOURCE)}:{line} imports {name}"
        for module in modules()
        if room_of(module) == room
        for line, name in imports(module)
        if name.startswith("longshift.")
        and (other := name.split(".")[1]) in FLOORS
        and other != room
        and FLOORS[other] >= FLOORS[room]
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("library", GUARDED)
def test_libraries_stay_in_their_rooms(library: str) -> None:
    wrong = [
        f"{module.relative_to(SOURCE)}:{line} imports {name}"
        for module in modules()
        if room_of(module) not in GUARDED[library]
        for line, name in imports(module)
        if name.split(".")[0] == library
    ]
    assert not wrong, "\n".join(wrong)


def test_processes_are_started_in_three_rooms_only() -> None:
    wrong = [
        f"{module.relative_to(SOURCE)}:{node.lineno}"
        for module in modules()
        if room_of(module) not in SUBPROCESSES
        and module.relative_to(SOURCE).as_posix() != STARTS_ITSELF
        for node in parsed(module)
        if (isinstance(node, ast.Attribute) and node.attr.startswith("create_subprocess"))
        or (isinstance(node, ast.Import) and any(a.name == "subprocess" for a in node.names))
    ]
    assert not wrong, wrong


def test_no_commit_holds_pythons_lock() -> None:
    """apsw's own `with connection` commits without letting other threads run meanwhile.

    No test can see it where the disk is quick; `python -m benchmarks review` does.
    """
    opened_once = "journal/schema.py"
    wrong = [
        f"{module.relative_to(SOURCE)}:{node.lineno}"
        for module in modules()
        if room_of(module) == "journal" and str(module.relative_to(SOURCE)) != opened_once
        for node in parsed(module)
        if isinstance(node, ast.With | ast.AsyncWith)
        for item in node.items
        if ast.unparse(item.context_expr) in {"db", "self._db"}
    ]
    assert not wrong, wrong


def test_the_domain_is_pure() -> None:
    allowed = {
        "collections",
        "dataclasses",
        "datetime",
        "decimal",
        "enum",
        "functools",
        "hashlib",  # a digest of given text, as pure as a sum
        "itertools",
        "pydantic",
        "re",
        "typing",
        "longshift",
    }
    wrong = [
        f"{module.relative_to(SOURCE)}:{line} imports {name}"
        for module in modules()
        if room_of(module) == "domain"
        for line, name in imports(module)
        if name.split(".")[0] not in allowed
    ]
    assert not wrong, "\n".join(wrong)


def test_every_module_says_what_it_owns() -> None:
    silent = [
        str(module.relative_to(SOURCE))
        for module in modules()
        if not ast.get_docstring(parsed(module)[0])
    ]
    assert not silent, silent
