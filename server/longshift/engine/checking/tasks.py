"""Which tools a task runs: a script of package.json, a target of a Makefile, a recipe of just.

Owns the names of the tasks that are plainly checks, and of the tools that are known. Pure.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Set
from typing import Final

NAMES: Final = ("lint", "typecheck", "type-check", "check", "test")
"""Tasks that are checks, by their name; the cheap ones first."""
_TOOLS: Final = re.compile(
    r"(?<![\w./-])(?:ruff|black|mypy|basedpyright|pyright|flake8|pytest|tox|nox|pre-commit|eslint|"
    r"tsc|jest|vitest|mocha|golangci-lint|cargo (?:check|clippy|test)|go (?:vet|test))(?![\w/-])"
)
_NOTHING: Final = re.compile(r"no test specified|^\s*(?:true|exit 0|:)?\s*$")
_WAITS: Final = re.compile(r"--watch(?:All)?\b(?!=false)|\bnodemon\b|\b(?:rm|publish|deploy)\b")
_WRITES: Final = re.compile(r"--(?:fix|write)\b")
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
_BESIDE: Final = frozenset({"run", "run-script", "-s", "--silent", "--no-print-directory"})
"""What may stand in the call of a task without making it another."""
_TARGET: Final = re.compile(
    r"(?P<name>[\w.-]+)(?:[ \t]+[\w*+-][^:\s]{0,80}){0,6}[ \t]*::?(?!=)(?P<rest>.*)"
)


def tools_of(text: str) -> frozenset[str]:
    """The known tools that a command line names."""
    return frozenset(found.group() for found in _TOOLS.finditer(text[:LONGEST]))


def is_check(text: str) -> bool:
    """Whether a task by such a name checks something, comes to an end, and changes nothing."""
    return not (_NOTHING.search(text) or _WAITS.search(text) or _WRITES.search(text))


def adds_to(name: str, tasks: Mapping[str, str], covered: Iterable[str]) -> bool:
    """Whether a task does what no check so far does.

    Other tasks of its file that are checks by their name are asked about themselves; those that
    are none, and that it calls, are looked into.

    Args:
        name: of the task.
        tasks: all tasks of its file, each with its commands.
        covered: tools that run already.
    """
    known = frozenset(covered)
    asked = {one for one in NAMES if one in tasks and is_check(tasks[one])} | {name}
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
    return is_run and {one.group() for one in found} <= covered


def _called(part: str, tasks: Mapping[str, str]) -> set[str]:
    """The tasks that a command calls; none where it does anything else too."""
    words = [word for word in _RUNNER.sub("", part, count=1).split() if word not in _BESIDE]
    return set(words) if set(words) <= tasks.keys() else set()


def recipes(text: str) -> Mapping[str, str]:
    """The tasks of a Makefile or justfile: what each depends on and its commands, by name."""
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
        called = [word for word in needs.split() if word in found]  # others are files
        found[task].insert(0, " ".join(called))
    return {key: "\n".join(lines) for key, lines in found.items()}


def _joined(text: str) -> Iterator[str]:
    """Lines, with those that go on put together."""
    before = ""
    for line in text.splitlines():
        if line.endswith("\\"):
            before += line[:-1] + " "
        else:
            yield before + line
            before = ""
