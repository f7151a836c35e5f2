"""Findings in an editor: where they stand, how they come, and what can be done about them."""

import json
from types import SimpleNamespace

import pytest
from lsprotocol import types
from pygls.exceptions import JsonRpcException

from longshift.errors import UsageError
from longshift.lsp.actions import unique
from longshift.lsp.findings import unsettled
from longshift.lsp.problems import Where, on_diagnostics
from longshift.lsp.virtual import Virtual, parse
from tests.support.lsp_journey import PROFILES, Editor, call, judge, replace, task, units


def finds(line, message="it shouts", **more):
    given = {"path": "a.txt", "code": "X1", "severity": "warning"} | more
    return call("report_finding", line=line, message=message, **given)


def published(editor: Editor, uri: str) -> list[types.Diagnostic]:
    return list(editor.client.diagnostics.get(uri, ()))


def after(root, path="a.txt", change="C1"):
    return Virtual("R1", change, "after", path, root.as_uri()).uri


def pulling(capabilities: types.ClientCapabilities) -> None:
    capabilities.text_document.diagnostic = types.DiagnosticClientCapabilities()
    capabilities.workspace.diagnostics = types.DiagnosticWorkspaceClientCapabilities(True)


async def pull(editor, uri, previous=None):
    params = types.DocumentDiagnosticParams(
        types.TextDocumentIdentifier(uri), "longshift", previous
    )
    return await editor.client.text_document_diagnostic_async(params)


def at(text: str, line: int, encoding: str, last: int | None = None) -> types.Range:
    """The whole lines of a text, without the last one's line end, in an encoding's units."""
    last = line if last is None else last
    content = text.split("\n")[last].removesuffix("\r")
    return types.Range(types.Position(line, 0), types.Position(last, units(content, encoding)))


@pytest.mark.parametrize(
    ("profile", "end"), [("vscode", "\r\n"), ("neovim", "\n"), ("emacs", "\r\n")]
)
async def test_a_finding_on_proposed_text(profile, end, connect, repository, model):
    """On the hunk before it is accepted, on its own line afterwards, nowhere once rejected."""
    text = f"🦀 one{end}🦀 two{end}three 😀{end}four{end}"
    root = repository({"a.txt": text})
    edits = [
        replace("a.txt", "🦀 two", f"🦀 TWO 😀{end}🦀 AND A HALF 😀😀"),
        replace("a.txt", "four", "FOUR 🎈"),
    ]
    model.play({"flows": [*task("shout", *edits), judge(finds(3), finds(5, code="F401"))]})
    editor = await connect(root, profile=profile)
    document = editor.open(root / "a.txt")
    await editor.run("Shout")
    await editor.until(lambda: len(published(editor, document.uri)) == 2)
    first, second = published(editor, document.uri)
    assert first.range == at(text, 1, editor.encoding)
    assert first.message == (
        "it shouts\nIn the proposed text of hunk 1 of 2 of C1; yours does not have it."
    )
    assert second.range == at(text, 3, editor.encoding)
    assert list(second.tags) == [types.DiagnosticTag.Unnecessary]
    lenses = await editor.client.text_document_code_lens_async(
        types.CodeLensParams(types.TextDocumentIdentifier(document.uri))
    )
    counted = [lens for lens in lenses if lens.command.title == "1 finding"]
    assert [lens.range.start.line for lens in counted] == [1, 3]

    proposed = after(root)
    head = text.replace("two", f"TWO 😀{end}🦀 AND A HALF 😀😀").replace("four", "FOUR 🎈")
    editor.client.text_document_did_open(
        types.DidOpenTextDocumentParams(types.TextDocumentItem(proposed, "text", 1, head))
    )
    await editor.until(lambda: len(published(editor, proposed)) == 2)
    assert [one.range for one in published(editor, proposed)] == [
        at(head, 2, editor.encoding),
        at(head, 4, editor.encoding),
    ]

    editor.type(document, "🦀 one", "typed 🖋\n" if end == "\n" else "typed 🖋\r\n")
    await editor.until(lambda: published(editor, document.uri)[0].range.start.line == 2)
    accept, *_ = await editor.actions(document, "two")
    await editor.pick(accept)
    await editor.until(lambda: len(published(editor, proposed)) == 1)
    await editor.until(lambda: published(editor, document.uri)[0].message == "it shouts")
    stands = published(editor, document.uri)[0]
    assert stands.range == at(document.text, 3, editor.encoding)

    [reject] = [a for a in await editor.actions(document, "four") if "reject" in a.kind.lower()][:1]
    await editor.pick(reject)
    await editor.until(lambda: len(published(editor, document.uri)) == 1)
    await editor.until(lambda: published(editor, proposed) == [])
    editor.erase(document, f"🦀 AND A HALF 😀😀{end}")
    await editor.until(lambda: published(editor, document.uri) == [])
    described = await editor.command("describeRun", runId="R1")
    assert [(f["id"], f["state"], f["standing"]) for f in described["findings"]] == [
        ("F1", "open", False),
        ("F2", "open", False),
    ]


