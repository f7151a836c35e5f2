"""Checks that were taken out of the scripts that run them, or whose failing no longer counts.

Owns CI files, Makefiles and their like, read line by line, and configuration that is code.
Pure.
"""

import re
from collections.abc import Iterator, Sequence
from posixpath import basename
from typing import Final

from longshift.domain.model import Severity
from longshift.engine.checking.hacks.settings.eslint import Before, configures_eslint
from longshift.engine.checking.hacks.settings.ignored import lines_ignored, newly_ignored
from longshift.engine.checking.hacks.shape import (
    COVERAGE,
    DISABLED,
    LONGEST_LINE,
    Change,
    Hack,
    Moved,
)
from longshift.engine.checking.tasks import tools_of

_SCRIPTS: Final = re.compile(
    r"(?:^|/)(?:\.github/(?:workflows|actions)/.+\.ya?ml|\.gitlab-ci[\w.-]*\.ya?ml|\.travis\.yml"
    r"|azure-pipelines[\w.-]*\.ya?ml|bitbucket-pipelines\.yml|Jenkinsfile|\.drone\.ya?ml"
    r"|\.(?:circleci|forgejo|gitea|woodpecker|buildkite|ci)/.+|(?:GNUm|m|M)akefile|.+\.mk"
    r"|\.?[jJ]ustfile|noxfile\.py|tox\.(?:ini|toml)|package\.json|lefthook\.ya?ml"
    r"|\.pre-commit-config\.yaml|\.husky/.+|(?:ci|scripts|script|bin)/.+\.(?:sh|bash))$"
)
_CODE: Final = re.compile(
    r"(?:^|/)(?:eslint\.config\.[cm]?[jt]s|\.eslintrc\.(?:[cm]?js|ya?ml)|(?:jest|vitest|vite)\.config"
    r"\.[cm]?[jt]s|\.?codecov\.ya?ml|\.c8rc\.json)$"
)
_IGNORES: Final = re.compile(r"(?:^|/)\.(?P<tool>eslint|flake8|pylint|ruff)ignore$")
_ALWAYS: Final = re.compile(
    r"(?P<may_fail>\bcontinue-on-error:\s*true\b|\ballow_failure:\s*true\b)"
    r"|^\s*(?:-\s+)?if:\s*(?:\$\{\{\s*)?false\b"
)
_USES: Final = re.compile(r"^\s*(?:-\s+)?uses:\s*[\"']?(?P<action>[^\s\"'#]{1,200})")
_CHECKING: Final = re.compile(
    r"(?<![a-z])(?:lint(?:er|ing)?|tests?|checks?|ruff|mypy|e?slint|pytest|pre-commit|codeql)(?![a-z])"
)
_TELLING: Final = re.compile(r"report|publish|upload|result|summary|comment")
"""Actions that tell of tests, and run none."""
_RUNS: Final = re.compile(r"^\s*(?:-\s+)?(?:run|(?:before_|after_)?script|command)\s*:")
_WITH_TOOL: Final = re.compile(
    r"\|\|\s*(?:true|:|exit\s+0|echo)(?=[\s\"';)]|$)|;\s*(?:true|exit\s+0)\s*[\"']?,?\s*$"
    r"|--exit-zero\b|--passWithNoTests\b|--no-cov\b|--allow-(?:dirty|fail\w*)\b"
)
_QUOTED: Final = re.compile(r"\"[^\"]*\"|'[^']*'")
_QUOTED_IN_JSON: Final = re.compile(r"\\\"[^\"]*\\\"|'[^'\"]*'")
_PIPE: Final = re.compile(r"(?<!\|)\|&?(?!\|)\s*(?P<into>[\w./-]*)")
_PASSES: Final = frozenset(
    {"tee", "cat", "head", "tail", "less", "more", "sort", "sed", "awk", "ts"}
)
"""Programs that end well whatever they are given."""
_HEEDS: Final = re.compile(
    r"\bpipefail\b|\bPIPESTATUS\b|\bpipestatus\b|^\s*shell:\s*bash\b", re.MULTILINE
)
_SWALLOWS: Final = re.compile(r"^\t-")
_CALLS: Final = re.compile(
    r"\b(?:npm|pnpm|yarn|bun)\s+(?:run\s+)?(?:test|lint|typecheck|type-check|check)\b"
    r"|\b(?:make|just)\s+(?:test|lint|check|typecheck)\b|\bcargo nextest\b|\bunittest\b"
    r"|\bgo build\b|\bnode --test\b"
)
_COMMANDS: Final = re.compile(r"commands(?:_pre|_post)?\s{0,80}=")
_HOOK: Final = re.compile(r"^\s*-\s+id:\s*[\"']?([\w.-]+)")
_THRESHOLD: Final = re.compile(
    r"(?P<key>--cov-fail-under|--fail-under|fail_under|\bbranches|\bfunctions|\blines|\bstatements"
    r"|\btarget|\bthreshold)[\"']?\s*[:= ]\s*(?P<value>\d{1,3}(?:\.\d{1,4})?)"
)
MOST_OF_A_BLOCK: Final = 400
"""Lines of a step or job that are read, on either side."""
MOST_BLOCKS: Final = 50
"""Steps and jobs of a file that are read; of more, each counts as one that checks."""


