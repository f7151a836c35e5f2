"""A review that goes on while its run does, under the profiles of three editors.

Typing inside and around hunks, undo in the editor, a rejection that a second cycle would propose
again, a rework in the person's words, a restart of the server amid the review, another branch.
"""

import pytest

from tests.support.lsp_journey import (
    PROFILES,
    call,
    git,
    judge,
    release,
    replace,
    stop_editor,
    task,
)

TEXT = "first 🦀\r\n\r\n\tsecond 🧪 line\r\nmiddle\r\nthird\r\n\r\nlast, without an end 🎈"
SECOND = replace("a.txt", "second 🧪 line", "SECOND 🧪 line")


def play(model):
    """Two cycles; the first judge waits for the person, and the second worker repeats itself."""
    [plan, work] = task(
        "shout",
        replace("a.txt", "first 🦀", "FIRST 🦀"),
        SECOND,
        replace("a.txt", "third", "THIRD"),
    )
    [plan_again, work_again] = task("shout again", SECOND)
    turns = [SECOND, call("submit", summary="Softer.")]
    rework = [
        replace("a.txt", "THIRD", "Third, as you said"),
        call("submit", summary="Softer."),
    ]
    model.play(
        {
            "flows": [
                plan,
                {**work_again, "turns": turns},
                {**work, "times": 1},
                plan_again,
                {"role": "worker", "match": "Rework", "turns": rework},
                {
                    "role": "judge",
                    "times": 1,
                    "turns": [
                        {
                            **call("verdict", reason="More.", decision="continue"),
                            "signal": "judging",
                            "wait_for": ["reviewed"],
                        }
                    ],
                },
                judge(),
            ]
        }
    )


async def states(editor, run_id):
    run = await editor.command("describeRun", runId=run_id)
    return {
        f"{change['id']}:{hunk['hunk']}": hunk["state"]
        for change in run["changes"]
        for file in change["files"]
        for hunk in file["hunks"]
    }


async def pick(editor, document, at, kind):
    [action] = await editor.actions(document, at, only=[f"quickfix.longshift.{kind}"])
    return await editor.pick(action)


@pytest.mark.parametrize("profile", PROFILES)
async def test_a_review_holds_through_everything(profile, connect, repository, model):
    root = repository({"a.txt": TEXT, "b.txt": "b\n"})
    git(root, "checkout", "-q", "-b", "other")
    git(root, "rm", "-q", "b.txt")
    git(root, "commit", "-q", "-m", "Other")
    git(root, "checkout", "-q", "main")
    play(model)
    editor = await connect(root, profile=profile)
    document = editor.open(root / "a.txt")
    run_id = await editor.start("Shout")
    await editor.until_judged(run_id)

    # Typing around hunks and inside of one; accepted, undone in the editor, accepted again.
    editor.type(document, "\r\n\tsecond", "typed 😎 between")
    editor.type(document, "ird", "[inside]")
    assert await states(editor, run_id) == {"C1:1": "pending", "C1:2": "pending", "C1:3": "stale"}
    before = document.text
    assert (await pick(editor, document, "first", "accept"))["state"] == "accepted"
    assert document.text == before.replace("first 🦀", "FIRST 🦀")
    assert (await states(editor, run_id))["C1:1"] == "accepted"
    editor.type(document, "FIRST", "first 🦀\r\n")
    editor.erase(document, "FIRST 🦀\r\n")
    assert document.text == before
    assert (await states(editor, run_id))["C1:1"] == "pending"
    await pick(editor, document, "first", "accept")
    # Taken back by its action, and accepted once more.
    assert (await pick(editor, document, "FIRST", "undo"))["state"] == "pending"
    assert document.text == before
    await pick(editor, document, "first", "accept")

    # Rejected, with a reason; the second cycle lands the same again, and it is not proposed.
    rejected = await editor.command(
        "rejectChange", runId=run_id, changeId="C1", path="a.txt", hunk=2, reason="Too loud."
    )
    assert rejected["state"] == "rejected"
    editor.erase(document, "[inside]")
    assert (await states(editor, run_id))["C1:3"] == "pending"
    await release(model, "reviewed")
    await editor.until_ended(run_id)
    assert "Too loud." in str(model.by_role("planner")[-1].messages)
    now = await states(editor, run_id)
    assert now == {"C1:1": "accepted", "C1:2": "rejected", "C1:3": "pending", "C2:1": "rejected"}
    accepts = await editor.actions(document, only=["quickfix.longshift.accept"])
    assert [action.title for action in accepts] == [
        "Accept: shout (+1 \N{MINUS SIGN}1, hunk 3 of 3)"
    ]

    # The server starts anew amid the review; the editor keeps its buffer.
    assert await stop_editor(editor) == 0
    text = document.text
    editor = await connect(root, profile=profile)
    document = editor.open(root / "a.txt", text)
    assert await states(editor, run_id) == now

    # A rework, in the person's words and beside what they are typing.
    editor.type(document, "middle", "typed before\r\n")
    await editor.command(
        "reworkChange", runId=run_id, changeId="C1", path="a.txt", hunk=3, reason="Softer, please."
    )
    await editor.until_ended(run_id)
    opening = str(model.by_role("worker")[-1].messages)
    assert "Softer, please." in opening
    assert "typed before" in opening
    assert (await pick(editor, document, "third\r\n\r\n", "accept"))["state"] == "accepted"
    assert document.text == text.replace("middle", "typed before\r\nmiddle").replace(
        "third", "Third, as you said"
    )
    assert (root / "a.txt").read_bytes().decode() == TEXT, "the person has saved nothing"
    assert git(root, "status", "--porcelain") == ""


@pytest.mark.parametrize("profile", PROFILES)
async def test_another_branch_pauses_the_run_and_loses_no_decision(
    profile, connect, repository, model
):
    root = repository({"a.txt": "one\ntwo\nthree\n", "b.txt": "b\n"})
    git(root, "checkout", "-q", "-b", "other")
    (root / "a.txt").write_text("one\ntwo\nthree\nof the other branch\n")
    git(root, "commit", "-q", "-a", "-m", "Other")
    git(root, "checkout", "-q", "main")
    git(root, "commit", "-q", "--allow-empty", "-m", "Of main alone")
    [plan, work] = task("shout", replace("a.txt", "one", "ONE"), replace("a.txt", "three", "THREE"))
    waiting = {
        **call("verdict", reason="More.", decision="continue"),
        "wait_for": ["checked out"],
    }
    model.play(
        {
            "flows": [
                plan,
                work,
                {"role": "judge", "turns": [waiting], "times": 1},
                judge(),
            ]
        }
    )
    editor = await connect(root, profile=profile)
    document = editor.open(root / "a.txt")
    run_id = await editor.start("Shout")
    await editor.until_judged(run_id)
    await editor.command("rejectChange", runId=run_id, changeId="C1", path="a.txt", hunk=1)
    git(root, "checkout", "-q", "other")
    editor.close(document)
    document = editor.open(root / "a.txt")
    assert await states(editor, run_id) == {"C1:1": "rejected", "C1:2": "pending"}
    assert (await pick(editor, document, "three", "accept"))["state"] == "accepted"
    assert document.text == "one\ntwo\nTHREE\nof the other branch\n"
    await release(model, "checked out")
    await editor.until(
        lambda: any("Other content was checked out" in said for said in editor.shown)
    )
    run = await editor.command("describeRun", runId=run_id)
    assert run["state"] == "paused"
    assert await states(editor, run_id) == {"C1:1": "rejected", "C1:2": "accepted"}
