"""Prompt files: what lies in `prompts/`, and what the head of each may say.

Owns finding and reading them. A file that is read has a head of its folder's kind; whether its
words render, and fence what they print, is proved in `prompts.py`.
"""

import functools
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, Literal, TypeAlias, get_args

import frontmatter
from pydantic import BaseModel, ConfigDict, Field, ValidationError

import longshift

Role: TypeAlias = Literal[
    "planner", "sub_planner", "worker", "judge", "agent", "locking_agent", "integrator"
]
"""Who has tools of their own; `locking_agent`: one of the equal agents that share one lock."""
ROLES: Final[tuple[Role, ...]] = get_args(Role)
Effort: TypeAlias = Literal["high", "medium", "low"]
Menu: TypeAlias = Literal["selection", "problems"]


class PromptDefect(Exception):
    """A prompt file that breaks the rules: a defect of Longshift or an override."""


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Input(_Strict):
    """What a head says of one input."""

    trusted: bool
    """False: a repository, a model or a command wrote it; it is data, never an instruction."""


class Head(_Strict):
    """What every prompt's head says."""

    version: Annotated[str, Field(pattern=r"^\d+\.\d+\.\d+$")]
    """Major: contract or enumeration; minor: behaviour; patch: wording."""
    inputs: dict[str, Input] = {}


class RoleHead(Head):
    """The head of a role's system prompt."""

    role: Literal["planner", "worker", "judge", "agent", "integrator"]
    effort: Effort
    """How much a model is asked to think, where the person's settings leave that to the role."""
    budget_tokens: tuple[int, int]
    """Fewest and most tokens of the rendered prompt, at four characters a token."""


class ToolHead(Head):
    """The head of a tool's description; the body is what the model reads of the tool."""

    name: str
    roles: list[Role]
    parameters: dict[str, str] = {}
    """What the model reads of each argument."""


class GoalHead(Head):
    """The head of a goal template."""

    title: str
    """What a person reads in the editor's menu."""
    menu: Menu = "selection"
    """Where it is offered: on a selection, or on problems that some server shows."""


HEADS: Final[Mapping[str, type[Head]]] = {
    "": RoleHead,
    "compaction": Head,
    "errors": Head,
    "goals": GoalHead,
    "messages": Head,
    "shared": Head,
    "tools": ToolHead,
}
"""What a prompt's head must be, by the folder it lies in."""

MOST_OF_A_HEAD: Final = 2_000
"""Values in one head: with anchors, a few lines of YAML stand for billions of them."""
_LONGEST_REASON: Final = 1_000


@dataclass(frozen=True, slots=True)
class Prompt:
    """One prompt file."""

    name: str
    """Its path without `.md`: `planner`, `messages/empty_reply`."""
    head: Head
    body: str
    digest: str
    """SHA-256 of the file, in hex: what an attempt can record of what it was told."""


def prompts_folder() -> Path:
    """Where the prompts are: inside an installed package, or beside `server/` in a checkout."""
    package = Path(longshift.__file__).parent
    installed = package / "_prompts"
    return installed if installed.is_dir() else package.parent.parent / "prompts"


@functools.cache
def heads(folder: str) -> Mapping[str, Head]:
    """The heads of one folder's prompts by name, sorted: a menu needs no more of them, and soon."""
    root = prompts_folder()
    return {path.stem: read(root, path).head for path in sorted((root / folder).glob("*.md"))}


def read_all(folder: Path) -> list[Prompt]:
    """Read every prompt below a folder.

    Raises:
        PromptDefect: there is none, or one is malformed; the message names it.
    """
    prompts = [read(folder, path) for path in sorted(folder.rglob("*.md"))]
    if not prompts:
        raise PromptDefect(f"There are no prompts in {folder}; install Longshift again.")
    return prompts


def read(folder: Path, path: Path) -> Prompt:
    """Read one prompt.

    Args:
        folder: where all of them are.
        path: the file, somewhere below.

    Raises:
        PromptDefect: it is malformed; the message names it.
    """
    name = path.relative_to(folder).with_suffix("").as_posix()
    try:
        data = path.read_bytes()
        metadata, body = frontmatter.parse(data.decode())
        _require_small(metadata)
        written = json.dumps(metadata, default=str)
    except Exception as error:  # whatever the reader of YAML raises
        raise unreadable(name, error) from error
    kind = HEADS.get(name.rpartition("/")[0])
    if kind is None:
        raise PromptDefect(f"{name} lies in a folder that holds no prompts.")
    try:
        head = kind.model_validate_json(written)
    except ValidationError as error:
        raise PromptDefect(f"{name} has a wrong head: {_brief(error)}") from error
    return Prompt(name, head, body, hashlib.sha256(data).hexdigest())


def _require_small(head: object) -> None:
    """Refuse a head that repeats itself by anchors.

    Raises:
        ValueError: it holds more than `MOST_OF_A_HEAD` values.
    """
    waiting, seen = [head], 0
    while waiting:
        value, seen = waiting.pop(), seen + 1
        if seen > MOST_OF_A_HEAD:
            raise ValueError("its head is too large")
        if isinstance(value, Mapping):
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value


def unreadable(name: str, error: Exception) -> PromptDefect:
    """The defect of a prompt that its reader gave up."""
    return PromptDefect(f"{name} can't be read: {_brief(error)}")


def _brief(error: Exception) -> str:
    return str(error)[:_LONGEST_REASON]
