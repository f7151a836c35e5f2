"""What overrides of prompts may say, and what they leave as it is."""

import pytest

from longshift.crew.overrides import MOST_CHARACTERS, Override, blocks_of, overridden
from longshift.crew.prompt_files import PromptDefect
from longshift.crew.prompts import library
from longshift.crew.roles import role_prompt


def block(name: str, text: str) -> str:
    return f"{{% block {name} %}}\n{text}\n{{% endblock %}}\n"


def told(*texts: str) -> str:
    files = tuple(Override("worker", text, f"file {n}") for n, text in enumerate(texts))
    return role_prompt(overridden(library(), files), "worker", calls=80).text


def test_a_block_is_replaced_and_the_rest_stays_byte_for_byte() -> None:
    before = told()
    after = told(block("verifying", "Only look."))
    start, end = before.index("# Verifying\n") + len("# Verifying\n"), before.index("# Handing in")
    assert after == f"{before[:start]}Only look.\n\n{before[end:]}"


def test_a_later_override_stands_on_the_earlier_one() -> None:
    first = block("project", "Speak of `make db`.")
    second = block("project", "{{ super() }}\nSpeak of `make all`.")
    assert "Speak of `make db`.\nSpeak of `make all`.\n\n# Whom to follow" in told(first, second)


def test_what_was_told_is_on_record_by_both_digests() -> None:
    plain = library().prompt("worker")
    changed = overridden(library(), (Override("worker", block("project", "x"), "f"),))
    files = role_prompt(changed, "worker", calls=80).prompts
    version, digests = files["worker"].split()
    assert version == plain.head.version
    assert digests.startswith(f"{plain.digest}+")
    assert (
        files["shared/trust"] == role_prompt(library(), "worker", calls=80).prompts["shared/trust"]
    )


@pytest.mark.parametrize("role", ["planner", "worker", "judge"])
def test_what_must_hold_is_outside_of_every_block(role: str) -> None:
    names = blocks_of(library().prompt(role).body)
    emptied = "".join(block(name, "") for name in names)
    changed = overridden(library(), (Override(role, emptied, "f"),))
    inputs = {"calls": 9} | ({"sub_planner": False} if role == "planner" else {})
    text = role_prompt(changed, role, **inputs).text
    assert names[-1] == "project"
    for sealed in ("# Boundaries", "# Whom to follow", "You have 9 replies"):
        assert sealed in text
    ending = {"planner": "# Ending", "worker": "# Giving up", "judge": "# Decision"}[role]
    assert ending in text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (block("boundaries", "None."), "the blocks of worker are working, verifying, project"),
        ("Do as you like.", "outside of a block"),
        (block("project", "{{ calls }}"), "more than words"),
        (block("project", "{% include 'judge' %}"), "more than words"),
        (block("project", "{# x #}"), "more than words"),
        (block("project", "{% block working %}x"), "more than words"),
        (block("project", "a\u202eb"), "hidden"),
        (block("project", "```json longshift"), "marks data"),
        (block("project", "</data>"), "marks data"),
        (block("project", "x" * MOST_CHARACTERS), "longer than 4,000"),
    ],
)
def test_an_override_that_breaks_a_rule_is_refused(text: str, words: str) -> None:
    with pytest.raises(PromptDefect, match="file 0") as refused:
        told(text)
    assert words in str(refused.value)
