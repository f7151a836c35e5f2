"""Clients that can't, won't or don't do what they are asked: nothing is lost or made up."""

import copy
from collections.abc import Callable
from unittest import mock

import pytest
from lsprotocol import types
from pygls.exceptions import JsonRpcException
from pytest_lsp import client_capabilities

from tests.support import lsp_inprocess
from tests.support.lsp_journey import PROFILES
from tests.support.review_play import RUN, Play, copy_of, make_template

KEY = ("C1", "a.txt", 1)
TARGET = {"runId": RUN, "changeId": "C1", "path": "a.txt", "hunk": 1}


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    return make_template(tmp_path_factory.mktemp("template") / "project")


@pytest.fixture
async def play(template, tmp_path):
    """A person who looks at one landed change of `a.txt`, which they have open."""
    plays = []

    async def begin(profile="vscode", change=None) -> Play:
        capabilities = copy.deepcopy(client_capabilities(PROFILES[profile]))
        if change is not None:
            change(capabilities)
        with mock.patch.object(lsp_inprocess, "_capabilities", return_value=capabilities):
            one = Play(copy_of(template, tmp_path / "project"), profile)
            plays.append(one)
            await one.begin()
        await one.land(0, [(2, 1, 2)])
        return one

    yield begin
    for one in plays:
        await one.end()


async def refused(play: Play, command: str = "acceptChange", **more: object) -> str:
    """Have a command refused, after which every text and state is as it was."""
    texts, states = play.texts(), await play.states()
    with pytest.raises(JsonRpcException) as refusal:
        await play.editor.command(command, **{**TARGET, **more})
    await play.check()
    assert (play.texts(), await play.states()) == (texts, states)
    run = await play.run()
    assert run.deciding == ()
    return refusal.value.message


def without_apply(capabilities: types.ClientCapabilities) -> None:
    capabilities.workspace.apply_edit = None


async def test_a_client_that_can_not_be_asked_to_edit(play):
    it = await play(change=without_apply)
    assert "can't be asked to edit a.txt" in await refused(it)
    # The action's edit it applies itself, and what is closed is written on the disk.
    await it.accept_by_action(0, None)
    assert (await it.states())[KEY][0] == "accepted"
    await it.land(1, [(1, 0, 1)])
    await it.editor.command("acceptChange", runId=RUN, changeId="C2")
    assert "landed" in (it.root / "b.txt").read_text()


async def test_a_client_that_does_not_apply_what_it_is_asked_to(play):
    it = await play()
    it.editor.refuses = "I would rather not"
    assert "did not apply the change to a.txt: I would rather not" in await refused(it)
    it.editor.refuses = None
    assert (await it.editor.command("acceptChange", **TARGET))["state"] == "accepted"


async def test_a_client_that_says_it_has_and_has_not(play):
    it = await play()
    it.editor.blocked = []
    with mock.patch("longshift.lsp.hand.SHOWN_WITHIN_S", 0.1):
        assert "does not stand in your text" in await refused(it)
    # It comes to it later: then the text shows it, and is believed.
    [edit] = it.editor.blocked
    it.editor.apply(edit)
    assert (await it.states())[KEY][0] == "accepted"


def not_applied(it: Play) -> None:
    """It answers that the edit was not applied, for its buffer has another version."""


def with_an_error(it: Play) -> None:
    """It answers with an error of the protocol, as eglot does."""
    apply = it.editor.on_apply

    def answer(params: types.ApplyWorkspaceEditParams) -> types.ApplyWorkspaceEditResult:
        if apply(params).applied:
            return types.ApplyWorkspaceEditResult(applied=True)
        raise JsonRpcException("Edits require version 1, you have 2", -32603)

    it.editor.on_apply = answer


@pytest.mark.parametrize("refuse", [not_applied, with_an_error])
@pytest.mark.parametrize("types_on", [False, True])
async def test_a_client_that_tells_late_of_the_edit_that_it_made(play, refuse, types_on):
    """Plain eglot: the action's edit, then its command, then the change, once it is idle."""
    it = await play(profile="emacs")
    refuse(it)
    document = it.documents()[0]
    [action, *_] = await it.editor.actions(document, only=["quickfix.longshift.accept"])
    it.editor.untold = []
    with mock.patch("longshift.lsp.features.commands.ANSWER_WITHIN_S", 0.05):
        answer = await it.editor.pick(action)
    # The editor is not held up until it is idle.
    assert answer["state"] == "pending"
    if types_on:
        it.editor.type(document, "a base 7", "typed on, ")
        it.known.update(document.text.split("\n"))
    shown = document.text
    it.editor.tell()
    async with (await it.engine()).decisions._one_at_a_time:
        run = await it.run()
    assert run.changes["C1"].decisions["a.txt", 1].decision == "accepted"
    assert run.deciding == ()
    assert document.text == shown
    await it.check()
    await it.editor.settle()
    assert not [said for said in it.editor.shown if "did not apply" in said]


