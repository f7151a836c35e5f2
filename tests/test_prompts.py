"""Static rules of every prompt, and that no word for a model stands anywhere else.

Fast and pure, so that `make lint` can run it too.
"""

import ast
import re
from pathlib import Path

import pytest

import longshift
from benchmarks import prompt_checks
from longshift.crew.prompt_files import prompts_folder
from longshift.crew.prompts import library

LIBRARY = library()
SOURCE = Path(longshift.__file__).parent
FILES = sorted(prompts_folder().rglob("*.md"))
BODIES = [
    LIBRARY.prompt(path.relative_to(prompts_folder()).with_suffix("").as_posix()).body
    for path in FILES
]


@pytest.mark.parametrize("check", prompt_checks.CHECKS, ids=lambda check: check.__name__)
def test_the_prompts_pass(check):
    assert check() == []


# Each check can fail.


def test_the_tokens_of_a_text_are_counted():
    assert prompt_checks.beyond("a", "x" * 400, 50, 100) == []
    assert prompt_checks.beyond("a", "x" * 404, 50, 100) != []
    assert prompt_checks.beyond("a", "x" * 196, 50, 100) != []


@pytest.mark.parametrize(
    "text", ["since 2026-01-02", "in /home/me", "run 01234567-89ab-cdef", "under /tmp"]
)
def test_what_is_of_one_place_is_found(text):
    assert prompt_checks.of_one_place(text)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("You must edit the file. Never edit a file.", [("edit", "file")]),
        ("- Run the tests.\n- Do not run the tests.", [("run", "tests")]),
        ("You must read files. Never edit files.", []),
    ],
)
def test_contradictions_are_found(text, found):
    assert prompt_checks.contradictions(text) == found


@pytest.mark.parametrize(
    "text",
    ["NEVER do it", "Do it!", "be thorough", "read many files", "1. Read\n2. Write", "- [ ] done"],
)
def test_speech_that_is_not_plain_is_found(text):
    assert prompt_checks.lint(text)
    assert not prompt_checks.lint("Read 3 to 6 files, AGENTS.md and one JSON object; then decide.")


@pytest.mark.parametrize(
    ("source", "problems"),
    [
        ('raise TellModel("gone", path=p)', 0),
        ('raise TellModel(f"There is no {p!r}.")', 1),
        ('raise TellModel("gone", file=p)', 1),
        ('raise TellModel("gone")', 1),
        ('raise OutOfBounds("path", "gone", path=p)', 0),
        ('raise OutOfBounds("path", "It is gone.", path=p)', 1),
        ('x = error("It is gone.")', 1),
        ('x = error(say("gone", path=p))', 0),
        ('def f() -> Result:\n    return {"next": "Do it."}', 1),
        ('async def f() -> Answer[X]:\n    return {"a": f"It is {x}."}', 1),
        ('def f() -> Result:\n    return {"status": "not_yet", "next": say("conflict")}', 0),
    ],
)
def test_words_for_a_model_in_code_are_found(source, problems):
    found, _ = prompt_checks.misworded(ast.parse(source), {"gone": {"path"}})
    assert len(found) == problems


def test_a_change_without_a_new_version_is_found():
    before = {"a": {"version": "1.9.0", "digest": "1"}}
    assert prompt_checks.changed(before, before) == []
    for version, missing in (("1.9.0", 1), ("1.8.9", 1), ("1.10.0", 0)):
        now = {"a": {"version": version, "digest": "2"}}
        assert len(prompt_checks.bumps_missing(before, now)) == missing
        assert "--write" in prompt_checks.changed(before, now)[-1]
    assert prompt_checks.changed(before, {}) != []


@pytest.mark.parametrize("name", LIBRARY.names("messages"))
def test_a_message_is_said_somewhere(name):
    said = "".join(path.read_text() for path in _sources("crew", "engine"))
    assert f'"{name}"' in said


