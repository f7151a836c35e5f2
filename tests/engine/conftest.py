"""A repository with a few files, and one scripted model for all tests of this room."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.scripted_model import ScriptedServer, running_server
from tests.support.engine_world import TEXT, World
from tests.support.repository_git import GitRepository


@pytest.fixture(scope="session")
def server() -> Iterator[ScriptedServer]:
    with running_server() as running:
        yield running


@pytest.fixture
def world(server: ScriptedServer, tmp_path: Path) -> World:
    person = GitRepository.create(tmp_path / "a person's répo")
    person.commit({"a.txt": TEXT, "b.txt": TEXT, "src/c.txt": TEXT})
    return World(person, server)
