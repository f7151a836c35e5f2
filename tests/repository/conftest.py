from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from longshift.repository.store import ObjectStore
from longshift.repository.worktree import Worktree
from tests.support.repository_git import GitRepository

MakeStore = Callable[[dict[str, bytes | None]], tuple[ObjectStore, str]]


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / ".config"))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")


@pytest.fixture
def person(tmp_path: Path) -> GitRepository:
    return GitRepository.create(tmp_path / "a person's répo")


@pytest.fixture
def open_store(person: GitRepository) -> Iterator[Callable[[], ObjectStore]]:
    opened: list[ObjectStore] = []

    def open_() -> ObjectStore:
        opened.append(ObjectStore.open(Worktree.discover(person.root)))
        return opened[-1]

    yield open_
    for store in opened:
        store.close()


@pytest.fixture
def make_store(person: GitRepository, open_store: Callable[[], ObjectStore]) -> MakeStore:
    """A repository with one commit of the given files, and its store."""

    def make(files: dict[str, bytes | None]) -> tuple[ObjectStore, str]:
        commit = person.commit(files)
        return open_store(), commit

    return make
