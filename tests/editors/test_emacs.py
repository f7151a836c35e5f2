"""Emacs, really, with eglot: a goal, diagnostics, accept by code action, reject by command."""

from pathlib import Path

from tests.editors.test_neovim import TEXT, script

JOURNEY = Path(__file__).parent / "emacs" / "journey.el"


def test_a_goal_becomes_decisions(repository, played, in_editor):
    root = repository({"a.txt": TEXT})
    said = in_editor(["emacs", "-Q", "--batch", "-l", JOURNEY], root, SETTINGS=played(script()))
    assert "ok - all" in said
