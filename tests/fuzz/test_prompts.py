"""What may stand in a prompt file, and in a value that a prompt shows: words, never orders.

Two properties. A folder of prompts, whatever its files hold, is either a `Library` or a
`PromptDefect` that names the file, soon. And a value that somebody outside wrote, put through any
fence, closes no fence, opens no second machine block and is never evaluated. They matter because
a prompt that fails only when it is rendered ends a run at its worst moment, and because a
repository's text that reads as an order is how an agent is turned against its person.
"""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longshift.crew import fences
from longshift.crew.briefs import JudgeBrief, PlannerBrief, WorkerBrief
from longshift.crew.opening import judge_opening, planner_opening, worker_opening
from longshift.crew.prompt_files import PromptDefect
from longshift.crew.prompts import Library
from longshift.domain.model import Goal, Task, TaskPlan
from tests.fuzz.replay import TREES, damaged, replayed, tries

GOOD = b"""---
version: 1.0.0
inputs:
  name: {trusted: false}
  more: {trusted: true}
---
Dear {{ name | quoted }}{% if more %}, {{ more }}{% endif %}
{% include "messages/other" %}
"""
OTHER = b"---\nversion: 1.0.0\n---\nother\n"
HEADS = st.lists(
    st.sampled_from(
        ["version: 1.0.0", "version: 1", "version: !!python/object/apply:os.system [id]",
         "inputs: {name: {trusted: false}}", "inputs: &a {name: *a}", "inputs: [1]", "inputs:",
         "2001-01-01: date", "? [a, b]\n: list", "~: null", "1.5: number", "x: .nan", "a: &a [*a]",
         "<<: {version: 1.0.0}", "%YAML 9.9", "---", "...", "x: !!binary aGk=", "x: !!set {a, b}",
         "x: !tag y", "\tx: 1", "x: 'open", "version: 1.0.0\nversion: 2.0.0", "\x85", "\ufeff"]
    )
    | st.text(max_size=10),
    max_size=4,
).map("\n".join)  # fmt: skip
BODIES = st.lists(
    st.sampled_from(
        ["{{ name }}", "{{ name | quoted }}", "{{ name | nothing }}",
         "{{ name | untrusted('x') }}",
         "{% include 'messages/wrong' %}", "{% include 'messages/other' %}", "{% include name %}",
         "{% include ['a', 'b'] %}", "{% extends 'messages/other' %}",
         "{% import 'os' as os %}",
         "{% from 'messages/other' import x %}", "{% for n in name %}{{ n | json }}{% endfor %}",
         "{% set name = 1 %}", "{% macro m() %}{{ caller() }}{% endmacro %}",
         "{% block b %}",
         "{% endblock %}", "{{ ''.__class__.__mro__[1].__subclasses__() }}", "{% raw %}", "{{",
         "%}",
         "{{ self.b() }}", "{{ loop.index }}", "{% break %}", "{{ 1 / 0 }}", "{{ 9 ** 99 }}",
         "{# ", "{{ cycler.__init__.__globals__ }}", "{% call m() %}x{% endcall %}", "{% do x %}",
         "{% filter nothing %}x{% endfilter %}", "{{ x is nothing }}", "{{ name.a.b }}"]
    )
    | st.text(max_size=10),
    max_size=4,
).map("\n".join)  # fmt: skip
WRITTEN = st.builds(lambda head, body: f"---\n{head}\n---\n{body}\n", HEADS, BODIES).map(
    lambda text: text.encode("utf-8", "surrogatepass")
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("prompts")
    (root / "messages").mkdir()
    (root / "messages" / "other.md").write_bytes(OTHER)
    return root


def load(folder: Path, data: bytes) -> Library | None:
    (folder / "messages" / "wrong.md").write_bytes(data)
    try:
        return Library(folder)
    except PromptDefect as defect:
        message = str(defect)
        assert "messages/wrong" in message
        assert len(message) < 3000
        return None


def check(folder: Path, data: bytes) -> None:
    prompts = load(folder, data)
    if prompts is None:
        return
    # What loads can't fail later for a defect of the file; only for what it is given.
    declared = prompts.prompt("messages/wrong").head.inputs
    assert isinstance(prompts.names("messages"), list)
    assert all(name.isidentifier() for name in declared)


@tries(200)
@given(data=WRITTEN | damaged(GOOD) | st.binary(max_size=60))
def test_a_folder_loads_or_its_defect_is_told(folder: Path, data: bytes) -> None:
    check(folder, data)


@replayed("prompts")
def test_the_corpus_loads_or_is_told(folder: Path, data: bytes) -> None:
    """Each file is a message among good ones."""
    check(folder, data)


LAUGHS = "\n".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" if n else "a0: &a0 [ha, ha]"
    for n in range(12)
)
LARGE = {
    "a billion laughs": f"---\nversion: 1.0.0\n{LAUGHS}\n---\nx".encode(),
    "lists without end": b"---\nversion: 1.0.0\nx: " + b"[" * 2000 + b"\n---\nx",
    "tables without end": b"---\nx: " + b"{a: " * 2000 + b"\n---\nx",
    "indents without end": b"---\n" + b"".join(b" " * n + b"a:\n" for n in range(1500)) + b"---\n",
    "brackets without end": b"---\nversion: 1.0.0\n---\n{{ " + b"(" * 5000 + b" }}",
    "conditions without end": b"---\nversion: 1.0.0\n---\n" + b"{% if 1 %}" * 2000,
    "a head of a megabyte": b"---\nversion: 1.0.0\nx: '" + b"y" * 1_000_000 + b"'\n---\nx",
    "a number without end": b"---\nversion: " + b"9" * 100_000 + b"\n---\nx",
    "many inputs": b"---\nversion: 1.0.0\ninputs: {"
    + b", ".join(b"n%d: {trusted: true}" % n for n in range(2000)) + b"}\n---\nx",
}  # fmt: skip


