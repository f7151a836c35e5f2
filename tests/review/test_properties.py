"""What must hold whatever landed, whatever was typed and whatever was decided, in any order."""

import subprocess
from dataclasses import replace
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from longshift.repository.store import ObjectStore
from longshift.review.decisions import rejected_edits
from longshift.review.proposals import Proposals, apply, undo
from tests.support.examples import examples
from tests.support.review_world import World

LINES = st.lists(st.sampled_from("abcdxyz"), max_size=9)
SMALL = settings(
    max_examples=examples(60),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@st.composite
def edited(draw: st.DrawFn, lines: list[str], letters: str) -> list[str]:
    """The lines with one to three replacements."""
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(lines)))
        end = draw(st.integers(start, min(len(lines), start + 2)))
        new = draw(st.lists(st.sampled_from(letters), max_size=3))
        lines = [*lines[:start], *new, *lines[end:]]
    return lines


def text(lines: list[str], *, ended: bool = True) -> str:
    joined = "".join(line + "\n" for line in lines)
    return joined if ended else joined.removesuffix("\n")


@st.composite
def chains(draw: st.DrawFn, most: int = 3) -> list[str]:
    """Texts of one file: the base, then one for each landing."""
    lines = draw(LINES)
    texts = [text(lines, ended=draw(st.booleans()))]
    for letters in ("ABab", "XYab", "PQab")[: draw(st.integers(1, most))]:
        lines = draw(edited(lines, letters))
        texts.append(text(lines, ended=draw(st.booleans())))
    return texts


@st.composite
def unrepeated_chains(draw: st.DrawFn) -> list[str]:
    """Chains in which no two lines are alike, so that two texts compare in one way only."""
    lines = [f"base {n}" for n in range(draw(st.integers(0, 9)))]
    texts = [text(lines)]
    for landing in range(draw(st.integers(1, 4))):
        letters = "AB" if landing % 2 else "XY"
        numbers = iter(range(99))
        lines = [
            f"{line} {landing}.{next(numbers)}" if line in letters else line
            for line in draw(edited(lines, letters))
        ]
        texts.append(text(lines))
    return texts


def landed(store: ObjectStore, texts: list[str]) -> World:
    world = World(store, {"f": texts[0].encode()})
    for after in texts[1:]:
        world.land({"f": after.encode()})
    return world


@SMALL
@given(texts=chains(), taken=st.integers(0, 3))
def test_a_side_that_grew_is_the_one_that_is_made_at_once(
    store: ObjectStore, texts: list[str], taken: int
) -> None:
    world = World(store, {"f": texts[0].encode()})
    for number, after in enumerate(texts[1:], start=1):
        world.land({"f": after.encode()})
        if number == taken:
            world.take({"f": after.upper().encode()})
        grown = world.proposals.side(world.run, "f")
        whole = Proposals(store).side(world.run, "f")
        assert (grown, vars(grown.weave)) == (replace(whole, weave=grown.weave), vars(whole.weave))


@SMALL
@given(texts=chains())
def test_all_pending_hunks_make_exactly_the_head(store: ObjectStore, texts: list[str]) -> None:
    world = landed(store, texts)
    world.person.buffers["f"] = texts[0]
    hunks = world.hunks("f")
    assert {hunk.state for hunk in hunks} <= {"pending", "superseded", "accepted"}
    pending = [hunk for hunk in hunks if hunk.state == "pending"]
    assert apply(texts[0], pending) == texts[-1]
    world.person.buffers["f"] = texts[-1]
    assert not [h for h in world.hunks("f") if h.state in ("pending", "stale")]


@SMALL
@given(texts=chains(), data=st.data())
def test_accepting_one_after_the_other_makes_exactly_the_head(
    store: ObjectStore, texts: list[str], data: st.DataObject
) -> None:
    world = landed(store, texts)
    undone = data.draw(st.integers(0, 2))
    while pending := [hunk for hunk in world.hunks("f") if hunk.state == "pending"]:
        hunk = data.draw(st.sampled_from(pending))
        before = world.person.files["f"].data.decode()
        world.accept(hunk)
        after = world.person.files["f"].data.decode()
        again = next(h for h in world.hunks("f") if h.key == hunk.key)
        assert again.state == "accepted"
        assert undo(after, [again]) == before
        if undone:
            undone -= 1
            world.person.buffers["f"] = before  # taken back in the editor: proposed again
            again = next(h for h in world.hunks("f") if h.key == hunk.key)
            assert again.state in ("pending", "superseded")
            del world.person.buffers["f"]
    assert world.person.files["f"].data.decode() == texts[-1]


@SMALL
@given(texts=chains(), data=st.data())
def test_what_a_person_typed_is_never_lost(
    store: ObjectStore, texts: list[str], data: st.DataObject
) -> None:
    world = landed(store, texts)
    present = texts[0].splitlines(keepends=True)
    for typed in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(present)))
        if place and not present[place - 1].endswith("\n"):
            present[place - 1] += "\n"
        present.insert(place, f"typed {typed}\n")
        world.person.buffers["f"] = "".join(present)
        pending = [hunk for hunk in world.hunks("f") if hunk.state == "pending"]
        subset = data.draw(st.sets(st.sampled_from(pending))) if pending else set()
        after = apply(world.person.buffers["f"], subset)
        world.person.buffers["f"] = after
        for hunk in subset:
            world.decide(hunk.change_id, hunk.path, [hunk.hunk], "accepted")
        assert [f"typed {n}" for n in range(typed + 1)] == sorted(
            line for line in after.split("\n") if line.startswith("typed")
        )
        states = {hunk.key: hunk.state for hunk in world.hunks("f")}
        assert all(states[hunk.key] == "accepted" for hunk in subset)
        present = after.splitlines(keepends=True)