# What is trusted, and why. Whatever else a prompt takes is a stranger's, and is fenced: loading
# proves that (`tests/crew/test_library.py`).

TRUSTED = {
    "a number, or a yes or no": {
        *("calls", "end_line", "left", "line", "lines", "more", "most", "most_words"),
        *("omitted", "retry", "at", "near", "seconds", "size", "stale", "start_line"),
        *("sub_planner", "times", "total", "locking", "version", "newest", "held"),
        *("cut", "contended"),
    },
    "an id that Longshift gave": {
        "change",
        "finding",
        "known",
        "task",
        "agent",
        "behind",
        "note",
        "owners",
    },
    "a name or word of the code's own": {
        *("ending", "fields", "how", "mode", "name", "state", "tools")
    },
    "the person's words": {"goal", "reason", "text", "words"},
    "JSON that is fenced as a whole": {"block"},
    "constraints, each text of which is fenced": {"constraints"},
}
ALSO_UNTRUSTED = {"finding", "name", "reason"}
"""Names that in other prompts stand for what a stranger wrote."""


def trust_of_inputs():
    return [
        (prompt.name, name, spec.trusted)
        for path in FILES
        for prompt in [
            LIBRARY.prompt(path.relative_to(prompts_folder()).with_suffix("").as_posix())
        ]
        for name, spec in prompt.head.inputs.items()
    ]


def test_an_input_is_trusted_only_for_a_reason():
    trusted = {name for _, name, is_trusted in trust_of_inputs() if is_trusted}
    assert trusted == set().union(*TRUSTED.values())
    untrusted = {name for _, name, is_trusted in trust_of_inputs() if not is_trusted}
    assert trusted & untrusted == ALSO_UNTRUSTED


def test_the_persons_words_are_quoted():
    """But for a rejection's reason, which becomes one line of a constraint."""
    printed = {
        (name, filters)
        for body in BODIES
        for name, filters in re.findall(r"\{\{ (goal|text|words|rework\.words)( [^}]*)\}\}", body)
    }
    assert {filters for _, filters in printed} == {" | quoted "}
    assert {name for name, _ in printed} == {"goal", "text", "words", "rework.words"}


# No word for a model outside prompts/.

LONGEST_WORDS = 40
SPOKEN_TO = re.compile(
    r"\b(You are|You must|Your task|Your job|As an? (AI|assistant))\b", re.IGNORECASE
)


def _sources(*rooms):
    return [path for room in rooms for path in sorted((SOURCE / room).rglob("*.py"))]


def literals(tree):
    """All string literals but docstrings and attribute docstrings, joined as they are written."""
    statements = (node for node in ast.walk(tree) if isinstance(node, ast.Expr))
    documentation = {id(s.value) for s in statements if isinstance(s.value, ast.Constant)}
    parts = {
        id(part)
        for node in ast.walk(tree)
        if isinstance(node, ast.JoinedStr)
        for part in node.values
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield "".join(str(v.value) for v in node.values if isinstance(v, ast.Constant))
        elif (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and id(node) not in documentation | parts
        ):
            yield node.value


def misplaced(source):
    return [
        text
        for text in literals(ast.parse(source))
        if len(text.split()) > LONGEST_WORDS or SPOKEN_TO.search(text)
    ]


@pytest.mark.parametrize(
    "path", _sources("crew", "engine"), ids=lambda path: path.relative_to(SOURCE).as_posix()
)
def test_no_word_for_a_model_stands_in_code(path):
    assert misplaced(path.read_text()) == []


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ('"""You are a docstring."""\nx = "short"', 0),
        ('x = "You are a planner."', 1),
        ('x = f"{a} Your task: {b}"', 1),
        (f'x = "{"word " * 41}"', 1),
        (f'x = ("{"word " * 21}"\n     "{"word " * 21}")', 1),
        (f'x: str = "a"\n"""{"word " * 50}"""', 0),
    ],
)
def test_the_scan_finds_what_it_should(source, found):
    assert len(misplaced(source)) == found
