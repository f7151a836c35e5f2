"""The checks that a repository's own files speak of, where the person named none.

Owns the order, the exact tools before tasks that may only call them: Python's and JavaScript's
tools by their configuration, Rust and Go by their manifest, then scripts, make and just, and last
what sets up environments of its own (tox, nox, pre-commit), where nothing did its work yet.
Files are read from the commit and never run; only the root of the repository is looked at.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from posixpath import basename
from typing import Final

from longshift.engine.checking.sources import Sources, table
from longshift.engine.checking.tasks import adds_to, checks_in, recipes, tools_of, with_hooks
from longshift.repository.store import ObjectStore


@dataclass(frozen=True, slots=True)
class FoundCheck:
    """A check that was found.

    Attributes:
        command: for the shell.
        probe: a command that succeeds where the check's program is there.
        tools: the known tools that it runs.
    """

    command: str
    probe: str
    tools: frozenset[str] = frozenset()

    def __str__(self) -> str:
        """Its command."""
        return self.command


def find_checks(store: ObjectStore, commit: str) -> list[FoundCheck]:
    """The checks of a repository, the cheap ones of each kind first; blocking."""
    sources = Sources(store, commit)
    found: list[FoundCheck] = []
    for finder in _FINDERS:
        for one in finder(sources, tuple(found)):
            if one.command not in {each.command for each in found}:
                found.append(one)
    return found


_So_far = tuple[FoundCheck, ...]


def _check(command: str, probe: str = "", *tools: str) -> FoundCheck:
    words = command.split()
    return FoundCheck(command, probe or f"command -v {words[0]}", frozenset(tools or words[:1]))


def _python(sources: Sources, found: _So_far) -> Iterator[FoundCheck]:
    del found
    tools = table(sources.toml("pyproject.toml"), "tool")
    sections = {name: sources.sections(name) for name in ("setup.cfg", "tox.ini")}
    in_ini = {section for names in sections.values() for section in names}
    if "ruff" in tools or sources.has("ruff.toml", ".ruff.toml"):
        yield _check("ruff check .")
        if "format" in table(tools, "ruff"):
            yield _check("ruff format --check .")
    if "black" in tools:
        yield _check("black --check .")
    if sources.has(".flake8") or "flake8" in in_ini:
        yield _check("flake8")
    if "mypy" in tools or sources.has("mypy.ini", ".mypy.ini") or "mypy" in in_ini:
        names = {"files", "packages", "modules"} & table(tools, "mypy").keys()
        yield _check("mypy" if names or "mypy" not in tools else "mypy .")
    if "basedpyright" in tools:
        yield _check("basedpyright")
    elif "pyright" in tools or sources.has("pyrightconfig.json"):
        yield _check("pyright")
    if _has_pytest(sources, tools.keys() | in_ini):
        yield _check("python -m pytest -q", "python -c 'import pytest'", "pytest")


def _has_pytest(sources: Sources, names: set[str]) -> bool:
    if names & {"pytest", "tool:pytest"} or sources.has("pytest.ini", ".pytest.ini"):
        return True
    tests = any(
        basename(path) == "conftest.py" or basename(path).startswith("test_")
        for path in sources.paths
        if path.endswith(".py")
    )
    return tests and any("pytest" in sources.text(path) for path in _REQUIREMENTS)


_REQUIREMENTS: Final = (
    "pyproject.toml",
    "setup.cfg",
    "setup.py",
    "requirements.txt",
    "requirements-dev.txt",
    "dev-requirements.txt",
)
"""Where a project may say that it is tested with pytest."""


def _cargo(sources: Sources, found: _So_far) -> Iterator[FoundCheck]:
    del found
    if not sources.has("Cargo.toml"):
        return
    manifest = sources.toml("Cargo.toml")
    whole = " --workspace" if "workspace" in manifest else ""
    lints = {**table(manifest, "lints"), **table(manifest, "workspace", "lints")}
    if "clippy" in lints or sources.has("clippy.toml", ".clippy.toml"):
        probe = "cargo clippy --version"
        yield _check(f"cargo clippy{whole} --all-targets", probe, "cargo clippy", "cargo check")
    else:
        yield _check(f"cargo check{whole} --all-targets", "", "cargo check")
    yield _check(f"cargo test{whole}", "", "cargo test")


def _go(sources: Sources, found: _So_far) -> Iterator[FoundCheck]:
    del found
    if not sources.has("go.mod"):
        return
    yield _check("go vet ./...", "", "go vet")
    if sources.has(".golangci.yml", ".golangci.yaml", ".golangci.toml"):
        yield _check("golangci-lint run")
    yield _check("go test ./...", "", "go test")


def _package_json(sources: Sources, found: _So_far) -> Iterator[FoundCheck]:
    if not sources.has("package.json"):
        return
    package = sources.json("package.json")
    given = {k: v for k, v in table(package, "scripts").items() if isinstance(v, str)}
    scripts = with_hooks(given)
    manager = next((name for lock, name in _LOCKS if sources.has(lock)), "npm")
    # Where something has to be installed and is not, no script can say anything.
    needs = any(table(package, key) for key in ("dependencies", "devDependencies"))
    probe = f"command -v {manager}" + (" && test -d node_modules" if needs else "")
    covered = _covered(found)
    scripted: list[FoundCheck] = []
    checks = checks_in(scripts)
    for name in checks:
        if adds_to(name, scripts, covered, checks):
            command = f"{manager} test" if name == "test" else f"{manager} run {name}"
            tools = tools_of(given[name])
            scripted.append(FoundCheck(command, probe, tools))
            covered |= tools
    if sources.has("tsconfig.json") and "tsc" not in covered:
        yield _check("npx --no-install tsc --noEmit", "npx --no-install tsc --version", "tsc")
    if "eslint" not in covered and any(b.startswith(_ESLINT) for b in map(basename, sources.paths)):
        yield _check("npx --no-install eslint .", "npx --no-install eslint --version", "eslint")
    yield from scripted


_ESLINT: Final = ("eslint.config.", ".eslintrc")
_LOCKS: Final = (
    ("pnpm-lock.yaml", "pnpm"),
    ("yarn.lock", "yarn"),
    ("bun.lock", "bun"),
    ("bun.lockb", "bun"),
)


def _named_tasks(sources: Sources, found: _So_far) -> Iterator[FoundCheck]:
    """Tasks of poe and hatch, of make and of just."""
    pyproject = sources.toml("pyproject.toml")
    covered = _covered(found)
    groups: list[tuple[str, dict[str, str]]] = [
        ("poe", _texts(table(pyproject, "tool", "poe", "tasks"))),
        ("hatch run", _texts(table(pyproject, "tool", "hatch", "envs", "default", "scripts"))),
    ]
    for runner, files in _RUNNERS:
        path = next((name for name in files if sources.has(name)), "")
        groups.append((runner, dict(recipes(sources.text(path))) if path else {}))
    for runner, tasks in groups:
        checks = checks_in(tasks)
        for name in checks:
            if adds_to(name, tasks, covered, checks):
                tools = tools_of(tasks[name])
                yield FoundCheck(f"{runner} {name}", f"command -v {runner.split()[0]}", tools)
                covered |= tools


_RUNNERS: Final = (
    ("make", ("GNUmakefile", "makefile", "Makefile")),
    ("just", ("justfile", "Justfile", ".justfile")),
)


def _texts(tasks: object) -> dict[str, str]:
    """Tasks by name, each written as a line, as several, or as a table with its command."""
    found: dict[str, str] = {}
    for name, value in table(tasks).items():
        given = (table(value).get("cmd") or table(value).get("shell") or "") if value else ""
        lines = value if isinstance(value, list) else [value if isinstance(value, str) else given]
        found[name] = "\n".join(line for line in lines if isinstance(line, str))
    return found


def _environments(sources: Sources, found: _So_far) -> Iterator[FoundCheck]:
    """What sets up its own environments, mostly over the network: the last resort."""
    covered = _covered(found)
    tests = {"pytest", "cargo test", "go test", "jest", "vitest", "mocha"}
    has_task = any(one.command.split()[-1] == "test" for one in found)
    if not covered & tests and not has_task:
        in_toml = "tox" in table(sources.toml("pyproject.toml"), "tool")
        if in_toml or "tox" in sources.sections("tox.ini") or sources.has("tox.toml"):
            yield _check("tox -q")
        elif sources.has("noxfile.py"):
            yield _check("nox")
    lints = {"ruff", "flake8", "eslint", "cargo clippy", "go vet", "pre-commit"}
    if sources.has(".pre-commit-config.yaml") and not covered & lints:
        yield _check("pre-commit run --all-files")


def _covered(found: _So_far) -> set[str]:
    return {tool for one in found for tool in one.tools}


_FINDERS: Final[tuple[Callable[[Sources, _So_far], Iterator[FoundCheck]], ...]] = (
    _python,
    _cargo,
    _go,
    _package_json,
    _named_tasks,
    _environments,
)
