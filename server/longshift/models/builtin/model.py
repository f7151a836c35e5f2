"""The built-in model: which rules answer which role.

Owns the choice of the role, told by the tools that are offered, and the shape of the reply. Costs
nothing, needs no network, and is not counted in the ledger: it makes no calls.
"""

import asyncio
import json
from typing import Final

from longshift.models.builtin import agent, integrator, judge, planner, worker
from longshift.models.builtin.conversation import (
    MOST_ASKS,
    Conversation,
    Step,
    read_conversation,
    tool_names,
)
from longshift.models.builtin.ruff import Ruff
from longshift.models.config import BUILTIN
from longshift.models.port import Message, ModelReply, ModelRequest, ToolCall


class BuiltinModel:
    """Rules behind the port of a model. One instance serves any number of conversations."""

    def __init__(self) -> None:
        """Start nothing yet."""
        self._ruff: Final = Ruff()

    @property
    def name(self) -> str:
        """Always "builtin"."""
        return BUILTIN

    async def complete(self, request: ModelRequest) -> ModelReply:
        """Answer a conversation; see `port.Model.complete`."""
        # In a thread: a conversation may hold the text of a whole repository.
        conversation = await asyncio.to_thread(read_conversation, request)
        step = await self._step(conversation, tool_names(request.tools))
        calls = tuple(
            ToolCall(f"call_{len(request.messages)}_{number}", ask.name, json.dumps(ask.arguments))
            for number, ask in enumerate(step.asks[:MOST_ASKS])
        )
        return ModelReply(
            text=step.text,
            tool_calls=calls,
            finish_reason="tool_calls" if calls else "stop",
            message=_message(step.text, calls),
            model=BUILTIN,
        )

    async def _step(self, conversation: Conversation, tools: frozenset[str]) -> Step:
        if "claim_task" in tools:
            return await agent.next_step(conversation, self._ruff, locking="lock_tasks" in tools)
        if "add_task" in tools:
            return await planner.next_step(conversation, self._ruff)
        if "verdict" in tools:
            return await judge.next_step(conversation, self._ruff)
        if "send_back" in tools:
            return integrator.next_step(conversation)
        if "submit" in tools:
            return await worker.next_step(conversation, self._ruff)
        return Step("The built-in model answers as planner, worker or judge, through their tools.")


def _message(text: str, calls: tuple[ToolCall, ...]) -> Message:
    message: Message = {"role": "assistant", "content": text}
    if calls:
        message["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": call.arguments},
            }
            for call in calls
        ]
    return message
