"""A repository with two old-fashioned modules, a shell in it, and a scripted model beside it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.scripted_model import ScriptedServer, running_server
from tests.support.cli_shell import Shell, write_files

OLD = (
    "import os\nfrom typing import List\n\n\ndef {name}(x: List[int]) -> List[int]:\n    return x\n"
)


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """A shell in a repository with two modules and one commit."""
    root = tmp_path / "ein Paket"
    root.mkdir()
    shell = Shell(root)
    shell.git("init", "--quiet", "--initial-branch=main")
    write_files(root, {"one.py": OLD.format(name="one"), "two.py": OLD.format(name="two")})
    shell.git("add", "--all")
    shell.git("commit", "--quiet", "--message=Begin")
    return shell


@pytest.fixture(scope="session")
def scripted() -> Iterator[ScriptedServer]:
    """A model server; each test plays its own script on it."""
    with running_server() as server:
        yield server


@pytest.fixture
def endpoint(shell: Shell, scripted: ScriptedServer) -> Shell:
    """The same shell, where the scripted model is the model of every role."""
    environ = {
        "LONGSHIFT_MODELS__DEFAULT__BASE_URL": scripted.base_url,
        "LONGSHIFT_MODELS__DEFAULT__MODEL": "scripted",
        "LONGSHIFT_GATES": "off",
        "LONGSHIFT_CHECKS": "[]",
    }
    return Shell(shell.root, environ)
