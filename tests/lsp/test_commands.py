"""Commands as a client sends them, right and wrong, and what stands around them."""

import pytest
from lsprotocol import types
from pygls.exceptions import JsonRpcException

from longshift.engine.commands import COMMANDS
from longshift.lsp.features.commands import HANDLERS
from tests.support.lsp_journey import call, judge, make_repository, release, replace, task

INVALID, FAILED = -32602, -32803


@pytest.fixture
async def reviewed(connect, repository, model):
    """An editor on a repository whose run R1 has ended with change C1 of one hunk."""
    root = repository({"a.txt": "one\ntwo\nthree\n"})
    model.play({"flows": [*task("shout", replace("a.txt", "two", "TWO")), judge()]})
    editor = await connect(root)
    document = editor.open(root / "a.txt")
    await editor.run("Shout")
    return editor, document, root


def test_every_command_of_the_engine_is_offered():
    assert set(HANDLERS) == {*COMMANDS, "explainChange", "explainFinding"}


async def test_malformed_and_unknown_arguments_are_refused_by_name(reviewed):
    """Each is -32602 with a sentence that names what is wrong; nothing happens."""
    editor, document, root = reviewed
    c1 = {"runId": "R1", "changeId": "C1", "path": "a.txt"}
    elsewhere = (root.parent / "elsewhere.txt").as_uri()
    range_ = {"start": {"line": 0, "character": 0}, "end": {"line": 1, "character": 0}}
    rows = [
        ("startGoal", [{}], "`goal`"),
        ("startGoal", [{"goal": "x", "frobnicate": 1}], "`frobnicate`"),
        ("startGoal", [{"goal": "x", "range": range_}], "`uri`"),
        ("startGoal", [{"goal": "x", "uri": elsewhere}], None),
        ("startGoal", [{"goal": "x", "uri": document.uri, "range": {"start": {}}}], "`range"),
        ("startGoal", [{"goal": "", "uri": document.uri, "template": "poem"}], "poem"),
        ("startGoal", [{"goal": "x", "strategy": "chaos"}], "strategy"),
        ("startGoal", [{"goal": "x", "workers": "many"}], "workers"),
        ("startGoal", [{"goal": "x", "paths": ["../x"]}], "'../x'"),
        ("startGoal", [{"goal": "x", "paths": ["/etc"]}], "'/etc'"),
        ("startGoal", [], "`goal`"),
        ("startGoal", ["do it"], "one object"),
        ("pauseRun", [{"runId": "R1"}, {"runId": "R2"}], "one object"),
        ("pauseRun", [{}], "`runId`"),
        ("pauseRun", [{"runId": 1}], "`runId`"),
        ("describeRun", [{"runId": "R9"}], "R9"),
        ("describeRun", [{"runId": "R1", "deep": True}], "`deep`"),
        ("steerRun", [{"runId": "R1"}], "`message`"),
        ("answerQuestion", [{"runId": "R1", "questionId": "Q7", "answer": "y"}], "Q7"),
        ("liftConstraint", [{"constraintId": "K7"}], "K7"),
        ("listRuns", [{"repo": "file:///nowhere"}], "file:///nowhere"),
        ("acceptChange", [{**c1, "changeId": "C9"}], "C9"),
        ("acceptChange", [{**c1, "path": "b.txt"}], "b.txt"),
        ("acceptChange", [{**c1, "hunk": 9}], "9"),
        ("acceptChange", [{**c1, "hunk": "first"}], "`hunk`"),
        ("acceptAll", [{"runId": "R1", "uri": elsewhere}], None),
        ("fixFinding", [{"runId": "R1", "findingId": "F9"}], "F9"),
        ("fixFinding", [{"runId": "R1"}], "`findingId`"),
        ("fixFinding", [{"runId": "R1", "findingIds": ["F1", 2]}], "`findingIds.1`"),
        ("fixFinding", [{"runId": "R1", "findingIds": ["F1"] * 101}], "`findingIds`"),
        ("dismissFinding", [{"runId": "R1", "findingId": "F9", "ask": True}], "F9"),
        ("dismissFinding", [{"runId": "R1", "findingId": "F9", "frob": 1}], "`frob`"),
        ("explainFinding", [{"runId": "R1", "findingId": "F9"}], "F9"),
        ("explainFinding", [{"runId": "R1"}], "`findingId`"),
        ("explainFinding", [{"runId": "R9", "findingIds": ["F1"]}], "R9"),
        ("showChange", [{"runId": "R1", "changeId": "C9"}], "C9"),
        ("explainChange", [{"runId": "R1", "changeId": "C9"}], "C9"),
        ("frobnicate", [{}], "frobnicate"),
    ]
    for name, arguments, named in rows:
        with pytest.raises(JsonRpcException) as refused:
            await editor.client.workspace_execute_command_async(
                types.ExecuteCommandParams(f"longshift.{name}", arguments)
            )
        expected = INVALID if named is not None else (INVALID, FAILED)
        codes = expected if isinstance(expected, tuple) else (expected,)
        assert refused.value.code in codes, (name, arguments, refused.value)
        assert named is None or named in str(refused.value), (name, arguments, refused.value)
    assert document.text == "one\ntwo\nthree\n"
    assert [run["runId"] for run in (await editor.command("listRuns"))["runs"]] == ["R1"]


