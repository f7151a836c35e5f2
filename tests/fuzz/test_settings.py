"""What a file, an editor or the environment may say: settings, or a sentence that names the source.

The property: any tree and any bytes give either `Loaded` or a `UsageError` that says where it is
wrong, in few printable words, without a key in them; and a project that nobody trusts changes
nothing of what decides where code and keys go. It matters because a project's file is written by
strangers and is read before the person has seen it.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longshift.errors import UsageError
from longshift.settings import Loaded, load_settings
from longshift.settings.keys import all_keys
from longshift.settings.rules import voice
from tests.fuzz.replay import SCALARS, damaged, replayed, tries

KEY = "sk-proj-a1B2c3D4e5F6g7H8i9"
LONGEST_MESSAGE = 6000
PERSON = '[models.default]\nmodel = "m"\nbase_url = "https://person.example/v1"\n'


def nested(key: str, value: object) -> dict[str, Any]:
    first, _, rest = key.partition(".")
    return {first: nested(rest, value) if rest else value}


PARTS = sorted({part for key in all_keys() for part in key.split(".")})
NAMES = st.sampled_from(PARTS) | st.sampled_from(
    ["api_key", "default", KEY, "base-url", "\ud800", "\x1b[2J", "a.b", "", "tool"]
) | st.text(max_size=6)  # fmt: skip
VALUES = SCALARS | st.sampled_from(
    [KEY, f"https://u:{KEY}@h/v1", "http://[", "none", "a" * 40 + "1", [KEY], [["x"]], 1e308, -0.0]
)
TREES: st.SearchStrategy[Any] = st.recursive(
    VALUES,
    lambda below: st.dictionaries(NAMES, below, max_size=4) | st.lists(below, max_size=3),
    max_leaves=10,
)
TABLES = st.dictionaries(NAMES, TREES, max_size=5)
ONE_SETTING = st.builds(nested, st.sampled_from(all_keys()), VALUES)


def as_toml(tree: object) -> str:
    """The tree as one value of TOML, as far as TOML can say it."""
    match tree:
        case Mapping():
            return "{" + ", ".join(f"{json.dumps(k)} = {as_toml(v)}" for k, v in tree.items()) + "}"
        case list():
            return "[" + ", ".join(map(as_toml, tree)) + "]"
        case bool():
            return str(tree).lower()
        case str():
            return json.dumps(tree)
        case None:
            return '""'
        case _:
            return repr(tree)


def toml_file(tables: Mapping[str, object]) -> bytes:
    lines = [f"{json.dumps(name)} = {as_toml(value)}" for name, value in tables.items()]
    return "\n".join(lines).encode()


GOOD_FILE = b"""workers = 3
checks = ["make"]
[models.worker]
model = "m"  # the model
base_url = 'https://h/v1'
[budget]
usd = 1.5
[sandbox]
mode = "none"
"""
FILES = st.one_of(
    st.binary(max_size=60),
    TABLES.map(toml_file),
    ONE_SETTING.map(toml_file),
    damaged(GOOD_FILE),
    damaged(f'["{KEY}"]\n["{KEY}"]\n'.encode()),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("settings")
    (root / "person.toml").write_text(PERSON)
    return root


def load(folder: Path, **given_: Any) -> Loaded | str:
    """What comes of it, or the message; anything else that is raised fails the test."""
    sources: dict[str, Any] = {
        "overrides": {}, "environ": {}, "editor": None, "project_root": None,
        "trusts": lambda _: False,
        "person_file": folder / "person.toml", **given_,
    }  # fmt: skip
    try:
        loaded = load_settings(**sources)
    except UsageError as error:
        assert_tellable(str(error))
        return str(error)
    for notice in loaded.notices:
        assert_tellable(notice)
    return loaded


def assert_tellable(message: str) -> None:
    # Glued to another word, it is no longer told from a name.
    assert not re.search(rf"(?<![A-Za-z0-9]){KEY}", message)
    assert all(letter.isprintable() or letter == "\n" for letter in message), ascii(message)
    assert len(message) < LONGEST_MESSAGE


def guarded(loaded: Loaded) -> dict[str, object]:
    values = loaded.settings.model_dump()
    return {key: _at(values, key) for key in all_keys() if voice(key) == "trusted"}


def _at(values: Any, key: str) -> object:
    for part in key.split("."):
        values = values[part]
    return values


def check_project(folder: Path, name: str, data: bytes) -> None:
    file = folder / name
    file.write_bytes(data)
    try:
        loaded = load(folder, project_root=folder)
    finally:
        file.unlink()
    if isinstance(loaded, str):
        assert str(file) in loaded
        return
    without = load(folder)
    assert isinstance(without, Loaded)
    assert guarded(loaded) == guarded(without)


@tries(300)
@given(data=FILES)
def test_a_projects_file(folder: Path, data: bytes) -> None:
    check_project(folder, "longshift.toml", data)


@tries(150)
@given(data=FILES, head=st.sampled_from([b"[tool.longshift]\n", b"tool.longshift.", b"[tool]\n"]))
def test_a_projects_pyproject(folder: Path, data: bytes, head: bytes) -> None:
    check_project(folder, "pyproject.toml", head + data)


@tries(200)
@given(tables=TABLES | ONE_SETTING, source=st.sampled_from(["editor", "overrides"]))
def test_what_an_editor_or_a_caller_says(folder: Path, tables: dict[str, Any], source: str) -> None:
    loaded = load(folder, **{source: tables})
    if isinstance(loaded, str):
        named = {"editor": "he editor's settings", "overrides": "he command line"}[source]
        assert named in loaded


VARIABLES = st.builds(
    lambda name: "LONGSHIFT_" + name,
    st.sampled_from([key.upper().replace(".", "__") for key in all_keys()])
    | st.text(max_size=8)
    | st.sampled_from(["", "MODELS", "API_KEY", "\udcff", KEY]),
)


@tries(200)
@given(environ=st.dictionaries(VARIABLES, st.text(max_size=20) | TREES.map(as_toml), max_size=3))
def test_what_the_environment_says(folder: Path, environ: dict[str, str]) -> None:
    loaded = load(folder, environ=environ)
    if isinstance(loaded, str):
        assert "he environment" in loaded


@replayed("settings")
def test_the_corpus_is_told_or_taken(folder: Path, data: bytes) -> None:
    """Each file is a project's `longshift.toml`."""
    check_project(folder, "longshift.toml", data)


