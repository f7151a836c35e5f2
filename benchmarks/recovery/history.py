"""A long run whose process died: facts in the shares that a run of hundreds of agents has.

Per landed task: its addition, an attempt, a conversation, three calls, intent and landing.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from longshift.domain import events
from longshift.domain.model import Goal, Handoff, TaskPlan, Usage
from longshift.journal.store import Journal
from longshift.repository.store import ObjectStore
from longshift.repository.worktree import Worktree

AT_WORK: Final = 100
"""Attempts that were under way."""
LANDING: Final = 8
"""Of them, those whose landing was intended and not recorded."""
AT_ONCE: Final = 5_000
HANDOFF: Final = Handoff(summary="Renamed it where it stood, and the callers along with it." * 2)
USAGE: Final = Usage(calls=1, input_tokens=20_000, output_tokens=400)


async def make_journal(worktree: Worktree, commit: str, length: int) -> None:
    """Write so many facts, or a few more, into a new state folder."""
    store = ObjectStore.open(worktree)
    store.swap_head("R1", None, commit)
    store.close()
    path = worktree.state_dir / "journal.sqlite"
    async with Journal.open(path, clock=lambda: datetime.now(UTC)) as journal:
        facts = list(_facts(str(worktree.root), commit, length))
        for first in range(0, len(facts), AT_ONCE):
            await journal.append(*facts[first : first + AT_ONCE])


def _facts(repo: str, commit: str, length: int) -> Iterator[events.Event]:
    yield events.RunStarted(run="R1", goal=Goal(text="Rename it all"), repo=repo, base=commit)
    yield events.CycleStarted(run="R1", cycle=1)
    yield events.PlannerStarted(run="R1", planner="P1")
    landed = max(0, length - 3 - 7 * AT_WORK) // 8
    for number in range(1, landed + AT_WORK + 1):
        yield from _begun(number, commit)
        if number <= landed:
            yield events.LandingIntended(**_landing(number, commit))
            yield events.TaskLanded(**_landing(number, commit))
        elif number <= landed + LANDING:
            yield events.LandingIntended(**_landing(number, commit))


def _begun(number: int, commit: str) -> Iterator[events.Event]:
    task, agent = f"T{number}", f"T{number}.1"
    path = f"src/part_{number % 500}/module_{number}.py"
    plan = TaskPlan(title=f"Rename in {path}", instructions="Rename it, and its callers. " * 4,
                    paths=(path,), acceptance=("Nothing has the old name.",))  # fmt: skip
    yield events.TaskAdded(run="R1", task=task, plan=plan, planner="P1")
    yield events.AttemptStarted(run="R1", task=task, attempt=1, base=commit)
    yield events.ConversationOpened(
        run="R1", role="worker", agent=agent, model="some-model", tools_digest="0" * 64,
        prompts={"worker": f"1.1.0 {'0' * 64}", "shared": f"1.0.0 {'0' * 64}"},
        prefix_digest="0" * 64,
    )  # fmt: skip
    for _ in range(3):
        yield events.ModelCalled(
            run="R1", role="worker", agent=agent, model="some-model", usage=USAGE,
            prompt="worker@1.1.0", latency_s=3.5, finish_reason="tool_calls", outcome="answered",
        )  # fmt: skip


def _landing(number: int, commit: str) -> dict[str, object]:
    return {
        "run": "R1",
        "task": f"T{number}",
        "attempt": 1,
        "change": f"C{number}",
        "commit": commit,
        "parent": commit,
        "paths": (f"src/part_{number % 500}/module_{number}.py",),
        "handoff": HANDOFF,
    }
