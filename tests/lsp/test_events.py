"""What the server tells by itself: findings, progress, updates; and two servers at once."""

from lsprotocol import types

from tests.support.lsp_journey import call, judge, release, replace, task

FINDING = call(
    "report_finding",
    path="a.txt",
    line=2,
    message="two is a crowd",
    code="X1",
    severity="warning",
    suggestion="Say three.",
)


def diagnostics(editor, document):
    return list(editor.client.diagnostics.get(document.uri, ()))


async def test_findings_follow_edits_and_go_when_dismissed(connect, repository, model):
    """Diagnostics stand in the live text's lines, in the client's units."""
    root = repository({"a.txt": "🦀 one\n🦀 two 😀\nthree\n"})
    model.play({"flows": [judge(FINDING)]})
    editor = await connect(root, profile="neovim")
    document = editor.open(root / "a.txt")
    await editor.run("Look")
    await editor.until(lambda: len(diagnostics(editor, document)) == 1)
    [found] = diagnostics(editor, document)
    assert found.range == types.Range(types.Position(1, 0), types.Position(1, 13))
    assert (found.source, found.code, found.severity) == ("longshift", "X1", 2)
    assert found.data == {"runId": "R1", "findingId": "F1"}
    assert found.message == "two is a crowd\nSay three."

    editor.type(document, "🦀 one", "typed\n")
    await editor.until(lambda: diagnostics(editor, document)[0].range.start.line == 2)
    [dismiss] = [
        action
        for action in await editor.actions(
            document, "two", only=["quickfix"], diagnostics=diagnostics(editor, document)
        )
        if action.title.startswith("Dismiss")
    ]
    await editor.pick(dismiss)
    await editor.until(lambda: diagnostics(editor, document) == [])
    described = await editor.command("describeRun", runId="R1")
    assert described["findings"][0]["state"] == "dismissed"


async def test_progress_counts_and_cancelling_stops_the_run(connect, repository, model):
    """One progress for each run, with counts; its cancel and `stopRun` both end the run."""
    root = repository({"a.txt": "one\n"})
    edit = replace("a.txt", "one", "two")
    flows = task("shout", edit, wait_for=["never"], signal="working")
    model.play({"flows": [*flows, *flows]})
    editor = await connect(root, options={"runUpdates": True})
    reports = editor.client.progress_reports

    for number, by in enumerate(("progress", "command"), 1):
        run_id = await editor.start("Shout")
        await editor.until(
            lambda n=number: (
                len(reports) == n
                and any("1 running" in str(one.message) for one in list(reports.values())[-1])
            )
        )
        token, values = list(reports.items())[-1]
        assert values[0].title == f"Longshift {run_id}: Shout"
        if by == "progress":
            params = types.WorkDoneProgressCancelParams(token)
            editor.client.window_work_done_progress_cancel(params)
        else:
            stopped = await editor.command("stopRun", runId=run_id)
            assert stopped == {"runId": run_id, "state": "ended"}
        await editor.until_ended(run_id)
        await editor.until(
            lambda id_=run_id: (
                editor.updates[-1]["runId"] == id_ and editor.updates[-1]["state"] == "ended"
            )
        )
        assert editor.updates[-1]["outcome"] == "stopped"
        assert (await editor.command("describeRun", runId=run_id))["outcome"] == "stopped"
        assert reports[token][-1].kind == "end"
    await release(model, "never")


async def test_pause_steer_resume_and_the_end_of_the_editor(connect, repository, model):
    """A run is paused by command and by the editor's end, durably; the next editor resumes it."""
    root = repository({"a.txt": "one\n"})
    plan = [{**call("list_files"), "wait_for": ["steered"]}, call("finish", summary="Read.")]
    model.play({"flows": [{"role": "planner", "turns": plan}]})
    first = await connect(root)
    run_id = await first.start("Look")
    assert await first.command("pauseRun", runId=run_id) == {"runId": run_id, "state": "paused"}
    await first.command("steerRun", runId=run_id, message="Mind the 🦀.")
    assert (await first.command("resumeRun", runId=run_id))["state"] == "running"
    await first.client.shutdown_session()
    assert first.client._server.returncode == 0

    second = await connect(root, profile="neovim")
    [run] = (await second.command("listRuns"))["runs"]
    assert (run["runId"], run["state"]) == (run_id, "paused")
    await release(model, "steered")
    await second.command("resumeRun", runId=run_id)
    await second.until_ended(run_id)
    assert any("🦀" in str(r.messages) for r in model.by_role("planner"))


async def test_earlier_runs_show_at_once(connect, repository, model):
    """Pending hunks and findings of a run of an earlier session need no command first."""
    root = repository({"a.txt": "one\ntwo\n"})
    model.play({"flows": [*task("shout", replace("a.txt", "two", "TWO")), judge(FINDING)]})
    first = await connect(root)
    await first.run("Shout")
    await first.client.shutdown_session()

    second = await connect(root)
    document = second.open(root / "a.txt")
    offered = await second.actions(document, only=["quickfix.longshift.accept"])
    assert len(offered) == 1, "an editor asks once, as soon as it has opened the document"
    await second.until(lambda: len(diagnostics(second, document)) == 1)
    assert second.shown == []
    lenses = await second.client.text_document_code_lens_async(
        types.CodeLensParams(types.TextDocumentIdentifier(document.uri))
    )
    titles = [lens.command.title for lens in lenses]
    accept = "Accept (+1 \N{MINUS SIGN}1)"
    assert titles == [accept, "Reject", "Diff", "Why: shout", "1 finding"]
    shown = await second.command("showChange", runId="R1", changeId="C1")
    assert "-two\n+TWO\n" in shown["diff"]
    await second.until(lambda: bool(second.client.shown_documents))
    texts = [
        (
            await second.client.protocol.send_request_async(
                "longshift/textDocumentContent", {"uri": f"longshift:/R1/C1{rest}"}
            )
        ).text
        for rest in ("/before/a.txt", "/after/a.txt", ".diff")
    ]
    assert texts == ["one\ntwo\n", "one\nTWO\n", shown["diff"]]