def reading(capabilities: types.ClientCapabilities) -> None:
    capabilities.workspace.text_document_content = types.TextDocumentContentClientCapabilities()


@pytest.mark.parametrize("pulls", [False, True])
async def test_a_finding_is_listed_once(pulls, connect, repository, model):
    """Also where virtual documents can be shown: none is told of before it is open."""

    async def listed() -> set[str]:
        if not pulls:
            return {uri for uri, found in editor.client.diagnostics.items() if found}
        report = await editor.client.workspace_diagnostic_async(types.WorkspaceDiagnosticParams([]))
        return {one.uri for one in report.items if one.items}

    def change(capabilities: types.ClientCapabilities) -> None:
        reading(capabilities)
        if pulls:
            pulling(capabilities)

    root = repository({"a.txt": "one\ntwo\n"})
    model.play({"flows": [*task("shout", replace("a.txt", "two", "TWO")), judge(finds(2))]})
    editor = await connect(root, change=change)
    document = editor.open(root / "a.txt")
    await editor.run("Shout")
    if not pulls:
        await editor.until(lambda: bool(published(editor, document.uri)))
    assert await listed() == {document.uri}
    proposed = types.TextDocumentItem(after(root), "text", 1, "one\nTWO\n")
    editor.client.text_document_did_open(types.DidOpenTextDocumentParams(proposed))
    if not pulls:
        await editor.until(lambda: bool(published(editor, proposed.uri)))
    assert await listed() == {document.uri, proposed.uri}


async def test_related_places_and_the_change_that_wrote_the_line(connect, repository, model):
    """Shown by clients that know them: in live coordinates, and in the virtual document."""
    root = repository({"a.txt": "one\ntwo\n", "b.txt": "🦀 caller\n"})
    related = [{"path": "b.txt", "line": 1, "message": "called here"}]
    flows = [*task("shout", replace("a.txt", "two", "TWO")), judge(finds(2, related=related))]
    model.play({"flows": flows})
    editor = await connect(root)
    document, other = editor.open(root / "a.txt"), editor.open(root / "b.txt")
    await editor.run("Shout")
    editor.type(other, "🦀", "typed\n")
    await editor.until(
        lambda: any(
            one.related_information[0].location.range.start.line == 1
            for one in published(editor, document.uri)
        )
    )
    [found] = published(editor, document.uri)
    places = [(one.location.uri, one.message) for one in found.related_information]
    assert places == [
        (other.uri, "called here"),
        (after(root), "C1 wrote this line for T1: shout"),
    ]
    ranges = [one.location.range for one in found.related_information]
    assert ranges[0] == at(other.text, 1, "utf-16")
    assert ranges[1] == at("one\nTWO\n", 1, "utf-16")

    quiet = await connect(root, profile="emacs")
    document = quiet.open(root / "a.txt")
    await quiet.command("listRuns")
    await quiet.until(lambda: len(published(quiet, document.uri)) == 1)
    assert published(quiet, document.uri)[0].related_information is None


