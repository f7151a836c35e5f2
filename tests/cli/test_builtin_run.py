"""A whole run with the builtin model, and every way of looking at it and deciding on it."""

import json
import os
import pty
import re
import subprocess
import sys

from tests.support.cli_shell import Shell, events_of
from tests.support.warm import COLD

GOAL = "Modernise the code and fix what the linter finds"


def test_a_run_is_looked_at_decided_on_and_forgotten(shell: Shell) -> None:
    shell.assert_git_is_clean()
    done = shell.longshift("run", GOAL, "--json")
    check_json_lines(done.lines)
    assert "longshift accept R1 --all" in done.err
    shell.assert_git_is_clean()

    [run] = json.loads(shell.here("status", "--json").out)["runs"]
    assert (run["runId"], run["state"], run["outcome"]) == ("R1", "ended", "done")
    assert shell.here("log", "R1", "--json").lines == done.lines
    assert "T1 (" in shell.here("log", "R1").out
    listed = shell.here("log", "R1", "--conversations", "--json").lines
    assert [line["conversation"] for line in listed] == ["P1", "T1.1", "T2.1", "judge.1"]
    talk = shell.here("log", "R1", "t1").out
    for words in ("the role's prompt", "You do one task", "calls edit_file", "status: landed"):
        assert words in talk
    whole = shell.here("log", "R1", "T1.1", "--json").lines
    assert [line["role"] for line in whole[:2]] == ["system", "user"]
    assert "judge.1" in shell.here("log", "R1", "T7", status=2).err

    patch = shell.here("diff", "R1").out
    subprocess.run(["git", "apply", "--check"], cwd=shell.root, input=patch, text=True, check=True)
    assert "+def one(x: list[int]) -> list[int]:" in patch

    change = first_change(shell, "one.py")
    assert f"{change}:one.py" in shell.longshift("accept", "R1", f"{change}:one.py").out
    assert "list[int]" in (shell.root / "one.py").read_text()
    assert shell.git("status", "--porcelain") == " M one.py\n"
    other = first_change(shell, "two.py")
    shell.here("reject", "R1", other, "--reason", "Two stays as it is.")
    assert "Two stays as it is." in shell.here("constraint", "list").out
    assert "List[int]" in (shell.root / "two.py").read_text()

    shown = shell.here("status", "R1").out
    assert re.search(rf"{change} +one\.py", shown)
    shell.here("forget", "R1")
    assert shell.git("for-each-ref", "refs/longshift") == ""
    assert "No runs here yet" in shell.here("status").out


def test_another_strategy_and_an_integrator_are_options(shell: Shell) -> None:
    done = shell.longshift("run", GOAL, "--strategy", "flat-locked", "--integrator", "--json")
    events = events_of(done.lines)
    assert "agent.started" in events
    assert "tasks.locked" in events
    assert "planner.started" not in events
    roles = {line["role"] for line in done.lines if line["event"] == "model.called"}
    assert roles == {"agent", "worker", "integrator", "judge"}
    listed = shell.here("log", "R1", "--conversations").out
    assert "integrator.T1.1" in listed
    assert "status: landed" in shell.here("log", "R1", "integrator").out
    first = next(line["agent"] for line in done.lines if line["event"] == "attempt.started")
    assert "calls claim_task" in shell.here("log", "R1", f"{first}.1").out
    wrong = shell.longshift("run", GOAL, "--strategy", "chaos", status=2)
    assert "planner-worker-judge" in wrong.err


def test_apply_writes_what_the_judge_passed(shell: Shell) -> None:
    done = shell.longshift("run", GOAL, "--apply")
    assert "R1 ended: done" in done.out
    assert "Wrote " in done.out
    for name in ("one.py", "two.py"):
        assert "list[int]" in (shell.root / name).read_text()
    assert shell.git("status", "--porcelain") == " M one.py\n M two.py\n"
    assert shell.git("stash", "list") == ""


def test_a_goal_out_of_reach_says_how_to_set_a_model(shell: Shell) -> None:
    done = shell.longshift("run", "Translate the comments into Klingon", "--apply", status=1)
    assert "gave_up" in done.out
    assert "model" in done.out
    assert "Nothing was written" in done.out
    shell.assert_git_is_clean()


def test_the_live_view_on_a_terminal(shell: Shell) -> None:
    ours, theirs = pty.openpty()
    environ = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "120", "LINES": "40"}
    process = subprocess.Popen(
        [*COLD, "run", GOAL], cwd=shell.root, env=environ, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    shown = read_terminal(ours)
    assert process.wait(40) == 0
    assert "longshift R1" in shown
    assert "2 of 2 landed" in shown
    assert "\x1b[" in shown


def check_json_lines(lines: list[dict[str, object]]) -> None:
    assert [line["seq"] for line in lines] == sorted({line["seq"] for line in lines})
    assert {line["run"] for line in lines} == {"R1"}
    assert all(str(line["time"]).endswith("Z") for line in lines)
    names = events_of(lines)
    assert names[0] == "run.started"
    assert {"cycle.started", "task.added", "attempt.started", "task.landed", "verdict"} <= set(
        names
    )
    last = lines[-1]
    assert last["event"] == "run.finished"
    assert last["outcome"] == "done"
    assert last["tasks"] == {"landed": 2, "failed": 0}
    assert {"cycles", "conflicts", "usage", "head"} <= last.keys()
    usage = last["usage"]
    assert isinstance(usage, dict)
    assert {"calls", "input_tokens", "output_tokens", "cost_usd"} <= usage.keys()


def first_change(shell: Shell, path: str) -> str:
    run = json.loads(shell.here("status", "R1", "--json").out)
    return next(c["id"] for c in run["changes"] if any(f["path"] == path for f in c["files"]))


def read_terminal(descriptor: int) -> str:
    read = b""
    with open(descriptor, "rb", buffering=0, closefd=True) as terminal:
        try:
            while data := terminal.read(65_536):
                read += data
        except OSError:
            assert sys.platform == "linux", "the other end is closed, which Linux calls an error"
    return read.decode()
