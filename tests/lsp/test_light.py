"""What is not loaded where somebody waits: before `initialize`, and in an editor that attaches."""

import subprocess
import sys

import pytest

HEAVY = (
    "longshift.domain.events",
    "longshift.engine.engine",
    "longshift.crew",
    "longshift.models",
    "openai",
)


@pytest.mark.parametrize(
    ("loaded", "unloaded"),
    [
        (
            "longshift.lsp.server",
            (*HEAVY, "longshift.domain", "longshift.engine", "pydantic", "pygit2"),
        ),
        ("longshift.lsp.session", HEAVY),
        ("longshift.lsp.link", HEAVY),
        ("longshift.lsp.guest", HEAVY),
    ],
)
def test_what_is_not_loaded_with_it(loaded: str, unloaded: tuple[str, ...]) -> None:
    code = f"import sys, {loaded}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    modules = done.stdout.split()
    roots = tuple(f"{name}." for name in unloaded)
    assert [one for one in modules if one in unloaded or one.startswith(roots)] == []
