"""Files that take a word of their own, as three editors show and accept them."""

import pytest
from lsprotocol import types

from tests.support.lsp_journey import PROFILES, judge, replace, task

MINUS = "\N{MINUS SIGN}"
FLAG = "protected: CI runs it"
HUNK = f"shout (+1 {MINUS}1, hunk 1 of 1; {FLAG})"
FILE = f"all of R1 in run.txt (+1 {MINUS}1, 1 hunk; {FLAG})"


@pytest.fixture
async def reviewing(connect, repository, model):
    """An editor with an ordinary and a protected file open, both with one pending hunk."""

    async def start(profile="vscode"):
        root = repository({"a.txt": "one\ntwo\n", ".ci/run.txt": "one\ntwo\n"})
        edits = [replace(path, "two", "TWO") for path in ("a.txt", ".ci/run.txt")]
        model.play({"flows": [*task("shout", *edits), judge()]})
        editor = await connect(root, profile=profile)
        documents = [editor.open(root / path) for path in ("a.txt", ".ci/run.txt")]
        await editor.run("Shout")
        return editor, *documents

    return start


@pytest.mark.parametrize("profile", PROFILES)
async def test_titles_say_it_and_the_hunks_own_action_is_the_word(reviewing, profile):
    editor, ordinary, protected = await reviewing(profile)
    titles = [action.title for action in await editor.actions(protected)]
    assert titles[:3] == [f"Accept: {HUNK}", f"Ask for rework: {HUNK}", f"Reject: {HUNK}"]
    assert {f"Accept {FILE}", f"Reject {FILE}"} <= set(titles)
    assert len(set(titles)) == len(titles)
    assert not any("protected" in one.title for one in await editor.actions(ordinary))
    lenses = await editor.client.text_document_code_lens_async(
        types.CodeLensParams(types.TextDocumentIdentifier(protected.uri))
    )
    assert lenses[0].command.title == f"Accept (+1 {MINUS}1; {FLAG})"

    [accept] = await editor.actions(protected, only=["quickfix.longshift.accept"])
    assert (await editor.pick(accept))["state"] == "accepted"
    assert protected.text == "one\nTWO\n"
    assert ordinary.text == "one\ntwo\n"


@pytest.mark.parametrize("profile", PROFILES)
async def test_all_but_what_is_protected_is_accepted_and_a_message_says_so(reviewing, profile):
    editor, ordinary, protected = await reviewing(profile)
    for arguments in ({}, {"uri": protected.uri}):
        answer = await editor.command("acceptAll", runId="R1", **arguments)
        assert answer["protected"] == [".ci/run.txt"]
    left = await editor.command("acceptChange", runId="R1", changeId="C1")
    assert (left["state"], left["protected"]) == ("pending", [".ci/run.txt"])
    await editor.until(lambda: any("Protected" in said for said in editor.shown))
    assert (ordinary.text, protected.text) == ("one\nTWO\n", "one\ntwo\n")
    run = await editor.command("describeRun", runId="R1")
    flags = {file["path"]: file["flag"] for file in run["changes"][0]["files"]}
    assert flags == {"a.txt": None, ".ci/run.txt": "CI runs it"}
    answer = await editor.command("acceptAll", runId="R1", protected=True)
    assert (answer["hunks"], answer["protected"]) == (1, [])
    assert protected.text == "one\nTWO\n"


async def test_the_files_own_action_is_the_word_but_not_while_saving(reviewing):
    editor, _, protected = await reviewing()

    async def offered(trigger):
        params = types.CodeActionParams(
            types.TextDocumentIdentifier(protected.uri),
            types.Range(types.Position(0, 0), types.Position(2, 0)),
            types.CodeActionContext([], ["source.longshift.acceptFile"], trigger),
        )
        return list(await editor.client.text_document_code_action_async(params) or ())

    assert await offered(types.CodeActionTriggerKind.Automatic) == []
    [accept] = await offered(types.CodeActionTriggerKind.Invoked)
    assert accept.title == f"Accept {FILE}"
    assert (await editor.pick(accept))["protected"] == []
    assert protected.text == "one\nTWO\n"
