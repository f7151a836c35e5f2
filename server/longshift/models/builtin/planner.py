"""The built-in planner: files that rules can mend become tasks.

Owns the plan: it lists and reads through its tools, and adds a task only for what a trial run of
the rules really changes. Must never plan what no rule can do; it then says so and finishes.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from longshift.models.builtin.conversation import (
    MOST_ASKS,
    Ask,
    Brief,
    Conversation,
    Done,
    Step,
)
from longshift.models.builtin.project import SETTINGS_FILES, with_project_style
from longshift.models.builtin.ruff import Inspection, Ruff
from longshift.models.builtin.rules import GoalReading, Rules, forbidden_paths, read_goal
from longshift.models.builtin.sources import (
    first_party,
    list_on,
    overlooked,
    python_paths,
    read_on,
)
from longshift.models.builtin.wording import counted

TASKS_WITHOUT_GROUPS: Final = 20
MOST_PATHS_A_TASK: Final = 6
MOST_FAILURES: Final = 2
"""A task of the same title that failed that often is not added again."""

HOW_TO_SET_A_MODEL: Final = (
    "The built-in model works by rule alone: lint fixes, modern syntax, import order, unused code, "
    "formatting of Python. For anything else set a model: "
    '`model = "NAME"` under `[models.default]` (or `--model NAME`) and a key in `OPENAI_API_KEY`.'
)


async def next_step(conversation: Conversation, ruff: Ruff) -> Step:
    """The planner's next answer."""
    brief = conversation.brief
    reading = read_goal(brief.goal, brief.constraints, brief.codes)
    if not reading.rules:
        return _finish("No rule can do what the goal asks. " + HOW_TO_SET_A_MODEL)
    if asks := look_around(conversation):
        return Step("First the files and the project's own settings.", asks)
    if asks := list_on(conversation.done):
        return Step("Which files there are.", asks)
    sources = read_on(conversation.done, python_paths_in(conversation))
    if sources.asks:
        return Step(f"Reading {counted(len(sources.asks), 'file')}.", sources.asks)
    unseen = overlooked(conversation.done, sources.unreadable)
    added = conversation.named("add_task")
    if added and len(conversation.last_turn()) < MOST_ASKS:
        return _finish_after_adding(added, reading, unseen)
    rules = styled_rules(conversation, reading.rules)
    inspections = await ruff.inspect_all(sources.texts, rules)
    tasks = _tasks(brief, reading, rules, inspections)[len(added) :]
    if added and not tasks:
        return _finish_after_adding(added, reading, unseen)
    if not tasks:
        return _finish(
            f"Nothing is left for a rule to do. {_not_done(reading)}".strip(),
            f"{len(inspections)} Python files were tried with {rules.line()}."
            + _obstacles(inspections)
            + unseen,
        )
    words = f"{counted(len(tasks), 'task')}." + _obstacles(inspections) + unseen
    return Step(words, tuple(tasks))


def look_around(conversation: Conversation) -> tuple[Ask, ...]:
    """What is still to be asked of which files there are, and how the project is written."""
    paths = conversation.brief.paths or (".",)
    folders = [path for path in paths if not path.endswith((".py", ".pyi"))]
    asks = (
        *(Ask("list_files", {"path": path}) for path in folders),
        *(Ask("read_file", {"path": name}) for name in SETTINGS_FILES),
    )
    asked = {(done.name, done.arguments.get("path")) for done in conversation.done}
    return tuple(ask for ask in asks if (ask.name, ask.arguments["path"]) not in asked)


def python_paths_in(conversation: Conversation) -> list[str]:
    """The Python files of the goal's scope, without those that a constraint names."""
    named = [path for path in conversation.brief.paths if path.endswith((".py", ".pyi"))]
    paths = sorted({*named, *python_paths(conversation.done)})
    forbidden = forbidden_paths(paths, conversation.brief.constraints)
    return [path for path in paths if path not in forbidden]


