"""Which checks a repository's own files speak of, read from a commit and never run."""

import tomllib
from pathlib import Path

import pytest

from longshift.engine.checking.effects import does_more, says_more
from longshift.engine.checking.finding import find_checks
from longshift.engine.checking.sources import LARGEST_BYTES
from longshift.engine.checking.tasks import adds_to, checks_in, recipes
from longshift.repository.store import ObjectStore
from longshift.repository.worktree import Worktree
from tests.support.repository_git import GitRepository

DATA = Path(__file__).parent / "data"
PROJECTS = tomllib.loads((DATA / "projects.toml").read_text())["project"]
COMMANDS = tomllib.loads((DATA / "commands.toml").read_text())


def found(folder: Path, files: dict[str, bytes]) -> list[str]:
    repository = GitRepository.create(folder)
    commit = repository.commit(files)
    store = ObjectStore.open(Worktree.discover(repository.root))
    try:
        return [str(check) for check in find_checks(store, commit)]
    finally:
        store.close()


@pytest.mark.parametrize("project", PROJECTS, ids=lambda project: project["name"])
def test_the_checks_of_a_project(project: dict, tmp_path: Path) -> None:
    files = {path: text.encode() for path, text in project["files"].items()}
    assert found(tmp_path / "p", files) == project["checks"]


def test_what_is_too_large_or_a_link_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "p").mkdir()
    (tmp_path / "outside.json").write_text('{"scripts": {"test": "x"}}')
    (tmp_path / "p" / "package.json").symlink_to(tmp_path / "outside.json")
    large = b"[tool.ruff]\n" + b"#" * LARGEST_BYTES
    assert found(tmp_path / "p", {"pyproject.toml": large}) == []


@pytest.mark.parametrize("command", COMMANDS["looks"])
def test_a_command_that_only_looks(command: str) -> None:
    assert not says_more(command)
    assert not does_more(command)


@pytest.mark.parametrize("command", COMMANDS["does_more"])
def test_a_command_that_does_more_than_look(command: str) -> None:
    assert says_more(command) or does_more(command)


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "text",
    [
        "test:\n\t" + " " * 200_000 + "x\n",
        "test:\n\t" + "-" * 200_000 + "\n",
        "test:\n\tbash -c " + "\"'" * 100_000 + "\n",
        "A = $(A)" + "$(A)" * 40 + "\ntest:\n\t" + "$(A)" * 50_000 + "\n",
        "a" * 200_000 + " = 1\ntest:\n\t./a\n",
        "export" + " " * 200_000 + "x\ntest:\n\t./a\n",
        "".join(f"a{n}: a{n + 1}\n\t./a\n" for n in range(10_000)) + "test: a0\n\t./a\n",
        "".join(f"a{n}:\n" for n in range(10_000)) + "test:\n" + "\trun-s a:*\n" * 10_000,
    ],
    ids=range(8),
)
def test_hostile_tasks_are_read_in_time(text: str) -> None:
    tasks = {**recipes(text), "check": text, "lint": text.partition("\t")[2]}
    checks = checks_in(tasks)
    assert all(adds_to(name, tasks, (), checks) in (True, False) for name in checks)