@SMALL
@given(texts=chains(most=1) | unrepeated_chains(), data=st.data())
def test_where_git_merges_cleanly_the_pending_hunks_give_its_merge(
    store: ObjectStore, texts: list[str], data: st.DataObject
) -> None:
    # Where lines repeat, several landings say more of what moved than git sees in their sum.
    base = texts[0].splitlines()
    person = text(data.draw(edited(base, "12ab")))
    merged = git_merge(Path(str(store.git_dir)), person, texts[0], texts[-1])
    world = landed(store, texts)
    world.person.buffers["f"] = person
    hunks = world.hunks("f")
    if merged is not None:
        assert not [hunk for hunk in hunks if hunk.state == "stale"]
        pending = [hunk for hunk in hunks if hunk.state == "pending"]
        assert apply(person, pending) == merged


@SMALL
@given(texts=unrepeated_chains(), data=st.data())
def test_a_new_cycle_loses_nothing_and_settles_what_was_accepted(
    store: ObjectStore, texts: list[str], data: st.DataObject
) -> None:
    world = landed(store, texts)
    pending = [hunk for hunk in world.hunks("f") if hunk.state == "pending"]
    keys = {hunk.key for hunk in pending}
    subset = data.draw(st.sets(st.sampled_from(pending))) if pending else set()
    world.accept(*subset)
    taken = world.person.files["f"].data.decode()
    merged = git_merge(Path(str(store.git_dir)), taken, texts[0], texts[-1], "--ours")
    assert merged is not None
    # Where lines repeat, git may count one change twice; then the head itself is another.
    world.take({"f": merged.encode()})
    assert apply(taken, [h for h in world.hunks("f") if h.state == "pending"]) == merged
    states = {hunk.key: hunk.state for hunk in world.hunks("f")}
    assert all(states[hunk.key] == "accepted" for hunk in subset)
    assert {key for key, state in states.items() if state == "pending"} <= keys - {
        hunk.key for hunk in subset
    }
    lines = data.draw(edited(merged.split("\n")[:-1], "RSab"))
    world.land({"f": text(lines).encode()})
    assert apply(taken, [h for h in world.hunks("f") if h.state == "pending"]) == text(lines)


@SMALL
@given(texts=chains(), data=st.data())
def test_taking_rejected_hunks_out_leaves_what_the_others_make(
    store: ObjectStore, texts: list[str], data: st.DataObject
) -> None:
    world = landed(store, texts)
    pending = [hunk for hunk in world.hunks("f") if hunk.state == "pending"]
    subset = data.draw(st.sets(st.sampled_from(pending))) if pending else set()
    for hunk in subset:
        world.decide(hunk.change_id, hunk.path, [hunk.hunk], "rejected")
    rejected = rejected_edits(world.run, world.proposals)
    assert rejected.clashes == ()
    others = [hunk for hunk in world.hunks("f") if hunk.state == "pending"]
    assert {hunk.key for hunk in others} == {h.key for h in pending} - {h.key for h in subset}
    edit = rejected.edits.get("f")
    head = texts[-1] if edit is None else edit.data.decode()
    assert head == apply(texts[0], others)


def git_merge(folder: Path, ours: str, base: str, theirs: str, *options: str) -> str | None:
    names = []
    for name, content in (("ours", ours), ("base", base), ("theirs", theirs)):
        (folder / name).write_text(content, newline="")
        names.append(name)
    done = subprocess.run(
        ["git", "merge-file", "-p", *options, *names], cwd=folder, capture_output=True, check=False
    )
    return done.stdout.decode() if done.returncode == 0 else None


@SMALL
@given(texts=unrepeated_chains(), data=st.data())
def test_an_applied_hunk_is_seen_before_it_is_recorded(
    store: ObjectStore, texts: list[str], data: st.DataObject
) -> None:
    world = landed(store, texts)
    present = texts[0].splitlines(keepends=True)
    for typed in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(present)))
        replaced = data.draw(st.integers(0, 1))
        present[place : place + replaced] = [f"typed {typed}\n"]
    world.person.buffers["f"] = "".join(present)
    before = {hunk.key: hunk.state for hunk in world.hunks("f")}
    # A deletion beside a typed line reads like a line that was rewritten: the engine knows better.
    pending = [h for h in world.hunks("f") if h.state == "pending" and h.new_text.strip()]
    if not pending:
        return
    chosen = data.draw(st.sampled_from(pending))
    world.person.buffers["f"] = apply(world.person.buffers["f"], [chosen])
    after = {hunk.key: hunk.state for hunk in world.hunks("f")}
    assert after.pop(chosen.key) == "accepted"
    assert {key for key, state in after.items() if state == "accepted"} <= {
        key for key, state in before.items() if state == "accepted"
    }
