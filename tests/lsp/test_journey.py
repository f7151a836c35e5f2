"""The main job, under the profiles of three editors: a goal, typing meanwhile, a review.

Buffers are compared byte for byte, with text outside the BMP around every edit, in the encoding
that each editor agrees on.
"""

import pytest

from tests.support.lsp_journey import PROFILES, call, git, judge, release, replace, task

TEXT = (
    "import time  # 🦀\n"
    "\n"
    "def fetch(url):  # 🧪🧪\n"
    '    name = "😀"; return get(url)\n'
    "\n"
    "def parse(text):\n"
    '    return text.split("😀")\n'
    "\n"
    "def last():\n"
    '    return "🎈 no newline at the end"'
)
ENCODINGS = {"vscode": "utf-16", "neovim": "utf-8", "emacs": "utf-32"}


@pytest.mark.parametrize("profile", PROFILES)
async def test_goal_from_editor_to_accepted_diff(profile, connect, repository, model):
    """Start a goal, type meanwhile, accept one hunk, reject one; nothing typed is lost."""
    root = repository({"fetch.py": TEXT})
    model.play(
        {
            "flows": [
                *task(
                    "add retry to fetch",
                    replace("fetch.py", "return get(url)", "return retry(get, url)  # 🔁"),
                    replace("fetch.py", 'text.split("😀")', 'text.split("😀")[0]'),
                    replace("fetch.py", "no newline at the end", "still none"),
                    wait_for=["typed"],
                    signal="working",
                ),
                judge(),
            ]
        }
    )
    editor = await connect(root, profile=profile)
    assert editor.encoding == ENCODINGS[profile]
    document = editor.open(root / "fetch.py")

    run_id = await editor.start("Make fetching robust")
    editor.type(document, "import time", "# typed 😎 meanwhile\n")
    typed = document.text
    await editor.settle()
    await release(model, "typed")
    await editor.until_ended(run_id)

    actions = await editor.actions(document)
    titles = [action.title for action in actions]
    assert titles[:3] == [
        "Accept: add retry to fetch (+1 \N{MINUS SIGN}1, hunk 1 of 3)",
        "Ask for rework: add retry to fetch (+1 \N{MINUS SIGN}1, hunk 1 of 3)",
        "Reject: add retry to fetch (+1 \N{MINUS SIGN}1, hunk 1 of 3)",
    ]
    assert len(set(titles)) == len(titles)

    accepted = await editor.pick(actions[0])
    assert accepted == {"runId": "R1", "changeId": "C1", "state": "accepted"}
    expected = typed.replace("return get(url)", "return retry(get, url)  # 🔁")
    assert document.text == expected

    editor.type(document, "def parse", "# 🧵 and more\n")
    here = await editor.actions(document, 'text.split("😀")')
    [reject] = [action for action in here if action.kind == "quickfix.longshift.reject"]
    assert (await editor.pick(reject))["state"] == "rejected"
    here = await editor.actions(document, "no newline")
    [accept] = [action for action in here if action.kind == "quickfix.longshift.accept"]
    assert (await editor.pick(accept))["state"] == "accepted"

    expected = expected.replace("def parse", "# 🧵 and more\ndef parse")
    assert document.text == expected.replace("no newline at the end", "still none")
    run = await editor.command("describeRun", runId=run_id)
    assert states(run) == {1: "accepted", 2: "rejected", 3: "accepted"}
    assert [a for a in await editor.actions(document) if "longshift.accept" in a.kind] == []
    assert (root / "fetch.py").read_text() == TEXT, "accepting writes the buffer, not the file"
    assert git(root, "status", "--porcelain") == ""


@pytest.mark.parametrize(
    ("profile", "end"), [("vscode", "\r\n"), ("neovim", "\n"), ("emacs", "\r\n")]
)
async def test_accept_called_alone_asks_the_editor(profile, end, connect, repository, model):
    """`acceptChange` sends the edit itself, records once the buffer shows it, and can be undone."""
    text = f"🦀 one{end}two{end}three 🦀{end}"
    root = repository({"a.txt": text})
    model.play({"flows": [*task("shout", replace("a.txt", "two", "TWO 😀")), judge()]})
    editor = await connect(root, profile=profile)
    document = editor.open(root / "a.txt")
    run_id = await editor.run("Shout")

    editor.type(document, "three", "🖋🖋 ")
    target = {"runId": run_id, "changeId": "C1", "path": "a.txt", "hunk": 1}
    assert (await editor.command("acceptChange", **target))["state"] == "accepted"
    assert document.text == f"🦀 one{end}TWO 😀{end}🖋🖋 three 🦀{end}"
    assert (await editor.command("undoDecision", **target))["state"] == "pending"
    assert document.text == f"🦀 one{end}two{end}🖋🖋 three 🦀{end}"

    versioned = [edit.document_changes is not None for edit in editor.edits]
    assert versioned == [profile != "neovim"] * 2
    assert (root / "a.txt").read_bytes() == text.encode()