@pytest.mark.parametrize("profile", PROFILES)
async def test_pulled_or_published_and_never_both(profile, connect, repository, model):
    """A client that can be told to ask again asks; results that it has are not sent again."""
    root = repository({"a.txt": "🦀 one\n🦀 two\n", "b.txt": "two\n"})
    flows = [
        *task("shout", replace("a.txt", "two", "TWO")),
        judge(finds(2), finds(1, path="b.txt")),
    ]
    model.play({"flows": flows})
    editor = await connect(root, profile=profile, change=pulling)
    provider = editor.capabilities.diagnostic_provider
    assert (provider.identifier, provider.workspace_diagnostics) == ("longshift", True)
    document = editor.open(root / "a.txt")
    empty = await pull(editor, document.uri)
    assert (empty.kind, len(empty.items)) == ("full", 0)
    await editor.run("Shout")
    await editor.until(lambda: editor.diagnostic_refreshes > 0)

    full = await pull(editor, document.uri, empty.result_id)
    assert (full.kind, full.items[0].range) == ("full", at(document.text, 1, editor.encoding))
    assert full.items[0].data == {"runId": "R1", "findingId": "F1"}
    same = await pull(editor, document.uri, full.result_id)
    assert (same.kind, same.result_id) == ("unchanged", full.result_id)
    version = await pull(editor, after(root))
    assert version.items[0].range == at("🦀 one\n🦀 TWO\n", 1, editor.encoding)
    nobody = [
        await pull(editor, uri)
        for uri in ("longshift:/R9/C1/after/a", "longshift://[", "untitled:x")
    ]
    assert [len(one.items) for one in nobody] == [0, 0, 0]

    async def workspace(previous=()):
        ids = [types.PreviousResultId(uri, value) for uri, value in previous]
        report = await editor.client.workspace_diagnostic_async(
            types.WorkspaceDiagnosticParams(ids, "longshift")
        )
        return {one.uri: one for one in report.items}

    b = (root / "b.txt").as_uri()
    found = await workspace([("file:///gone", "x")])
    assert {uri: (one.kind, len(one.items)) for uri, one in found.items()} == {
        document.uri: ("full", 1), b: ("full", 1), "file:///gone": ("full", 0)
    }  # fmt: skip
    assert found[document.uri].version == document.version
    assert found[document.uri].result_id == full.result_id
    editor.type(document, "🦀 one", "typed\n")
    moved = await workspace([(uri, one.result_id) for uri, one in found.items()])
    assert {uri: one.kind for uri, one in moved.items()} == {
        document.uri: "full", b: "unchanged", "file:///gone": "unchanged"
    }  # fmt: skip
    before = editor.diagnostic_refreshes
    await editor.command("dismissFinding", runId="R1", findingId="F1")
    await editor.until(lambda: editor.diagnostic_refreshes > before)
    assert not (await pull(editor, document.uri)).items
    assert not editor.client.diagnostics, "nothing was published"


async def test_pull_without_refresh_is_not_offered(connect, repository):
    """Such a client would learn of a finding only at its next keystroke."""
    editor = await connect(repository({"a.txt": "one\n"}), profile="neovim")
    assert editor.client.capabilities.text_document.diagnostic is not None
    assert editor.capabilities.diagnostic_provider is None


@pytest.mark.parametrize(
    ("profile", "answer", "reason"),
    [("vscode", "Intended", "Intended"), ("emacs", "Intended", "")],
)
async def test_dismissed_at_once_and_never_shown_again(
    profile, answer, reason, connect, repository, model
):
    """The reason is asked for beside; a later run's judge is told, and reports in vain."""
    root = repository({"a.txt": "one\ntwo\n"})
    model.play({"flows": [judge(finds(2, "two is 2 much"))]})
    editor = await connect(root, profile=profile)
    editor.answers = answer
    document = editor.open(root / "a.txt")
    await editor.run("Look")
    await editor.until(lambda: len(published(editor, document.uri)) == 1)
    actions = await editor.actions(
        document, "two", only=["quickfix"], diagnostics=published(editor, document.uri)
    )
    titles = [action.title for action in actions]
    assert titles == [
        "Longshift: fix “two is 2 much”",
        "Dismiss: “two is 2 much”",
        "Explain: “two is 2 much”",
    ]
    assert (await editor.pick(actions[1]))["findingId"] == "F1"
    await editor.until(lambda: published(editor, document.uri) == [])
    asked = profile == "vscode"
    if asked:
        await editor.until(lambda: bool(editor.asked))
        options = [one.title for one in editor.asked[0].actions]
        assert options == ["Not a defect", "Intended", "Not now"]
    described = await editor.command("describeRun", runId="R1")
    while reason and described["findings"][0]["reason"] != reason:
        described = await editor.command("describeRun", runId="R1")  # it is on its way
    assert described["findings"][0]["state"] == "dismissed"
    assert bool(editor.asked) == asked

    model.play({"flows": [judge(finds(2, "Two is 3 much."))]})
    await editor.run("Look again")
    described = await editor.command("describeRun", runId="R2")
    assert described["findings"] == []
    assert published(editor, document.uri) == []
    opening = str(model.by_role("judge")[0].messages)
    assert "two is 2 much" in opening
    assert reason in opening


