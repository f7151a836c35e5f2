"""Configuration of checks as flat keys, the same for a tool wherever it is configured.

Owns reading TOML, INI and JSON of known names, and making `[tool.mypy]`, `[mypy]` and `mypy.ini`
one; how their keys and values are spelled is owned by `spelling.py`. Pure; a file that is
broken says nothing.
"""

import configparser
import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from posixpath import basename, dirname
from typing import Final

from longshift.engine.checking.hacks.settings.spelling import (
    holds_regexes,
    in_one_spelling,
    is_old_spelling,
)

LARGEST: Final = 256_000
MOST_KEYS: Final = 20_000
DEEPEST: Final = 12
MOST_MODULES: Final = 200

Flat = dict[str, object]

_INI: Final = ("setup.cfg", "tox.ini", "pytest.ini", ".pytest.ini", "mypy.ini", ".mypy.ini")
_INI_MORE: Final = (".coveragerc", ".flake8", ".pylintrc")
_JSON: Final = re.compile(
    r"(?:[jt]sconfig[\w.-]*\.json|package\.json|\.eslintrc(?:\.json)?|pyrightconfig\.json"
    r"|jest\.config\.json|\.nycrc(?:\.json)?|\.c8rc(?:\.json)?|biome\.jsonc?)$"
)
_TOOLS: Final = (
    "ruff", "mypy", "pyright", "basedpyright", "coverage", "pytest", "pylint", "flake8", "black",
    "bandit", "lints",
)  # fmt: skip
_JSON_PART: Final = re.compile(r'"(?:[^"\\\n]|\\.)*"|//|/\*')
_TRAILING: Final = re.compile(r",(\s{0,200}[}\]])")


def is_settings(path: str) -> bool:
    """Whether a file configures checks in a form that is read."""
    name = basename(path)
    return (
        name in ("pyproject.toml", "ruff.toml", ".ruff.toml", "Cargo.toml")
        or name in _INI
        or name in _INI_MORE
        or bool(_JSON.fullmatch(name))
    )


def flat_settings(path: str, text: str) -> Flat:
    """What a file sets of known tools, by `tool.key.key`; a tool of JavaScript's by its file."""
    if len(text) > LARGEST:
        return {}
    try:
        read = dict(_read(path, text))
    except (ValueError, RecursionError, configparser.Error):
        return {}
    old_first = sorted(read, key=lambda key: not is_old_spelling(key))
    return {key: value for one in old_first for key, value in in_one_spelling(one, read[one])}


def _read(path: str, text: str) -> Iterator[tuple[str, object]]:
    name = basename(path)
    if name.endswith(".toml"):
        return _of_toml(name, tomllib.loads(text))
    if _JSON.fullmatch(name):
        return _of_json(path, _json(text))
    return _of_ini(name, text)


def _of_toml(name: str, document: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    if "ruff" in name:
        yield from _flat("ruff", document)
        return
    if name == "Cargo.toml":
        yield from _flat("lints", document.get("lints"))
        workspace = document.get("workspace")
        yield from _flat("lints", workspace.get("lints") if isinstance(workspace, dict) else None)
        return
    tools = document.get("tool")
    for tool, value in (tools if isinstance(tools, dict) else {}).items():
        if tool == "pytest" and isinstance(value, dict):
            yield from _flat("pytest", value.get("ini_options", value))
        elif tool in _TOOLS:
            yield from _flat(tool, value)


def _of_ini(name: str, text: str) -> Iterator[tuple[str, object]]:
    parser = configparser.ConfigParser(strict=False, interpolation=None, allow_no_value=True)
    parser.read_string(text)
    for section in parser.sections():
        tool, _, rest = section.replace("tool:", "").partition("-" if "mypy" in section else ":")
        if name == ".coveragerc":
            tool, rest = "coverage", section
        elif name == ".pylintrc":
            tool, rest = "pylint", section.lower()
        if tool not in _TOOLS:
            continue
        for prefix in _prefixes(tool, rest):
            for key, value in parser.items(section):
                whole = f"{prefix}.{key.lower()}"
                yield whole, _ini_value(whole, value or "")


def _prefixes(tool: str, rest: str) -> list[str]:
    """What the keys of a section begin with: one of mypy's may speak of several modules."""
    if tool == "mypy" and rest:
        modules = [one.strip() for one in rest.split(",")[:MOST_MODULES]]
        return [f"{tool}.overrides.{one}" for one in modules if one]
    return [f"{tool}.{rest}" if rest else tool]


def _ini_value(whole: str, value: str) -> object:
    key = whole.rpartition(".")[2]
    plain = value.strip().lower()
    if plain in ("true", "yes", "on", "false", "no", "off"):
        return plain in ("true", "yes", "on")
    if re.fullmatch(r"\d{1,6}(?:\.\d{1,6})?", plain):
        return float(plain)
    if key == "addopts" or holds_regexes(whole):
        return value
    between = r"\s" if key in _WORDS else r"[,\n]"
    return [part.strip() for part in re.split(between, value) if part.strip()]


_WORDS: Final = frozenset(
    {"testpaths", "norecursedirs", "python_files", "python_classes", "python_functions"}
)
"""Keys of pytest whose values are told apart by spaces."""


def _of_json(path: str, document: object) -> Iterator[tuple[str, object]]:
    name = basename(path)
    place = f"{dirname(path)}/" if dirname(path) else ""
    if not isinstance(document, dict):
        return
    if name == "package.json":
        for key in ("jest", "eslintConfig", "c8", "nyc", "scripts"):
            tool = {"eslintConfig": "eslint"}.get(key, key)
            yield from _flat(f"{place}{tool}", document.get(key))
        return
    tool = next(
        (tool for word, tool in _BY_FILE if word in name),
        name,
    )
    yield from _flat(f"{place}{tool}", document)


_BY_FILE: Final = (
    ("eslintrc", "eslint"),
    ("pyrightconfig", "pyright"),
    ("jest", "jest"),
    ("nycrc", "nyc"),
    ("c8rc", "c8"),
)


def _flat(prefix: str, value: object, depth: int = 0) -> Iterator[tuple[str, object]]:
    """Pairs of key and value; of a list of tables each by what it is about."""
    if depth > DEEPEST:
        return
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _flat(f"{prefix}.{key}", inner, depth + 1)
    elif isinstance(value, list) and value and all(isinstance(one, dict) for one in value):
        for one in value:
            about = one.get("module", one.get("files", ""))
            listed = about if isinstance(about, list) else [about]
            rest = {key: inner for key, inner in one.items() if inner is not about}
            for each in listed[:MOST_MODULES]:
                yield from _flat(f"{prefix}.{each}", rest, depth + 1)
    elif value is not None:
        yield prefix, value


def _json(text: str) -> object:
    """JSON as compilers take it, with comments and commas too many."""
    kept: list[str] = []
    at = 0
    while found := _JSON_PART.search(text, at):
        part = found.group()
        kept.append(text[at : found.start()])
        at = found.end()
        if part[0] == '"':
            kept.append(part)
        else:
            end = text.find("\n" if part == "//" else "*/", at)
            at = len(text) if end < 0 else end + (0 if part == "//" else 2)
    return json.loads(_TRAILING.sub(r"\1", "".join([*kept, text[at:]])))


def words_of(value: object) -> list[str]:
    """The words of a setting that is a list, or a text with spaces between them."""
    parts = value if isinstance(value, list) else [value] if isinstance(value, str) else []
    return [word for one in parts for word in str(one).split()]
