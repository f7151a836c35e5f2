"""The built-in worker: read, let ruff compute the fix, edit, submit.

Owns one task's edits. Must never write what ruff did not compute, and never take an edit for made
before its tool said so.
"""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from longshift.models.builtin.conflicts import resolve_to_head
from longshift.models.builtin.conversation import MOST_ASKS, Ask, Brief, Conversation, Done, Step
from longshift.models.builtin.edits import MOST_EDITS, Edit, edits_between
from longshift.models.builtin.ruff import Inspection, Ruff
from longshift.models.builtin.rules import Rules, forbidden_paths, parse_rules, read_goal
from longshift.models.builtin.sources import first_party, read_on
from longshift.models.builtin.wording import counted

MOST_SUBMISSIONS: Final = 8
MOST_FAILED_EDITS: Final = 3


async def next_step(conversation: Conversation, ruff: Ruff) -> Step:
    """The worker's next answer."""
    last = conversation.last_turn()
    submission = next((done for done in last if done.name == "submit"), None)
    if submission is not None:
        return await _after_submission(conversation, submission, ruff)
    if any(done.name == "edit_file" for done in last):
        return await _after_edits(conversation, last, ruff)
    return await _read_and_edit(conversation, ruff)


async def _after_submission(conversation: Conversation, submission: Done, ruff: Ruff) -> Step:
    """Go on from the result of `submit`."""
    if len(conversation.named("submit")) >= MOST_SUBMISSIONS:
        return _give_up(f"Submitted {MOST_SUBMISSIONS} times and landed nothing.")
    match submission.result.get("status"):
        case "conflict" | "sent_back":
            return await _read_and_edit(conversation, ruff)
        case "not_yet":
            deviations = (
                "The acceptance commands were not run in the workspace. Ruff itself computed each "
                "edit, over standard input, and nothing else was changed."
            )
            return _submit(str(submission.arguments.get("summary")), deviations)
        case "landed":
            return Step("Landed.")
        case _:
            return _give_up(f"The submission was refused: {submission.error or 'no reason given'}")


async def _after_edits(conversation: Conversation, last: Sequence[Done], ruff: Ruff) -> Step:
    """Submit; or look at the files anew: an edit was refused, or there may be more to make."""
    errors = [done.error for done in conversation.named("edit_file") if done.error]
    if len(errors) >= MOST_FAILED_EDITS:
        return _give_up(f"The edits don't fit the files: {errors[-1]}")
    if not any(done.error for done in last) and len(last) <= MOST_ASKS - MOST_EDITS:
        return _submit(_made(conversation))
    return await _read_and_edit(conversation, ruff)


async def _read_and_edit(conversation: Conversation, ruff: Ruff) -> Step:
    brief = conversation.brief
    rules = _rules(brief)
    if not rules:
        return _give_up("No rule can do this task; it needs a model.")
    forbidden = forbidden_paths(brief.task.paths, brief.constraints)
    paths = [path for path in brief.task.paths if path not in forbidden]
    reading = read_on(_since_last_change(conversation), paths)
    if reading.asks:
        return Step(f"Reading {counted(len(reading.asks), 'file')}.", reading.asks)
    resolved = {path: resolve_to_head(text) for path, text in reading.texts.items()}
    inspections = await ruff.inspect_all(resolved, rules)
    edits = await asyncio.to_thread(_edits, reading.texts, inspections)
    obstacles = [each.obstacle for each in inspections if each.obstacle]
    obstacles += [f"{path}: {reason}" for path, reason in reading.unreadable.items()]
    if edits:
        asks = (_ask(each.path, edit) for each, found in edits.items() for edit in found)
        return Step(_summary([*edits], obstacles), tuple(asks))
    if made := _made(conversation):
        return _submit(made)
    if conversation.named("edit_file") and not obstacles:
        # After a conflict the head may already hold all that we wanted.
        return _submit("The head already holds every fix of this task.")
    return _give_up("; ".join(obstacles) or "The files are already clean: there is nothing to fix.")


def _rules(brief: Brief) -> Rules:
    """The rules that the planner wrote down, or what the task's own words ask for."""
    written = parse_rules(brief.task.instructions)
    if written is not None:
        return written
    words = f"{brief.task.title}. {brief.task.instructions}"
    asked = read_goal(words, brief.constraints).rules or read_goal(brief.goal, ()).rules
    return replace(asked, first_party=first_party(brief.task.paths))


def _since_last_change(conversation: Conversation) -> list[Done]:
    """What was read since the files last changed under our hands."""
    changes = [done.turn for done in conversation.done if done.name in {"submit", "edit_file"}]
    return [done for done in conversation.done if done.turn > max(changes, default=-1)]


def _edits(
    texts: Mapping[str, str], inspections: Sequence[Inspection]
) -> dict[Inspection, list[Edit]]:
    """Edits from the texts as they stand to the texts as they should be.

    Of as many files as one answer has room for, each whole: what ruff computed for a file holds
    only together.
    """
    edits: dict[Inspection, list[Edit]] = {}
    for each in inspections:
        if each.fixed == texts[each.path] or each.obstacle:
            continue
        found = edits_between(texts[each.path], each.fixed)
        if sum(map(len, edits.values())) + len(found) > MOST_ASKS:
            break
        edits[each] = found
    return edits


def _ask(path: str, edit: Edit) -> Ask:
    return Ask("edit_file", {"path": path, "old_text": edit.old_text, "new_text": edit.new_text})


def _made(conversation: Conversation) -> str:
    """What was said of the edits since the last submission; "": none was made, or not as said."""
    submitted = max((done.turn for done in conversation.named("submit")), default=-1)
    edits = [done for done in conversation.named("edit_file") if done.turn > submitted]
    failed = {done.turn for done in edits if done.error}
    turns = sorted({done.turn for done in edits} - failed)
    return " ".join(conversation.texts[turn] for turn in turns)


def _summary(inspections: Sequence[Inspection], obstacles: Sequence[str]) -> str:
    counts: Counter[str] = sum((each.fixable_counts() for each in inspections), Counter())
    parts = [f"{count} {code}" for code, count in sorted(counts.items())]
    changed = sum(each.changed for each in inspections)
    text = f"Fixed by rule in {counted(changed, 'file')}: {', '.join(parts) or 'formatting only'}."
    return f"{text} Left alone: {'; '.join(obstacles)}." if obstacles else text


def _submit(summary: str, deviations: str = "") -> Step:
    arguments = {"summary": summary, "concerns": "", "deviations": deviations, "findings": []}
    return Step(summary, (Ask("submit", arguments),))


def _give_up(reason: str) -> Step:
    return Step(reason, (Ask("give_up", {"reason": reason}),))
