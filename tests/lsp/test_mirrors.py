"""What the clients and the manual say of the protocol is what the server has: neither can drift."""

import re
from pathlib import Path
from typing import get_args

import pytest

from longshift.domain.model import TaskState
from longshift.lsp.features.commands import HANDLERS
from longshift.lsp.features.updates import METHOD
from longshift.lsp.virtual import SCHEME
from longshift.review.shapes import HunkKind, HunkState
from tests.support.lsp_journey import call, judge, replace, task

ROOT = Path(__file__).parents[2]
PROTOCOL = (ROOT / "client-vscode/src/protocol.ts").read_text(encoding="utf-8")
MANUAL = (ROOT / "docs/lsp.md").read_text(encoding="utf-8")
INTERFACES = {
    name: re.findall(r"^  (\w+)\??: (.+);$", body, re.MULTILINE)
    for name, body in re.findall(
        r"^export interface (\w+) \{\n(.*?)^\}", PROTOCOL, re.MULTILINE | re.DOTALL
    )
}


def union(text: str) -> set[str]:
    """The words of a TypeScript union."""
    return set(re.findall(r'"(\w+)"', text))


def alias(name: str) -> set[str]:
    return union(PROTOCOL.split(f"export type {name} =", 1)[1].split(";", 1)[0])


def fields(interface: str) -> set[str]:
    return {name for name, _ in INTERFACES[interface]}


def type_of(interface: str, field: str) -> str:
    return dict(INTERFACES[interface])[field]


def test_the_manual_lists_every_command() -> None:
    table = MANUAL.split("## Commands", 1)[1].split("\n\n", 2)[1]
    names = {name for row in table.splitlines() for name in re.findall(r"`\w*\.(\w+)`", row)}
    assert names == set(HANDLERS)


def test_the_extension_can_send_the_servers_commands_and_no_other() -> None:
    assert union(PROTOCOL.split("export type CommandName =", 1)[1].split(";", 1)[0]) == set(
        HANDLERS
    )


def test_the_plugin_for_neovim_sends_commands_that_there_are() -> None:
    lua = "".join(
        path.read_text(encoding="utf-8") for path in (ROOT / "client-nvim").rglob("*.lua")
    )
    names = set(re.findall(r'"([a-z]+[A-Z][A-Za-z]*)"', lua))  # nothing else in it is spelt so
    assert len(names) > 10
    assert names <= set(HANDLERS)
    assert f'["{METHOD}"]' in lua


def test_notifications_schemes_and_states_are_the_servers() -> None:
    names = dict(re.findall(r'^export const (\w+) = "(.+)";$', PROTOCOL, re.MULTILINE))
    assert names == {"RUN_DID_CHANGE": METHOD, "SCHEME": SCHEME}
    assert f"`{METHOD}`" in MANUAL
    assert alias("HunkState") == set(get_args(HunkState))
    assert union(type_of("FileChange", "kind")) == set(get_args(HunkKind))
    assert union(type_of("Task", "state")) == {str(state) for state in TaskState}


@pytest.fixture
async def told(connect, repository, model):
    """What the server tells of a run with a question, a change and a rejection, by interface."""
    root = repository({"a.txt": "one\ntwo\nthree\n"})
    [plan, work] = task("shout", replace("a.txt", "two", "TWO"))
    asked = call("ask_person", question="How loud?", options=["Loud", "Soft"])
    model.play({"flows": [{**plan, "turns": [asked, *plan["turns"]]}, work, judge()]})
    editor = await connect(root, options={"runUpdates": True})
    run_id = await editor.run("Shout")
    run = await editor.command("describeRun", runId=run_id)
    await editor.until(lambda: bool(editor.updates))
    await editor.command("rejectChange", runId=run_id, changeId="C1", reason="Too loud.")
    constraints = (await editor.command("listConstraints"))["constraints"]
    [change] = run["changes"]
    [file] = change["files"]
    return {
        "Run": run,
        "Task": run["tasks"][0],
        "Question": run["questions"][0],
        "Usage": run["usage"],
        "Change": change,
        "FileChange": file,
        "Hunk": file["hunks"][0],
        "LineRange": file["hunks"][0]["range"],
        "Position": file["hunks"][0]["range"]["start"],
        "RunUpdate": editor.updates[-1],
        "Constraint": constraints[0],
    }


async def test_the_shapes_of_the_extension_are_the_servers(told) -> None:
    assert {*told, "Target"} == set(INTERFACES), "every shape is looked at"
    for name, sent in told.items():
        assert fields(name) <= set(sent), name
    assert told["Run"]["state"] in union(type_of("Run", "state"))
    # What a decision is told: the run's, the change's, the hunk's.
    assert fields("Target") == {"repo", "runId", "changeId", "path", "hunk"}
