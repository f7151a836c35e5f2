"""Where Linux's modules are missing, the rest of Longshift still loads and says why."""

import subprocess
import sys

PROGRAM = """
import asyncio, sys
sys.modules.update(fcntl=None, resource=None)
from longshift.sandbox.cage import open_cage, SandboxPolicy
import longshift.engine.outfitting
sys.platform = "win32"
print(asyncio.run(open_cage(SandboxPolicy())).message)
"""


def test_nothing_of_linux_is_loaded_before_it_is_needed() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], check=False, capture_output=True, text=True
    )

    assert done.stderr == ""
    assert "exists only for Linux so far" in done.stdout
