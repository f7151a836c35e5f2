"""Files that trusted programs run or read later: editors, shells, hooks, CI, agents, this program.

Owns the list and the words for each kind. Pure: knows paths and bytes, not trees. A worker may edit
such a file, since that can be the task; but to write it down for a person is to let it act, so it
takes a word of theirs that names it.

Not here is what a person starts knowingly, as a build, a test or the program itself: setup.py,
Makefile, package.json, and a script that became executable, are ordinary code.
"""

import tomllib
from collections.abc import Collection, Mapping
from functools import lru_cache
from pathlib import PurePosixPath
from typing import Final

from pathspec import GitIgnoreSpec

from longshift.places.spelling import plain

_LONGSHIFT: Final = "Longshift takes its settings from it"
_GLOBS: Final[Mapping[str, str]] = {
    "your editor acts on it": """
        .vscode/ *.code-workspace .vs/ .idea/ *.iml *.ipr .fleet/ .zed/ .helix/ .nova/ .lapce/
        *.sublime-project *.sublime-workspace .theia/ .settings/
        .vim/ .vimrc _vimrc .vimrc.* .lvimrc .exrc .nvim/ .nvim.lua .nvimrc
        .emacs.d/ .dir-locals*.el .ycm_extra_conf.py .devcontainer/ .devcontainer.json
    """,
    "your shell acts on it when you enter the folder": """
        .envrc .envrc.* .env .env.* .autoenv* .bashrc .bash_profile .bash_login .profile .zshrc
        .zshenv .zprofile .zlogin .config/fish/ mise.toml mise.*.toml .mise.toml .mise.*.toml .mise/
        .config/mise* .tool-versions
    """,
    "git acts on it": """
        .gitattributes .gitmodules .gitconfig .lfsconfig .husky/ .githooks/ .git-hooks/ .hooks/
        .pre-commit-config.yaml .pre-commit-hooks.yaml prek.toml lefthook.* .lefthook.* .lefthook/
        .overcommit.yml .simple-git-hooks.* .lintstagedrc* lint-staged.config.* .trunk/
    """,
    "CI runs it": """
        .github/workflows/ .github/actions/ .github/dependabot.y*ml action.y*ml .ci/ .circleci/
        .buildkite/ .gitea/ .forgejo/ .woodpecker/ .woodpecker.y*ml .gitlab/ .gitlab-ci.y*ml
        .travis.y*ml .drone.y*ml .cirrus.y*ml .cirrus.star azure-pipelines*.y*ml
        .azure-pipelines/ bitbucket-pipelines.y*ml appveyor.y*ml .appveyor.y*ml jenkinsfile*
        .teamcity/ .semaphore/ .tekton/ .builds/ .build.yml .zuul.y*ml zuul.d/ buildspec.y*ml
        cloudbuild.y*ml .readthedocs.y*ml codemagic.yaml bitrise.yml renovate.json* .renovaterc*
    """,
    "coding agents take instructions from it": """
        agents.md agents.*.md claude.md claude.*.md gemini.md qwen.md warp.md copilot-*.md
        .github/instructions/ .github/prompts/ .github/agents/ .github/chatmodes/ .mcp.json
        mcp.json .cursor/ .cursorrules .cursorignore .claude/ .codex/ .gemini/ .qwen/ .roo/
        .roorules* .roomodes .kiro/ .kilocode/ .windsurf/ .windsurfrules .clinerules* .continue/
        .continuerules .aider* .amazonq/ .augment/ .augment-guidelines .junie/ .trae/ .opencode/
        opencode.json* .openhands/ .goosehints .agent/ .agents/ .rules crush.json
    """,
    _LONGSHIFT: "longshift.toml .longshift*",
    "a package manager acts on it": """
        .npmrc .yarnrc .yarnrc.yml .yarn/ .pnpmfile.cjs .pnp.* bunfig.toml .pypirc pip.conf pip.ini
        uv.toml poetry.toml .cargo/ rust-toolchain rust-toolchain.toml .bundle/ .gemrc .condarc
        .mvn/ .bazelrc nuget.config
    """,
    "every Python that starts there runs it": "sitecustomize.py usercustomize.py *.pth",
}
"""By who acts on them, the files as globs in the manner of .gitignore, in lower case."""

_KINDS: Final = tuple(
    (why, GitIgnoreSpec.from_lines(globs.split())) for why, globs in _GLOBS.items()
)
PATHS_KNOWN: Final = 4_096
"""Paths whose kind is remembered: each hunk of a file asks again."""
_ABOVE: Final = "pytest runs it for tests outside of the task's paths"


def why_protected(path: str, task_paths: Collection[str] = ()) -> str | None:
    """Why a file takes a word of the person's own; None: it does not.

    Args:
        path: relative to the repository's root, `/`-separated; in any spelling that some file
            system takes for such a file.
        task_paths: the paths that the task was given; none given: the whole repository.

    Returns:
        Who acts on the file, as the end of a sentence.
    """
    if why := _acting_on(path):
        return why
    return _ABOVE if _is_conftest_above(PurePosixPath(path), task_paths) else None


def why_protected_content(path: str, before: bytes | None, after: bytes | None) -> str | None:
    """The same of what changes in a file that is otherwise ordinary.

    In pyproject.toml only the table of this program counts. None stands for no file.
    """
    if plain(path.rsplit("/", 1)[-1]) != "pyproject.toml":
        return None
    return None if _own_table(before) == _own_table(after) else _LONGSHIFT


@lru_cache(PATHS_KNOWN)
def _acting_on(path: str) -> str | None:
    read_as = "/".join(plain(part) for part in path.split("/"))
    for why, spec in _KINDS:
        # A link, or a submodule, may stand where a folder is meant.
        if spec.match_file(read_as) or spec.match_file(read_as + "/"):
            return why
    return None


def _own_table(pyproject: bytes | None) -> object:
    """The settings of this program; of a file that can't be parsed, all of it if it names us."""
    text = (pyproject or b"").decode("utf-8", "surrogateescape")
    try:
        tool = tomllib.loads(text).get("tool", {})
    except tomllib.TOMLDecodeError:
        return text if "longshift" in text else None
    return tool.get("longshift") if isinstance(tool, dict) else None


def _is_conftest_above(path: PurePosixPath, task_paths: Collection[str]) -> bool:
    """Whether a `conftest.py` lies beside the task's paths and is not itself one of them."""
    if plain(path.name) != "conftest.py" or str(path) in task_paths:
        return False
    return bool(task_paths) and not any(
        folder in (".", "") or PurePosixPath(folder) in path.parents for folder in task_paths
    )
