"""Trust in an editor: the editor's own word is obeyed, and a person without a terminal is asked."""

from pathlib import Path

import pytest
from lsprotocol import types
from pygls.exceptions import JsonRpcException

from longshift.lsp.client import Client
from longshift.settings import Trust
from tests.support.cli_shell import Shell
from tests.support.lsp_journey import call, judge, replace, task

FILES = {"a.txt": "one\ntwo\nthree\n"}
RUNS = call("run_command", command="touch ran.txt")


def trust_of(env) -> Trust:
    return Trust(Path(env["HOME"], ".local", "share", "longshift", "trust"))


async def outcome(editor, run_id):
    return (await editor.command("describeRun", runId=run_id))["outcome"]


WORKS = {
    "startGoal": {"goal": "Shout"},
    "resumeRun": {"runId": "R1"},
    "fixFinding": {"runId": "R1", "findingId": "F1"},
    "reworkChange": {"runId": "R1", "changeId": "C1"},
}
LOOKS = [
    ("listRuns", {}),
    ("describeRun", {"runId": "R1"}),
    ("showChange", {"runId": "R1", "changeId": "C1"}),
    ("rejectChange", {"runId": "R1", "changeId": "C1"}),
    ("undoDecision", {"runId": "R1", "changeId": "C1"}),
    ("acceptChange", {"runId": "R1", "changeId": "C1"}),
    ("stopRun", {"runId": "R1"}),
]


@pytest.mark.parametrize(
    ("options", "restricted"),
    [
        ({}, False),
        ({"workspaceTrusted": True}, False),
        ({"workspaceTrusted": None}, False),
        ({"workspaceTrusted": False}, True),
        ({"workspaceTrusted": "true"}, True),
        ({"workspaceTrusted": 0}, True),
        ({"workspaceTrusted": 1}, True),
        ({"workspaceTrusted": {}}, True),
        ([], False),
        (None, False),
    ],
    ids=str,
)
def test_what_an_editor_says_of_trust(options, restricted):
    assert Client.of(types.ClientCapabilities(), None, options).restricted is restricted


async def test_a_restricted_workspace_runs_nothing_and_shows_everything(
    connect, repository, model, env
):
    folder = repository(FILES)
    model.play({"flows": [*task("shout", replace("a.txt", "two", "TWO")), judge()]})
    first = await connect(folder)
    await first.run("Shout")
    await first.client.shutdown_session()
    asked = len(model.requests)

    editor = await connect(folder, options={"workspaceTrusted": False})
    for name, arguments in WORKS.items():
        with pytest.raises(JsonRpcException, match=r"holds .* restricted") as caught:
            await editor.command(name, **arguments)
        assert caught.value.code == types.LSPErrorCodes.RequestFailed
    for name, arguments in LOOKS:
        assert await editor.command(name, **arguments)
    # What comes by another door to this process is held as well.
    shell = Shell(folder, {**env, "XDG_DATA_HOME": "", "XDG_CONFIG_HOME": ""})
    told = shell.longshift("run", "Shout", status=2)
    assert "restricted" in told.err
    assert len(model.requests) == asked
    assert (folder / "a.txt").read_text() == "one\nTWO\nthree\n"


@pytest.mark.parametrize("restricted", [True, False])
async def test_interrupted_runs_go_on_by_themselves_only_where_they_may(
    connect, repository, model, settings, restricted
):
    folder = repository(FILES)
    held = {"wait_for": ["go on"]}
    model.play({"flows": [*task("shout", replace("a.txt", "two", "TWO"), **held), judge()]})
    settings["resume"] = "auto"
    first = await connect(folder)
    run_id = await first.start("Shout")
    await first.client.shutdown_session()
    model.play({"flows": [*task("shout", replace("a.txt", "two", "TWO")), judge()]})

    editor = await connect(folder, options={"workspaceTrusted": not restricted})
    if restricted:
        run = await editor.command("describeRun", runId=run_id)
        assert (run["state"], run["outcome"]) == ("paused", None)
        assert await editor.command("stopRun", runId=run_id)
    else:
        await editor.until_ended(run_id)
        assert await outcome(editor, run_id) == "done"


async def test_settings_of_a_restricted_workspace_are_not_read(connect, repository, settings):
    settings["checks"] = 5
    editor = await connect(repository(FILES), profile="vscode", options={"workspaceTrusted": False})
    assert await editor.command("listRuns") == {"runs": []}
    assert editor.shown == []


ANSWERS = {"Trust": True, "Not now": False, None: False}


@pytest.mark.parametrize(("answer", "trusts"), ANSWERS.items(), ids=map(str, ANSWERS))
async def test_the_person_is_asked_once_and_their_answer_is_recorded(
    connect, repository, model, env, answer, trusts
):
    folder = repository({**FILES, "longshift.toml": "checks = ['make']\n"})
    script = {"flows": [*task("shout", RUNS, replace("a.txt", "two", "TWO")), judge()]}
    model.play(script)
    editor = await connect(folder, trusted=False)
    editor.answers = answer
    await editor.run("Shout")
    await editor.until(lambda: editor.asked)
    (asked,) = editor.asked
    assert f"Do you trust {folder}?" in asked.message
    assert "`checks`" in asked.message
    assert [option.title for option in asked.actions] == ["Trust", "Not now"]
    if trusts:
        await editor.until(lambda: any("is trusted as its" in one for one in editor.shown))
    assert trust_of(env).is_trusted(folder) is trusts
    run = await editor.command("describeRun", runId="R1")
    assert "ran.txt" not in str(run["changes"])

    model.play(script)
    await editor.run("Shout again")
    assert len(editor.asked) == 1
    run = await editor.command("describeRun", runId="R2")
    assert ("ran.txt" in str(run["changes"])) is trusts

    (folder / "longshift.toml").write_text("checks = ['other']\n")
    model.play(script)
    await editor.run("Shout once more")
    await editor.until(lambda: len(editor.asked) == 2)
    assert ("changed since you trusted it" in editor.asked[1].message) is trusts


async def test_where_trust_changes_nothing_nobody_is_asked(connect, repository, model, settings):
    builtin = {**settings, "models": {}}
    editor = await connect(repository(FILES), trusted=False, settings=builtin)
    await editor.run("Fix what the linter finds")
    await editor.settle()
    assert editor.asked == []