async def test_decisions_of_a_whole_run_and_constraints(reviewed):
    """A rejection makes a constraint, taking it back lifts it; `applied: false` loses nothing."""
    editor, document, root = reviewed
    added = await editor.command("addConstraint", text="Keep the public names")
    assert added == {
        "constraintId": "K1",
        "text": "Keep the public names",
        "repo": root.as_uri(),
    }
    assert (await editor.command("rejectAll", runId="R1", uri=document.uri))["hunks"] == 1
    held = (await editor.command("listConstraints"))["constraints"]
    assert [one["source"] for one in held] == ["person", "rejection"]
    await editor.command("undoDecision", runId="R1", changeId="C1")
    await editor.command("liftConstraint", constraintId="K1")
    assert (await editor.command("listConstraints"))["constraints"] == []

    editor.refuses = "the buffer is read-only"
    for name, target in (("acceptAll", {}), ("acceptChange", {"changeId": "C1"})):
        with pytest.raises(JsonRpcException, match="read-only") as refused:
            await editor.command(name, runId="R1", **target)
        assert refused.value.code == FAILED
        assert document.text == "one\ntwo\nthree\n"
    editor.refuses = None
    assert (await editor.command("acceptAll", runId="R1"))["hunks"] == 1
    assert document.text == "one\nTWO\nthree\n"


async def test_editor_that_is_blocked_by_its_own_command(reviewed):
    """It gets its answer before the buffer shows the edit; the decision is recorded then."""
    editor, document, _ = reviewed
    editor.blocked = []
    answer = await editor.command("acceptChange", runId="R1", changeId="C1")
    assert answer["state"] == "pending"
    [edit] = editor.blocked
    before = editor.refreshes
    editor.apply(edit)
    await editor.until(lambda: editor.refreshes > before)
    assert document.text == "one\nTWO\nthree\n"
    [change] = (await editor.command("describeRun", runId="R1"))["changes"]
    assert change["state"] == "accepted"


async def test_stale_hunks_are_offered_as_rework_and_never_applied(reviewed):
    """Text that the person changed at the same place stays; a picked action that is late too."""
    editor, document, _ = reviewed
    [early] = [a for a in await editor.actions(document) if a.kind.endswith("longshift.accept")]
    editor.erase(document, "two\n")
    editor.type(document, "three", "zwei\n")
    typed = document.text

    offered = [a for a in await editor.actions(document) if a.kind.startswith("quickfix")]
    assert [a.kind.rsplit(".", 1)[-1] for a in offered] == ["rework", "reject"]
    assert offered[0].title.startswith("Rework: shout (+1 \N{MINUS SIGN}1, hunk 1 of 1): ")
    resolved = await editor.client.code_action_resolve_async(early)
    assert (resolved.edit, resolved.command) == (None, None)
    assert "Your text was not changed" in resolved.disabled.reason
    with pytest.raises(JsonRpcException, match="stale"):
        await editor.command("acceptChange", runId="R1", changeId="C1")
    assert document.text == typed


