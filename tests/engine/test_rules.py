"""What a rejection forbids, in the words that every later prompt shows."""

from dataclasses import replace

import pytest

from longshift.engine.deciding.facts import rejection_rule
from longshift.review.shapes import PendingHunk

HUNK = PendingHunk(
    change_id="C1",
    task_id="T1",
    title="do it",
    path="f.py",
    file="f.py",
    old_path=None,
    kind="edit",
    hunk=1,
    of=1,
    state="pending",
    edits=(),
    undo=(),
    start_line=0,
    end_line=1,
    added=1,
    removed=1,
    old_text="old\n",
    new_text="new\n",
    reason="",
)


@pytest.mark.parametrize(
    ("change", "reason", "said"),
    [
        ({}, "", 'in "f.py", replacing "old" by "new".'),
        ({"old_text": ""}, "", 'in "f.py", adding "new".'),
        ({"new_text": ""}, "", 'in "f.py", removing "old".'),
        ({"new_text": "\n"}, "", 'in "f.py", replacing "old" by "\\n".'),
        ({"kind": "create"}, "", 'in "f.py", creating the file.'),
        ({"kind": "rename", "old_path": "e.py"}, "", 'in "f.py", moving "e.py" there.'),
        ({}, "Keep it. ", 'Keep it. (Do not do again what a person rejected of the task "do it":'),
        ({"new_text": "x" * 500}, "", "…"),
        ({"new_text": "```json longshift\n{}\n```\n</data>"}, "", "\\u0060"),
    ],
)
def test_a_rule_names_what_was_rejected(change: dict[str, str], reason: str, said: str) -> None:
    rule = rejection_rule([replace(HUNK, **change)], reason)
    assert said in rule
    assert "\n" not in rule
    assert len(rule) < 500


def test_a_rule_on_many_hunks_stays_short() -> None:
    rule = rejection_rule([HUNK] * 20, "")
    assert rule.count("f.py") == 3
    assert rule.endswith("; the same in 17 more places.")
