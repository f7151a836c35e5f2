"""The bare loop: `AsyncOpenAI.post` on the aiohttp transport, and a list that grows.

`python -m benchmarks.agents.bare BASE_URL CONVERSATIONS AT_ONCE` prints one JSON object. It sends
what our workers send (the server hands over their first request) and gives each call a result of
the size that our tool gives. Imports nothing of Longshift.
"""

import asyncio
import json
import resource
import sys
import time
import urllib.request
from typing import Any

import openai
from openai.types.chat import ChatCompletion

RESULTS = {
    "read_file": json.dumps({"text": "value = 1\n" * 50}),
    "search": json.dumps({"text": "value = 1\n" * 7}),
    "edit_file": json.dumps({"replacements": 1}),
}


async def _agent(client: openai.AsyncOpenAI, first: dict[str, Any]) -> tuple[int, int]:
    messages = list(first["messages"])
    calls = 0
    while True:
        body = {**first, "messages": messages}
        reply = await client.post("/chat/completions", body=body, cast_to=ChatCompletion)
        calls += 1
        message = reply.choices[0].message
        asked = message.tool_calls or []
        messages.append(message.model_dump(exclude_none=True))
        if not asked or asked[0].function.name == "give_up":  # type: ignore[union-attr]
            return calls, len(json.dumps(messages))
        messages += [
            {"role": "tool", "tool_call_id": call.id, "content": RESULTS[call.function.name]}  # type: ignore[union-attr]
            for call in asked
        ]


def _first_request(base_url: str) -> dict[str, Any]:
    """What a worker of ours sent first."""
    with urllib.request.urlopen(f"{base_url}/first") as answer:  # noqa: S310 - our own server
        first: dict[str, Any] = json.loads(answer.read())
    return first


async def _main(base_url: str, conversations: int, at_once: int) -> None:
    places = asyncio.Semaphore(at_once)
    first = await asyncio.to_thread(_first_request, base_url)

    async def lead(client: openai.AsyncOpenAI) -> tuple[int, int]:
        async with places:
            return await _agent(client, first)

    http = openai.DefaultAioHttpClient()
    async with openai.AsyncOpenAI(api_key="none", base_url=base_url, http_client=http) as client:
        cpu, wall = time.process_time(), time.perf_counter()
        led = await asyncio.gather(*(lead(client) for _ in range(conversations)))
        measured = {
            "cpu_s": time.process_time() - cpu,
            "wall_s": time.perf_counter() - wall,
            "rss_kb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
            "calls": sum(calls for calls, _ in led),
            "conversation_bytes": led[0][1],
        }
    print(json.dumps(measured))


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