async def test_explained_and_fixed_all_at_once(connect, repository, model):
    """Who reported it and which change wrote its line; one task for each finding of the file."""
    root = repository({"a.txt": "one\ntwo\nthree\n"})
    loud = finds(
        2, "it shouts", suggestion="Whisper.", evidence="read aloud",
        related=[{"path": "a.txt", "line": 3, "message": "the neighbour"}],
    )  # fmt: skip
    flows = [*task("shout", replace("a.txt", "two", "TWO")), judge(loud, finds(1, "too few"))]
    model.play({"flows": flows})
    editor = await connect(root)
    document = editor.open(root / "a.txt")
    await editor.run("Shout")
    await editor.until(lambda: len(published(editor, document.uri)) == 2)
    told = await editor.command("explainFinding", runId="R1", findingId="F1")
    assert told["text"].splitlines() == [
        "F1, warning X1, a.txt:2",
        "it shouts",
        "Suggestion: Whisper.",
        "Evidence: read aloud",
        "Reported by the judge in cycle 1 of R1.",
        "C1 wrote the line (hunk 1), for T1: shout",
        "It is in the proposed text of hunk 1 of 1 of C1; yours does not have it.",
        "See also a.txt:3: the neighbour",
    ]
    await editor.until(lambda: told["text"] in editor.shown)
    both = await editor.command("explainFinding", runId="R1", findingIds=["F1", "F2"])
    assert "The line stood there before the run." in both["text"]
    with pytest.raises(JsonRpcException, match="F9"):
        await editor.command("explainFinding", runId="R1", findingId="F9")

    actions = await editor.actions(
        document, "two", diagnostics=published(editor, document.uri)[:1], only=["quickfix"]
    )
    [every] = [one for one in actions if "all 2 findings of this file" in one.title]
    mends = [replace("a.txt", "TWO", "Two"), replace("a.txt", "one", "one, one")]
    workers = [
        {"role": "worker", "match": f"finding F{n}", "turns": [mend, call("submit", summary="x")]}
        for n, mend in enumerate(mends, 1)
    ]
    model.play({"flows": [*workers, judge()]})
    editor.shown.clear()
    assert (await editor.pick(every))["findingIds"] == ["F1", "F2"]
    await editor.until_ended("R1")
    await editor.until(lambda: published(editor, document.uri) == [])
    described = await editor.command("describeRun", runId="R1")
    assert [one["state"] for one in described["findings"]] == ["resolved", "resolved"]
    assert [one["state"] for one in described["tasks"]] == ["landed"] * 3


HERE = types.Range(types.Position(0, 0), types.Position(0, 3))
OTHER = types.Diagnostic(HERE, "os is unused", source="ruff", code="F401")
OURS = types.Diagnostic(
    HERE, "it shouts", source="longshift", data={"runId": "R1", "findingId": "F1"}
)
FILE = "Longshift: fix all {}problems of this file with the crew"
WORKSPACE = "Longshift: fix all problems in the workspace with the crew"


