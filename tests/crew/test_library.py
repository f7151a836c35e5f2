"""What loading refuses, before any run could trip over it."""

import pytest

from longshift.crew.goals import goal_templates
from longshift.crew.prompt_files import PromptDefect
from longshift.crew.prompts import Library, library

HEAD = "version: 1.0.0\n"
NAME = "inputs:\n  name: {trusted: %s}\n"


@pytest.fixture
def load(tmp_path):
    def load_(**files):
        for name, text in files.items():
            path = tmp_path / "messages" / f"{name}.md"
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
        return Library(tmp_path)

    return load_


def prompt(body, head=HEAD):
    return f"---\n{head}---\n{body}\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (prompt("Hello {{ name }}"), "declares the inputs"),
        (prompt("{% if false %}{{ name }}{% endif %}"), "declares the inputs"),
        (prompt("Hello", HEAD + NAME % "true"), "declares the inputs"),
        (prompt("{{ name }}", HEAD + NAME % "false"), "prints name without a fence"),
        (prompt("{{ name | upper }}", HEAD + NAME % "false"), "prints name"),
        (prompt("{{ 'a' ~ name }}", HEAD + NAME % "false"), "prints name"),
        (prompt("{% for n in name %}{{ n.x }}{% endfor %}", HEAD + NAME % "false"), "prints n "),
        (prompt("{% set m = name %}{{ m }}", HEAD + NAME % "false"), "prints m "),
        (prompt("{{ name | json | upper }}", HEAD + NAME % "false"), "prints name"),
        (prompt("{{ (name | json) ~ name }}", HEAD + NAME % "false"), "prints name"),
        (prompt("{{ name if name else 1 }}", HEAD + NAME % "false"), "prints name"),
        (prompt("{{ 'a' | untrusted(name) }}", HEAD + NAME % "false"), "prints name"),
        (
            prompt("{% for n in name %}{{ loop.previtem }}{% endfor %}", HEAD + NAME % "false"),
            "prints loop",
        ),
        (prompt("{% with m = name %}{{ m }}{% endwith %}", HEAD + NAME % "false"), "uses With"),
        (
            prompt("{% macro f(x=name) %}{{ x }}{% endmacro %}{{ f() }}", HEAD + NAME % "false"),
            "uses Macro",
        ),
        (
            prompt("{% filter upper %}{{ name | json }}{% endfilter %}", HEAD + NAME % "false"),
            "uses FilterBlock",
        ),
        (prompt("{% include 'messages/none' %}"), "includes messages/none"),
        (prompt("{% if %}"), "can't be read"),
        (prompt("x", "version: 1\n"), "version"),
        (prompt("x", HEAD + "colour: red\n"), "colour"),
        (prompt("x", "version: [\n"), "can't be read"),
        ("no head", "version"),
    ],
)
def test_a_prompt_that_would_fail_later_does_not_load(load, text, words):
    with pytest.raises(PromptDefect, match="messages/wrong") as refused:
        load(wrong=text)
    assert words in str(refused.value)


@pytest.mark.parametrize(
    "body",
    [
        "{{ name | json }} {{ name | quoted }} {{ name | untrusted('x') }}",
        "{{ 'a' ~ (name | json) }}",
        "{{ name | json if name else 'none' }}",
        "{% if name %}some{% endif %}",
        "{% for n in name %}{{ n.x | json }}{% if not loop.last %}, {% endif %}{% endfor %}",
        "{% set m = name %}{{ m | json }}",
    ],
)
def test_a_fenced_value_may_be_printed(load, body):
    load(good=prompt(body, HEAD + NAME % "false"))


def test_inputs_of_what_is_included_count(load):
    part = prompt("{{ name | json }}", HEAD + NAME % "false")
    whole = prompt("Dear {% include 'messages/part' %}", HEAD + NAME % "false")
    assert load(part=part, whole=whole).render("messages/whole", {"name": 'A"'}) == 'Dear "A\\""'
    with pytest.raises(PromptDefect, match="messages/whole declares"):
        load(part=part, whole=prompt("{% include 'messages/part' %}"))


@pytest.mark.parametrize("given", [{}, {"name": "a", "more": "b"}])
def test_rendering_takes_exactly_the_declared_inputs(load, given):
    prompts = load(good=prompt("{{ name }}", HEAD + NAME % "true"))
    with pytest.raises(PromptDefect, match="good takes"):
        prompts.render("messages/good", given)


def test_a_folder_without_prompts_is_refused(tmp_path):
    with pytest.raises(PromptDefect, match="no prompts"):
        Library(tmp_path)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "a.md").write_text(prompt("x"))
    with pytest.raises(PromptDefect, match="folder that holds no prompts"):
        Library(tmp_path)


def test_a_digest_names_the_bytes():
    digests = {library().prompt(name).digest for name in ("planner", "worker", "judge")}
    assert len(digests) == 3


def test_goal_templates_speak_of_the_place():
    templates = goal_templates()
    assert [t.name for t in templates] == [
        "document",
        "find_bugs",
        "fix_diagnostic",
        "fix_file",
        "fix_workspace",
        "modernise",
        "raise_coverage",
        "refactor",
        "remove_dead_code",
        "translate_module",
        "update_dependency",
        "write_tests",
    ]
    assert len({template.title for template in templates}) == len(templates)
    of_problems = [t for t in templates if t.menu == "problems"]
    assert [t.name for t in of_problems] == ["fix_diagnostic", "fix_file", "fix_workspace"]
    for template in of_problems[1:]:
        assert "running the checks" in template.text("a.py", 1, 1, "os is unused")
        assert "os is unused" not in template.text("a.py", 1, 1)
    for template in (one for one in templates if one not in of_problems[1:]):
        text = template.text("app/a b.py", 3, 9)
        assert 'lines 3\N{EN DASH}9 of "app/a b.py"' in text
        assert "A diagnostic there says" not in text
        assert '"os is \\"unused\\""' in template.text("a.py", 1, 1, 'os is "unused"')
