"""Whether a command does more than look: it changes files, publishes, or waits for more to do.

Owns what is known of single tools: which of them rewrite files by default, and which options make
another do so. A command that is not known is taken to look only. Pure.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Final

_SAID: Final = re.compile(
    r"(?<![\w-])--(?:fix(?!-dry-run|=false)|write|add-noqa|apply(?:-unsafe)?|in-?place|update-?[sS]napshots?"
    r"|snapshot-update|watch(?:All)?(?!=false))\b|\bnodemon\b|(?<![\w.])(?:publish|deploy)\b"
)
"""Words that say it, whatever the tool."""
_REWRITES: Final[Mapping[str, frozenset[str]]] = {
    "black": frozenset({"--check", "--diff"}),
    "cargo fix": frozenset(),
    "cargo fmt": frozenset({"--check"}),
    "dart format": frozenset({"--set-exit-if-changed", "--output=none", "--output", "-o"}),
    "deno fmt": frozenset({"--check"}),
    "dotnet format": frozenset({"--verify-no-changes"}),
    "go fmt": frozenset({"-n"}),
    "isort": frozenset({"--check", "--check-only", "-c", "--diff", "--stdout", "-d"}),
    "mix format": frozenset({"--check-formatted"}),
    "php-cs-fixer fix": frozenset({"--dry-run"}),
    "pyupgrade": frozenset(),
    "ruff format": frozenset({"--check", "--diff"}),
    "rustfmt": frozenset({"--check"}),
    "stylua": frozenset({"--check"}),
    "terraform fmt": frozenset({"-check", "-check=true"}),
    "zig fmt": frozenset({"--check"}),
}
"""Tools that rewrite files, each with the options that make it only look."""
_ASKS: Final = frozenset({"--version", "-V", "--help", "-h"})
_IN_PLACE: Final = re.compile(r"-[nErsuzpv]{0,6}i.{0,40}")
_LETTER_W: Final = re.compile(r"-w")
_OPTIONS: Final[Mapping[str, re.Pattern[str]]] = {
    **dict.fromkeys(
        ("sed", "gsed", "autoflake", "autopep8", "clang-format", "docformatter", "yapf"), _IN_PLACE
    ),
    # They write.
    **dict.fromkeys(("gofmt", "gofumpt", "goimports", "prettier", "shfmt"), _LETTER_W),
    # They wait.
    **dict.fromkeys(("ava", "mocha", "rollup", "ruff", "tsc", "webpack"), _LETTER_W),
    "jest": re.compile("-u"),
    "rubocop": re.compile("-[aA]|--auto-?correct(?:-all)?"),
    "vitest": re.compile("-u|--update|-w"),
}
"""Options by which a tool that looks does more."""
_ALWAYS: Final = re.compile(
    r"(?:git (?:-[cC] \S+ )?(?:push|commit|reset|clean|stash(?! list))|twine upload|docker push"
    r"|gh release create|kubectl (?:apply|create|delete|patch|replace|rollout|scale)"
    r"|terraform (?:apply|destroy)|helm (?:install|upgrade)|semantic-release"
    r"|ptw|pytest-watch(?:er)?|watchexec|entr|cargo watch|vitest (?:watch|dev))(?!\S)"
)
"""Commands that publish, change the repository, or wait."""
_LAUNCHER: Final = re.compile(
    r"-.*|\+.*|\w+=.*|\$[({]\w+[)}]|python[\d.]*|npx|bunx|uvx|uv|poetry|pdm|pipenv|rye|hatch|npm"
    r"|pnpm|yarn|bun|run|exec|dlx|xargs|sudo|env|time|cross-env|c8|nyc"
)
"""A word that may stand in front of the tool which a command runs."""
_VALUED: Final = frozenset(
    {
        "--with",
        "--extra",
        "--group",
        "--from",
        "--python",
        "--package",
        "--filter",
        "-n",
        "-P",
        "-W",
    }
)
"""Options of these whose value is a word of its own."""
_SHELL: Final = re.compile(r"(?:(?:ba|da|z)?sh -\w*c|concurrently|eval)(?!\S)")
_QUOTED: Final = re.compile(r"\"([^\"\n]*)\"|'([^'\n]*)'")
_JOINT: Final = re.compile(r"[&|;\n]+")


def says_more(command: str) -> bool:
    """Whether a command's words say by themselves that it does more than look."""
    return _SAID.search(command) is not None


def does_more(command: str) -> bool:
    """Whether a command runs a tool in a way that changes files, publishes or waits."""
    words = _from_the_tool(command)
    if _SHELL.match(" ".join(words)):
        return any(_runs_more(_from_the_tool(inner)) for inner in _within(command))
    return _runs_more(words)


def _runs_more(words: list[str]) -> bool:
    tool, options = (words or [""])[0], words[1:]
    known = _OPTIONS.get(tool)
    if known and any(known.fullmatch(option) for option in options):
        return True
    plain = next((word for word in options if word[:1] not in "-+"), "")
    looks = _REWRITES.get(tool, _REWRITES.get(f"{tool} {plain}"))
    if looks is not None:
        return not (looks | _ASKS).intersection(options)
    return _ALWAYS.match(" ".join(words)) is not None


def _from_the_tool(command: str) -> list[str]:
    """The words of a command, from the tool on that it runs; the tool without its folder."""
    words = command.split()
    if words[:1] == ["find"] and "-exec" in words:
        words = words[words.index("-exec") + 1 :]
    at = 0
    while at < len(words) and _LAUNCHER.fullmatch(words[at]):
        at += 2 if words[at] in _VALUED else 1
    return [word.rpartition("/")[2] for word in words[at : at + 1]] + words[at + 1 :]


def _within(command: str) -> Iterator[str]:
    """The commands that stand in the quotes of one that hands them to a shell."""
    for found in _QUOTED.finditer(command):
        yield from _JOINT.split(found[1] or found[2] or "")
