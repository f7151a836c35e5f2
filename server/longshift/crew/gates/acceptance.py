"""Acceptance: what makes an item one that somebody can check, and which commands it names.

Owns how an item's words are read. Pure, and only as strict as a line of prose can be read: an item
passes where it names a command, a diagnostic's code, or an outcome with something concrete in it.
"""

import re
from collections.abc import Iterable
from typing import Final

_PROGRAMS = frozenset(
    {"bash", "bun", "cargo", "cmake", "ctest", "deno", "dotnet", "eslint", "go", "gradle"}
    | {"hatch", "invoke", "jest", "just", "make", "meson", "mvn", "mypy", "ninja", "node"}
    | {"nox", "npm", "npx", "php", "pip", "pnpm", "poetry", "pre-commit", "prettier"}
    | {"pyright", "pytest", "python", "python3", "rake", "rspec", "ruby", "ruff", "sh", "swift"}
    | {"tox", "tsc", "uv", "uvx", "vitest", "yarn", "zig"}
    | {"bazel", "cat", "clippy", "composer", "curl", "dart", "diff", "docker", "elixir", "flutter"}
    | {"gcc", "git", "gofmt", "golangci-lint", "grep", "hyperfine", "java", "javac", "julia"}
    | {"ls", "mix", "perl", "phpunit", "psql", "rg", "rubocop", "rustc", "sbt", "shellcheck"}
    | {"sqlite3", "stack", "test", "wc"}
)
"""Words that a command begins with, where an acceptance line names one."""
_ENGLISH_TOO = frozenset(
    {"cat", "dart", "diff", "go", "invoke", "java", "just", "make", "mix", "node", "stack"}
    | {"swift", "test"}
)
"""Those that also begin sentences, so that they count only in backticks."""
_ALONE = frozenset({"make", "nox", "pytest", "tox"})
"""Those that are a command by themselves; others alone are a tool's name in a sentence."""
_ASSIGNMENT: Final = re.compile(r"[A-Z_][A-Z0-9_]*=\S*")
"""What a shell takes before a command's own words."""

_CODE: Final = re.compile(
    r"\b[A-Z]{1,8}-?\d{2,6}\b"  # F401, TS2345, E0382, SC2086
    r"|\breport[A-Z]\w+\b"  # pyright
    r"|\[[a-z]+(?:-[a-z]+)+\]"  # mypy
    r"|`@?[\w-]+/[\w/-]+`|`[a-z]+(?:-[a-z]+)+`"  # eslint, clippy
)
"""A diagnostic's code, as linters and compilers write them."""
_SCRIPT: Final = re.compile(r"(?:^|`)\.{1,2}/[\w./-]+|[\w/-]+\.(?:sh|bat|ps1)\b")
"""A script of the repository's own."""
_OUTCOME: Final = re.compile(
    r"->|=>|==|→|<=|>=|[<>]\s*\d"
    r"|\b(?:returns?|prints?|raises?|throws?|outputs?|answers?|gives?|yields?|says?|exits?"
    r"|becomes?|equals?|contains?|accepts?|refuses?|rejects?|fails?|gone|no longer|absent"
    r"|under|below|within|at (?:most|least)|fewer than|less than|more than)\b",
    re.IGNORECASE,
)
"""What leads from an input to its output."""
_CONCRETE: Final = re.compile(
    r"""\d|`[^`]+`|"[^"]+"|'[^']+'|“[^”]+”|\w\(|\b(?:None|null|true|false|True|False|\w+Error)\b"""
)
"""Something of an input or an output that can be looked for."""


def vague_items(acceptance: Iterable[str]) -> list[str]:
    """Items that name no command, no diagnostic's code, and no outcome with anything concrete."""
    return [item for item in acceptance if not _can_be_checked(item)]


def _can_be_checked(item: str) -> bool:
    if commands_in(item) or _CODE.search(item) or _SCRIPT.search(item):
        return True
    return bool(_OUTCOME.search(item) and _CONCRETE.search(item))


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
    while words and _ASSIGNMENT.fullmatch(words[0]):
        words.pop(0)
    return bool(words) and words[0] in programs and (len(words) > 1 or words[0] in _ALONE)


def _squeezed(command: str) -> str:
    return " ".join(command.split())