def is_script(path: str) -> bool:
    """Whether a file says how checks are run, in a form that is read line by line."""
    return bool(_SCRIPTS.search(path) or _CODE.search(path))


def scripted(changes: Sequence[Change], base: Sequence[str] = ()) -> Iterator[Hack]:
    """Hold the scripts of two trees against each other; `base` are all paths of the old one."""
    scripts = [one for one in changes if _SCRIPTS.search(one.path)]
    stood = Moved(_folded(line) for one in scripts for _, line in one.removed)
    for one in scripts:
        yield from _unheeded(one, stood)
    yield from _no_longer_run(scripts)
    before = Before(changes, base)
    for one in changes:
        if configures_eslint(one.path) and _CODE.search(one.path):
            yield from before.lowered(one)
            yield from newly_ignored(one, base)
        ignores = _IGNORES.search(one.path)
        if ignores and (ignores["tool"] != "eslint" or before.stood(one)):
            yield from lines_ignored(one, base, before.texts)
        if _CODE.search(one.path) or (_SCRIPTS.search(one.path) and not _is_table(one.path)):
            yield from _thresholds(one)


def _is_table(path: str) -> bool:
    return basename(path) in ("package.json", "tox.ini")


def _unheeded(one: Change, stood: Moved) -> Iterator[Hack]:
    piped = _piped_before(one)
    is_make = basename(one.path).endswith("akefile")
    lines: Sequence[str] = ()
    asked = 0
    for number, line in one.added:
        folded = _folded(line)
        if not folded or stood.takes(folded):
            continue
        always = None if is_make else _ALWAYS.search(line)
        swallows = is_make and _SWALLOWS.match(line)
        lost = bool(_tools(line)) and (
            _WITH_TOOL.search(line) or swallows or _piped(one.path, line) - piped
        )
        severity: Severity | None = "error" if always or lost else None
        if always and always["may_fail"] and not lost and asked < MOST_BLOCKS:
            lines = lines or (one.new or "").splitlines()
            asked += 1
            severity = _may_fail(lines, number)
        if severity:
            message = f"The failing of a check no longer counts: {line.strip()[:160]}"
            yield Hack(one.path, number, DISABLED, message, severity)


def _may_fail(lines: Sequence[str], number: int) -> Severity | None:
    """What it is that a step or job may fail: an error if it checks, a warning if it may."""
    perhaps: Severity | None = None
    for line in _block(lines, number):
        uses = _USES.match(line)
        action = uses["action"].lower() if uses else ""
        if _tools(line) or (_CHECKING.search(action) and not _TELLING.search(action)):
            return "error"
        if _RUNS.match(line) or action.startswith("."):
            perhaps = "warning"
    return perhaps


def _block(lines: Sequence[str], number: int) -> Iterator[str]:
    """The table of YAML that holds a line, as far as indentation tells."""
    own = _depth(lines[number - 1])
    start = number - 1
    first = max(0, start - MOST_OF_A_BLOCK)
    while start > first and not _is_item(lines[start], own) and _is_within(lines[start - 1], own):
        start -= 1
    yield lines[start][:LONGEST_LINE]
    for line in lines[start + 1 : start + 2 * MOST_OF_A_BLOCK]:
        if not _is_within(line, own) or _is_item(line, own):
            return
        yield line[:LONGEST_LINE]


def _depth(line: str) -> int:
    """Where the key of a line begins, behind the dash of an item."""
    return len(line) - len(line.lstrip(" \t-"))


