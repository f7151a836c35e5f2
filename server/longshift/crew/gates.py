"""The gates: what a call must have before it goes through, as rules in code.

Owns the rules of `add_task`, `submit` and `verdict` that a prompt alone could not keep. Pure, but
for a gate's memory of what it has said. Words for the model are in `prompts/messages/`.
"""

import re
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

from longshift.crew.briefs import Gates
from longshift.domain.model import Attempt, AttemptFailure, Task, TaskPlan, TaskState

SAME_WORDS = 0.9
"""Share of common words from which on two tasks on the same paths count as the same."""

_OWN_FAILURES: frozenset[AttemptFailure] = frozenset({"gave_up", "turn_limit", "conflict"})
_PROGRAMS = frozenset(
    {"bash", "bun", "cargo", "cmake", "ctest", "deno", "dotnet", "eslint", "go", "gradle"}
    | {"hatch", "invoke", "jest", "just", "make", "meson", "mvn", "mypy", "ninja", "node"}
    | {"nox", "npm", "npx", "php", "pip", "pnpm", "poetry", "pre-commit", "prettier"}
    | {"pyright", "pytest", "python", "python3", "rake", "rspec", "ruby", "ruff", "sh", "swift"}
    | {"tox", "tsc", "uv", "uvx", "vitest", "yarn", "zig"}
)
"""Words that a command begins with, where an acceptance line names one."""
_ENGLISH_TOO = frozenset({"go", "invoke", "just", "make", "node", "swift"})
"""Those that also begin sentences, so that they count only in backticks."""
_ALONE = frozenset({"make", "nox", "pytest", "tox"})
"""Those that are a command by themselves; others alone are a tool's name in a sentence."""


class Gate:
    """How strictly the gates of one conversation act."""

    def __init__(self, mode: Gates) -> None:
        """Start with nothing said."""
        self._mode = mode
        self._said: set[str] = set()

    def holds_back(self, reason: str | None) -> bool:
        """Whether a call is held back for this reason; None: there is no reason to.

        `enforce` holds it back each time, `advise` the first time, `off` never.
        """
        if reason is None or self._mode == "off":
            return False
        if self._mode == "advise" and reason in self._said:
            return False
        self._said.add(reason)
        return True


def find_same_failed(plan: TaskPlan, earlier: Iterable[Task]) -> Task | None:
    """The earlier task that failed by its worker's own word and says almost the same."""
    for task in earlier:
        failed = task.state is TaskState.FAILED and any(map(_failed_itself, task.attempts))
        same_paths = set(task.plan.paths) == set(plan.paths)
        if failed and same_paths and _common_words(task.plan, plan) >= SAME_WORDS:
            return task
    return None


def paths_outside(changed: Iterable[str], named: Sequence[str]) -> list[str]:
    """Changed paths that a task did not name; a task that names none may touch all."""
    if not named:
        return []
    return [path for path in changed if not any(_covers(name, path) for name in named)]


def commands_not_run(acceptance: Iterable[str], commands: Iterable[str]) -> list[str]:
    """Commands that acceptance lines name and that none of the run commands contains."""
    ran = [_squeezed(command) for command in commands]
    named = dict.fromkeys(command for line in acceptance for command in commands_in(line))
    return [command for command in named if not any(_squeezed(command) in one for one in ran)]


def commands_in(line: str) -> list[str]:
    """The commands that an acceptance line names: in backticks, or the line itself."""
    ticked = re.findall(r"`([^`\n]+)`", line)
    if ticked:
        return [text for text in ticked if _is_command(text, _PROGRAMS)]
    return [line.strip()] if _is_command(line, _PROGRAMS - _ENGLISH_TOO) else []


def _is_command(text: str, programs: frozenset[str]) -> bool:
    words = text.split()
    return bool(words) and words[0] in programs and (len(words) > 1 or words[0] in _ALONE)


def _failed_itself(attempt: Attempt) -> bool:
    return attempt.failure in _OWN_FAILURES


def _common_words(one: TaskPlan, other: TaskPlan) -> float:
    words, others = _words(one), _words(other)
    return len(words & others) / max(1, len(words | others))


def _words(plan: TaskPlan) -> set[str]:
    return set(re.findall(r"\w+", f"{plan.title} {plan.instructions}".casefold()))


def _covers(name: str, path: str) -> bool:
    folder = name.removeprefix("./").rstrip("/")
    if folder in ("", "."):
        return True
    return path == folder or path.startswith(f"{folder}/") or fnmatchcase(path, folder)


def _squeezed(command: str) -> str:
    return " ".join(command.split())
