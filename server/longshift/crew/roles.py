"""What a role is told before anything else, and the names and digests by which that is on record.

Owns the rendering of role prompts. A role prompt is rendered and hashed once for each set of
prompts and inputs: hundreds of conversations share the very same text.
"""

import functools
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from longshift.crew.prompt_files import Effort, RoleHead
from longshift.crew.prompts import Library, Plain


@dataclass(frozen=True, slots=True)
class RolePrompt:
    """A role's system prompt, rendered."""

    text: str
    name: str
    """The prompt and its version: `worker@1.1.0`."""
    effort: Effort
    """How much a model is asked to think in this role, where the person lets the role say."""
    prompts: Mapping[str, str]
    """The files that it is made of, by name: `version digest`."""
    prefix_digest: str
    """SHA-256 of the text, in hex."""


def role_prompt(prompts: Library, role: str, **inputs: Plain) -> RolePrompt:
    """A role's prompt from a set of prompts.

    Args:
        prompts: those that hold for the run.
        role: the file: `planner`, `worker`, `judge`.
        inputs: exactly those that its head declares.
    """
    return _rendered(prompts, role, tuple(sorted(inputs.items())))


@functools.lru_cache(maxsize=64)
def _rendered(prompts: Library, role: str, inputs: tuple[tuple[str, Plain], ...]) -> RolePrompt:
    head = prompts.head(role, RoleHead)
    text = prompts.render(role, dict(inputs))
    files = {name: prompts.prompt(name) for name in prompts.closure(role)}
    return RolePrompt(
        text=text,
        name=prompts.versioned(role),
        effort=head.effort,
        prompts=MappingProxyType(
            {name: f"{one.head.version} {one.digest}" for name, one in files.items()}
        ),
        prefix_digest=hashlib.sha256(text.encode()).hexdigest(),
    )
