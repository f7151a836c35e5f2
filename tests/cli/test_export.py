"""`longshift export` at a shell: what it says of the branch, and how it is refused."""

import pytest

from tests.scripted_model import ScriptedServer
from tests.support.cli_shell import Done, Shell
from tests.support.engine_world import judge, planner, task, turn, worker, write


@pytest.fixture
def crew(endpoint: Shell, scripted: ScriptedServer) -> Shell:
    """A shell with a run that has one change, of an ordinary file and a protected one."""
    flows = [
        planner(task("write it", "a.txt")),
        worker("write it", turn(write("a.txt", "a\n"), write(".envrc", "x=1\n"))),
        *judge("done"),
    ]
    scripted.play({"flows": flows, "defaults": {}})
    endpoint.longshift("run", "Write")
    return endpoint


def said(done: Done) -> str:
    return " ".join((done.out + done.err).split())


def test_it_makes_a_branch_and_says_what_comes_next(crew: Shell) -> None:
    assert "has no accepted hunk" in said(
        crew.here("export", "R1", "--branch", "made", "--accepted", status=2)
    )
    crew.here("accept", "R1", "C1:a.txt")
    done = crew.here("export", "R1", "--branch", "made", "--accepted")
    assert "Made the branch made with 1 commit on " in said(done)
    assert "write it" in said(done)
    assert "git push --set-upstream origin made" in said(done)
    assert "protected" not in said(done)
    whole = crew.here("export", "R1", "--branch", "made/whole", status=2)
    assert "git can't have a branch made/whole beside the branch made" in said(whole)
    assert ".envrc is protected: your shell acts on it" in said(
        crew.here("export", "R1", "--branch", "whole")
    )
    assert crew.git("log", "--format=%s", "main..whole") == "write it\n"
    assert crew.git("diff", "--name-only", "main", "made") == "a.txt\n"
    assert crew.git("branch", "--show-current") == "main\n"
    assert crew.git("status", "--porcelain") == "?? a.txt\n"
    assert "There is a branch made already" in said(
        crew.here("export", "R1", "--branch", "made", status=2)
    )
    assert "Missing option '--branch'" in said(crew.here("export", "R1", status=2))
