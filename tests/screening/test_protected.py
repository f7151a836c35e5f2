"""Files that trusted programs run or read later are known by their paths."""

import pytest

from longshift.screening.protected import why_protected


@pytest.mark.parametrize(
    ("path", "why"),
    [
        (".vscode/tasks.json", "editor"),
        ("sub/.VSCode/settings.json", "editor"),
        (".idea/workspace.xml", "editor"),
        ("x.code-workspace", "editor"),
        (".envrc", "shell"),
        (".github/workflows/ci.yml", "CI"),
        (".GitLab-CI.yml", "CI"),
        ("Jenkinsfile", "CI"),
        (".ci/run", "CI"),
        ("AGENTS.md", "agents"),
        ("docs/Agents.md", "agents"),
        ("longshift.toml", "Longshift"),
        (".longshift/prompts/worker.md", "Longshift"),
        (".gitattributes", "git"),
        (".husky/pre-commit", "git"),
        (".pre-commit-config.yaml", "git"),
        (".npmrc", "package manager"),
        ("src/sitecustomize.py", "Python"),
        ("evil.pth", "Python"),
    ],
)
def test_such_files_take_a_word_of_their_own(path: str, why: str) -> None:
    assert why in (why_protected(path) or "")


@pytest.mark.parametrize(
    "path",
    ["src/main.py", "README.md", "vscode/tasks.json", "docs/github/workflows/x", "env.py",
     "conftest.py", "src/agents.py", "pyproject.toml"],
)  # fmt: skip
def test_others_do_not(path: str) -> None:
    assert why_protected(path) is None


@pytest.mark.parametrize(
    ("path", "task_paths", "protected"),
    [
        ("conftest.py", ["tests/unit"], True),
        ("tests/conftest.py", ["tests/unit/test_a.py"], True),
        ("tests/Conftest.py", ["tests/unit/test_a.py"], True),
        ("tests/unit/conftest.py", ["tests/unit"], False),
        ("tests/conftest.py", ["tests/conftest.py"], False),
        ("tests/conftest.py", ["."], False),
        ("tests/conftest.py", [], False),
        ("other/conftest.py", ["src"], True),
    ],
)
def test_a_conftest_above_the_task_is_one(
    path: str, task_paths: list[str], protected: bool
) -> None:
    assert (why_protected(path, task_paths) is not None) is protected
