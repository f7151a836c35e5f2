"""Cages as this machine can build them, and folders that they may work in."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from longshift.sandbox.cage import Cage, Refusal, SandboxPolicy, open_cage


@pytest.fixture(scope="session")
def policy() -> SandboxPolicy:
    return SandboxPolicy(
        output_bytes=4096, scratch_bytes=16 << 20, processes=64, file_bytes=8 << 20
    )


@pytest.fixture(scope="session")
def opened(policy: SandboxPolicy) -> Cage | Refusal:
    return asyncio.run(open_cage(policy))


@pytest.fixture
def caged(opened: Cage | Refusal) -> Cage:
    """The real cage; where this machine has none, the tests that need it are skipped."""
    if isinstance(opened, Refusal):
        assert "does not hold" not in opened.message
        pytest.skip(opened.message)
    return opened


@pytest.fixture
def plain(policy: SandboxPolicy) -> Cage:
    cage = asyncio.run(open_cage(SandboxPolicy(mode="none", output_bytes=policy.output_bytes)))
    assert not isinstance(cage, Refusal)
    return cage


@pytest.fixture(params=["caged", "plain"])
def cage(request: pytest.FixtureRequest) -> Cage:
    return request.getfixturevalue(request.param)


@pytest.fixture
def hand_over(tmp_path: Path) -> Callable[[Cage], Path]:
    """Makes a folder that belongs to whom a cage wants."""

    def make(cage: Cage) -> Path:
        folder = tmp_path / "files"
        folder.mkdir()
        if cage.owner is not None:
            os.chown(folder, *cage.owner)
        return folder

    return make