@pytest.mark.parametrize("end", ["\n", "\r\n"])
async def test_own_lines_are_accepted_into_the_buffer(end, connect, repository, model):
    """`acceptChange` with a text puts that in place of the hunk's own, and can be undone."""
    text = f"🦀 one{end}two{end}three 🦀{end}"
    root = repository({"a.txt": text})
    model.play({"flows": [*task("shout", replace("a.txt", "two", "TWO 😀")), judge()]})
    editor = await connect(root)
    document = editor.open(root / "a.txt")
    run_id = await editor.run("Shout")
    editor.type(document, "three", "🖋🖋 ")
    target = {"runId": run_id, "changeId": "C1", "path": "a.txt", "hunk": 1}
    shown = await editor.command("showHunk", **target)
    assert shown["lines"] == f"TWO 😀{end}"
    own = {"text": "zwei 🎉\nund mehr\n", "shown": shown["shown"]}
    assert (await editor.command("acceptChange", **target, **own))["state"] == "accepted"
    assert document.text == f"🦀 one{end}zwei 🎉{end}und mehr{end}🖋🖋 three 🦀{end}"
    assert (await editor.command("undoDecision", **target))["state"] == "pending"
    assert document.text == f"🦀 one{end}two{end}🖋🖋 three 🦀{end}"
    assert (root / "a.txt").read_bytes() == text.encode()


async def test_run_on_unsaved_text_and_its_shape(connect, repository, model):
    """Unsaved text is part of a run's world; `describeRun` and `listRuns` are as promised."""
    root = repository({"a.txt": "one\ntwo\n"})
    model.play({"flows": [*task("shout", replace("a.txt", "typed", "TYPED")), judge()]})
    editor = await connect(root)
    document = editor.open(root / "a.txt")
    editor.type(document, "two", "typed\n")
    run_id = await editor.run("Shout")

    run = await editor.command("describeRun", runId=run_id)
    fields = "runId repo goal state outcome cycle tasks changes findings questions usage"
    assert set(fields.split()) <= set(run)
    assert (run["repo"], run["state"], run["outcome"]) == (root.as_uri(), "ended", "done")
    assert run["tasks"][0]["changeIds"] == ["C1"]
    [file] = run["changes"][0]["files"]
    assert (file["path"], file["oldPath"], file["kind"]) == ("a.txt", None, "edit")
    assert file["hunks"][0]["range"] == {
        "start": {"line": 1, "character": 0},
        "end": {"line": 2, "character": 0},
    }
    listed = await editor.command("listRuns")
    assert [(one["runId"], one["repo"]) for one in listed["runs"]] == [(run_id, root.as_uri())]
    assert (await editor.command("acceptAll", runId=run_id, uri=document.uri))["hunks"] == 1
    assert document.text == "one\nTYPED\ntwo\n"
    assert (root / "a.txt").read_text() == "one\ntwo\n"


async def test_files_that_are_not_open_are_written_on_the_disk(connect, repository, model):
    """A created, a deleted and a closed file; what is open goes through the editor."""
    root = repository({"open.txt": "one\n", "closed.txt": "one\n", "old.txt": "old\n"})
    model.play(
        {
            "flows": [
                *task(
                    "rearrange",
                    replace("open.txt", "one", "two"),
                    replace("closed.txt", "one", "two"),
                    {
                        "calls": [
                            {
                                "name": "write_file",
                                "arguments": {"path": "new/x.txt", "content": "new\n"},
                            },
                            {"name": "delete_file", "arguments": {"path": "old.txt"}},
                        ]
                    },
                ),
                judge(),
            ]
        }
    )
    editor = await connect(root)
    document, old = editor.open(root / "open.txt"), editor.open(root / "old.txt")
    run_id = await editor.run("Rearrange")

    assert (await editor.command("acceptAll", runId=run_id))["hunks"] == 4
    assert document.text == "two\n"
    assert (root / "open.txt").read_text() == "one\n"
    assert (root / "closed.txt").read_text() == "two\n"
    assert (root / "new/x.txt").read_text() == "new\n"
    assert old.uri not in editor.documents, "the editor closed it"
    assert not (root / "old.txt").exists()


@pytest.mark.parametrize("profile", PROFILES)
async def test_open_files_that_go_and_come_back(profile, connect, repository, model):
    """Deleted and moved, by editors that can close a buffer and by those that leave it open."""
    root = repository({"old.txt": "old\n", "here.txt": "one\n"})
    moves = [
        call("delete_file", path="old.txt"),
        call("move_file", path="here.txt", new_path="there.txt"),
    ]
    model.play({"flows": [*task("rearrange", *moves), judge()]})
    editor = await connect(root, profile=profile)
    old, here = editor.open(root / "old.txt"), editor.open(root / "here.txt")
    run_id = await editor.run("Rearrange")

    for document in (old, here):
        [accept] = await editor.actions(document, only=["quickfix.longshift.accept"])
        assert (await editor.pick(accept))["state"] == "accepted"
    assert sorted(path.name for path in root.glob("*.txt")) == ["there.txt"]
    # What a buffer that was left behind shows is not the person's text: no later run takes it up.
    await editor.run("Look", paths=["there.txt"])
    assert git(root, "ls-tree", "--name-only", "refs/longshift/R2/base").split() == ["there.txt"]

    await editor.command("undoDecision", runId=run_id, changeId="C1")
    assert sorted(path.name for path in root.glob("*.txt")) == ["here.txt", "old.txt"]
    if profile != "vscode":
        await editor.command("acceptChange", runId=run_id, changeId="C1", path="old.txt")
        editor.type(old, "old", "typed\n")
        run = await editor.command("describeRun", runId=run_id)
        files = run["changes"][0]["files"]
        assert [f["hunks"][0]["state"] for f in files if f["path"] == "old.txt"] != ["pending"]
        await editor.run("Look again")
        assert git(root, "show", "refs/longshift/R3/base:old.txt") == "typed\nold\n"


def states(run):
    [change] = run["changes"]
    return {hunk["hunk"]: hunk["state"] for file in change["files"] for hunk in file["hunks"]}
