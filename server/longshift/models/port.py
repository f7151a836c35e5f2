"""The port through which every role speaks to a model.

Owns the shapes of one exchange and the reasons why a model may be out of reach. Must never know
an endpoint, a client library, a price or a role: whatever can answer a `ModelRequest` is a `Model`.

NeedsPerson
└── ModelUnavailable         no usable answer came, and asking again at once will not help
    ├── KeyMissing           where the key should be, there is none that can be used
    ├── KeyRefused           401 or 403
    ├── ModelUnknown         404: the endpoint does not know the model, or the address is wrong
    ├── RequestRefused       another 4xx: the endpoint does not accept what was asked
    ├── PromptTooLong        more than the model's window; the crew may shorten and ask again
    ├── EndpointUnreachable  no connection, or no answer in time, after retries
    ├── RateLimited          429 after retries
    ├── EndpointFailed       5xx after retries
    └── ReplyMalformed       an answer that is no chat completion, after retries
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeAlias

from longshift.errors import NeedsPerson

Message: TypeAlias = dict[str, object]
"""One chat-completions message as it goes on the wire: built once, never validated again."""

ToolSchema: TypeAlias = dict[str, object]
"""One tool as it goes on the wire: `{"type": "function", "function": {…}}`."""

FinishReason: TypeAlias = Literal["stop", "tool_calls", "length", "content_filter", "other"]

CallOutcome: TypeAlias = Literal[
    "answered",
    "rate_limited",
    "failed",
    "unreachable",
    "malformed",
    "refused",
    "too_long",
    "cancelled",
]
"""How one HTTP call ended: with a usable answer, or why with none."""


class Model(Protocol):
    """Whatever answers a conversation: an endpoint, a set of rules, a test's script."""

    @property
    def name(self) -> str:
        """The model's name as the person configured it."""

    async def complete(self, request: "ModelRequest") -> "ModelReply":
        """Answer a conversation.

        Raises:
            ModelUnavailable: no usable answer came; one of its subclasses says why.
            BudgetExceeded: before the call that might have passed the run's budget.
        """


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """A conversation so far, and what the model may answer with.

    `messages` and `tools` are handed over as they are: whoever builds them must not change them
    until the reply is there.
    """

    messages: Sequence[Message]
    tools: Sequence[ToolSchema] = ()
    effort: str | None = None
    """Reasoning effort for this call; None: what the role's configuration says."""
    max_output_tokens: int | None = None
    """Most tokens to write, reasoning included; None: what the role's configuration says."""
    required_tool: str | None = None
    """Name of the one tool that must be called; None: the model chooses."""
    schema: "JsonSchema | None" = None
    """What the reply's text must be, as JSON; None: any text. Never together with tools."""


@dataclass(frozen=True, slots=True)
class JsonSchema:
    """A shape that a reply must have."""

    name: str
    """Letters, digits, `_` and `-`."""
    schema: Mapping[str, object]
    """JSON Schema of an object whose properties are all required and no others allowed."""


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One call that a model asks for. Nothing in it has been checked."""

    id: str
    name: str
    arguments: str
    """JSON text as the model wrote it; may be malformed."""


@dataclass(frozen=True, slots=True)
class TokenUsage:
    """Tokens of one exchange, as the endpoint counted them."""

    input_tokens: int = 0
    """All tokens of the prompt, `cached_tokens` included."""
    output_tokens: int = 0
    """All tokens written, `reasoning_tokens` included."""
    cached_tokens: int = 0
    """Those of `input_tokens` that came from the endpoint's prompt cache."""
    reasoning_tokens: int = 0
    """Those of `output_tokens` that were thought and not said."""
    estimated: bool = False
    """True: the endpoint sent no usage; the figures are bytes divided by four."""


@dataclass(frozen=True, slots=True)
class ModelReply:
    """What a model answered."""

    text: str
    """What it said beside its tool calls; "" where it said nothing."""
    tool_calls: tuple[ToolCall, ...] = ()
    usage: TokenUsage = TokenUsage()
    finish_reason: FinishReason = "stop"
    message: Message = field(default_factory=dict)
    """The assistant's message for the wire, to be appended to the conversation as it is."""
    model: str = ""
    """The model that answered, by the endpoint's own word."""


class ModelUnavailable(NeedsPerson):
    """No usable answer came from a model."""


class KeyMissing(ModelUnavailable):
    """No key for the endpoint is where the settings say; nothing was sent."""


class KeyRefused(ModelUnavailable):
    """The endpoint refused the key."""


class ModelUnknown(ModelUnavailable):
    """The endpoint does not know the model, or nothing answers at that address."""


class RequestRefused(ModelUnavailable):
    """The endpoint refused the request for another reason."""


class PromptTooLong(ModelUnavailable):
    """The conversation does not fit the model's window; a shorter one may."""


class EndpointUnreachable(ModelUnavailable):
    """No connection, or no answer in time."""


class RateLimited(ModelUnavailable):
    """The endpoint kept saying that too much is asked of it."""


class EndpointFailed(ModelUnavailable):
    """The endpoint kept failing on its own side."""


class ReplyMalformed(ModelUnavailable):
    """The endpoint kept answering with something that is no chat completion."""
