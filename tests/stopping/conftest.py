"""A repository with a few files and a test, and one scripted model for all tests of this room."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.scripted_model import ScriptedServer, running_server
from tests.support.engine_world import World
from tests.support.repository_git import GitRepository
from tests.support.stopping_spec import BASE, text


@pytest.fixture(scope="session")
def server() -> Iterator[ScriptedServer]:
    with running_server() as running:
        yield running


@pytest.fixture
def world(server: ScriptedServer, tmp_path: Path) -> World:
    person = GitRepository.create(tmp_path / "repository")
    person.commit({path: text(words).encode() for path, words in BASE.items()})
    return World(person, server)
