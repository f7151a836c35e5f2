"""Files that trusted programs run or read later: editors, shells, hooks, CI, agents, this program.

Owns the list and the words for each kind. Pure: knows paths, not trees. A worker may edit such a
file, since that can be the task; but to write it down for a person is to let it act, so it takes
a word of theirs that names it.
"""

from collections.abc import Collection, Mapping
from pathlib import PurePosixPath
from typing import Final

from pathspec import GitIgnoreSpec

_GLOBS: Final[Mapping[str, str]] = {
    "your editor acts on it": """
        .vscode/ .idea/ .zed/ .helix/ .fleet/ *.code-workspace *.sublime-project
        .devcontainer/ .devcontainer.json .nvim.lua .nvimrc .exrc .vimrc .dir-locals*.el
    """,
    "your shell acts on it when you enter the folder": """
        .envrc .env .env.* mise.toml .mise.toml .mise.*.toml .tool-versions
    """,
    "git acts on it": """
        .gitattributes .gitmodules .gitconfig .husky/ .githooks/
        .pre-commit-config.yaml .pre-commit-hooks.yaml lefthook.y*ml .lefthook.y*ml
    """,
    "CI runs it": """
        .github/workflows/ .github/actions/ action.y*ml .ci/ .circleci/ .buildkite/ .gitea/
        .forgejo/ .woodpecker/ .gitlab/ .gitlab-ci.y*ml .travis.y*ml .drone.y*ml .cirrus.y*ml
        .woodpecker.y*ml azure-pipelines.y*ml bitbucket-pipelines.y*ml appveyor.y*ml jenkinsfile*
    """,
    "coding agents take instructions from it": """
        agents.md agents.*.md claude.md claude.*.md gemini.md copilot-*.md .mcp.json
        .cursor/ .claude/ .codex/ .gemini/ .roo/ .kiro/ .windsurf/ .clinerules*
        .cursorrules .windsurfrules
    """,
    "Longshift takes its settings from it": "longshift.toml .longshift*",
    "a package manager acts on it": ".npmrc .yarnrc .yarnrc.yml .pypirc pip.conf .cargo/",
    "every Python that starts there runs it": "sitecustomize.py usercustomize.py *.pth",
}
"""By who acts on them, the files as globs in the manner of .gitignore, in lower case."""

_KINDS: Final = tuple(
    (why, GitIgnoreSpec.from_lines(globs.split())) for why, globs in _GLOBS.items()
)
_ABOVE: Final = "pytest runs it for tests outside of the task's paths"


def why_protected(path: str, task_paths: Collection[str] = ()) -> str | None:
    """Why a file takes a word of the person's own; None: it does not.

    Args:
        path: relative to the repository's root, `/`-separated.
        task_paths: the paths that the task was given; none given: the whole repository.

    Returns:
        Who acts on the file, as the end of a sentence.
    """
    lower = path.casefold()
    for why, spec in _KINDS:
        if spec.match_file(lower):
            return why
    return _ABOVE if _is_conftest_above(PurePosixPath(path), task_paths) else None


def _is_conftest_above(path: PurePosixPath, task_paths: Collection[str]) -> bool:
    """Whether a `conftest.py` lies beside the task's paths and is not itself one of them."""
    if path.name.casefold() != "conftest.py" or str(path) in task_paths:
        return False
    return bool(task_paths) and not any(
        folder in (".", "") or PurePosixPath(folder) in path.parents for folder in task_paths
    )
