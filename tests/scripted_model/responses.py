"""The `/v1/responses` dialect of the scripted model, made of the other at the server's edge.

Owns the conversion both ways. Must never play anything: a script says the same in both dialects.
"""

from collections.abc import Mapping
from typing import Any


def as_chat(body: Mapping[str, Any]) -> dict[str, Any]:
    """A request as it would be at `/chat/completions`."""
    messages: list[dict[str, Any]] = []
    if "instructions" in body:
        messages.append({"role": "system", "content": body["instructions"]})
    for item in body["input"]:
        match item.get("type", "message"):
            case "message":
                messages.append({"role": item["role"], "content": item["content"]})
            case "function_call":
                if not messages or messages[-1]["role"] != "assistant":
                    messages.append({"role": "assistant", "content": None})
                function = {"name": item["name"], "arguments": item["arguments"]}
                call = {"id": item["call_id"], "type": "function", "function": function}
                messages[-1].setdefault("tool_calls", []).append(call)
            case "function_call_output":
                told = {"tool_call_id": item["call_id"], "content": item["output"]}
                messages.append({"role": "tool", **told})
            case "reasoning":
                assert item["encrypted_content"].startswith("unreadable:")
    tools = [
        {"type": "function", "function": {k: v for k, v in tool.items() if k != "type"}}
        for tool in body.get("tools", ())
    ]
    return {"model": body["model"], "messages": messages, "tools": tools}


def as_response(completion: Mapping[str, Any], reasoning: str) -> dict[str, Any]:
    """A chat completion as `/responses` would have it."""
    choice = completion["choices"][0]
    message = choice["message"]
    output: list[dict[str, Any]] = []
    if reasoning:
        hidden = f"unreadable:{reasoning[::-1]}"
        output.append(
            {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": hidden}
        )
    if message["content"]:
        part = {"type": "output_text", "text": message["content"], "annotations": []}
        output.append({"type": "message", "role": "assistant", "content": [part]})
    output += [
        {
            "type": "function_call",
            "id": f"fc_{call['id']}",
            "call_id": call["id"],
            "name": call["function"]["name"],
            "arguments": call["function"]["arguments"],
        }
        for call in message.get("tool_calls", ())
    ]
    cut = choice["finish_reason"] == "length"
    usage = completion.get("usage")
    return {
        "id": "resp_1",
        "object": "response",
        "status": "incomplete" if cut else "completed",
        "incomplete_details": {"reason": "max_output_tokens"} if cut else None,
        "model": completion["model"],
        "output": output,
        "usage": usage
        and {
            "input_tokens": usage["prompt_tokens"],
            "output_tokens": usage["completion_tokens"],
            "input_tokens_details": usage.get("prompt_tokens_details"),
            "output_tokens_details": usage.get("completion_tokens_details"),
        },
    }
