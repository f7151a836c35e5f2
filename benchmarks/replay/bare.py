"""The bare client: the same calls with the same bodies, and nothing beside them.

`python -m benchmarks.replay.bare PORT CALLS AT_ONCE` takes the conversations that the server has
kept and leads them over and over, each turn as it was sent, until so many calls are made; prints
one JSON object. Imports nothing of Longshift.
"""

import asyncio
import itertools
import json
import sys
import time
import urllib.request
from collections.abc import Iterator
from typing import Any

import openai
from openai.types.chat import ChatCompletion

Body = dict[str, Any]


def _turns(last: Body) -> list[Body]:
    """All requests of a conversation, from its last one."""
    messages = last["messages"]
    ends = [n for n, message in enumerate(messages) if message["role"] == "assistant"]
    return [{**last, "messages": messages[:end]} for end in (*ends, len(messages))]


def _kept(port: str) -> list[list[Body]]:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/kept") as answer:
        return [_turns(json.loads(body)) for body in json.loads(answer.read())]


async def _lead(client: openai.AsyncOpenAI, left: Iterator[list[Body]]) -> None:
    for turns in left:
        for body in turns:
            await client.post("/chat/completions", body=body, cast_to=ChatCompletion)


def _up_to(conversations: list[list[Body]], calls: int) -> Iterator[list[Body]]:
    for turns in itertools.cycle(conversations):
        if calls <= 0:
            return
        yield turns[:calls]
        calls -= len(turns)


async def _main(port: str, calls: int, at_once: int) -> None:
    kept = await asyncio.to_thread(_kept, port)
    left = _up_to(kept, calls)
    http = openai.DefaultAioHttpClient()
    base_url = f"http://127.0.0.1:{port}/now/v1"
    async with openai.AsyncOpenAI(api_key="none", base_url=base_url, http_client=http) as client:
        cpu, wall = time.process_time(), time.perf_counter()
        await asyncio.gather(*(_lead(client, left) for _ in range(at_once)))
        measured = {
            "cpu_s": time.process_time() - cpu,
            "wall_s": time.perf_counter() - wall,
        }
    print(json.dumps(measured))


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
