from collections.abc import Callable, Iterator, Mapping

import pytest

from longshift.repository.store import ObjectStore
from longshift.repository.worktree import Worktree
from tests.support.repository_git import GitRepository
from tests.support.review_world import File, World


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObjectStore]:
    """One store for all tests: they only add objects to it, which no other test can see."""
    repository = GitRepository.create(tmp_path_factory.mktemp("review") / "person")
    store = ObjectStore.open(Worktree.discover(repository.root))
    yield store
    store.close()


@pytest.fixture
def world(store: ObjectStore) -> Callable[[Mapping[str, File]], World]:
    return lambda files: World(store, files)
