"""A text that is too large to be compared line by line, in an editor."""

import pytest
from pygls.exceptions import JsonRpcException

from tests.support.lsp_journey import judge, replace, task

LARGE = "a line of a large text 😀\n" * 170_000 + "the last line\n"


async def test_a_large_text_is_accepted_whole_once_it_is_closed(connect, repository, model):
    root = repository({"large.txt": LARGE, "small.txt": "a\nb\n"})
    edits = (
        replace("large.txt", "the last line", "the end"),
        replace("small.txt", "b", "B"),
    )
    model.play({"flows": [*task("end it", *edits), judge()]})
    editor = await connect(root)
    document = editor.open(root / "large.txt")
    run_id = await editor.run("End it")

    run = await editor.command("describeRun", runId=run_id)
    [change] = run["changes"]
    large, small = change["files"]
    [hunk] = large["hunks"]
    assert (large["path"], large["kind"], hunk["state"]) == ("large.txt", "binary", "pending")
    assert "larger than 4 MB" in hunk["reason"]
    assert (small["kind"], small["hunks"][0]["state"]) == ("edit", "pending")

    target = {"runId": run_id, "changeId": change["id"], "path": "large.txt"}
    with pytest.raises(JsonRpcException, match="Save and close it"):
        await editor.command("acceptChange", **target)
    assert document.text == LARGE
    assert (root / "large.txt").read_text(encoding="utf-8") == LARGE

    editor.close(document)
    assert (await editor.command("acceptChange", **target))["state"] == "accepted"
    ended = LARGE.replace("the last line", "the end")
    assert (root / "large.txt").read_text(encoding="utf-8") == ended
