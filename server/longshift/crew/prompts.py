"""The prompts: every word that a model is told, proved once and rendered strictly.

Owns the proof and the rendering; `prompt_files.py` reads them. Must never hold words for a model
itself, and never render a value that somebody outside wrote without a fence around it.

A prompt is Markdown with a head in YAML that declares its inputs. Loading proves for each that
the declared inputs are exactly those that it and what it includes use (strict rendering alone
would miss branches not taken), and that an input declared `trusted: false` is printed only
through one of the fences below. So a template that loads can't fail later for want of a value.
"""

import contextlib
import functools
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias, TypeVar

from jinja2 import DictLoader, StrictUndefined, TemplateError, meta, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from longshift.crew import fences
from longshift.crew.prompt_files import (
    Head,
    Prompt,
    PromptDefect,
    prompts_folder,
    read_all,
    unreadable,
)
from longshift.errors import TellModel

Plain: TypeAlias = "str | int | bool | Sequence[Plain] | Mapping[str, Plain] | None"
"""What a template may be given: nothing with methods of its own worth reaching for."""
AnyHead = TypeVar("AnyHead", bound=Head)


class Library:
    """All prompts of one folder, checked."""

    def __init__(self, folder: Path) -> None:
        """Read and check every prompt below the folder.

        Raises:
            PromptDefect: a file is malformed or breaks a rule; the message names it.
        """
        self._take(read_all(folder))

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
        trees = {prompt.name: self._parse(prompt) for prompt in prompts}
        self._included = {
            name: list(meta.find_referenced_templates(tree)) for name, tree in trees.items()
        }
        for prompt in self._prompts.values():
            included = {name: trees[name] for name in self.closure(prompt.name)}
            with _telling_of(prompt.name):
                _check(prompt, included)

    def _parse(self, prompt: Prompt) -> nodes.Template:
        with _telling_of(prompt.name):
            return self._environment.parse(prompt.body)

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
            for other in self._included[known]:
                if other is None or other not in self._prompts:
                    raise PromptDefect(f"{known} includes {other}, which is no prompt.")
                if other == name:
                    raise PromptDefect(f"{name} includes itself.")
                if other not in found:
                    found.append(other)
        return found


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


def _check(prompt: Prompt, trees: Mapping[str, nodes.Template]) -> None:
    """Prove that a prompt renders, and that it prints nobody's text without a fence.

    Args:
        prompt: which.
        trees: its own tree and those of all that it includes, by name.
    """
    declared = prompt.head.inputs
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


@contextlib.contextmanager
def _telling_of(name: str) -> Iterator[None]:
    """Name the prompt that Jinja can't read."""
    try:
        yield
    except (TemplateError, RecursionError) as error:
        raise unreadable(name, error) from error
