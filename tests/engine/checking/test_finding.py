"""Which checks a repository's own files speak of, read from a commit and never run."""

import tomllib
from pathlib import Path

import pytest

from longshift.engine.checking.finding import find_checks
from longshift.engine.checking.sources import LARGEST_BYTES
from longshift.repository.store import ObjectStore
from longshift.repository.worktree import Worktree
from tests.support.repository_git import GitRepository

PROJECTS = tomllib.loads((Path(__file__).parent / "data" / "projects.toml").read_text())["project"]


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
