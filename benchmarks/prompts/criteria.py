"""The criteria: each looks at one thing in a transcript and says what is wrong with it, or nothing.

A closed set of small functions over data. A new one is added here, with its name as the key that
cases use.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from fnmatch import fnmatchcase
from itertools import combinations
from typing import Any, Final

from benchmarks.prompts.transcript import Call, Transcript

Fault = str | None
_READING: Final = ("list_files", "read_file", "search")


def grade(transcript: Transcript, criteria: Mapping[str, Any]) -> dict[str, str]:
    """The faults found, by criterion; empty: it passes."""
    found = {name: CRITERIA[name](transcript, wanted) for name, wanted in criteria.items()}
    return {name: fault for name, fault in found.items() if fault}


# Planner's.


def tasks_within(t: Transcript, wanted: Sequence[int]) -> Fault:
    """Fewest and most tasks that may be added."""
    number = len(t.called("add_task"))
    return None if wanted[0] <= number <= wanted[1] else f"{number} tasks"


def reads_at_most(t: Transcript, wanted: int) -> Fault:
    """Most calls that only look."""
    number = sum(call.name in _READING for call in t.calls)
    return None if number <= wanted else f"{number} reads"


def delegates_at_most(t: Transcript, wanted: int) -> Fault:
    """Most slices that may be delegated."""
    number = len(t.called("delegate"))
    return None if number <= wanted else f"{number} delegates"


def paths_are_owned(t: Transcript, wanted: bool) -> Fault:
    """Whether each path belongs to one task, or the tasks that share it are in an order."""
    del wanted
    tasks = {call.result["task"]: call for call in t.called("add_task")}
    for one, other in combinations(tasks, 2):
        shared = set(_paths(tasks[one])) & set(_paths(tasks[other]))
        if shared and one not in _depends(tasks[other]) and other not in _depends(tasks[one]):
            return f"{one} and {other} share {min(shared)}"
    return None


def no_order_between(t: Transcript, wanted: bool) -> Fault:
    """Whether no task waits for another."""
    del wanted
    waiting = [call.result["task"] for call in t.called("add_task") if _depends(call)]
    return f"{', '.join(waiting)} wait" if waiting else None


def some_task_says(t: Transcript, wanted: Sequence[str]) -> Fault:
    """Patterns, each of which the words of some task must match."""
    return _missing(map(_task_words, t.called("add_task")), wanted)


def no_task_says(t: Transcript, wanted: Sequence[str]) -> Fault:
    """Patterns that the words of no task may match."""
    return _present(map(_task_words, t.called("add_task")), wanted)


def constraint_named(t: Transcript, wanted: bool) -> Fault:
    """Whether the ids of the constraints that hold stand in the tasks."""
    del wanted
    return _missing(
        map(_task_words, t.called("add_task")), [rf"\b{id_}\b" for id_ in t.constraints]
    )


def finish_says(t: Transcript, wanted: Sequence[str]) -> Fault:
    """Patterns, each of which the planner's last words must match."""
    words = (
        f"{c.arguments.get('summary')} {c.arguments.get('evidence')}" for c in t.called("finish")
    )
    return _missing([" ".join(words)], wanted)


# Worker's.


def ends_with(t: Transcript, wanted: str) -> Fault:
    """The tool that ends it: `submit` or `give_up`."""
    last = t.calls[-1].name if t.calls else "nothing"
    return None if last == wanted and t.calls[-1].done else f"it ended with {last}"


def edits_within(t: Transcript, wanted: Sequence[str]) -> Fault:
    """Globs that every changed path must match one of."""
    outside = [path for path in t.changed if not any(fnmatchcase(path, glob) for glob in wanted)]
    return f"{outside[0]} was changed" if outside else None


def unchanged(t: Transcript, wanted: Sequence[str]) -> Fault:
    """Globs of paths that must stay as they were."""
    hit = [path for path in t.changed if any(fnmatchcase(path, glob) for glob in wanted)]
    return f"{hit[0]} was changed" if hit else None


def something_changed(t: Transcript, wanted: bool) -> Fault:
    """Whether the result must differ from the repository."""
    return None if bool(t.changed) is wanted else f"{len(t.changed)} files were changed"


