"""Trust from the shell: what an untrusted workspace may do, and what `longshift trust` changes."""

from tests.scripted_model import ScriptedServer
from tests.support.cli_shell import Shell, events_of, planner, worker, write_files

RUNS = {"calls": [{"name": "run_command", "arguments": {"command": "touch ran.txt"}}]}
VERDICT = {"name": "verdict", "arguments": {"reason": "As scripted.", "decision": "done"}}


def play(scripted: ScriptedServer) -> None:
    working = worker("Write", "a.txt", "a\n")
    scripted.play(
        {
            "flows": [
                planner({"title": "Write", "paths": ["a.txt"]}),
                {**working, "turns": [RUNS, *working["turns"]]},  # type: ignore[misc]
                {"role": "judge", "turns": [{"calls": [VERDICT]}]},
            ]
        }
    )


def test_models_run_commands_only_where_the_person_trusts(
    endpoint: Shell, scripted: ScriptedServer
) -> None:
    write_files(endpoint.root, {"longshift.toml": 'checks = ["make evil"]\nworkers = 2\n'})
    shell = Shell(endpoint.root, {**endpoint.environ, "LONGSHIFT_SANDBOX__MODE": "none"})
    play(scripted)
    before = shell.longshift("run", "Write", "--json")
    assert before.err.count("the person has not trusted it") == 1
    assert f"longshift trust {shell.root}" in before.err
    assert "guard.refused" in events_of(before.lines)
    assert "command.ran" not in events_of(before.lines)
    told = shell.here("log", "R1").out
    assert "Models run no commands in this workspace" in told
    assert "kept in bounds with run_command (command)" in told

    trusted = shell.here("trust").out
    assert "Models may run commands there, in the sandbox." in trusted
    assert "longshift.toml sets `checks`." in trusted
    play(scripted)
    after = shell.longshift("run", "Write", "--json")
    assert "not trusted" not in after.err
    assert "command.ran" in events_of(after.lines)
    assert "guard.refused" not in events_of(after.lines)

    write_files(shell.root, {"longshift.toml": 'checks = ["make worse"]\n'})
    play(scripted)
    changed = shell.longshift("run", "Write", "--json")
    assert "its configuration changed since the person trusted it" in changed.err
    assert "command.ran" not in events_of(changed.lines)
