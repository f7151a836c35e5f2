"""What is to be known about one role's model.

Owns the shape only. Must never read a file or the environment: the engine converts the person's
settings into it, and `registry` opens it.
"""

from dataclasses import dataclass
from decimal import Context, Decimal
from typing import Final, Literal

EFFORT_OF_THE_ROLE: Final = "auto"
"""Configured so, the effort is what the request names: the role's own."""
BUILTIN: Final = "builtin"
"""The name of the rule-based model that needs no endpoint."""


@dataclass(frozen=True, slots=True)
class Price:
    """What a million tokens cost, in US dollars; 0 is a real price (free)."""

    input_usd_per_mtok: Decimal
    output_usd_per_mtok: Decimal
    cached_input_usd_per_mtok: Decimal | None = None
    """None: the same as other input."""
    source: str = ""
    """Where it comes from, in words: `the settings`."""

    def cost_usd(self, input_tokens: int, output_tokens: int, cached_tokens: int = 0) -> Decimal:
        """The cost of that many tokens, to a trillionth of a dollar.

        Args:
            input_tokens: all tokens sent.
            output_tokens: all tokens received.
            cached_tokens: those of `input_tokens` that the endpoint took from its cache.
        """
        cached = self.cached_input_usd_per_mtok
        per_cached = self.input_usd_per_mtok if cached is None else cached
        micros = (
            self.input_usd_per_mtok * (input_tokens - cached_tokens)
            + per_cached * cached_tokens
            + self.output_usd_per_mtok * output_tokens
        )
        # So short that the journal, where costs are JSON numbers, gives back the same.
        return (micros / 1_000_000).quantize(_SMALLEST_USD, context=_EXACT)


_SMALLEST_USD: Final = Decimal("1e-12")
_EXACT: Final = Context(prec=60)


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """One role's model, its endpoint and its price."""

    model: str = BUILTIN
    base_url: str | None = None
    """Any OpenAI-compatible endpoint; None: the openai package's own."""
    api_key_env: str = "OPENAI_API_KEY"
    """The NAME of the environment variable that holds the key, never a key."""
    api_key_file: str | None = None
    """A file that holds the key, in place of the variable."""
    api_key_keyring: str | None = None
    """An entry of the system's keyring, as `service/user`, in place of the variable."""
    api: Literal["chat", "responses"] = "chat"
    reasoning_effort: str | None = None
    """None: not sent; the endpoint's default holds."""
    input_usd_per_mtok: Decimal | None = None
    """None: unknown; then no cost is stated. 0: free."""
    output_usd_per_mtok: Decimal | None = None
    cached_input_usd_per_mtok: Decimal | None = None
    """None: the same as other input."""
    price_source: str = ""
    """Where the price comes from, in words."""
    timeout_s: float = 600.0
    """Most seconds that one try may take, from connecting to the last byte."""
    max_output_tokens: int = 16_384
    """Most tokens of one reply, reasoning included. Always sent: a budget can only be kept where
    a reply has a limit."""
    context_tokens: int | None = None
    """The model's window; None: unknown."""
    max_concurrency: int = 0
    """Most calls to the endpoint at the same time; 0: found out."""
    fallback: "ModelConfig | None" = None
    """What answers while this one's endpoint is out of order; None: nothing does."""

    @property
    def key_source(self) -> str:
        """Where the key is, in words that fit into a sentence."""
        if self.api_key_file is not None:
            return f"the file {self.api_key_file}"
        if self.api_key_keyring is not None:
            return f"the keyring's entry {self.api_key_keyring}"
        return f"the environment variable {self.api_key_env}"

    @property
    def price(self) -> Price | None:
        """The price, or None where either half of it is unknown."""
        if self.input_usd_per_mtok is None or self.output_usd_per_mtok is None:
            return None
        return Price(
            self.input_usd_per_mtok,
            self.output_usd_per_mtok,
            self.cached_input_usd_per_mtok,
            self.price_source,
        )