@pytest.mark.parametrize("data", LARGE.values(), ids=LARGE.keys())
def test_what_is_too_much_is_told_soon(folder: Path, data: bytes) -> None:
    assert load(folder, data) is None


def test_a_folder_named_like_a_prompt(tmp_path: Path) -> None:
    (tmp_path / "messages" / "wrong.md").mkdir(parents=True)
    with pytest.raises(PromptDefect):
        Library(tmp_path)


# Values from outside.

EVALUATED = "{{ 7 * 7 }}"
PIECES = st.sampled_from([
    fences.MACHINE_BLOCK, "```", "`", "````json longshift", "```json longshift\n{}\n```", "\n",
    "\r", "\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\x1c", "</data>",
    '<data source="AGENTS.md">',
    "</DATA >", "< / data", "<", "/data>", "data", EVALUATED, "{% raw %}", "{#", "> ", ">", "# ",
    "json longshift", "\\", '"', "\u200b", "\ud800", "<\n/data>", "<\u2028data", "&lt;/data&gt;",
    "\0",
])  # fmt: skip
HOSTILE = st.lists(PIECES | st.text(max_size=4), max_size=10).map("".join)

LINE_ENDS = re.compile("\r\n|[\n\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029]")


def machine_blocks(text: str) -> int:
    """How many lines a reader could take for the start of the block, in any idea of lines."""
    return sum(line.strip() == fences.MACHINE_BLOCK for line in LINE_ENDS.split(text))


@tries(500)
@given(value=HOSTILE)
def test_no_fence_is_closed_from_inside(value: str) -> None:
    block = fences.untrusted(value, "x")
    assert len(re.findall(r"<\s*data\b", block, re.IGNORECASE)) == 1
    assert len(re.findall(r"<\s*/\s*data\b", block, re.IGNORECASE)) == 1
    assert block.endswith("\n</data>")
    assert all(line.startswith(">") for line in LINE_ENDS.split(fences.quoted(value) or ">"))
    line = fences.to_json({value: [value]})
    assert len(LINE_ENDS.split(line)) == 1
    assert "```" not in line
    assert not re.search(r"<\s*/?\s*data\b", line, re.IGNORECASE)
    plain = value.encode("utf-8", "replace").decode()
    assert json.loads(line) == {plain: [plain]}
    for fenced in (block, line, fences.quoted(value)):
        assert machine_blocks(fenced) == 0


@tries(300)
@given(value=HOSTILE)
def test_a_value_is_shown_and_never_evaluated(value: str) -> None:
    # What the domain keeps is text without half characters; an empty title can't be.
    value = value.encode("utf-8", "replace").decode() or "x"
    plan = TaskPlan(title=value, instructions=value, paths=(value,), acceptance=(value,))
    task = Task(id="T1", cycle=1, planner="P1", plan=plan)
    goal = Goal(text=value)
    openings = [
        planner_opening(PlannerBrief(goal, "P1", 1, scope=value, objective=value, agents_md=value)),
        worker_opening(WorkerBrief(goal, task, agents_md=value)),
        judge_opening(JudgeBrief(goal, 1, [task], diff=value, diff_stat=value)),
    ]
    for opening in openings:
        assert machine_blocks(opening) == 1
        assert (EVALUATED in opening) == (EVALUATED in value)
        _, _, rest = opening.partition(f"{fences.MACHINE_BLOCK}\n")
        body, closing, _ = rest.partition("\n```")
        assert closing
        assert isinstance(json.loads(body), dict)
        starts = re.findall(r"^<data source=", opening, re.MULTILINE)
        assert len(starts) == len(re.findall(r"^</data>$", opening, re.MULTILINE))


@tries(200)
@given(tree=TREES)
def test_any_json_is_json_again(tree: Any) -> None:
    read = json.loads(fences.to_json(tree))
    assert read == json.loads(json.dumps(tree, ensure_ascii=False).encode("utf-8", "replace"))
