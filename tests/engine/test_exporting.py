"""A run as a branch in the person's repository: what it says, and all that it leaves alone."""

import pytest

from longshift.errors import NeedsPerson, UsageError
from tests.support.engine_world import (
    TEXT,
    Open,
    World,
    call,
    edit,
    flow,
    judge,
    planner,
    task,
    turn,
    worker,
    write,
)

TWO = [
    planner(task("shout", "a.txt"), task("tell", "new.txt")),
    worker("shout", turn(edit("one", "ONE"), edit("four", "FOUR"), edit("eight", "EIGHT"))),
    worker("tell", turn(write("new.txt", "new\n"))),
]
MESSAGES = "%an <%ae>%n%cn%n%B%x00"


@pytest.fixture(autouse=True)
def person(monkeypatch: pytest.MonkeyPatch) -> None:
    """The person's identity for git."""
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", f"The {role.lower()}")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "me@example.org")


def standing(world: World, branch: str) -> dict[str, object]:
    """Everything that an export may not touch."""
    git = world.person.git
    refs = git("for-each-ref").splitlines()
    return {
        "status": git("status", "--porcelain"),
        "head": git("symbolic-ref", "-q", "HEAD", check=False),
        "commit": git("rev-parse", "HEAD", check=False),
        "stash": git("stash", "list"),
        "index": (world.person.root / ".git/index").read_bytes(),
        "refs": [line for line in refs if not line.endswith(f"refs/heads/{branch}")],
    }


async def export(it: Open, branch: str = "made", **more: object) -> dict[str, object]:
    before = standing(it.world, branch)
    answer = await it.call("exportRun", branch=branch, **more)
    assert standing(it.world, branch) == before
    return answer


async def test_one_commit_a_change_on_the_persons_commit(world: World) -> None:
    world.play(*TWO, *judge("done"))
    git = world.person.git
    async with world.opened() as it:
        await it.work()
        answer = await export(it)
        assert git("diff", "--stat", "made^{tree}", it.run().head) == ""
        assert git("rev-parse", "made~2") == git("rev-parse", "HEAD")
        assert answer["base"] == git("rev-parse", "HEAD").strip()
        messages = git("log", f"--format={MESSAGES}", "made", "-2").split("\0\n")[:2]
        who = "The author <me@example.org>\nThe committer\n"
        assert sorted(messages) == [
            f"{who}shout\n\nDid shout.\n\nLongshift-Run: R1\nLongshift-Task: T1\n",
            f"{who}tell\n\nDid tell.\n\nLongshift-Run: R1\nLongshift-Task: T2\n",
        ]
        trailers = git("log", "--format=%(trailers:key=Longshift-Task,valueonly)", "made", "-2")
        assert sorted(trailers.split()) == ["T1", "T2"]
        with pytest.raises(UsageError, match="There is a branch made already"):
            await it.call("exportRun", branch="made")
    world.person.assert_sound()


async def test_rejected_hunks_are_left_out_and_accepted_ones_alone(world: World) -> None:
    world.play(*TWO, *judge("done"))
    git = world.person.git
    async with world.opened() as it:
        await it.work()
        shout = next(c.id for c in it.run().changes.values() if c.title == "shout")
        await it.call("rejectChange", changeId=shout, path="a.txt", hunk=1)
        with pytest.raises(UsageError, match="no accepted hunk"):
            await it.call("exportRun", branch="accepted", accepted=True)
        await it.call("acceptChange", changeId=shout, path="a.txt", hunk=2)
        git("add", "a.txt")  # of this, too, nothing may be touched
        one = await export(it, "accepted", accepted=True)
        assert [c["changeId"] for c in one["commits"]] == [shout]
        assert git("show", "accepted:a.txt").encode() == TEXT.replace(b"four", b"FOUR")
        await export(it, "made")
        text = TEXT.replace(b"four", b"FOUR").replace(b"eight", b"EIGHT")
        assert git("show", "made:a.txt").encode() == text
        assert "one\n" in git("show", "made~1:a.txt") + git("show", "made:a.txt")
        assert git("show", "made:new.txt") == "new\n"
    async with world.opened() as it:
        await it.engine.forget("R1")
        assert git("show", "made:a.txt").encode() == text  # what a branch needs is not forgotten
    world.person.assert_sound()


async def test_uncommitted_text_is_not_exported(world: World) -> None:
    world.play(*TWO, *judge("done"))
    mine = TEXT.replace(b"six", b"private six")
    world.person.write({"a.txt": mine, "notes.txt": b"private\n"})
    async with world.opened() as it:
        await it.work()
        await export(it)
        assert "private" not in world.person.git("log", "-p", "made")
        assert "six\n" in world.person.git("show", "made:a.txt")


