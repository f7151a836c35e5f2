"""Two processes on one repository: the owner drives, everyone else sends commands."""

import json
import re

from tests.scripted_model import ScriptedServer
from tests.support.cli_shell import (
    Shell,
    events_of,
    planner,
    raise_signal,
    signal_flow,
    worker,
)

TASKS = ({"title": "Write A", "paths": ["a.txt"]}, {"title": "Write B", "paths": ["b.txt"]})
QUICK = [planner(*TASKS), worker("Write A", "a.txt", "a\n"), worker("Write B", "b.txt", "b\n")]


def held(*signals: str) -> dict[str, object]:
    """A script whose second task waits, at its first try, until all signals are raised."""
    waiting = worker("Write B", "b.txt", "b\n", {"wait_for": list(signals)}) | {"times": 1}
    flows = [planner(*TASKS), waiting, *QUICK[1:], *(signal_flow(name) for name in signals)]
    return {"flows": flows}


def test_a_second_shell_controls_and_reviews(endpoint: Shell, scripted: ScriptedServer) -> None:
    scripted.play(held("go"))
    with endpoint.started("run", "Write both", "--json") as run:
        change = run.wait_for("task.landed", task="T1")["change"]
        endpoint.assert_git_is_clean()
        assert "paused" in endpoint.here("pause").out
        [shown] = json.loads(endpoint.here("status", "--json").out)["runs"]
        assert shown["state"] == "paused"
        assert "Stop it first" in endpoint.here("forget", "R1", status=2).err
        endpoint.here("steer", "R1", "Keep it short.")
        endpoint.longshift("accept", "R1", str(change))
        assert (endpoint.root / "a.txt").read_text() == "a\n"
        assert re.search(r"goes on in process \d+\.", endpoint.here("resume", "R1").out)
        raise_signal(scripted.base_url, "go")
        done = run.end(status=0)
    assert events_of(done.lines)[-1] == "run.finished"
    assert endpoint.git("show", "refs/longshift/R1/head:b.txt") == "b\n"
    assert endpoint.git("status", "--porcelain") == "?? a.txt\n"


def test_stop_from_a_second_shell_keeps_what_landed(
    endpoint: Shell, scripted: ScriptedServer
) -> None:
    scripted.play(held("never"))
    with endpoint.started("run", "Write both", "--json") as run:
        run.wait_for("task.landed", task="T1")
        assert "ended" in endpoint.here("stop").out
        done = run.end(status=1)
    assert done.lines[-1]["outcome"] == "stopped"
    assert endpoint.git("show", "refs/longshift/R1/head:a.txt") == "a\n"
    endpoint.assert_git_is_clean()


def test_a_killed_run_resumes_to_the_same_tree(endpoint: Shell, scripted: ScriptedServer) -> None:
    scripted.play({"flows": QUICK})
    endpoint.longshift("run", "Write both", "--json")
    scripted.play(held("never"))
    with endpoint.started("run", "Write both", "--json") as run:
        run.wait_for("task.landed", task="T1")
        run.kill()
    endpoint.assert_git_is_clean()
    shown = json.loads(endpoint.here("status", "R2", "--json").out)
    assert (shown["state"], shown["tasks"][0]["state"]) == ("paused", "landed")
    done = endpoint.longshift("resume", "R2", "--json")
    assert {"run.resumed", "task.landed"} <= set(events_of(done.lines))
    assert done.lines[-1]["outcome"] == "done"
    assert endpoint.tree("R2") == endpoint.tree("R1")
    endpoint.assert_git_is_clean()


def test_ctrl_c_pauses_and_says_how_to_go_on(endpoint: Shell, scripted: ScriptedServer) -> None:
    scripted.play(held("never"))
    with endpoint.started("run", "Write both", "--json") as run:
        run.wait_for("task.landed", task="T1")
        run.interrupt()
        done = run.end(status=130)
    assert "longshift resume R1" in done.err
    [shown] = json.loads(endpoint.here("status", "--json").out)["runs"]
    assert shown["state"] == "paused"
    resumed = endpoint.longshift("resume")
    assert "R1 ended: done" in resumed.out


def test_other_runs_live_in_the_owner(endpoint: Shell, scripted: ScriptedServer) -> None:
    third = {"title": "Write C", "paths": ["c.txt"]}
    hanging = {"title": "Write D", "paths": ["d.txt"]}
    script = held("go")
    script["flows"] = [
        planner(third) | {"match": "Write the third"},
        planner(hanging) | {"match": "Write the fourth"},
        worker("Write C", "c.txt", "c\n"),
        worker("Write D", "d.txt", "d\n", {"wait_for": ["never"]}),
        *script["flows"],
    ]
    scripted.play(script)
    with endpoint.started("run", "Write both", "--json") as run:
        run.wait_for("task.landed", task="T1")
        second = endpoint.longshift("run", "Write the third", "--json", "--apply")
        assert second.lines[-1]["outcome"] == "done"
        assert {line["run"] for line in second.lines} == {"R2"}
        assert re.search(r"Process \d+ owns this repository", second.err)
        assert (endpoint.root / "c.txt").read_text() == "c\n"
        endpoint.here("forget", "R2")
        with endpoint.started("run", "Write the fourth", "--json") as guest:
            guest.wait_for("attempt.started", task="T1")
            guest.interrupt()
            assert "longshift resume R2" in guest.end(status=130).err  # the id is given anew
        runs = json.loads(endpoint.here("status", "--json").out)["runs"]
        assert [one["state"] for one in runs] == ["running", "paused"]
        raise_signal(scripted.base_url, "go")
        run.end(status=0)


def test_two_that_start_at_the_same_moment(endpoint: Shell, scripted: ScriptedServer) -> None:
    both_wait = worker("Write B", "b.txt", "b\n", {"wait_for": ["go"]})
    scripted.play(
        {"flows": [planner(*TASKS) | {"times": 2}, QUICK[1], both_wait, signal_flow("go")]}
    )
    command = ("run", "Write both", "--json")
    with endpoint.started(*command) as one, endpoint.started(*command) as other:
        for process in (one, other):
            process.wait_for("attempt.started", task="T2")
        raise_signal(scripted.base_url, "go")
        ends = [process.end(status=0).lines[-1] for process in (one, other)]
    assert {end["run"] for end in ends} == {"R1", "R2"}
    assert {end["outcome"] for end in ends} == {"done"}


def test_a_question_is_shown_with_its_options(endpoint: Shell, scripted: ScriptedServer) -> None:
    asked = {"question": "Which name?", "options": ["old", "new"]}
    asking = {"calls": [{"name": "ask_person", "arguments": asked}]}
    scripted.play({"flows": [{"role": "planner", "times": 1, "turns": [asking]}]})
    endpoint.here("run", "Rename it")
    shown = endpoint.here("status", "R1").out
    assert "Q1 is open: Which name?\n  - old\n  - new\n" in shown
    assert 'longshift answer R1 Q1 "…"' in shown