async def test_a_client_that_has_the_edit_and_does_not_make_it(play):
    it = await play(profile="emacs")
    assert await it.editor.actions(it.documents()[0], only=["quickfix.longshift.accept"])
    it.editor.refuses = "the buffer is read-only"
    with mock.patch("longshift.lsp.hand.TOLD_WITHIN_S", 0.05):
        assert "did not apply the change to a.txt: the buffer is" in await refused(it)


async def test_a_client_that_makes_the_edit_and_leaves_its_command(play):
    """As Zed does: the text shows the hunk, and is believed, also by the next server."""
    it = await play()
    [action, *_] = await it.editor.actions(it.documents()[0], only=["quickfix.longshift.accept"])
    resolved = await it.editor.client.code_action_resolve_async(action)
    it.editor.apply(resolved.edit)
    assert (await it.states())[KEY][0] == "accepted"
    await it.restart()
    assert (await it.states())[KEY][0] == "accepted"


@pytest.mark.parametrize("answer", [{}, {"applied": "perhaps"}, {"applied": None}, [], None])
async def test_a_client_whose_answer_is_none(play, answer):
    it = await play()
    it.editor.on_apply = lambda _: answer
    await refused(it)


async def test_a_client_that_never_answers(play):
    it = await play()
    asked = []

    def silence(protocol: object) -> Callable[..., None]:
        handle = protocol._handle_request

        def filtered(msg_id: object, method: str, params: object) -> None:
            if method == types.WORKSPACE_APPLY_EDIT:
                asked.append(params)
                return
            handle(msg_id, method, params)

        return filtered

    protocol = it.editor.client.protocol
    with (
        mock.patch.object(protocol, "_handle_request", silence(protocol)),
        mock.patch("longshift.lsp.hand.EDITOR_ANSWERS_WITHIN_S", 0.1),
    ):
        assert "it did not answer" in await refused(it)
    assert len(asked) == 1
    assert (await it.editor.command("acceptChange", **TARGET))["state"] == "accepted"


def other_text(it: Play) -> types.DidChangeTextDocumentParams:
    """A change with the version that the document has had before."""
    document = it.documents()[0]
    document.text = document.text.replace("a base 7", "a base 7, typed 1")
    it.known.update(document.text.split("\n"))
    return types.DidChangeTextDocumentParams(
        types.VersionedTextDocumentIdentifier(document.version - 1, document.uri),
        [types.TextDocumentContentChangeWholeDocument(document.text)],
    )


async def test_a_client_that_counts_its_versions_wrongly(play):
    it = await play()
    for _ in range(2):
        it.editor.client.text_document_did_change(other_text(it))
        await it.check()
    document = it.documents()[0]
    found = await it.editor.actions(document, only=["quickfix.longshift.accept"])
    assert len(found) == 1, "the menu is of the text, whatever its number"
    assert (await it.states())[KEY][0] == "pending"


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize(
    ("start", "end"),
    [((0, 999), (0, 9999)), ((99, 0), (99, 5)), ((7, 99), (9, 9)), ((5, 3), (5, 1))],
)
async def test_a_client_that_sends_edits_out_of_range(play, profile, start, end):
    """They mean the end of the line, or of the text; the next whole text sets all right."""
    it = await play(profile)
    document = it.documents()[0]
    positions = [types.Position(line, character) for line, character in (start, end)]
    change = types.TextDocumentContentChangePartial(text="", range=types.Range(*positions))
    document.version += 1
    version = types.VersionedTextDocumentIdentifier(document.version, document.uri)
    it.editor.client.text_document_did_change(types.DidChangeTextDocumentParams(version, [change]))
    assert KEY in await it.states()
    it._replace(document, document.text)
    await it.check()
    await it.accept(KEY)


async def test_a_client_that_opens_one_document_twice_and_closes_what_is_not_open(play):
    it = await play()
    document = it.documents()[0]
    opened = types.TextDocumentItem(document.uri, "plaintext", 7, document.text)
    it.editor.client.text_document_did_open(types.DidOpenTextDocumentParams(opened))
    document.version = 7
    nowhere = types.TextDocumentIdentifier((it.root / "none.txt").as_uri())
    it.editor.client.text_document_did_close(types.DidCloseTextDocumentParams(nowhere))
    await it.check()
    await it.accept(KEY)
