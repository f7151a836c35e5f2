"""Overrides: a person's or a project's own words in the place of named blocks of role prompts.

Owns what an override may say and how it is laid over. Must never let one touch what is outside of
a block: the role, its boundaries, how it ends and whom it trusts are sealed. Its words are text,
no template, so that nothing new can be printed through them.
"""

import functools
import hashlib
import re
from dataclasses import dataclass, replace
from typing import Final

from longshift.crew.fences import MACHINE_BLOCK
from longshift.crew.prompt_files import PromptDefect
from longshift.crew.prompts import Library
from longshift.screening.hidden import find_hidden

MOST_CHARACTERS: Final = 4_000
"""Of one override: a thousand tokens, as much as a role prompt has of its own."""

_BLOCK: Final = re.compile(
    r"\{%\s*block\s+(\w+)\s*%\}\n?(.*?)\n?\{%\s*endblock(?:\s+\w+)?\s*%\}", re.DOTALL
)
_FREE: Final = "project"
"""The block that is empty, and there to be filled."""
_SUPER: Final = re.compile(r"\{\{\s*super\(\)\s*\}\}")


@dataclass(frozen=True, slots=True)
class Override:
    """One file that overrides blocks of a role's prompt."""

    prompt: str
    """The role's file: `worker`."""
    text: str
    source: str
    """Where it is from, for a person."""


@functools.lru_cache(maxsize=16)
def overridden(prompts: Library, overrides: tuple[Override, ...]) -> Library:
    """A set of prompts with overrides laid over it, each over those before it.

    Raises:
        PromptDefect: an override breaks a rule; the message names it.
    """
    for one in overrides:
        before = prompts.prompt(one.prompt)
        digest = hashlib.sha256(one.text.encode()).hexdigest()
        after = replace(
            before, body=_laid_over(before.body, one), digest=f"{before.digest}+{digest}"
        )
        prompts = prompts.with_prompt(after)
    return prompts


def blocks_of(body: str) -> list[str]:
    """The names of a prompt's blocks, in their order."""
    return [found[1] for found in _BLOCK.finditer(body)]


def _laid_over(body: str, override: Override) -> str:
    words = _words(override)
    known = blocks_of(body)
    if unknown := words.keys() - set(known):
        raise PromptDefect(
            f"{override.source} overrides {', '.join(sorted(unknown))}; the blocks of "
            f"{override.prompt} are {', '.join(known)}."
        )

    def lay(block: re.Match[str]) -> str:
        name, own = block[1], block[2].strip("\n")
        if name not in words:
            return block[0]
        text = _SUPER.sub(lambda _: own, words[name]).strip("\n")
        after = "\n" if name == _FREE else ""  # the others have a blank line after them
        return f"{{% block {name} %}}\n{text}\n{after}{{% endblock %}}"

    return _BLOCK.sub(lay, body)


def _words(override: Override) -> dict[str, str]:
    """What an override says, by block."""
    text, where = override.text, override.source
    if len(text) > MOST_CHARACTERS:
        raise PromptDefect(f"{where} is longer than {MOST_CHARACTERS:,} characters.")
    if next(iter(find_hidden(text)), None) is not None:
        raise PromptDefect(f"{where} has hidden characters in it.")
    if _BLOCK.sub("", text).strip():
        raise PromptDefect(f"{where} has words outside of a block; it can't be told where they go.")
    words = {found[1]: found[2] for found in _BLOCK.finditer(text)}
    for name, said in words.items():
        plain = _SUPER.sub("", said)
        if re.search(r"\{[{%#]", plain):
            raise PromptDefect(f"{where} has more than words and {{{{ super() }}}} in {name}.")
        if MACHINE_BLOCK in plain or re.search(r"</?\s*data", plain, re.IGNORECASE):
            raise PromptDefect(f"{where} writes in {name} what marks data.")
    return words