def deep(name: str, depth: int) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for _ in range(depth):
        tree = {name: tree}
    return tree


LARGE: dict[str, dict[str, Any]] = {
    "tables of our names without end": {"editor": deep("models", 5000)},
    "tables without end": {"editor": deep("x", 5000)},
    "lists without end": {"editor": {"checks": [json.loads("[" * 900 + "]" * 900)]}},
    "half a character as a name": {"editor": {"\ud800": 1}},
    "very many names": {"editor": {f"k{n}": {KEY: n} for n in range(5000)}},
    "a long name": {"editor": {"k" * 100_000: 1}},
    "a long variable": {"environ": {"LONGSHIFT_" + "K" * 100_000: "1"}},
    "very many variables": {"environ": {f"LONGSHIFT_K{n}": "1" for n in range(500)}},
}


@pytest.mark.parametrize("given_", LARGE.values(), ids=LARGE.keys())
def test_what_is_too_much_is_told_in_few_words(folder: Path, given_: dict[str, Any]) -> None:
    assert isinstance(load(folder, **given_), str)


LARGE_FILES = {
    "a price of many digits": b"[budget]\nusd = 7." + b"1" * 20_000,
    "a price of many digits for a priceless model": b"[budget]\nusd = 0." + b"1" * 20_000
    + b"\n[models.default]\nmodel = 'x'",
    "a long name twice": b"[%b]\n[%b]" % (b"k" * 90_000, b"k" * 90_000),
    "quotes that open one another": b'a = "' + b'\\"' * 120_000,
    "single quotes": b"a = " + b"'" * 250_000,
    "dots and spaces": b"a" + b" . " * 80_000,
    "quoted dots": b'"a". ' * 50_000,
    "escapes and dots": b'"' + b'\\".' * 80_000,
    "brackets": b"[" * 250_000,
    "braces": b"a = " + b"{a=" * 80_000,
    "a million zeros": b"workers = " + b"0" * 250_000,
    "an almost key": b"x = '" + b"sk-" * 80_000 + b"'",
}  # fmt: skip


@pytest.mark.parametrize("data", LARGE_FILES.values(), ids=LARGE_FILES.keys())
def test_a_file_of_the_largest_size_takes_no_longer_than_reading_it(
    folder: Path, data: bytes
) -> None:
    """The suite's own time limit catches what takes for ever."""
    check_project(folder, "longshift.toml", data)
