"""What `status` and `log` show of a run that is over."""

from tests.scripted_model import ScriptedServer
from tests.support.cli_shell import Shell

DECISION = "0, 1 or 2; \u202enever 3."


def test_what_planners_decided_is_shown(endpoint: Shell, scripted: ScriptedServer) -> None:
    noted = {"name": "note_design", "arguments": {"topic": "Exit codes", "decision": DECISION}}
    ended = {"name": "finish", "arguments": {"summary": "Nothing to do.", "evidence": "D1"}}
    verdict = {"name": "verdict", "arguments": {"reason": "It is met.", "decision": "done"}}
    planner = {"role": "planner", "turns": [{"calls": [noted]}, {"calls": [ended]}]}
    judge = {"role": "judge", "turns": [{"calls": [verdict]}]}
    scripted.play({"flows": [planner, judge]})
    endpoint.here("run", "Agree on the exit codes")
    shown = endpoint.here("status", "R1").out
    assert "D1, decided by P1: Exit codes: 0, 1 or 2; [U+202E]never 3." in shown
    assert (
        "P1 decided D1, Exit codes: 0, 1 or 2; [U+202E]never 3." in endpoint.here("log", "R1").out
    )