def _is_item(line: str, own: int) -> bool:
    """Whether a line opens the item whose keys stand at a depth."""
    return line.lstrip()[:1] == "-" and _depth(line) == own


def _is_within(line: str, own: int) -> bool:
    return not line.strip() or _depth(line) >= own


def _piped_before(one: Change) -> set[str]:
    """The tools whose failing gets lost in a pipe already; all, where a pipe heeds it."""
    if _HEEDS.search(one.new or ""):
        return _run_by(one, one.new)
    return {
        tool
        for line in (one.old or "").splitlines()
        for tool in _piped(one.path, line[:LONGEST_LINE])
    }


def _piped(path: str, line: str) -> set[str]:
    """The tools of a line that hand what they print to a program which ends well anyway."""
    quoted = _QUOTED_IN_JSON if path.endswith(".json") else _QUOTED
    line = quoted.sub("_", line)
    found = next((pipe for pipe in _PIPE.finditer(line) if pipe["into"] in _PASSES), None)
    return _tools(line[: found.start()]) if found else set()


def _no_longer_run(scripts: Sequence[Change]) -> Iterator[Hack]:
    new_tools = {tool for one in scripts for tool in _run_by(one, one.new)}
    old_tools = {tool for one in scripts for tool in _run_by(one, one.old)}
    replaced = bool(new_tools - old_tools)
    told: set[str] = set()
    for one in scripts:
        if basename(one.path) == "package.json":
            continue  # its scripts are read as such
        gone = sorted(_run_by(one, one.old) - new_tools - told)
        told |= set(gone)
        if gone:
            yield Hack(
                path=one.path,
                line=1,
                code=DISABLED,
                message=f"This no longer runs {', '.join(gone)[:200]}, nor does any other script.",
                severity="warning" if replaced else "error",
                is_gone=one.new is None,
                names=tuple(gone),
            )


def _run_by(one: Change, text: str | None) -> set[str]:
    found: set[str] = set()
    lines = (text or "").splitlines()
    for line in _commands(lines) if basename(one.path) == "tox.ini" else lines:
        found |= _tools(line[:LONGEST_LINE])
        if one.path.endswith(".pre-commit-config.yaml") and (hook := _HOOK.match(line)):
            found.add(f"the hook {hook[1]}")
    return found


def _commands(lines: Sequence[str]) -> Iterator[str]:
    """What tox runs: the other keys of its file, and sections for tools, only configure."""
    within = False
    for line in lines:
        if line[:1] not in ("", " ", "\t", "#", ";"):
            within = bool(_COMMANDS.match(line))
        if within:
            yield line


def _tools(line: str) -> set[str]:
    code = _uncommented(line)
    if re.search(
        r"\b(?:pip|uv|apt|brew|npm|pnpm|yarn|go|cargo|poetry)\s+(?:\w+\s+)?(?:install|add)", code
    ):
        return set()  # that it is there is no check
    return {*tools_of(code), *(" ".join(found.split()) for found in _CALLS.findall(code))}


def _uncommented(line: str) -> str:
    told = line.lstrip("\t @-") if line.startswith("\t") else line.strip()
    aside = told.startswith(("#", "//", "name:", "- name:"))
    return "" if aside else told.partition(" #")[0]


def _thresholds(one: Change) -> Iterator[Hack]:
    before: dict[str, float] = {}
    for _, line in one.removed:
        for found in _THRESHOLD.finditer(line):
            before[found["key"]] = max(float(found["value"]), before.get(found["key"], 0.0))
    now: dict[str, float] = {}
    for number, line in one.added:
        for found in _THRESHOLD.finditer(line):
            key, value = found["key"], float(found["value"])
            now[key] = value
            if value < before.get(key, 0.0):
                message = f"`{key.strip('-')}` fell from {before[key]:g} to {value:g}."
                yield Hack(one.path, number, COVERAGE, message, names=("coverage",))
    lines = (line[:LONGEST_LINE] for line in (one.new or "").splitlines())
    left = {found["key"] for line in lines for found in _THRESHOLD.finditer(line)}
    for key in sorted(before.keys() - now.keys() - left):
        message = f"`{key.strip('-')}` was {before[key]:g} and is gone."
        yield Hack(one.path, 1, COVERAGE, message, is_gone=one.new is None, names=("coverage",))


def _folded(line: str) -> str:
    return " ".join(line.split())
