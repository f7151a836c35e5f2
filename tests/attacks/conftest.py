"""A machine for each attack, a model that obeys, and a cage where this machine has one."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from longshift.sandbox.cage import open_cage
from longshift.sandbox.policy import Cage, Refusal, SandboxPolicy
from tests.scripted_model import ScriptedServer, running_server
from tests.support.attack_scene import Scene, opened_scene


@pytest.fixture(scope="session")
def server() -> Iterator[ScriptedServer]:
    with running_server() as running:
        yield running


@pytest.fixture(scope="session")
def cage() -> Cage | Refusal:
    return asyncio.run(open_cage(SandboxPolicy()))


@pytest.fixture
def scene(tmp_path: Path, runtime_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    with opened_scene(tmp_path, runtime_dir) as opened:
        monkeypatch.setenv("ATTACK_TOKEN", opened.secrets["variable"])
        monkeypatch.setenv("HOME", str(opened.home))
        yield opened
