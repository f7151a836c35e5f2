"""Reviews that once went wrong, step by step, as the random ones found them.

Each play is a file: why it stands, the first landing's edits, and the steps, which are rules of the
random review with their arguments. After each step, what must always hold is looked at.
"""

import itertools
import json
from pathlib import Path

import pytest

from tests.lsp.test_review_machine import Review
from tests.support.review_play import make_template

PLAYS = sorted((Path(__file__).parent / "plays").glob("*.json"))


@pytest.mark.parametrize("play", PLAYS, ids=lambda play: play.stem)
def test_play(play: Path, tmp_path: Path) -> None:
    told = json.loads(play.read_bytes())
    machine_type = type("Play", (Review,), {
        "folder": tmp_path,
        "template": make_template(tmp_path / "template"),
        "profile": told.get("profile", "vscode"),
        "numbers": itertools.count(),
    })  # fmt: skip
    machine = machine_type()
    try:
        Review.begin(machine, told["edits"])
        for rule, arguments in told["steps"]:
            getattr(machine, rule)(**arguments)
            machine.holds()
    finally:
        machine.teardown()
