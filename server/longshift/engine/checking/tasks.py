"""Which tools a task runs: a script of package.json, a target of a Makefile, a recipe of just.

Owns the names of the tasks that are plainly checks, and of the tools that are known. Pure.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Set
from itertools import islice
from typing import Final

from longshift.engine.checking.effects import does_more, says_more

NAMES: Final = ("lint", "typecheck", "type-check", "check", "test")
"""Tasks that are checks, by their name; the cheap ones first."""
_TOOLS: Final = re.compile(
    r"(?<![\w./-])(?:ruff|black|mypy|basedpyright|pyright|flake8|pytest|tox|nox|pre-commit|eslint|"
    r"tsc|jest|vitest|mocha|golangci-lint|cargo (?:check|clippy|test)|go (?:vet|test)|next lint)"
    r"(?![\w/-])"
)
_ALSO: Final = {"next lint": "eslint"}
"""Other names that a tool goes by."""
_NOTHING: Final = frozenset({"", "true", "exit 0", ":"})
"""What does nothing at all; that of `npm init` says so."""
_PLACEHOLDER: Final = "no test specified"
_REMOVES: Final = re.compile(r"\brm\b")
LONGEST: Final = 20_000
"""Characters of a task's commands that are looked at."""
_COMMENT: Final = re.compile(r"(?m)(?:^|[ \t])#.*$")
_PART: Final = re.compile(r"(?:>&|&>|\"[^\"\n]*\"|'[^'\n]*'|[^\"'&|;\n]|[\"'])+")
"""A command: all up to what joins it with the next, which within quotes joins nothing."""
_AROUND: Final = re.compile(r"^(?:(?:if|then|else|do|while|time|env|!|[@({]|\w+=\S*)(?:\s+|$))+")
"""What may stand in front of a command: words of the shell, and variables."""
_TRIVIAL: Final = re.compile(
    r"(?:cd|pushd|popd|echo|printf|export|set|unset|true|false|exit|:|command|which|type|sleep"
    r"|source|\.|for|fi|done|mkdir|\w+=\S*)(?=\s|$)"
    r"|(?:el)?if\s+(?:test|\[)\s(?!.*(?:\$\(|`))"
)
"""A command that checks nothing; a condition does where it asks about what another one prints."""
_SETS_UP: Final = re.compile(
    r"^(?:\S+ -m )?(?:(?:uv )?(?:virtual)?venv\b|pip-sync\b|(?:(?:uv )?pip3?|uv|poetry|pdm|npm|pnpm"
    r"|yarn|bun|bundle) (?:install|ci|sync)(?=\s|$))"
)
"""What a task needs to run at all: it is no check, and where tools run already it is there."""
_FILE: Final = re.compile(r"\w\.(?:py|sh|[cm]?[jt]s|rb|pl)(?![\w.])")
_RUNNER: Final = re.compile(
    r"^(?:npm|pnpm|yarn|bun|g?make|\$[({]MAKE[)}]|just|poe|hatch|npm-run-all|run-[sp])(?=\s)"
)
_MOST: Final = 200
"""Tasks that are asked whether they are of a family, as of `lint:*`."""
_ONE: Final = frozenset({"npm", "pnpm", "yarn", "bun", "hatch", "poe"})
"""Those that run one task, and hand it the other words."""
_BESIDE: Final = frozenset({"run", "run-script", "-s", "--silent", "--no-print-directory"})
"""What may stand in the call of a task without making it another."""
_TARGET: Final = re.compile(
    r"(?P<name>[\w.-]+)(?:[ \t]+[\w*+-][^:\s]{0,80}){0,6}[ \t]*::?(?!=)(?P<rest>.*)"
)
_VARIABLE: Final = re.compile(
    r"(?:export[ \t]+)?(?P<name>[\w.-]{1,80})[ \t]*(?::{0,3}|[?+])=(?P<value>.*)"
)
_PLAIN: Final = re.compile(r"[\w./@:=, +$(){}-]{0,200}")
"""A value that is no more than words, and so can stand where its name does."""
_IF: Final = re.compile(r"\s*if(?:n?eq|n?def)\b")
_ENDIF: Final = re.compile(r"\s*endif\b")
_USE: Final = re.compile(r"(?<!\$)\$[({](?P<name>[\w.-]{1,80})[)}]")
_NESTED: Final = 3
"""Variables in the values of variables are looked into so often."""


def tools_of(text: str) -> frozenset[str]:
    """The known tools that a command line names."""
    names = (found.group() for found in _TOOLS.finditer(text[:LONGEST]))
    return frozenset(_ALSO.get(name, name) for name in names)


def checks_in(tasks: Mapping[str, str]) -> list[str]:
    """The tasks that are checks by their name, and by all that they do; the cheap ones first."""
    return [name for name in NAMES if name in tasks and _is_check(name, tasks)]


def _is_check(name: str, tasks: Mapping[str, str]) -> bool:
    """Whether a task by such a name checks something, comes to an end, and changes nothing."""
    text = tasks[name][:LONGEST]
    # What it calls may remove what was built before, as it may build.
    if text.strip() in _NOTHING or _PLACEHOLDER in text or _REMOVES.search(text):
        return False
    reached = {name}
    waiting = [name]
    while waiting:
        for part in _parts(tasks[waiting.pop()]):
            named = _named(part, tasks)
            # `lint: black flake8` speaks of tasks that are named like the tools.
            if says_more(part) or (not named and does_more(part)):
                return False
            waiting += named - reached
            reached |= named
    return True


