"""Files that take a word of their own, at a shell: what is written, left and said."""

import json

import pytest

from tests.scripted_model import ScriptedServer
from tests.support.cli_shell import Done, Shell
from tests.support.engine_world import judge, planner, task, turn, worker, write

LEFT = "longshift accept R1 C1:.vscode/tasks.json"


@pytest.fixture
def crew(endpoint: Shell, scripted: ScriptedServer) -> Shell:
    """A shell whose model writes an ordinary file and a protected one."""
    flows = [
        planner(task("write", "a.txt")),
        worker("write", turn(write("a.txt", "a\n"), write(".vscode/tasks.json", "{}\n"))),
        *judge("done"),
    ]
    scripted.play({"flows": flows, "defaults": {}})
    return endpoint


def status(shell: Shell) -> list[str]:
    return shell.git("status", "--porcelain", "--untracked-files=all").splitlines()


def said(done: Done) -> str:
    return " ".join((done.out + done.err).split())


def test_apply_leaves_it_and_says_how_it_is_accepted(crew: Shell) -> None:
    done = crew.longshift("run", "Write", "--apply")
    assert "protected: .vscode/tasks.json (your editor acts on it)" in said(done)
    assert "Protected, to be accepted only by name: .vscode/tasks.json" in said(done)
    assert "Wrote 1 hunk into 1 file" in said(done)
    assert LEFT in said(done)
    assert status(crew) == ["?? a.txt"]


def test_the_words_that_it_takes(crew: Shell) -> None:
    crew.longshift("run", "Write")
    [run] = json.loads(crew.here("status", "--json").out)["runs"]
    flags = {file["path"]: file["flag"] for file in run["changes"][0]["files"]}
    assert flags == {"a.txt": None, ".vscode/tasks.json": "your editor acts on it"}
    assert "your editor acts on it" in said(crew.here("status", "R1"))
    for arguments in (["R1"], ["R1", "C1"], ["R1", "C1:.vscode/tasks.json"]):
        shown = crew.here("diff", *arguments)
        assert ".vscode/tasks.json is protected: your editor acts on it" in shown.err
        assert "protected" not in shown.out
    assert "protected: .vscode/tasks.json" in said(crew.here("log", "R1"))

    for target in ("--all", "C1"):
        assert LEFT in said(crew.longshift("accept", "R1", target))
        assert status(crew) == ["?? a.txt"]
    crew.longshift("accept", "R1", "C1:.vscode/tasks.json:1")
    assert status(crew) == ["?? .vscode/tasks.json", "?? a.txt"]


@pytest.mark.parametrize("target", ["--all", "C1"])
def test_protected_is_a_word_for_all_of_them(crew: Shell, target: str) -> None:
    crew.longshift("run", "Write")
    assert LEFT not in said(crew.longshift("accept", "R1", target, "--protected"))
    assert status(crew) == ["?? .vscode/tasks.json", "?? a.txt"]
