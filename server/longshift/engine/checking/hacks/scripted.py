"""Checks that were taken out of the scripts that run them, or whose failing no longer counts.

Owns CI files, Makefiles and their like, read line by line, and configuration that is code.
Pure.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from posixpath import basename
from typing import Final

from longshift.engine.checking.hacks.ignored import newly_ignored
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
_IGNORES: Final = re.compile(r"(?:^|/)\.(?:eslint|flake8|pylint|ruff)ignore$")
_ALWAYS: Final = re.compile(
    r"\bcontinue-on-error:\s*true\b|\ballow_failure:\s*true\b|^\s*(?:-\s+)?if:\s*(?:\$\{\{\s*)?false\b"
)
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
_RULE_OFF: Final = re.compile(
    r"^\s*[\"']?(?P<rule>@?[\w/-]+)[\"']?\s*:\s*\[?\s*(?P<level>[\"'](?:off|warn|error)[\"']|[012])(?=[,\]\s]|$)"
)
_THRESHOLD: Final = re.compile(
    r"(?P<key>--cov-fail-under|--fail-under|fail_under|\bbranches|\bfunctions|\blines|\bstatements"
    r"|\btarget|\bthreshold)[\"']?\s*[:= ]\s*(?P<value>\d{1,3}(?:\.\d{1,4})?)"
)
_LEVELS: Final = {"off": 0, "0": 0, "warn": 1, "1": 1, "error": 2, "2": 2}


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
    for one in changes:
        if _CODE.search(one.path):
            yield from _rules_off(one)
            yield from newly_ignored(one, base)
        if _IGNORES.search(one.path):
            for number, line in one.added:
                if line.strip() and not line.lstrip().startswith("#"):
                    message = f"Files are left out of a check: {line.strip()[:120]}"
                    yield Hack(one.path, number, DISABLED, message)
        if _CODE.search(one.path) or (_SCRIPTS.search(one.path) and not _is_table(one.path)):
            yield from _thresholds(one)


def _is_table(path: str) -> bool:
    return basename(path) in ("package.json", "tox.ini")


def _unheeded(one: Change, stood: Moved) -> Iterator[Hack]:
    piped = _piped_before(one)
    for number, line in one.added:
        folded = _folded(line)
        if not folded or stood.takes(folded):
            continue
        checks = bool(_tools(line))
        always = _ALWAYS.search(line) and not basename(one.path).endswith("akefile")
        swallows = _SWALLOWS.match(line) and basename(one.path).endswith("akefile")
        lost = checks and (_WITH_TOOL.search(line) or swallows or _piped(one.path, line) - piped)
        if always or lost:
            message = f"The failing of a check no longer counts: {line.strip()[:160]}"
            yield Hack(one.path, number, DISABLED, message)


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


def _rules_off(one: Change) -> Iterator[Hack]:
    before: Mapping[str, int] = {rule: level for _, rule, level in _levels(one.removed)}
    for number, rule, level in _levels(one.added):
        if rule in before and level < before[rule]:
            yield Hack(one.path, number, DISABLED, f"The rule {rule} was lowered.", names=(rule,))
        elif rule not in before and level == 0:
            yield Hack(
                one.path, number, DISABLED, f"The rule {rule} was turned off.", names=(rule,)
            )


def _levels(lines: Sequence[tuple[int, str]]) -> Iterator[tuple[int, str, int]]:
    for number, line in lines:
        found = _RULE_OFF.match(line)
        if found:
            yield number, found["rule"], _LEVELS[found["level"].strip("\"'")]


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
