"""The prompts: every word that a model is told, read from `prompts/` and rendered strictly.

Owns finding, checking and rendering. Must never hold words for a model itself, and never render
a value that somebody outside wrote without a fence around it.

A prompt is Markdown with a head in YAML that declares its inputs. Loading proves for each that
the declared inputs are exactly those that it and what it includes use (strict rendering alone
would miss branches not taken), and that an input declared `trusted: false` is printed only
through one of the fences below. So a template that loads can't fail later for want of a value.
"""

import functools
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, Literal, TypeAlias, TypeVar, get_args

import frontmatter
from jinja2 import DictLoader, StrictUndefined, TemplateError, meta
from jinja2.sandbox import ImmutableSandboxedEnvironment
from pydantic import BaseModel, ConfigDict, Field, ValidationError

import longshift
from longshift.crew import fences
from longshift.errors import TellModel

Plain: TypeAlias = "str | int | bool | Sequence[Plain] | Mapping[str, Plain] | None"
"""What a template may be given: nothing with methods of its own worth reaching for."""

Role: TypeAlias = Literal[
    "planner", "sub_planner", "worker", "judge", "agent", "locking_agent", "integrator"
]
"""Who has tools of their own; `locking_agent`: one of the equal agents that share one lock."""
ROLES: Final[tuple[Role, ...]] = get_args(Role)
Effort: TypeAlias = Literal["high", "medium", "low"]


Menu: TypeAlias = Literal["selection", "problems"]


class PromptDefect(Exception):
    """A prompt file that breaks the rules of this module: a defect of Longshift or an override."""


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

AnyHead = TypeVar("AnyHead", bound=Head)


@dataclass(frozen=True, slots=True)
class Prompt:
    """One prompt file."""

    name: str
    """Its path without `.md`: `planner`, `messages/empty_reply`."""
    head: Head
    body: str
    digest: str
    """SHA-256 of the file, in hex: what an attempt can record of what it was told."""


class Library:
    """All prompts of one folder, checked."""

    def __init__(self, folder: Path) -> None:
        """Read and check every prompt below the folder.

        Raises:
            PromptDefect: a file is malformed or breaks a rule; the message names it.
        """
        self._take(_read_all(folder))

    def with_prompt(self, prompt: Prompt) -> "Library":
        """The same prompts but for one, checked.

        Raises:
            PromptDefect: it breaks a rule.
        """
        other = object.__new__(Library)
        other._take([*self._prompts.values(), prompt])
        return other

    def _take(self, prompts: Sequence[Prompt]) -> None:
        self._prompts = {prompt.name: prompt for prompt in prompts}
        self._environment = ImmutableSandboxedEnvironment(
            loader=DictLoader({name: prompt.body for name, prompt in self._prompts.items()}),
            undefined=StrictUndefined,
            autoescape=False,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters.update(fences.FENCES)
        for prompt in self._prompts.values():
            try:
                self._check(prompt)
            except (TemplateError, RecursionError) as error:
                raise _unreadable(prompt.name, error) from error

    def names(self, folder: str) -> list[str]:
        """Names of the prompts of one folder ("" for the roles), without it, sorted."""
        before, inside = len(folder) + 1 if folder else 0, folder
        found = (name for name in self._prompts if name.rpartition("/")[0] == inside)
        return sorted(name[before:] for name in found)

    def all_names(self) -> list[str]:
        """Whole names of all prompts, sorted."""
        return sorted(self._prompts)

    def prompt(self, name: str) -> Prompt:
        """One prompt, by its whole name."""
        return self._prompts[name]

    def versioned(self, name: str) -> str:
        """A prompt's name with its version, as events have it: `worker@1.1.0`."""
        return f"{name}@{self.prompt(name).head.version}"

    def head(self, name: str, kind: type[AnyHead]) -> AnyHead:
        """One prompt's head, of the kind that its folder has."""
        head = self._prompts[name].head
        assert isinstance(head, kind)
        return head

    def render(self, name: str, inputs: Mapping[str, object]) -> str:
        """Render a prompt.

        Args:
            name: its whole name.
            inputs: exactly the inputs that its head declares, each of them `Plain`.

        Returns:
            The text, without white space around it.
        """
        declared = self._prompts[name].head.inputs
        if declared.keys() != inputs.keys():
            raise PromptDefect(f"{name} takes {sorted(declared)} and was given {sorted(inputs)}.")
        return self._environment.get_template(name).render(inputs).strip()

    def closure(self, name: str) -> list[str]:
        """Names of a prompt and of all that it includes, each once, its own first."""
        found = [name]
        for known in found:  # grows while it is walked
            tree = self._environment.parse(self._prompts[known].body)
            for other in meta.find_referenced_templates(tree):
                if other is None or other not in self._prompts:
                    raise PromptDefect(f"{known} includes {other}, which is no prompt.")
                if other == name:
                    raise PromptDefect(f"{name} includes itself.")
                if other not in found:
                    found.append(other)
        return found

    def _check(self, prompt: Prompt) -> None:
        declared = prompt.head.inputs
        trees = {
            name: self._environment.parse(self._prompts[name].body)
            for name in self.closure(prompt.name)
        }
        used = set().union(*(meta.find_undeclared_variables(tree) for tree in trees.values()))
        if used != declared.keys():
            raise PromptDefect(
                f"{prompt.name} declares the inputs {sorted(declared)} and uses {sorted(used)}."
            )
        untrusted = frozenset(name for name, spec in declared.items() if not spec.trusted)
        for name, tree in trees.items():
            if unprovable := fences.find_unprovable(tree):
                raise PromptDefect(
                    f"{name} uses {', '.join(unprovable)}; prompts may print, and use if, for, "
                    "set and include, so that it can be proved which values are fenced."
                )
            if bare := fences.find_unfenced(tree, untrusted):
                raise PromptDefect(
                    f"{name} prints {', '.join(bare)} without a fence "
                    f"({', '.join(sorted(fences.FENCES))})."
                )


@functools.cache
def library() -> Library:
    """The prompts that came with this installation, read once."""
    return Library(prompts_folder())


def say(message: str, **inputs: Plain) -> str:
    """Render one of `prompts/messages/`: the short words said in the course of a conversation."""
    return library().render(f"messages/{message}", inputs)


def words_of(mistake: TellModel) -> str:
    """What a model is told of its mistake, from `prompts/errors/`."""
    return library().render(f"errors/{mistake.message}", mistake.inputs)


def prompts_folder() -> Path:
    """Where the prompts are: inside an installed package, or beside `server/` in a checkout."""
    package = Path(longshift.__file__).parent
    installed = package / "_prompts"
    return installed if installed.is_dir() else package.parent.parent / "prompts"


def _read_all(folder: Path) -> list[Prompt]:
    prompts = [_read(folder, path) for path in sorted(folder.rglob("*.md"))]
    if not prompts:
        raise PromptDefect(f"There are no prompts in {folder}; install Longshift again.")
    return prompts


def _read(folder: Path, path: Path) -> Prompt:
    name = path.relative_to(folder).with_suffix("").as_posix()
    try:
        data = path.read_bytes()
        metadata, body = frontmatter.parse(data.decode())
        _require_small(metadata)
        written = fences.to_json(metadata)
        ImmutableSandboxedEnvironment().parse(body)
    except Exception as error:  # whatever the readers of YAML and Jinja raise
        raise _unreadable(name, error) from error
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


def _unreadable(name: str, error: Exception) -> PromptDefect:
    return PromptDefect(f"{name} can't be read: {_brief(error)}")


def _brief(error: Exception) -> str:
    return str(error)[:_LONGEST_REASON]
