"""Files that trusted programs run or read later are known by their paths."""

import pytest

from longshift.screening.protected import why_protected, why_protected_content


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
        (".vim/ftplugin/python.vim", "editor"),
        (".dir-locals.el", "editor"),
        (".ycm_extra_conf.py", "editor"),
        (".devcontainer/devcontainer.json", "editor"),
        (".bashrc", "shell"),
        (".lfsconfig", "git"),
        (".lintstagedrc.json", "git"),
        (".readthedocs.yaml", "CI"),
        (".github/dependabot.yml", "CI"),
        (".github/instructions/style.md", "agents"),
        (".aider.conf.yml", "agents"),
        (".yarn/plugins/x.cjs", "package manager"),
        ("rust-toolchain.toml", "package manager"),
        (".vscode", "editor"),  # a link, or a submodule, in the folder's place
        ("sub/.husky", "git"),
        (".github/workflows", "CI"),
        (".VS\u200cCODE/tasks.json", "editor"),
        (".vscode./tasks.json", "editor"),
        (".vscode::$INDEX_ALLOCATION/tasks.json", "editor"),
        (".envrc ", "shell"),
        ("AGENTS.md:stream", "agents"),
        ("Longshift.toml.", "Longshift"),
    ],
)
def test_such_files_take_a_word_of_their_own(path: str, why: str) -> None:
    assert why in (why_protected(path) or "")


@pytest.mark.parametrize(
    "path",
    ["src/main.py", "README.md", "vscode/tasks.json", "docs/github/workflows/x", "env.py",
     "conftest.py", "src/agents.py", "pyproject.toml", "setup.py", "Makefile", "package.json",
     "tests/vimrc.txt", "src/settings/x.py", "yarn/x", ".gitignore", ".editorconfig"],
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


OURS = b"[tool.longshift]\nchecks = ['x']\n"


@pytest.mark.parametrize(
    ("path", "before", "after", "protected"),
    [
        ("pyproject.toml", b"[project]\n", b"[project]\n" + OURS, True),
        ("pyproject.toml", OURS, OURS.replace(b"x", b"y"), True),
        ("pyproject.toml", OURS, b"", True),
        ("pyproject.toml", OURS, None, True),
        ("pyproject.toml", None, OURS, True),
        ("sub/PyProject.toml", None, OURS, True),
        ("pyproject.toml", OURS, b"[project]\n" + OURS, False),
        ("pyproject.toml", OURS, b"# a word\n" + OURS, False),
        ("pyproject.toml", None, b"[tool.ruff]\n", False),
        ("pyproject.toml", None, b"tool = 3\n", False),
        ("pyproject.toml", b"", b"[tool.longshift\n", True),  # nobody can say what it will mean
        ("pyproject.toml", b"", b"\xff", False),
        ("other.toml", None, OURS, False),
    ],
)
def test_the_table_of_this_program(
    path: str, before: bytes | None, after: bytes | None, protected: bool
) -> None:
    assert (why_protected_content(path, before, after) is not None) is protected
