"""Words to rules, texts to edits, markers to the head's side."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longshift.models.builtin.conflicts import resolve_to_head
from longshift.models.builtin.edits import MOST_EDITS, edits_between
from longshift.models.builtin.rules import Rules, forbidden_paths, parse_rules, read_goal

LINT = ("E4", "E7", "E9", "F", "W", "B", "I")
WORDS = [
    ("Modernise the code to Python 3.11 and fix what the linter finds", ("UP", *LINT), "py311"),
    ("modernize, keeping python >= 3.9", ("UP",), "py39"),
    ('Bring lines 1 to 3 of "a.py" up to the present form of its language', ("UP",), None),
    ("Use modern type hints", ("UP",), None),
    ("Upgrade the syntax to Python 3.12", ("UP",), "py312"),
    ("Fix all lint errors", LINT, None),
    ("organise imports", ("I",), None),
    ("Fix the import order; remove unused variables", ("I", "F401", "F811", "F841"), None),
    ("Reformat all the Python files with black", (), None),
    ("format", (), None),
    ("Simplify", ("SIM", "C4", "PIE"), None),
    ("Import the data and format the date", (), None),
    ("Add a linter for our own language", LINT, None),
    ("Fix the bug on Python 3.99", (), None),
]
FORMATS = {"Reformat all the Python files with black", "format"}


@pytest.mark.parametrize(("goal", "select", "target"), WORDS)
def test_a_goals_words_choose_the_rules(goal, select, target):
    rules = read_goal(goal, ()).rules
    assert rules.select == select
    assert rules.target == target
    assert rules.format == (goal in FORMATS)


OUTSIDE = [
    ("Modernise the code and keep the tests passing", ()),
    ("Lint, then add tests for fetch and write docs", ("then add tests for fetch", "write docs")),
    ("Sort imports in a.py and b.py", ()),
    ("Add a linter for our own language", ()),
]


@pytest.mark.parametrize(("goal", "outside"), OUTSIDE)
def test_what_a_goal_asks_beyond_rules_is_named(goal, outside):
    assert read_goal(goal, ()).outside == outside


CONSTRAINTS = [
    ("Do not reformat.", Rules(LINT)),
    ("Leave imports alone", Rules(LINT[:-1], format=True)),
    ("No lint fixes please", Rules(format=True)),
    ("It must run on Python 3.8", Rules(LINT, format=True, target="py38")),
    ("Be kind.", Rules(LINT, format=True)),
]


def test_codes_of_diagnostics_choose_the_rules_alone():
    read = read_goal("Add docs. Lint it.", ["Python 3.9"], ["F401", "not-a-rule", "--fix"])
    assert read.rules == Rules(("F401",), target="py39")
    assert (read.label, read.outside) == ("Fix F401 in", ())


@pytest.mark.parametrize(("constraint", "rules"), CONSTRAINTS)
def test_a_constraint_takes_away_what_it_names(constraint, rules):
    read = read_goal("Lint and format the code", [constraint])
    assert read.rules == rules
    assert bool(read.kept_out) == (constraint == "Be kind.")


def test_paths_that_a_constraint_names_are_left_alone():
    paths = ["a.py", "pkg/a.py", "b.py", "c d.py"]
    constraints = ["Rejected in pkg/a.py: no.", "Mind `c d.py`, and xb.py."]
    assert forbidden_paths(paths, constraints) == {"pkg/a.py", "c d.py"}


NAMES = st.lists(st.from_regex(r"[a-z_][a-z0-9_]{0,5}", fullmatch=True), max_size=3)
RULES = st.builds(
    Rules,
    select=st.lists(st.from_regex(r"[A-Z]{1,3}[0-9]{0,3}", fullmatch=True), max_size=4).map(tuple),
    format=st.booleans(),
    target=st.sampled_from([None, "py38", "py311"]),
    line_length=st.one_of(st.none(), st.integers(1, 320)),
    quotes=st.sampled_from([None, "single", "preserve"]),
    indent=st.sampled_from([None, "tab", "space"]),
    first_party=NAMES.map(tuple),
    lines=st.sampled_from([None, (1, 1), (3, 40)]),
)


@given(RULES)
def test_rules_travel_in_a_tasks_instructions(rules):
    assert parse_rules(f"Do it.\n{rules.line()}\na.py: 1 F401") == rules


@pytest.mark.parametrize(
    ("line", "rules"),
    [
        ("Rules: select=--fix,UP,; line-length=1e9; target=py99; quotes=x", Rules(("UP",))),
        ("Rules: nothing", Rules()),
        ("No such line", None),
    ],
)
def test_a_line_that_was_tampered_with_yields_only_allowed_values(line, rules):
    assert parse_rules(line) == rules


LINES = st.lists(st.sampled_from(["a\n", "b\n", "a\r\n", "\n", "c", "é\U0001f600\n"]), max_size=14)


@given(LINES.map("".join), LINES.map("".join))
def test_edits_lead_from_one_text_to_the_other(old, new):
    if not old or old == new:
        return
    edits = edits_between(old, new)
    assert 1 <= len(edits) <= MOST_EDITS
    text = old
    for edit in edits:
        assert text.count(edit.old_text) == 1
        text = text.replace(edit.old_text, edit.new_text)
    assert text == new


def test_far_hunks_are_edits_of_their_own():
    old = [f"line {number}\n" for number in range(40)]
    new = [*old[:5], "new\n", *old[6:30], *old[31:]]
    edits = edits_between("".join(old), "".join(new))
    assert [edit.old_text for edit in edits] == ["line 5\n", "line 30\n"]
    assert [edit.new_text for edit in edits] == ["new\n", ""]


MARKED = "a\n<<<<<<< {0}\nx\n||||||| base\no\n=======\ny\n>>>>>>> {1}\nb\n"
CONFLICTS = [
    (MARKED.format("head", "attempt"), "a\nx\nb\n"),
    (MARKED.format("yours", "the head"), "a\ny\nb\n"),
    (MARKED.format("A", "B").replace("||||||| base\no\n", ""), "a\nx\nb\n"),
    (MARKED.format("A", "B").replace("\n", "\r\n"), "a\r\nx\r\nb\r\n"),
    ("x = '''\n<<<<<<< nothing\n'''\n", "x = '''\n<<<<<<< nothing\n'''\n"),
    ("plain\n=======\n", "plain\n=======\n"),
]


@pytest.mark.parametrize(("marked", "resolved"), CONFLICTS)
def test_conflicts_are_resolved_on_the_heads_side(marked, resolved):
    assert resolve_to_head(marked) == resolved
