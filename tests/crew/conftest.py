from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from longshift.domain.model import Goal, Task, TaskPlan
from longshift.repository.store import ObjectStore
from longshift.repository.workspace import Workspace
from longshift.repository.worktree import Worktree
from tests.support.crew_desk import Script, ScriptedDesk
from tests.support.repository_git import GitRepository

FILES: dict[str, bytes | None] = {
    "app/main.py": b"import os\n\n\ndef main() -> int:\n    return 1\n",
    "app/util.py": b"def double(x):\n    return x * 2\n",
    "README.md": b"# App\n",
}


@pytest.fixture(scope="session")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[ObjectStore, str]]:
    """A repository with one commit, and its store; no test writes to it but new objects."""
    with pytest.MonkeyPatch.context() as patch:
        home: Path = tmp_path_factory.mktemp("home")
        patch.setenv("HOME", str(home))
        patch.setenv("XDG_CONFIG_HOME", str(home / ".config"))
        patch.setenv("GIT_CONFIG_NOSYSTEM", "1")
        person = GitRepository.create(tmp_path_factory.mktemp("repository"))
        commit = person.commit(FILES)
        store = ObjectStore.open(Worktree.discover(person.root))
        yield store, commit
        store.close()


@pytest.fixture
def make_desk(repository: tuple[ObjectStore, str]) -> Callable[..., ScriptedDesk]:
    """A desk over a fresh workspace, by its script."""
    store, commit = repository

    def make(script: Script = (), **settings: object) -> ScriptedDesk:
        return ScriptedDesk(store, Workspace(store, commit), script, **settings)

    return make


@pytest.fixture
def goal() -> Goal:
    return Goal(text="Make main return 2")


@pytest.fixture
def make_task() -> Callable[..., Task]:
    def make(**plan: object) -> Task:
        given = {"title": "Return 2", "instructions": "Let main return 2.", **plan}
        return Task(id="T1", cycle=1, planner="P1", plan=TaskPlan(**given))

    return make
