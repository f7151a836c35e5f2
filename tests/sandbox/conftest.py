"""Cages as this machine can build them, and folders that they may work in."""

import asyncio
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from longshift.sandbox.alone import LandlockCage
from longshift.sandbox.cage import Cage, Refusal, SandboxPolicy, open_cage
from longshift.sandbox.confinement import find_interpreter


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


@pytest.fixture(scope="session")
def opened_alone(policy: SandboxPolicy) -> Cage | Refusal:
    return asyncio.run(open_cage(replace(policy, mode="landlock")))


@pytest.fixture
def alone(opened_alone: Cage | Refusal) -> Cage:
    """The weaker cage; where this machine has none, the tests that need it are skipped."""
    if isinstance(opened_alone, Refusal):
        assert "does not hold" not in opened_alone.message
        pytest.skip(opened_alone.message)
    return opened_alone


@pytest.fixture(params=["caged", "alone"])
def any_caged(request: pytest.FixtureRequest) -> Cage:
    return request.getfixturevalue(request.param)


@pytest.fixture
def plain(policy: SandboxPolicy) -> Cage:
    cage = asyncio.run(open_cage(SandboxPolicy(mode="none", output_bytes=policy.output_bytes)))
    assert not isinstance(cage, Refusal)
    return cage


@pytest.fixture(params=["caged", "alone", "plain"])
def cage(request: pytest.FixtureRequest) -> Cage:
    return request.getfixturevalue(request.param)


@pytest.fixture
def tooled(cage: Cage) -> Cage:
    """A cage where the running Python's tools can be run."""
    if isinstance(cage, LandlockCage) and find_interpreter(SandboxPolicy()) != cage.interpreter:
        pytest.skip("no tool below root's closed home can be run by an ordinary user")
    return cage


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
