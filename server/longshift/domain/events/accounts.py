"""Accounts of what agents do, from which nothing follows: conversations, calls, commands."""

from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from longshift.domain.events.fact import OfRun
from longshift.domain.model import Role, Usage
from longshift.errors import Guard


class ConversationOpened(OfRun):
    """An agent's conversation with its model began: what it was told, by name and digest.

    Digests are SHA-256 in hexadecimal.
    """

    event: Literal["conversation.opened"] = "conversation.opened"
    role: Role
    agent: str
    """A planner's id, a task's id with the attempt (`T1.2`), an equal agent's id with the number of
    its choice (`A1.3`), `judge`, or `integrator.T1.2` of who looks at that attempt's work."""
    model: str
    effort: str | None = None
    """The reasoning effort that was asked for; None: the endpoint's default."""
    prompts: Mapping[str, str] = Field(default_factory=dict)
    """The prompt files of the role, by name: `version digest`, and `version digest+digest` where
    the person or the project overrides parts of one."""
    tools_digest: str = ""
    """Of the tools as they were told, descriptions and all."""
    prefix_digest: str = ""
    """Of the system prompt as it was rendered."""


class ModelCalled(OfRun):
    """One HTTP call to a model.

    In journals written before `outcome` was there, one event stands for an exchange with all its
    retries: `usage.calls` says how many.
    """

    event: Literal["model.called"] = "model.called"
    role: Role
    agent: str
    """Who asked, as in `ConversationOpened`."""
    model: str
    prompt: str = ""
    """The role's prompt and its version, `worker@1.1.0`; of a question beside the conversation its
    own, `compaction/summary@1.0.0`."""
    usage: Usage
    estimated: bool = False
    """Whether the tokens are our estimate (bytes divided by four): the endpoint named none."""
    prices: str = ""
    """Where the price comes from, such as `the settings`; empty: it is unknown."""
    latency_s: float
    finish_reason: str = ""
    outcome: str = ""
    """`answered`, or why no usable answer came: `rate_limited`, `failed`, `unreachable`,
    `malformed`, `refused`, `too_long`, `cancelled`. Empty in older journals."""


class SandboxOpened(OfRun):
    """What holds the commands of this run's models, from here on; recorded for each sitting."""

    event: Literal["sandbox.opened"] = "sandbox.opened"
    profile: str
    """What holds a command, in words; where none is run, why not."""
    commands: bool
    """Whether commands are run at all."""


class CommandRan(OfRun):
    """A command that a model or a check chose came to its end in the sandbox."""

    event: Literal["command.ran"] = "command.ran"
    agent: str
    """Who asked: a task's id with the attempt (`T1.2`), `judge`, or `check`."""
    command: str
    """Its first 2,000 characters, secrets masked."""
    exit_status: int | None
    """As a shell tells it; None: it was stopped for its time."""
    duration_s: float
    changed_paths: int = 0
    """How many files it changed, as far as that was taken over."""


class GuardRefused(OfRun):
    """A guard kept an agent from something that lies outside of its bounds."""

    event: Literal["guard.refused"] = "guard.refused"
    guard: Guard
    agent: str
    """Who tried: a planner's id, a task's id with the attempt (`T1.2`), or `judge`; `snapshot`
    where files of the person's stayed out of a run from the start."""
    tool: str
    """The tool that was called; empty where no call was made."""
    detail: str
    """What was tried and why it was refused: at most 500 characters, secrets masked, hidden
    characters made visible."""
