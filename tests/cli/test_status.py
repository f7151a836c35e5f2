"""What `status` and `log` show of a run that is over."""

import io
import re

import pytest
from rich.console import Console

from tests.scripted_model import ScriptedServer
from tests.support.cli_shell import Shell

ENDED = {"name": "finish", "arguments": {"summary": "Nothing to do.", "evidence": "D1"}}
VERDICT = {"name": "verdict", "arguments": {"reason": "It is met.", "decision": "done"}}
MET = {"role": "judge", "turns": [{"calls": [VERDICT]}]}
DECISION = "0, 1 or 2; \u202enever 3."


def test_what_planners_decided_is_shown(endpoint: Shell, scripted: ScriptedServer) -> None:
    noted = {"name": "note_design", "arguments": {"topic": "Exit codes", "decision": DECISION}}
    planner = {"role": "planner", "turns": [{"calls": [noted]}, {"calls": [ENDED]}]}
    scripted.play({"flows": [planner, MET]})
    endpoint.here("run", "Agree on the exit codes")
    shown = endpoint.here("status", "R1").out
    assert "D1, decided by P1: Exit codes: 0, 1 or 2; [U+202E]never 3." in shown
    assert (
        "P1 decided D1, Exit codes: 0, 1 or 2; [U+202E]never 3." in endpoint.here("log", "R1").out
    )


@pytest.mark.parametrize("columns", [40, 60, 79, 200])
def test_the_list_of_runs_is_a_line_for_each_in_any_terminal(
    endpoint: Shell, scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    scripted.play({"flows": [{"role": "planner", "turns": [{"calls": [ENDED]}]}, MET]})
    goal = "Agree on what each of the exit codes means and write it down where everybody looks"
    endpoint.here("run", goal)
    drawn = io.StringIO()
    console = Console(file=drawn, width=columns, force_terminal=True, color_system=None)
    monkeypatch.setattr("longshift.cli.commands.status.output", lambda: console)
    endpoint.here("status")
    head, run, *rest = drawn.getvalue().splitlines()
    assert rest == []
    assert ("started" in head, "cycle" in head) == (columns >= 80, columns >= 50)
    assert re.search(r"R1 +done .*0 of 0 .* Agree", run)
    assert run.rstrip().endswith("looks" if columns == 200 else "…")
