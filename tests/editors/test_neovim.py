"""Neovim, really: a goal's way through the plugin, and through the built-in client alone."""

import asyncio
import os
import shutil

import pytest

from tests.editors.conftest import HERE, ROOT, nvim
from tests.support.lsp_journey import call, judge, replace, start_editor, stop_editor, task

PLUGIN = ROOT / "client-nvim"
TEXT = "first 🦀\n\tsecond line\nmiddle\nthird 🎈\nfourth\nlast\n"


def script():
    """Three hunks of a file, a question, a finding, and a rework that proposes otherwise.

    A goal on lines 2 to 3 asks in words, and goes on for a while.
    """
    asked = call("ask_person", question="How loud?", options=["Loud", "Soft"])
    rework = [
        replace("a.txt", "LAST", "Last, softly"),
        call("submit", summary="Softer."),
    ]
    found = call(
        "report_finding",
        path="a.txt",
        line=3,
        message="Say more here.",
        code="thin",
        severity="warning",
    )
    plan, work = task(
        "shout",
        replace("a.txt", "first 🦀", "FIRST 🦀"),
        replace("a.txt", "third 🎈", "THIRD 🎈\nand more"),
        replace("a.txt", "last", "LAST"),
    )
    lines = [
        call("ask_person", question="Which words?"),
        {**call("list_files"), "delay_s": 2},
        call("finish", summary="Nothing is left to do."),
    ]
    return {
        "flows": [
            {"role": "planner", "match": r'"start_line":\s*2,\s*"end_line":\s*3', "turns": lines},
            {**plan, "turns": [asked, *plan["turns"]]},
            {"role": "worker", "match": "Rework", "turns": rework},
            work,
            judge(found),
        ]
    }


@pytest.mark.parametrize("lua", ["plugin.lua", "builtin.lua"])
def test_a_goal_becomes_decisions(lua, editors, repository, played, in_editor):
    root = repository({"a.txt": TEXT, "b.txt": "b\n"})
    said = in_editor(
        nvim(editors, lua),
        root,
        SETTINGS=played(script()),
        PLUGIN=str(PLUGIN),
        SUPPORT=str(HERE / "neovim"),
    )
    assert "ok - all" in said


async def test_it_decides_where_another_editor_owns_the_engine(
    editors, repository, played, in_editor
):
    """The same way from a goal to decisions, attached to the engine of a VS Code's server."""
    root, settings = repository({"a.txt": TEXT, "b.txt": "b\n"}), played(script())
    command = (str(ROOT / ".venv/bin/longshift"), "serve")
    owner = await start_editor([root], profile="vscode", env=os.environ, command=command)
    try:
        document = owner.open(root / "a.txt")
        assert (await owner.command("listRuns"))["runs"] == []
        said = await asyncio.to_thread(
            in_editor,
            nvim(editors, "builtin.lua"),
            root,
            SETTINGS=settings,
            PLUGIN=str(PLUGIN),
            SUPPORT=str(HERE / "neovim"),
        )
        assert "ok - all" in said
        run = await owner.command("describeRun", runId="R1")
        hunks = [hunk["state"] for file in run["changes"][0]["files"] for hunk in file["hunks"]]
        assert hunks[2] == "rejected"
        assert document.text == TEXT, "it was written in Neovim's buffer, and not here"
    finally:
        assert await stop_editor(owner) == 0


def test_what_is_missing_is_said(editors, repository, in_editor, tmp_path):
    root = repository({"a.txt": TEXT})
    said = in_editor(
        nvim(editors, "missing.lua"),
        root,
        PLUGIN=str(PLUGIN),
        SUPPORT=str(HERE / "neovim"),
        FOLDER=str(tmp_path),
    )
    assert "ok - all" in said


def test_the_help_has_its_tags(editors, tmp_path, in_editor):
    doc = shutil.copytree(PLUGIN / "doc", tmp_path / "doc")
    command = [editors / "nvim" / "bin" / "nvim", "--clean", "--headless"]
    in_editor([*command, "-c", f"helptags {doc}", "-c", "qall!"], tmp_path)
    tags = (doc / "tags").read_text()
    assert all(f"{name}\t" in tags for name in ("longshift", ":Longshift", "longshift.setup()"))