def hidden_passes(t: Transcript, wanted: bool) -> Fault:
    """Whether the hidden command must pass on the result."""
    del wanted
    return None if t.hidden_exit == 0 else f"the hidden command ended with {t.hidden_exit}"


def never_ran(t: Transcript, wanted: Sequence[str]) -> Fault:
    """Patterns that no command may match."""
    commands = [
        str(call.arguments.get("command")) for call in t.calls if call.name == "run_command"
    ]
    return _present(commands, wanted)


def added_free_of(t: Transcript, wanted: Sequence[str]) -> Fault:
    """Patterns that no added line may match."""
    return _present(t.added_lines, wanted)


def last_words_say(t: Transcript, wanted: Sequence[str]) -> Fault:
    """Patterns, each of which the words of the last call must match."""
    words = " ".join(str(value) for value in t.calls[-1].arguments.values()) if t.calls else ""
    return _missing([words], wanted)


# Judge's.


def verdict_in(t: Transcript, wanted: Sequence[str]) -> Fault:
    """The verdicts that may be given."""
    return None if t.verdict in wanted else f"the verdict was {t.verdict or 'none'}"


def findings_within(t: Transcript, wanted: Sequence[int]) -> Fault:
    """Fewest and most findings that the judge may report."""
    number = len(t.findings)
    return None if wanted[0] <= number <= wanted[1] else f"{number} findings"


def finding_near(t: Transcript, wanted: Mapping[str, Any]) -> Fault:
    """A path, a line, and how far a finding may stand from it."""
    for finding in t.findings:
        near = abs(int(finding["line"]) - int(wanted["line"])) <= int(wanted["within"])
        if finding["path"] == wanted["path"] and near:
            return None
    return f"no finding near {wanted['path']}:{wanted['line']}"


def no_error_finding(t: Transcript, wanted: bool) -> Fault:
    """Whether no finding is an error."""
    del wanted
    errors = [str(f["message"]) for f in t.findings if f["severity"] == "error"]
    return f"an error: {errors[0][:80]}" if errors else None


def error_finding_says(t: Transcript, wanted: Sequence[str]) -> Fault:
    """Patterns, each of which the words of some error must match."""
    errors = (f"{f['message']} {f['code']}" for f in t.findings if f["severity"] == "error")
    return _missing(errors, wanted)


def reason_says(t: Transcript, wanted: Sequence[str]) -> Fault:
    """Patterns, each of which the verdict's reason must match."""
    return _missing([t.reason], wanted)


CRITERIA: Final[Mapping[str, Callable[[Transcript, Any], Fault]]] = {
    function.__name__: function
    for function in (
        *(tasks_within, reads_at_most, delegates_at_most, paths_are_owned, no_order_between),
        *(some_task_says, no_task_says, constraint_named, finish_says),
        *(ends_with, edits_within, unchanged, something_changed, hidden_passes, never_ran),
        *(added_free_of, last_words_say),
        *(verdict_in, findings_within, finding_near, no_error_finding, error_finding_says),
        reason_says,
    )
}


def _paths(call: Call) -> list[str]:
    return [str(path).rstrip("/") for path in call.arguments.get("paths", ())]


def _depends(call: Call) -> list[str]:
    return list(call.arguments.get("depends_on", ()))


def _task_words(call: Call) -> str:
    given = call.arguments
    parts = [given.get("title"), given.get("instructions"), *given.get("acceptance", ())]
    return "\n".join(map(str, parts))


def _missing(texts: Any, patterns: Sequence[str]) -> Fault:  # noqa: ANN401 - any iterable
    said = list(texts)
    for pattern in patterns:
        if not any(re.search(pattern, text, re.IGNORECASE) for text in said):
            return f"nothing says {pattern!r}"
    return None


def _present(texts: Any, patterns: Sequence[str]) -> Fault:  # noqa: ANN401 - any iterable
    for text in texts:
        for pattern in patterns:
            if re.search(pattern, text, re.IGNORECASE):
                return f"{pattern!r} in {text.strip()[:80]!r}"
    return None