async def test_what_builds_on_uncommitted_text_waits_for_a_commit(world: World) -> None:
    world.play(*TWO, *judge("done"))
    git = world.person.git
    world.person.write({"a.txt": TEXT.replace(b"one", b"one and only")})
    async with world.opened() as it:
        await it.work()
        with pytest.raises(NeedsPerson, match=r"\(shout\) builds on text in a.txt that is not"):
            await export(it)
        assert git("branch", "--list", "made") == ""
        git("commit", "-q", "-a", "-m", "Mine")
        answer = await export(it)
        assert answer["base"] == git("rev-parse", "HEAD").strip()
        assert git("show", "made:a.txt").startswith("ONE and only\n")
    world.person.assert_sound()


async def test_with_a_detached_head_and_on_a_packed_repository(world: World) -> None:
    world.play(*TWO, *judge("done"))
    world.person.git("checkout", "-q", "--detach")
    world.person.git("gc", "-q")
    async with world.opened() as it:
        await it.work()
        answer = await export(it)
        assert answer["base"] == world.person.git("rev-parse", "HEAD").strip()
    world.person.assert_sound()


async def test_without_any_commit_new_files_stand_on_nothing(world: World) -> None:
    world.play(*TWO, *judge("done"))
    git = world.person.git
    git("update-ref", "-d", "HEAD")
    git("rm", "-q", "-r", "--cached", ".")
    async with world.opened() as it:
        await it.work()
        for name in ("main", "made"):  # HEAD waits for main
            with pytest.raises((UsageError, NeedsPerson), match=r"main already|not in any commit"):
                await it.call("exportRun", branch=name)
        shout = next(c.id for c in it.run().changes.values() if c.title == "shout")
        await it.call("rejectChange", changeId=shout)
        answer = await it.call("exportRun", branch="made")
        assert answer["base"] is None
        assert git("ls-tree", "--name-only", "made") == "new.txt\n"


@pytest.mark.parametrize(
    "name",
    ["", "-x", "a b", "a..b", "x.lock", "@{-1}", "HEAD", "a\nb", "main", "main/x", "\u202ex", "/a"],
)
async def test_names_that_can_not_be(world: World, name: str) -> None:
    world.play(planner(), *judge("done"))
    async with world.opened() as it:
        await it.work()
        with pytest.raises(UsageError):
            await export(it, name)


async def test_it_needs_an_identity(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.play(*TWO, *judge("done"))
    async with world.opened() as it:
        await it.work()
        monkeypatch.delenv("GIT_COMMITTER_EMAIL")
        monkeypatch.delenv("EMAIL", raising=False)
        with pytest.raises(NeedsPerson, match="git does not know who you are"):
            await export(it)
        world.person.git("config", "user.email", "me@here.example")
        await export(it)
        assert world.person.git("log", "-1", "--format=%ce %ae", "made") == (
            "me@here.example me@example.org\n"
        )


async def test_no_hook_runs_while_the_run_goes_on(world: World) -> None:
    world.play(
        planner(task("shout", "a.txt"), task("wait", "b.txt")),
        worker("shout", turn(edit("one", "ONE"))),
        worker("wait", turn(write("b.txt", "b\n"), wait_for=["go"])),
        *judge("done"),
    )
    hook = world.person.root / ".git/hooks/reference-transaction"
    hook.parent.mkdir()
    hook.write_text("#!/bin/sh\ntouch ran\n")
    hook.chmod(0o700)
    async with world.opened() as it:
        await it.start()
        await it.until(lambda run: run.changes)
        await export(it)
        assert it.run().lifecycle == "running"
        await it.raise_signal("go")
        await it.ended()
        assert it.run().outcome == "done"
    assert not list(world.person.root.rglob("ran"))


async def test_a_workers_words_are_made_harmless(world: World) -> None:
    summary = "Did it.\x1b[2J\u202e\n\nSigned-off-by: Somebody <else@example.org>"
    world.play(
        planner(task("shout", "a.txt")),
        flow(
            "worker",
            turn(edit("one", "ONE")),
            turn(call("submit", summary=summary)),
        ),
        *judge("done"),
    )
    async with world.opened() as it:
        await it.work()
        await export(it)
        message = world.person.git("log", "-1", "--format=%B", "made")
        assert "Did it.[2J[U+202E]" in message
        signed = world.person.git("log", "-1", "--format=%(trailers:key=Signed-off-by)", "made")
        assert signed.strip() == ""