@pytest.mark.parametrize(
    ("diagnostics", "open_findings", "expected"),
    [
        ([], {}, []),
        ([OTHER], {}, ["Longshift: fix “os is unused”", FILE.format(""), WORKSPACE]),
        (
            [OTHER, OTHER],
            {},
            ["Longshift: fix “os is unused”", "Longshift: fix “os is unused” #2",
             FILE.format("2 "), WORKSPACE],
        ),
        (
            [OURS],
            {"R1": ["F1"]},
            ["Longshift: fix “it shouts”", "Dismiss: “it shouts”", "Explain: “it shouts”"],
        ),
        (
            [OURS, OTHER],
            {"R1": ["F1", "F2"], "R2": ["F7", "F8"]},
            ["Longshift: fix “it shouts”", "Dismiss: “it shouts”", "Explain: “it shouts”",
             "Longshift: fix “os is unused”",
             "Longshift: fix all 2 findings of this file with the crew (R1)",
             "Longshift: fix all 2 findings of this file with the crew (R2)",
             FILE.format(""), WORKSPACE],
        ),
        (
            [types.Diagnostic(HERE, "forged", source="longshift", data={"runId": "R1"})],
            {},
            ["Longshift: fix “forged”", FILE.format(""), WORKSPACE],
        ),
    ],
)  # fmt: skip
def test_what_is_offered_on_problems(diagnostics, open_findings, expected):
    where = Where("file:///r", "file:///r/a.py", open_findings, asks=True)
    found = unique(on_diagnostics(where, diagnostics))
    assert [one.title for one in found] == expected
    goals = [one.arguments for one in found if one.command == "startGoal"]
    assert all("uri" in one and one["diagnostics"] for one in goals)
    assert ["ask" in one.arguments for one in found] == [one.command == "dismissFinding"
                                                         for one in found]  # fmt: skip
    json.dumps([one.arguments for one in found])


@pytest.mark.parametrize(
    ("shown", "uri"),
    [
        (Virtual("R1", "C2"), "longshift:/R1/C2.diff"),
        (Virtual("R1", "C2", repo="file:///a b"), "longshift:/R1/C2.diff?file%3A%2F%2F%2Fa%20b"),
        (
            Virtual("R1", "C2", "after", "d ü/%41?#.py", "file:///r"),
            "longshift:/R1/C2/after/d%20%C3%BC/%2541%3F%23.py?file%3A%2F%2F%2Fr",
        ),
    ],
)
def test_names_of_virtual_documents(shown, uri):
    assert shown.uri == uri
    assert parse(uri) == shown


@pytest.mark.parametrize(
    "uri",
    ["longshift://[", "longshift:", "longshift:/", "longshift:/R1", "longshift:/R1/C1/after",
     "longshift:/R1/C1/beside/a", "file:///R1/C1.diff", "", "R1/C1.diff"],
)  # fmt: skip
def test_names_of_no_document(uri):
    with pytest.raises(UsageError, match="names no document"):
        parse(uri)


@pytest.mark.parametrize(
    ("runs", "shown"),
    [
        ("a:open", "1a"),
        ("a:open b:open", "1a 1b"),
        ("a:open, a:open", "1a 2a"),
        ("a:open, a:dismissed", ""),
        ("a:dismissed, a:open", ""),
        ("a:open a:dismissed", "1a"),
        ("a:open, a:resolved", ""),
        ("a:resolved, a:open", "2a"),
        ("a:open a:resolved", "1a"),
        (":open, :dismissed, :resolved", "1"),
    ],
)
def test_what_one_run_settled_no_other_shows(runs, shown):
    """A fingerprint and a state for each finding, run by run; of older versions without one."""
    made = [
        SimpleNamespace(
            id=str(number),
            findings={
                str(index): SimpleNamespace(
                    fingerprint=said.split(":")[0], state=said.split(":")[1]
                )
                for index, said in enumerate(one.split())
            },
        )
        for number, one in enumerate(runs.split(","), 1)
    ]
    found = [f"{run.id}{one.fingerprint}" for run, left in unsettled(made) for one in left]
    assert " ".join(found) == shown


async def test_two_runs_that_say_the_same_show_it_once(connect, repository, model):
    root = repository({"a.txt": "one\ntwo\n"})
    editor = await connect(root)
    document = editor.open(root / "a.txt")
    for run_id, said in (("R1", "two is 2 much"), ("R2", "Two is 3 much.")):
        model.play({"flows": [judge(finds(2, said))]})
        await editor.run("Look")
        await editor.until(
            lambda id_=run_id: (
                [one.data["runId"] for one in published(editor, document.uri)] == [id_]
            )
        )
    editor.type(document, "two", "not ")
    await editor.until(lambda: "changed since" in published(editor, document.uri)[0].message)
    await editor.command("dismissFinding", runId="R2", findingId="F2")
    await editor.until(lambda: published(editor, document.uri) == [])
    model.play({"flows": []})
    started = await editor.command("startGoal", template="fix_workspace")
    assert started["runId"] == "R3"
    await editor.until_ended("R3")