async def test_actions_by_kind_and_range_and_goals_from_them(reviewed, model):
    """Kinds and range are honoured; goals carry their place and their template to the planner."""
    editor, document, _ = reviewed
    foreign = types.Diagnostic(
        types.Range(types.Position(0, 0), types.Position(0, 3)), "Name not used", source="other"
    )

    async def kinds(at, only=None, diagnostics=()):
        found = await editor.actions(document, at, only=only, diagnostics=diagnostics)
        return {action.kind for action in found}

    hunk = {f"quickfix.longshift.{word}" for word in ("accept", "reject", "rework")}
    whole = {"source.longshift.acceptFile", "source.longshift.rejectFile"}
    goal, rewrite = "quickfix.longshift.goal", "refactor.rewrite.longshift"
    assert await kinds("two") == {*hunk, *whole, rewrite}
    assert await kinds("one") == {*whole, rewrite}
    assert await kinds("two", ["quickfix"]) == hunk
    assert await kinds("two", ["quickfix.longshift.accept"]) == {"quickfix.longshift.accept"}
    assert await kinds("two", ["source"]) == whole
    assert await kinds("one", ["refactor"]) == {rewrite}
    assert await kinds("one", ["refactor.extract"]) == set()
    assert await kinds("one", ["quickfix"], [foreign]) == {goal}

    diagnostic = types.Diagnostic(
        types.Range(types.Position(1, 0), types.Position(1, 3)), "two is a crowd", source="other"
    )
    fix, file, workspace = await editor.actions(
        document, "two", only=["quickfix.longshift.goal"], diagnostics=[diagnostic]
    )
    assert list(fix.diagnostics) == [diagnostic]
    assert file.title == "Longshift: fix all problems of this file with the crew"
    assert workspace.title == "Longshift: fix all problems in the workspace with the crew"
    rewrites = await editor.actions(document, "one\ntwo", only=["refactor"])
    [tests] = [one for one in rewrites if "Write tests" in one.title]
    for number, action in enumerate((fix, file, workspace, tests), 2):
        model.play({"flows": []})
        started = await editor.pick(action)
        assert started["runId"] == f"R{number}"
        await editor.until_ended(f"R{number}")
        opening = str(model.by_role("planner")[0].messages)
        assert ("two is a crowd" in opening) == (action is not tests)
        assert ('"scope": ["a.txt"]' in opening.replace("\\", "")) == (action is file)
        assert "a.txt" in opening


async def test_several_repositories(connect, repository, model):
    """Results carry `repo`; an id that two repositories have needs it."""
    roots = [repository({"a.txt": "one\n"}, "first"), repository({"b.txt": "two\n"}, "second")]
    model.play({"flows": []})
    editor = await connect(*roots)
    repos = [root.as_uri() for root in roots]
    with pytest.raises(JsonRpcException, match="repo") as refused:
        await editor.command("startGoal", goal="Which?")
    assert refused.value.code == INVALID
    for repo in repos:
        assert (await editor.command("startGoal", goal="Look", repo=repo))["repo"] == repo
    listed = await editor.command("listRuns")
    assert [(run["runId"], run["repo"]) for run in listed["runs"]] == [("R1", r) for r in repos]
    with pytest.raises(JsonRpcException, match="R1") as refused:
        await editor.command("describeRun", runId="R1")
    assert refused.value.code == INVALID
    described = await editor.command("describeRun", runId="R1", repo=repos[1])
    assert described["repo"] == repos[1]


async def test_folder_that_is_no_repository(connect, tmp_path):
    """The server lives and says what to do; once it is a repository, it works."""
    folder = tmp_path / "plain"
    folder.mkdir()
    editor = await connect(folder, profile="neovim")
    with pytest.raises(JsonRpcException, match="git init") as refused:
        await editor.command("listRuns")
    assert refused.value.code == FAILED
    assert await editor.actions(editor.open(folder / "new.txt", "text\n")) == []
    make_repository(folder, {"a.txt": "one\n"})
    assert (await editor.command("listRuns"))["runs"] == []


async def test_wrong_settings_are_named_and_start_nothing(connect, repository):
    """A wrong value from the editor is -32602 that names the key."""
    root = repository({"a.txt": "one\n"})
    editor = await connect(root, settings={"workers": "many"})
    with pytest.raises(JsonRpcException, match="workers") as refused:
        await editor.command("startGoal", goal="Try")
    assert refused.value.code == INVALID
    assert (await editor.command("listRuns"))["runs"] == []


async def test_question_of_an_agent_reaches_the_person(connect, repository, model):
    """With options, the one that the person chooses is the answer."""
    root = repository({"a.txt": "one\n"})
    ask = call("ask_person", question="Tabs or spaces?", options=["tabs", "spaces"])
    finish = {**call("finish", summary="Asked."), "wait_for": ["answered"]}
    model.play({"flows": [{"role": "planner", "turns": [ask, finish]}]})
    editor = await connect(root)
    editor.answers = "spaces"
    run_id = await editor.start("Indent")
    await editor.until(lambda: bool(editor.asked))
    while not (questions := (await editor.command("describeRun", runId=run_id))["questions"])[0][
        "answer"
    ]:
        pass
    assert (questions[0]["question"], questions[0]["answer"]) == ("Tabs or spaces?", "spaces")
    assert [option.title for option in editor.asked[0].actions] == ["tabs", "spaces"]
    await release(model, "answered")
    await editor.until_ended(run_id)
