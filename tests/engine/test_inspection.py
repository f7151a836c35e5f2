"""What landed, looked at where it changed: what is found is what a look at all of it finds."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from longshift.engine.landing.inspection import defects_of
from longshift.repository.files import FileEdit
from longshift.repository.store import ObjectStore
from longshift.repository.worktree import Worktree
from tests.support import fake_keys
from tests.support.repository_git import GitRepository

PLAIN = "".join(f"line {n} of a long file\n" for n in range(4_000))
KEY = fake_keys.private_key()
HALF = len(KEY) // 2
TOKEN = f"token = '{fake_keys.github_token()}'\n"

STEPS: Mapping[str, list[str]] = {
    "at the end": [PLAIN + TOKEN],
    "at the beginning": [TOKEN + PLAIN],
    "amid": [PLAIN.replace("line 2000 ", TOKEN)],
    "in two landings": [PLAIN + KEY[:HALF], PLAIN + KEY],
    "hidden": [PLAIN.replace("line 3000", "line \u202e3000")],
    "after one elsewhere": [PLAIN + TOKEN, "x\n" + PLAIN + TOKEN],
}


@pytest.mark.parametrize("texts", STEPS.values(), ids=STEPS)
def test_a_landing_is_looked_at_as_all_of_it_would_be(texts: list[str], tmp_path: Path) -> None:
    person = GitRepository.create(tmp_path / "r")
    taken = person.commit({"a": PLAIN.encode()})
    store = ObjectStore.open(Worktree.discover(person.root))
    head = taken
    assert defects_of(store, taken, taken, ["a"]) == []
    for text in texts:
        parent, edits = head, {"a": FileEdit(text.encode())}
        head = store.commit_edits(parent, edits, "m", when=0)
        found = defects_of(store, taken, head, ["a"], parent)
    assert [one.path for one in found] == ["a"]
    store.close()
