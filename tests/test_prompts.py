"""Static rules of every prompt, and that no word for a model stands anywhere else.

Fast and pure, so that `make lint` can run it too.
"""

import ast
import re
from pathlib import Path
from typing import get_args

import pytest

import longshift
from longshift.crew.prompts import ROLES, GoalHead, RoleHead, ToolHead, library, prompts_folder
from longshift.domain.model import Severity, VerdictDecision

LIBRARY = library()
TOOLS = {name: LIBRARY.head(f"tools/{name}", ToolHead) for name in LIBRARY.names("tools")}
SOURCE = Path(longshift.__file__).parent
FILES = sorted(prompts_folder().rglob("*.md"))
BODIES = [
    LIBRARY.prompt(path.relative_to(prompts_folder()).with_suffix("").as_posix()).body
    for path in FILES
]
BY_FILE = pytest.mark.parametrize("body", BODIES, ids=[path.stem for path in FILES])

ROLE_RENDERS = {
    "planner": LIBRARY.render("planner", {"calls": 40, "sub_planner": False}),
    "sub_planner": LIBRARY.render("planner", {"calls": 25, "sub_planner": True}),
    "worker": LIBRARY.render("worker", {"calls": 80}),
    "judge": LIBRARY.render("judge", {"calls": 25}),
}
TOOLS_OF = {role: [name for name, head in TOOLS.items() if role in head.roles] for role in ROLES}
BY_ROLE = pytest.mark.parametrize("role", ROLES)


def words_of(text):
    return len(text.split())


@BY_ROLE
def test_a_role_prompt_keeps_its_budget(role):
    head = LIBRARY.head("planner" if role == "sub_planner" else role, RoleHead)
    fewest, most = head.budget_tokens
    assert fewest <= len(ROLE_RENDERS[role]) / 4 <= most


@pytest.mark.parametrize("name", LIBRARY.names("goals"))
def test_a_goal_template_is_short(name):
    assert LIBRARY.head(f"goals/{name}", GoalHead).title
    assert 60 <= words_of(LIBRARY.prompt(f"goals/{name}").body) <= 150


@BY_ROLE
def test_a_role_hears_only_of_tools_that_it_has(role):
    also_facts = {"verdict", *get_args(VerdictDecision)} - set(TOOLS_OF[role])
    named = set(re.findall(r"`(\w+)`", ROLE_RENDERS[role])) & TOOLS.keys() - also_facts
    assert named
    assert named <= set(TOOLS_OF[role])


@BY_ROLE
def test_what_is_told_to_do_is_nowhere_forbidden(role):
    text = ROLE_RENDERS[role].lower()

    def acts(marker):
        return {
            (verb, thing)
            for verb, thing in re.findall(rf"\b{marker} (\w+) (?:the |a )?(\w+)", text)
        }

    assert acts("(?:must|always)") & acts("(?:never|must not|do not)") == set()


@pytest.mark.parametrize(
    ("text", "enumeration"),
    [
        (ROLE_RENDERS["judge"], VerdictDecision),
        (TOOLS["verdict"].parameters["decision"], VerdictDecision),
        (ROLE_RENDERS["judge"], Severity),
        (TOOLS["report_finding"].parameters["severity"], Severity),
    ],
)
def test_every_word_of_an_enumeration_is_explained(text, enumeration):
    words = get_args(enumeration)
    assert [word for word in words if not re.search(rf"\b{word}\b", text)] == []


@BY_FILE
def test_plain_speech(body):
    text = re.sub(r"\{[{%].*?[}%]\}", "", body)
    assert re.findall(r"\b(?!AGENTS\b|JSON\b|NUL\b)[A-Z]{3,}\b", text) == [], "no shouting"
    assert "!" not in text
    vague = r"\b(thorough\w*|many|appropriate\w*|carefully|various|properly|etc)\b"
    assert re.findall(vague, text, re.IGNORECASE) == [], "ranges, not adjectives"
    assert re.findall(r"^\s*\d+[.)]\s", text, re.MULTILINE) == [], "outcomes, not procedures"
    assert re.findall(r"- \[[ x]\]", text) == [], "no checkboxes"
    assert re.findall(r"(?<![\w.])/(?:home|work|usr|tmp|etc)\b|\d{4}-\d\d-\d\d", text) == []


@pytest.mark.parametrize("name", LIBRARY.names("messages"))
def test_a_message_is_said_somewhere(name):
    said = "".join(path.read_text() for path in _sources("crew", "engine"))
    assert f'"{name}"' in said


# What is trusted, and why. Whatever else a prompt takes is a stranger's, and is fenced: loading
# proves that (`tests/crew/test_library.py`).

TRUSTED = {
    "a number, or a yes or no": {
        *("calls", "end_line", "left", "line", "lines", "more", "most", "most_words"),
        *("omitted", "retry", "at", "near", "seconds", "size", "start_line", "sub_planner"),
        *("times", "total"),
    },
    "an id that Longshift gave": {"change", "finding", "known", "task"},
    "a name or word of the code's own": {"ending", "fields", "how", "mode", "name", "tools"},
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
        if words_of(text) > LONGEST_WORDS or SPOKEN_TO.search(text)
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
