"""Editors that are attached: whose text counts, who writes, and what one of them can't do."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from longshift.engine.editors import lent
from longshift.engine.editors.hands import Editors
from longshift.engine.editors.lending import AskApply, EffectOnWire, HunkOnWire, as_line
from longshift.engine.editors.open_texts import OpenPresent
from longshift.engine.ports import DiskHand
from longshift.errors import LongshiftError, NeedsPerson, UsageError
from longshift.journal.asked import AskedClient
from longshift.journal.control import ControlClient
from longshift.review.shapes import (
    DeleteFile,
    Edit,
    Effect,
    PendingHunk,
    Present,
    RenameFile,
    WriteFile,
)
from tests.support.engine_world import TEXT, World, edit, judge, planner, task, turn, worker

WORD = "0123456789abcdef"
SAVED = "saved\n"


@dataclass(frozen=True)
class Shown:
    text: str
    version: int | None = 1


@dataclass(eq=False)
class Hand:
    """An editor with open texts, which takes note of what it is asked to write."""

    root: Path
    name: str
    open: dict[str, str] = field(default_factory=dict)
    drives: bool = True
    settings: Mapping[str, object] | None = None
    wrote: list[Effect] = field(default_factory=list)

    @property
    def word(self) -> str:
        return self.name

    def texts(self) -> OpenPresent[Shown]:
        return OpenPresent(self.root, {path: Shown(text) for path, text in self.open.items()})

    def present(self) -> Present:
        return self.texts()

    async def unsaved(self) -> Mapping[str, bytes]:
        return self.texts().unsaved()

    async def refresh(self) -> None:
        """Its texts are those that it has."""

    async def apply(self, hunks: Sequence[PendingHunk], effects: Sequence[Effect]) -> None:
        self.wrote += effects


def many(root: Path, **texts: str | None) -> tuple[dict[str, Hand], Editors]:
    """Editors with one file, on which each has its text; None: it is not open there."""
    (root / "a.txt").write_text(SAVED)
    hands = {name: Hand(root, name) for name in texts}
    for name, text in texts.items():
        if text is not None:
            hands[name].open["a.txt"] = text
    editors = Editors(hands["own"], None)
    for name in ("two", "one"):
        editors.attach(hands[name])
    return hands, editors


NOBODY = ""
WRITE = WriteFile("a.txt", b"new\n", 0o100644)
DELETE = DeleteFile("a.txt")
MOVE = RenameFile("a.txt", "b.txt")


@pytest.mark.parametrize(
    ("own", "one", "two", "acting", "effect", "writes"),
    [
        # Who has it open writes: the one that decides, else the one with unsaved text.
        (None, None, None, "one", WRITE, "disk"),
        (None, SAVED, None, NOBODY, WRITE, "one"),
        (None, SAVED, None, "two", WRITE, "one"),
        (None, "typed", None, "two", WRITE, "one"),
        (None, SAVED, "typed", NOBODY, WRITE, "two"),
        ("typed", SAVED, None, "one", WRITE, "one"),
        ("typed", "other", None, "one", WRITE, "one"),
        ("typed", "other", None, "own", WRITE, "own"),
        (SAVED, None, None, "one", WRITE, "own"),
        (SAVED, SAVED, None, "one", DELETE, "one"),
        (None, "typed", None, NOBODY, MOVE, "one"),
    ],
)  # fmt: skip
async def test_who_writes_a_file(tmp_path, own, one, two, acting, effect, writes) -> None:
    hands, editors = many(tmp_path, own=own, one=one, two=two)
    with editors.acting(hands.get(acting)):
        await editors.apply([], [effect])
    # The engine's own hand writes what is open nowhere: its editor's, to the disk.
    writer = "own" if writes == "disk" else writes
    assert {name: hand.wrote for name, hand in hands.items() if hand.wrote} == {writer: [effect]}


@pytest.mark.parametrize(
    ("own", "one", "two", "acting", "effect", "named"),
    [
        # Several have it unsaved, and none of them decides.
        (None, "typed", "other", NOBODY, WRITE, "one and two"),
        ("typed", "other", None, "two", WRITE, "own and one"),
        # What moves or goes takes no unsaved text along but that of the one that decides.
        (None, "typed", SAVED, "two", DELETE, "one"),
        ("typed", SAVED, None, "one", MOVE, "own"),
    ],
)
async def test_what_no_editor_writes(tmp_path, own, one, two, acting, effect, named) -> None:
    """The refusal names the editors whose text is not saved."""
    hands, editors = many(tmp_path, own=own, one=one, two=two)
    with (
        editors.acting(hands.get(acting)),
        pytest.raises(NeedsPerson, match=f"unsaved text in {named}\\. Nothing was changed"),
    ):
        await editors.apply([], [effect])
    assert not any(hand.wrote for hand in hands.values())


@pytest.mark.parametrize(
    ("own", "one", "two", "acting", "reads"),
    [
        (None, None, None, NOBODY, SAVED),
        (None, "typed", None, NOBODY, "typed"),
        (None, "typed", SAVED, "two", SAVED),
        (SAVED, "typed", None, NOBODY, "typed"),
        ("mine", "typed", "other", NOBODY, "mine"),
        (None, "typed", "other", NOBODY, "typed"),
        (None, "typed", "other", "two", "other"),
        ("mine", "typed", None, "one", "typed"),
        ("mine", None, None, "one", "mine"),
    ],
)
async def test_whose_text_counts(tmp_path, own, one, two, acting, reads) -> None:
    """For a decision, and for what the crew works on."""
    hands, editors = many(tmp_path, own=own, one=one, two=two)
    with editors.acting(hands.get(acting)):
        file = editors.present().read("a.txt")
        unsaved = await editors.unsaved()
    assert file is not None
    assert (file.text or (file.data or b"").decode()) == reads
    if acting == NOBODY or reads != SAVED:
        assert unsaved == ({} if reads == SAVED else {"a.txt": reads.encode()})


async def test_who_was_typed_in_last_comes_first_and_settings_outlive_their_editor(
    tmp_path,
) -> None:
    (tmp_path / "a.txt").write_text(SAVED)
    one = Hand(tmp_path, "one", {"a.txt": "1"}, settings={"workers": 1})
    two = Hand(tmp_path, "two", {"a.txt": "2"}, settings={"workers": 2}, drives=False)
    editors = Editors(DiskHand(tmp_path), None)
    assert (editors.settings, editors.has_successor) == (None, False)
    editors.attach(two)
    assert not editors.has_successor, "a restricted one drives nothing"
    editors.attach(one)
    assert await editors.unsaved() == {"a.txt": b"1"}
    editors.heed(two)
    assert await editors.unsaved() == {"a.txt": b"2"}
    assert editors.settings == {"workers": 2}
    with editors.acting(one):
        assert (editors.settings, editors.others) == ({"workers": 1}, {"two"})
    editors.detach(one)
    editors.detach(two)
    assert editors.settings == {"workers": 2}
    assert await editors.unsaved() == {}


def test_orders_cross_the_wire_as_they_are() -> None:
    hunk = PendingHunk(
        change_id="C1", task_id="", title="", path="a.txt", file="a.txt", old_path=None,
        kind="edit", hunk=2, of=2, state="pending", edits=(Edit(0, 1, "🦀\n", 0, 4),),
        undo=(Edit(0, 1, "x\r\n", 0, 3, 1),), start_line=0, end_line=0, added=0, removed=0,
        old_text="", new_text="", reason="",
    )  # fmt: skip
    effects = (WriteFile("a.txt", bytes(range(256)), 0o100755), DELETE, MOVE)
    order = AskApply(
        hunks=(HunkOnWire.of(hunk),), effects=tuple(EffectOnWire.of(one) for one in effects)
    )
    back = AskApply.model_validate(as_line(order))
    assert [one.as_hunk() for one in back.hunks] == [hunk]
    assert tuple(one.as_effect() for one in back.effects) == effects


@asynccontextmanager
async def attached(world: World, on_ask: Callable[..., object] | None = None, **lend: object):
    """An engine with a change, and a client that has lent a hand and speaks for it."""
    world.play(
        planner(task("shout", "a.txt")), worker("shout", turn(edit("one", "ONE"))), *judge("done")
    )
    async with world.opened() as it:
        await it.start()
        await it.ended()
        [address] = [_address(world)]
        gone = asyncio.Event()

        async def ask(question):
            if on_ask is not None:
                await on_ask(client, question)

        client = await AskedClient.connect(address, ask, gone.set)
        given = {"editor": "Odd", "repo": world.worktree.root.as_uri(), "word": WORD}
        answer = await client.call("lend", {**given, "drives": True, **lend})
        async with await ControlClient.connect(address) as speaker:
            await speaker.call("speakFor", {"hand": answer["hand"]})
            yield it, client, speaker
        await client.close()


def _address(world: World) -> str:
    from longshift.journal.lease import Lease

    owner = Lease.acquire(world.worktree.state_dir)
    assert not isinstance(owner, Lease)
    assert owner.address is not None
    return owner.address


HOSTILE = [
    ("lend", {}),
    ("lend", {"editor": "again", "repo": "file:///x", "word": WORD, "drives": True}),
    ("tell", {"path": "../a.txt", "text": "x"}),
    ("tell", {"path": "/etc/passwd", "text": "x"}),
    ("tell", {"path": ".git/config", "text": "x"}),
    ("tell", {"path": "a//b.txt", "text": "x"}),
    ("tell", {"path": "a\0b", "text": "x"}),
    ("tell", {"path": "a.txt", "text": "x" * 2_000_001}),
    ("tell", {"path": "a.txt", "text": ["x"]}),
    ("tell", {"path": "a.txt"}),
    ("configure", {"settings": {"x": "y" * 200_001}}),
    ("configure", {"settings": []}),
    ("answer", {"ask": "x"}),
    ("answer", {"ask": 1, "refused": "x" * 10_001}),
    ("expect", {"runId": "R1", "changeId": "C1", "path": "a.txt", "hunk": 1, "sha256": "?"}),
    ("expect", {"runId": "R1", "changeId": "C1", "path": "..", "hunk": 1, "sha256": "0" * 64}),
    ("speakFor", {"hand": "guessed"}),
]


async def test_what_an_editor_can_not_say(world: World, monkeypatch) -> None:
    """Each is refused by name, and what stood before it stands."""
    monkeypatch.setattr(lent, "MOST_FILES", 3)
    async with attached(world) as (it, client, speaker):
        for name, arguments in HOSTILE:
            with pytest.raises(UsageError):
                await client.call(name, arguments)
        for name in ("tell", "configure", "answer", "expect"):
            with pytest.raises(UsageError, match=r"lent no hand|`\w+`"):
                await speaker.call(name, {"path": "a.txt", "text": "x", "ask": 1, "settings": None})
        await client.call("answer", {"ask": 99})  # to a question that nobody asked
        for name in ("a", "b", "c"):
            await client.call("tell", {"path": name, "text": "x"})
        with pytest.raises(UsageError, match="more than 3 files"):
            await client.call("tell", {"path": "d", "text": "x"})
        await client.call("tell", {"path": "a", "text": None})
        await client.call("tell", {"path": "d", "text": "x"})
        assert set(await it.engine.editors.unsaved()) == {"b", "c", "d"}
        assert it.run().lifecycle == "ended"


async def test_an_editor_that_dies_in_the_middle_of_a_decision(world: World) -> None:
    """It had been asked, and went away: the decision is finished by what its file shows."""

    async def die(client: AskedClient, question: Mapping[str, object]) -> None:
        if question["do"] == "apply":
            client._writer.transport.abort()

    async with attached(world, die) as (it, client, speaker):
        await client.call("tell", {"path": "a.txt", "text": TEXT.decode() + "typed\n"})
        with pytest.raises(NeedsPerson, match=r"Odd, which has a\.txt open, could not be asked"):
            await speaker.call("acceptChange", {"runId": "R1", "changeId": "C1"})
        with pytest.raises(NeedsPerson, match="told its text has ended"):
            await speaker.call("acceptChange", {"runId": "R1", "changeId": "C1"})
        assert it.run().deciding == ()
        assert (world.worktree.root / "a.txt").read_bytes() == TEXT
        async with await ControlClient.connect(_address(world)) as another:
            await another.call("acceptChange", {"runId": "R1", "changeId": "C1"})
        assert (world.worktree.root / "a.txt").read_bytes().startswith(b"ONE\n")


@pytest.mark.parametrize("answers", ["silence", "a lie"])
async def test_an_editor_that_does_not_do_what_it_is_asked(
    world: World, monkeypatch, answers: str
) -> None:
    """It holds up its own decision for a while and nothing else; a lie is found out."""
    monkeypatch.setattr(lent, "APPLIES_WITHIN_S", 0.3)
    monkeypatch.setattr(lent, "TELLS_WITHIN_S", 0.1)
    asked = asyncio.Event()

    async def on_ask(client: AskedClient, question: Mapping[str, object]) -> None:
        asked.set()
        if answers == "a lie":
            await client.call("answer", {"ask": question["id"]})

    async with attached(world, on_ask) as (it, client, speaker):
        text = TEXT.decode() + "typed\n"
        await client.call("tell", {"path": "a.txt", "text": text})
        deciding = asyncio.ensure_future(
            speaker.call("acceptChange", {"runId": "R1", "changeId": "C1"})
        )
        await asked.wait()
        async with await ControlClient.connect(_address(world)) as another:
            assert (await another.call("describeRun", {"runId": "R1"}))["runId"] == "R1"
        with pytest.raises(LongshiftError, match=r"did not answer|does not stand in your text"):
            await deciding
        assert it.run().changes["C1"].decisions[("a.txt", 1)].decision == "pending"
        assert await it.engine.editors.unsaved() == {"a.txt": text.encode()}


@pytest.mark.parametrize(("goes_on", "drives"), [(True, True), (True, False), (False, True)])
async def test_a_run_that_the_last_editor_left_waits_for_an_editor(
    world: World, goes_on: bool, drives: bool
) -> None:
    """For one that is not restricted, in a process that stays; a person's pause is left alone."""
    held = {"signal": "working", "wait_for": ["go on"]}
    tasks = planner(task("shout", "a.txt"))
    world.play(tasks, worker("shout", turn(edit("one", "ONE"), **held)), *judge("done"))
    async with world.opened() as it:
        await it.start()
        await it.signal("working")
        it.owner.close = it.owner.leave  # it ends as an editor's process does
    world.goes_on = goes_on
    async with world.opened() as it:
        assert (it.run().lifecycle, it.run().pause_cause) == ("paused", "closed")
        client = await AskedClient.connect(_address(world), _no_answer, lambda: None)
        given = {"editor": "Odd", "repo": world.worktree.root.as_uri(), "word": WORD}
        await client.call("lend", {**given, "drives": drives})
        if goes_on and drives:
            await it.until(lambda run: run.lifecycle == "running")
            await world.raise_signal("go on")
            assert (await it.ended()).outcome == "done"
        else:
            assert not it.engine._behind
            assert it.run().lifecycle == "paused"
        await client.close()


async def _no_answer(question: Mapping[str, object]) -> None:
    """It stays silent."""
