"""What any OpenAI-compatible server must do for us, asked of it through our own `EndpointModel`.

Owns the exchanges. Asserts the protocol and never what a model says: a small one is good enough.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from longshift.models.clients import Client, Credentials
from longshift.models.config import ModelConfig
from longshift.models.endpoint import EndpointModel
from longshift.models.ledger import Ledger
from longshift.models.port import JsonSchema, Message, ModelReply, ModelRequest

AT_ONCE = 20
MOST_TOKENS = 2_000
TOOL = {
    "type": "function",
    "function": {
        "name": "look_up",
        "description": "Look up how many people live in a city.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
        },
    },
}
SCHEMA = JsonSchema(
    "city",
    {
        "type": "object",
        "properties": {"city": {"type": "string"}, "large": {"type": "boolean"}},
        "required": ["city", "large"],
        "additionalProperties": False,
    },
)


@asynccontextmanager
async def opened(config: ModelConfig, key: str) -> AsyncIterator[tuple[EndpointModel, Ledger]]:
    """A model with a ledger of its own."""
    client, ledger = Client(Credentials(config.base_url, key)), Ledger()
    try:
        yield EndpointModel(config, client, ledger), ledger
        assert client.pace.under_way == 0
    finally:
        await client.aclose()


async def chats(model: EndpointModel, ledger: Ledger) -> None:
    """Text comes back, with its usage and a reason for its end."""
    reply = await model.complete(_asking(_user("Say hello.")))
    _require_answer(reply)
    assert reply.model
    assert ledger.totals.calls >= 1
    assert ledger.totals.tokens == reply.usage.input_tokens + reply.usage.output_tokens


async def calls_a_tool(model: EndpointModel, ledger: Ledger) -> None:
    """A call comes back with JSON arguments, and its result is taken in the next turn."""
    question = _user("How many people live in Paris? Look it up.")
    first = await model.complete(_asking(question, tools=(TOOL,), required_tool="look_up"))
    assert first.finish_reason == "tool_calls"
    (call, *_) = first.tool_calls
    assert call.name == "look_up"
    assert isinstance(json.loads(call.arguments), dict)
    assert len({one.id for one in first.tool_calls}) == len(first.tool_calls)
    results: list[Message] = [
        {"role": "tool", "tool_call_id": one.id, "content": '{"people": 2100000}'}
        for one in first.tool_calls
    ]
    second = await model.complete(_asking(question, first.message, *results, tools=(TOOL,)))
    assert second.text or second.tool_calls
    assert ledger.totals.unpriced_calls == ledger.totals.calls


async def keeps_a_schema(model: EndpointModel, ledger: Ledger) -> None:
    """A reply is held to a schema, by a server that has not refused to."""
    reply = await model.complete(_asking(_user("Is Paris large? Answer as JSON."), schema=SCHEMA))
    _require_answer(reply)
    if model._habits.knows_schemas:
        assert set(json.loads(reply.text)) == {"city", "large"}


async def answers_many_at_once(model: EndpointModel, ledger: Ledger) -> None:
    """Each of twenty gets an answer of its own, whatever pace the server asks for."""
    asked = [_asking(_user(f"Say the number {number}.")) for number in range(AT_ONCE)]
    replies = await asyncio.gather(*(model.complete(one) for one in asked))
    for reply in replies:
        _require_answer(reply)
    assert ledger.totals.calls >= AT_ONCE


Exchange = Callable[[EndpointModel, Ledger], Awaitable[None]]
EXCHANGES: tuple[Exchange, ...] = (chats, calls_a_tool, keeps_a_schema, answers_many_at_once)


def _user(words: str) -> Message:
    return {"role": "user", "content": words}


def _asking(*messages: Message, **more: object) -> ModelRequest:
    system: Message = {"role": "system", "content": "Answer in one short sentence."}
    return ModelRequest((system, *messages), max_output_tokens=MOST_TOKENS, **more)


def _require_answer(reply: ModelReply) -> None:
    assert reply.finish_reason in {"stop", "length"}
    assert reply.text or reply.finish_reason == "length"
    assert reply.usage.input_tokens > 0