def styled_rules(conversation: Conversation, rules: Rules) -> Rules:
    """`rules` as this project writes its code, held to the lines that the goal is about."""
    settings = read_on(conversation.done, SETTINGS_FILES).texts
    own = first_party(python_paths(conversation.done))
    selection = conversation.brief.selection
    lines = (selection.start_line, selection.end_line) if selection else None
    return replace(with_project_style(rules, settings), first_party=own, lines=lines)


def _tasks(
    brief: Brief, reading: GoalReading, rules: Rules, inspections: Sequence[Inspection]
) -> list[Ask]:
    failures = Counter(task.title for task in brief.earlier if task.state == "failed")
    changing = [each for each in inspections if each.changed]
    tasks = []
    for group in _groups(changing):
        title = f"{reading.label} {_named(group)}"
        if failures[title] < MOST_FAILURES:
            tasks.append(_task(title, group, rules))
    return tasks


def _groups(changing: Sequence[Inspection]) -> list[Sequence[Inspection]]:
    """One file a task, or neighbours together where that would be too many tasks."""
    wanted = -(-len(changing) // TASKS_WITHOUT_GROUPS)
    size = min(max(1, wanted), MOST_PATHS_A_TASK)
    return [changing[start : start + size] for start in range(0, len(changing), size)]


def _task(title: str, group: Sequence[Inspection], rules: Rules) -> Ask:
    paths = [each.path for each in group]
    instructions = (
        "Apply the safe fixes of these rules to the files named, and change nothing else.\n"
        f"{rules.line()}\n" + "\n".join(f"{each.path}: {_found(each)}" for each in group)
    )
    return Ask(
        "add_task",
        {
            "title": title,
            "instructions": instructions,
            "paths": paths,
            "acceptance": list(_acceptance(rules, paths)),
            "depends_on": [],
        },
    )


def _acceptance(rules: Rules, paths: Sequence[str]) -> list[str]:
    """Commands that succeed once nothing is left to fix."""
    target = f" --target-version {rules.target}" if rules.target else ""
    names = " ".join(f"'{path}'" for path in paths)
    commands = []
    if rules.select:
        select = ",".join(rules.select)
        commands.append(f"ruff check --isolated --diff --select {select}{target} {names}")
    if rules.format:
        length = f" --line-length {rules.line_length}" if rules.line_length else ""
        commands.append(f"ruff format --isolated --diff{target}{length} {names}")
    return commands


def _named(group: Sequence[Inspection]) -> str:
    if len(group) == 1:
        return group[0].path
    return f"{group[0].path} and {len(group) - 1} more"


def _found(inspection: Inspection) -> str:
    counts = sorted(inspection.fixable_counts().items())
    return ", ".join(f"{count} {code}" for code, count in counts) or "formatting"


def _finish_after_adding(added: Sequence[Done], reading: GoalReading, unseen: str) -> Step:
    refused = [f"{done.arguments.get('title')}: {done.error}" for done in added if done.error]
    summary = (
        f"{counted(len(added) - len(refused), 'task')} added. {_not_done(reading)}".strip() + unseen
    )
    if refused:
        summary += f" Refused: {'; '.join(refused)}."
    kept = [f"{d.arguments.get('title')}: {d.result.get('task')}" for d in added if not d.error]
    return _finish(summary, "; ".join(kept))


def _not_done(reading: GoalReading) -> str:
    """What of the goal and its constraints is beyond rules, said openly."""
    words = []
    if reading.outside:
        words.append(f"Beyond rules, not planned: {'; '.join(reading.outside)}.")
    if reading.kept_out:
        words.append(
            f"Rules can't judge these constraints, beyond leaving alone the files that they name: "
            f"{'; '.join(reading.kept_out)}."
        )
    return " ".join(words)


def _obstacles(inspections: Sequence[Inspection]) -> str:
    obstacles = [each.obstacle for each in inspections if each.obstacle]
    return f" Left alone: {'; '.join(obstacles)}." if obstacles else ""


def _finish(summary: str, evidence: str = "") -> Step:
    return Step(summary, (Ask("finish", {"summary": summary, "evidence": evidence}),))
