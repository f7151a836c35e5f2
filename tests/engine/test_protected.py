"""Files that take a word of their own, from a worker's edit to the person's disk."""

from collections.abc import Mapping

import pytest

from tests.support.engine_world import (
    TEXT,
    World,
    edit,
    judge,
    planner,
    task,
    turn,
    worker,
    write,
)

EDITOR, AGENTS = ".vscode/tasks.json", "AGENTS.md"
DONE = TEXT.replace(b"one", b"ONE")


@pytest.fixture
def crew(world: World) -> World:
    """C1 has an ordinary file and a protected one, C2 nothing but a protected one."""
    world.play(
        planner(task("shout", "a.txt"), task("tell", AGENTS, depends_on=["T1"])),
        worker("shout", turn(edit("one", "ONE"), write(EDITOR, "{}\n"))),
        worker("tell", turn(write(AGENTS, "Obey.\n"))),
        *judge("done"),
    )
    return world


def written(world: World) -> set[str]:
    root = world.person.root
    found = {path for path in (EDITOR, AGENTS) if (root / path).exists()}
    return found | ({"a.txt"} if (root / "a.txt").read_bytes() == DONE else set())


# command, arguments, what is on the disk then, what the answer says
WORDS: list[tuple[str, dict[str, object], set[str], dict[str, object]]] = [
    ("acceptAll", {}, {"a.txt"},
     {"state": "accepted", "hunks": 1, "protected": [EDITOR, AGENTS]}),
    ("acceptAll", {"path": "a.txt"}, {"a.txt"}, {"state": "accepted", "hunks": 1, "protected": []}),
    ("acceptAll", {"path": EDITOR}, set(), {"state": "pending", "hunks": 0, "protected": [EDITOR]}),
    ("acceptAll", {"path": EDITOR, "protected": True}, {EDITOR},
     {"state": "accepted", "hunks": 1, "protected": []}),
    ("acceptAll", {"protected": True}, {"a.txt", EDITOR, AGENTS},
     {"state": "accepted", "hunks": 3, "protected": []}),
    ("acceptChange", {"changeId": "C1"}, {"a.txt"}, {"state": "accepted", "protected": [EDITOR]}),
    ("acceptChange", {"changeId": "C2"}, set(), {"state": "pending", "protected": [AGENTS]}),
    ("acceptChange", {"changeId": "C2", "hunk": 1}, set(), {"state": "pending"}),
    ("acceptChange", {"changeId": "C1", "protected": True}, {"a.txt", EDITOR},
     {"state": "accepted"}),
    ("acceptChange", {"changeId": "C1", "path": EDITOR}, {EDITOR}, {"state": "accepted"}),
    ("acceptChange", {"changeId": "C1", "path": EDITOR, "hunk": 1}, {EDITOR},
     {"state": "accepted"}),
]  # fmt: skip


@pytest.mark.parametrize(("command", "arguments", "files", "says"), WORDS)
async def test_such_a_file_is_written_only_by_a_word_of_its_own(
    crew: World,
    command: str,
    arguments: dict[str, object],
    files: set[str],
    says: Mapping[str, object],
) -> None:
    async with crew.opened() as it:
        assert (await it.work()).outcome == "done"
        answer = await it.call(command, **arguments)
        assert {name: answer.get(name) for name in says} == says
        assert written(crew) == files
        described = await it.call("describeRun")
        changes = described["changes"]
        assert isinstance(changes, list)
        states = {file["path"]: (file["flag"], file["hunks"][0]["state"])
                  for change in changes for file in change["files"]}  # fmt: skip
        accepted = {path for path, (_, state) in states.items() if state == "accepted"}
        assert accepted == files
        assert states["a.txt"][0] is None
        assert "editor" in states[EDITOR][0]
        assert "agents" in states[AGENTS][0]


async def test_what_was_left_is_accepted_later_and_taken_back(crew: World) -> None:
    async with crew.opened() as it:
        await it.work()
        await it.call("acceptAll")
        await it.call("acceptChange", changeId="C1", path=EDITOR)
        assert written(crew) == {"a.txt", EDITOR}
        await it.call("undoDecision", changeId="C1", path=EDITOR)
        assert written(crew) == {"a.txt"}


async def test_to_turn_it_down_takes_no_such_word(crew: World) -> None:
    async with crew.opened() as it:
        await it.work()
        assert (await it.call("rejectAll"))["hunks"] == 3
        assert written(crew) == set()


async def test_a_file_that_the_person_has_already_is_recorded(crew: World) -> None:
    async with crew.opened() as it:
        await it.work()
        crew.person.write({EDITOR: b"{}\n"})
        assert "protected" not in await it.call("acceptChange", changeId="C1")
        assert written(crew) == {"a.txt", EDITOR}
        decided = it.run().changes["C1"].decisions
        assert decided[EDITOR, 1].decision == "accepted"
