"""Which tools a task runs: a script of package.json, a target of a Makefile, a recipe of just.

Owns the names of the tasks that are plainly checks, and of the tools that are known. Pure.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
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
_TARGET: Final = re.compile(
    r"(?P<name>[\w.-]+)(?:[ \t]+[\w*+-][^:\s]{0,80}){0,6}[ \t]*::?(?!=)(?P<rest>.*)"
)


def tools_of(text: str) -> frozenset[str]:
    """The known tools that a command line names."""
    return frozenset(found.group() for found in _TOOLS.finditer(text[:20_000]))


def is_check(text: str) -> bool:
    """Whether a task by such a name checks something, comes to an end, and changes nothing."""
    return not (_NOTHING.search(text) or _WAITS.search(text) or _WRITES.search(text))


def adds_to(text: str, covered: Iterable[str], names: Iterable[str] = ()) -> bool:
    """Whether a task does what no check so far does.

    Args:
        text: its commands.
        covered: tools that run already.
        names: other tasks that were taken; one that only calls those adds nothing.
    """
    tools = tools_of(text)
    if tools:
        return not tools <= set(covered)
    calls = [name for name in names if re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", text)]
    return not calls


def recipes(text: str) -> Mapping[str, str]:
    """The tasks of a Makefile or justfile: what each depends on and its commands, by name."""
    found: dict[str, list[str]] = {}
    name = ""
    for line in _joined(text):
        if line[:1] in ("\t", " "):
            if name:
                found[name].append(line.strip().lstrip("@-"))
            continue
        target = _TARGET.match(line)
        name = target["name"] if target else (name if not line.strip() else "")
        if target:
            found.setdefault(name, []).append(target["rest"].partition("##")[0].partition("#")[0])
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