def adds_to(
    name: str, tasks: Mapping[str, str], covered: Iterable[str], checks: Iterable[str] = ()
) -> bool:
    """Whether a task does what no check so far does.

    Other tasks of its file that are checks are asked about themselves; those that are none, and
    that it calls, are looked into.

    Args:
        name: of the task.
        tasks: all tasks of its file, each with its commands.
        covered: tools that run already.
        checks: those of the tasks that are checks.
    """
    known = frozenset(covered)
    asked = {*checks, name}
    waiting = [name]
    while waiting:
        for part in _parts(tasks[waiting.pop()]):
            if _is_covered(part, known):
                continue
            called = _called(part, tasks)
            if not called:
                return True
            waiting += called - asked
            asked |= called
    return False


def _parts(text: str) -> Iterator[str]:
    """The commands of a task, one by one, without what only stands around them."""
    for part in _PART.findall(_COMMENT.sub("", text[:LONGEST])):
        whole = part.strip(" \t(){}")
        said = _AROUND.sub("", whole, count=1).strip()
        nothing = _TRIVIAL.match(whole) or _TRIVIAL.match(said) or _SETS_UP.search(said)
        if said and not nothing:
            yield said


def _is_covered(part: str, covered: Set[str]) -> bool:
    found = list(_TOOLS.finditer(part))
    # Behind the name of a script it is only a word that the script is given.
    is_run = bool(found) and not _FILE.search(part, 0, found[0].start())
    return is_run and tools_of(part) <= covered


def _called(part: str, tasks: Mapping[str, str]) -> set[str]:
    """The tasks that a command calls; none where it does anything else too."""
    words = [word for word in _RUNNER.sub("", part, count=1).split() if word not in _BESIDE]
    return set(words) if set(words) <= tasks.keys() else set()


def _named(part: str, tasks: Mapping[str, str]) -> set[str]:
    """The tasks that a command calls, whatever else it says to them."""
    runner = _RUNNER.match(part)
    if not runner:
        return _called(part, tasks)
    words = part[runner.end() :].partition(" -- ")[0].split()
    said = [word.strip("\"'") for word in words]
    if runner.group() in _ONE:
        return set([word for word in said if word in tasks and word not in _BESIDE][:1])
    families = tuple(word.rstrip("*") for word in said if word.endswith(":*"))[:_MOST]
    return {word for word in said if word in tasks} | {
        task for task in islice(tasks, _MOST if families else 0) if task.startswith(families)
    }


def with_hooks(scripts: Mapping[str, str]) -> dict[str, str]:
    """The scripts of package.json, each with a call of what its name has run before and after."""
    found: dict[str, str] = {}
    for name, text in scripts.items():
        before, after = (
            [hook] if hook in scripts else [] for hook in (f"pre{name}", f"post{name}")
        )
        found[name] = "\n".join((*before, text, *after))
    return found


def recipes(text: str) -> Mapping[str, str]:
    """The tasks of a Makefile or justfile: what each depends on and its commands, by name."""
    values = _variables(text)
    found: dict[str, list[str]] = {}
    prerequisites: list[tuple[str, str]] = []
    name = ""
    for line in _joined(text):
        if line[:1] in ("\t", " "):
            if name:
                found[name].append(line.strip().lstrip("@-"))
            continue
        target = _TARGET.match(line)
        name = target["name"] if target else (name if not line.strip() else "")
        if target:
            found.setdefault(name, [])
            prerequisites.append((name, target["rest"].partition("#")[0]))
    for task, needs in prerequisites:
        # Others are files.
        called = [word for word in _expanded(needs, values).split() if word in found]
        found[task].insert(0, " ".join(called))
    return {key: _expanded("\n".join(lines), values) for key, lines in found.items()}


def _variables(text: str) -> dict[str, str]:
    """The variables of a Makefile that have one plain value, whatever else it is asked to do."""
    found: dict[str, str] = {}
    several: set[str] = set()
    depth = 0
    for line in _joined(text):
        depth += bool(_IF.match(line)) - bool(_ENDIF.match(line))
        given = _VARIABLE.match(line)
        if given and (given["name"] in found or depth > 0 or not _PLAIN.fullmatch(given["value"])):
            several.add(given["name"])
        elif given:
            found[given["name"]] = given["value"].strip()
    return {name: value for name, value in found.items() if name not in several}


def _expanded(text: str, values: Mapping[str, str]) -> str:
    """A task with the values of its variables, and with those of theirs."""
    for _ in range(_NESTED if values else 0):
        text = _USE.sub(lambda use: values.get(use["name"], use.group()), text[:LONGEST])
    return text


def _joined(text: str) -> Iterator[str]:
    """Lines, with those that go on put together."""
    before = ""
    for line in text.splitlines():
        if line.endswith("\\"):
            before += line[:-1] + " "
        else:
            yield before + line
            before = ""
