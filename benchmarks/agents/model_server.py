"""A chat-completions server that only counts turns: `python -m benchmarks.agents.model_server`.

It prints its port and serves until its standard input ends. What it answers follows from the
request alone: how many replies the conversation has had, and which tools there are. Written on
asyncio's own protocol, so that as little as possible of the machine goes to the server. Imports
nothing of Longshift.
"""

import asyncio
import json
import re
import sys
from dataclasses import dataclass, field

from benchmarks.answering import Answering, serve_until_told

_REPLIES = re.compile(rb'"role":\s*"assistant"')
TASKS_A_REPLY = 25


@dataclass
class Scene:
    """What the server plays, set by the first line of its standard input."""

    turns: int
    tasks: int
    delay_s: float
    first_worker: bytes = field(default=b"")
    """The first request of a worker of ours, for the bare loop to send the same."""


def answer(body: bytes, scene: Scene) -> bytes:
    """The reply to a request, as the bytes of a chat completion."""
    turn = len(_REPLIES.findall(body))
    if b'"name":"add_task"' in body:
        calls = _plan(turn, scene)
    elif b'"name":"verdict"' in body:
        calls = [("verdict", {"reason": "As measured.", "decision": "done"})]
    else:
        if not turn and not scene.first_worker and b'"name":"submit"' in body:
            scene.first_worker = body
        calls = _work(turn, scene, b'"name":"submit"' in body)
    return _completion(calls, turn, len(body))


def tool_call(turn: int) -> tuple[str, dict[str, object]]:
    """What a worker calls in a turn: it reads, searches and edits in turn."""
    match turn % 3:
        case 0:
            return "read_file", {"path": "folder1/file1.py", "start_line": turn % 30 + 1}
        case 1:
            return "search", {"pattern": f"value_{turn} = ", "path": "folder1/file1.py"}
        case _:
            line = turn % 40
            old, new = f"value_{line} = {line + 1}\n", f"value_{line} = {line + 1}  # seen\n"
            return "edit_file", {"path": "folder1/file1.py", "old_text": old, "new_text": new}


def _plan(turn: int, scene: Scene) -> list[tuple[str, dict[str, object]]]:
    first, last = turn * TASKS_A_REPLY, min((turn + 1) * TASKS_A_REPLY, scene.tasks)
    if first >= last:
        return [("finish", {"summary": "Planned.", "evidence": "The tasks."})]
    return [
        (
            "add_task",
            {
                "title": f"Look at part {number}",
                "instructions": f"Read and change part {number} of the folder.",
                "paths": [f"part{number}.py"],
                "acceptance": ["`python -m pytest` passes"],
            },
        )
        for number in range(first, last)
    ]


def _work(turn: int, scene: Scene, ours: bool) -> list[tuple[str, dict[str, object]]]:
    if turn < scene.turns:
        return [tool_call(turn)]
    return [("give_up", {"reason": "Measured."})] if ours else []


def _completion(calls: list[tuple[str, dict[str, object]]], turn: int, sent: int) -> bytes:
    message: dict[str, object] = {"role": "assistant", "content": None if calls else "Done."}
    if calls:
        message["tool_calls"] = [
            {
                "id": f"call_{turn}_{number}",
                "type": "function",
                "function": {"name": name, "arguments": json.dumps(arguments)},
            }
            for number, (name, arguments) in enumerate(calls)
        ]
    completion = {
        "id": f"chatcmpl-{turn}",
        "object": "chat.completion",
        "created": 0,
        "model": "measured",
        "choices": [
            {
                "index": 0,
                "message": message,
                "finish_reason": "tool_calls" if calls else "stop",
                "logprobs": None,
            }
        ],
        "usage": {
            "prompt_tokens": sent // 4,
            "completion_tokens": 20,
            "total_tokens": sent // 4 + 20,
        },
    }
    return json.dumps(completion).encode()


class _Connection(Answering):
    def __init__(self, scene: Scene) -> None:
        super().__init__()
        self._scene = scene

    def answer(self, head: bytes, body: bytes) -> None:
        if head.startswith(b"GET"):
            self.send(self._scene.first_worker)
            return
        # The planner is not kept waiting: all agents are to be at work at once.
        delay_s = 0.0 if b'"name":"add_task"' in body else self._scene.delay_s
        self.send(answer(body, self._scene), delay_s)


if __name__ == "__main__":
    _scene = Scene(**json.loads(sys.stdin.readline()))
    asyncio.run(serve_until_told(lambda: _Connection(_scene)))
