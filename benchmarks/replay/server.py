"""The models of a replay, all roles in one: a process of its own.

Speaks the OpenAI chat protocol. It has no memory of conversations: what it answers follows from
the request alone, from the task that its opening names and the last call that was made in it.
Whatever goes as planned is answered with bytes that lie ready, so that as little as possible of
the machine goes to it; only a conflict, and an edit that found another text, are looked at.

`python -m benchmarks.replay.server PLAN LATENCY_S` prints its port, and serves until its standard
input ends. `/v1` answers after the latency, `/now/v1` at once. `GET /kept` gives some of the
requests that it was sent, each the last of its conversation, for the bare client to send the same;
`GET /told` what it could make nothing of.
"""

import asyncio
import json
import re
import sys
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks.answering import Answering, serve_until_told
from benchmarks.replay.tasks import CALLS_A_REPLY, Plan, Task, with_piece, without_markers

PLANNERS: Final = 30
"""Sub-planners at most; each has a slice of the tasks."""
KEPT: Final = 400
"""Conversations of workers whose requests are kept, spread over all tasks."""

_TASK: Final = re.compile(rb"Replayed task (\d+):")
_SLICE: Final = re.compile(rb"Replayed slice (\d+)\b")
_LAST: Final = b'"tool_call_id":"'
_HEAD: Final = (
    rb'{"id":"replayed","object":"chat.completion","created":0,"model":"replayed","choices":[{'
    rb'"index":0,"finish_reason":"tool_calls","logprobs":null,"message":{"role":"assistant",'
    rb'"content":null,"tool_calls":'
)
_USAGE: Final = b'}}],"usage":{"prompt_tokens":%d,"completion_tokens":%d,"total_tokens":%d}}'
_PAGE_LINES: Final = 100
"""Lines of a file that are asked for in one call, once it is known to be long."""

Calls = Sequence[tuple[str, Mapping[str, object]]]


class Replaying:
    """The answers of all roles."""

    def __init__(self, plan: Plan) -> None:
        """Lay the answers ready."""
        self._plan = plan
        self._slices = slices(len(plan.tasks))
        self._planned = [_planned(plan.tasks, one) for one in self._slices]
        self._first = [_delegated(len(self._slices)), _finished()]
        self._turns = [
            [_calls(f"t{turn}", calls) for turn, calls in enumerate(task.turns)]
            for task in plan.tasks
        ]
        every = max(1, len(plan.tasks) // KEPT)
        self._keeps = frozenset(range(0, len(plan.tasks), every))
        self.kept: dict[object, bytes] = {}
        """The last request of some conversations, by whose they are."""
        self.strange: deque[str] = deque(maxlen=20)
        """What the server could make nothing of."""

    def answer(self, body: bytes) -> bytes:
        """The reply to a request, as the bytes of a chat completion."""
        calls = self._calls(body)
        sent, said = len(body) // 4, len(calls) // 4
        return _HEAD + calls + _USAGE % (sent, said, sent + said)

    def _calls(self, body: bytes) -> bytes:
        last = _last_call(body)
        if b'"name":"submit"' in body:
            return self._work(body, last)
        if b'"name":"add_task"' in body:
            return self._plan_tasks(body, last)
        return _calls("j0", [("verdict", {"reason": "As in the release.", "decision": "done"})])

    def _plan_tasks(self, body: bytes, last: str) -> bytes:
        named = None if b'"name":"delegate"' in body else _SLICE.search(body)
        replies = self._first if named is None else self._planned[int(named[1])]
        self.kept["P" if named is None else named[0]] = body
        return replies[_turn_of(last) + 1]

    def _work(self, body: bytes, last: str) -> bytes:
        named = _TASK.search(body)
        if named is None:
            return self._puzzled("a worker without a task")
        number = int(named[1])
        task, replies = self._plan.tasks[number], self._turns[number]
        if number in self._keeps:
            self.kept[number] = body
        if not last:
            return replies[0] if replies else self._look(task, [])
        turn = _turn_of(last)
        if last.startswith("t") and turn < len(replies) - 1:
            results = body[body.rfind(b'"role":"assistant"') :]
            if turn == 0 or b'"content":"{\\"error\\"' not in results:
                return replies[turn + 1]
        conversation = json.loads(body)["messages"]
        if last.startswith("r"):
            return self._look(task, _pages(conversation))
        told = next(json.loads(m["content"]) for m in conversation[::-1] if m["role"] == "tool")
        if last.startswith("w") and told.get("status") != "conflict":
            return self._puzzled(f"{task.title}: {told}")
        return self._look(task, [])

    def _look(self, task: Task, pages: Sequence[Mapping[str, Any]]) -> bytes:
        """Read a file to its end, and write what it is to be with the task's piece in it."""
        if not task.path:
            return self._puzzled(f"{task.title} clashes")
        if not pages:
            return _calls("r0", [("read_file", {"path": task.path})])
        failed = [str(page["error"]) for page in pages if "error" in page]
        if failed and not failed[0].startswith("There is no file"):
            return self._puzzled(f"{task.title}: {failed}")
        seen = "" if failed else _joined(pages)
        if isinstance(seen, int):
            total = pages[0]["total_lines"]
            starts = range(seen + 1, total + 1, _PAGE_LINES)
            asked = [
                ("read_file", {"path": task.path, "start_line": n, "end_line": n + _PAGE_LINES - 1})
                for n in starts
            ]
            return _calls("r0", asked[:CALLS_A_REPLY])
        whole = without_markers(seen)
        made = with_piece(whole, self._plan.pieces[task.path], task.piece)
        if made is None:
            return self._puzzled(f"{task.title}: it holds something else")
        writing = ("write_file", {"path": task.path, "content": made})
        return _calls("w0", [writing, ("submit", {"summary": "As in the release."})])

    def _puzzled(self, what: str) -> bytes:
        self.strange.append(what)
        return _calls("g0", [("give_up", {"reason": what[:2000]})])


def _turn_of(last: str) -> int:
    """The number of the turn that a call belonged to; -1: there was none."""
    return int(last[1:].partition("_")[0] or 0) if last else -1


def _last_call(body: bytes) -> str:
    """The id of the last call whose result a request has; "": it has none."""
    start = body.rfind(_LAST)
    if start < 0:
        return ""
    start += len(_LAST)
    return body[start : body.index(b'"', start)].decode("ascii", "replace")


def _pages(conversation: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The results of the reads that this server asked for last, in their order."""
    pages: list[Mapping[str, Any]] = []
    for message in reversed(conversation):
        if message["role"] == "tool":
            if not message["tool_call_id"].startswith("r"):
                break
            pages.append(json.loads(message["content"]))
    return pages[::-1]


def _joined(pages: Iterable[Mapping[str, Any]]) -> str | int:
    """The whole text, or the number of the last line before something is missing."""
    text, last, total = "", 0, 0
    for page in sorted(pages, key=lambda page: page["start_line"]):
        total = page["total_lines"]
        if page["start_line"] == last + 1:
            text, last = text + page["text"], page["end_line"]
    return text if last >= total else last


def slices(count: int) -> list[range]:
    """Which tasks each sub-planner has."""
    size = max(CALLS_A_REPLY, -(-count // PLANNERS))
    return [range(first, min(first + size, count)) for first in range(0, count, size)]


def _planned(tasks: Sequence[Task], part: range) -> list[bytes]:
    """The replies of one sub-planner."""
    calls = [
        (
            "add_task",
            {
                "title": f"Replayed task {number}: {tasks[number].title}"[:200],
                "instructions": "Bring it to the next release.",
                "paths": list(tasks[number].paths),
                "acceptance": ["It is as in the release."],
            },
        )
        for number in part
    ]
    turns = [calls[n : n + CALLS_A_REPLY] for n in range(0, len(calls), CALLS_A_REPLY)]
    return [*(_calls(f"p{turn}", one) for turn, one in enumerate(turns)), _finished()]


def _delegated(slices: int) -> bytes:
    calls = [
        ("delegate", {"scope": f"Replayed slice {number}", "objective": "Plan its files."})
        for number in range(slices)
    ]
    return _calls("p0", calls)


def _finished() -> bytes:
    return _calls("p0", [("finish", {"summary": "Planned.", "evidence": "The release."})])


def _calls(id_: str, calls: Calls) -> bytes:
    return json.dumps(
        [
            {
                "id": f"{id_}_{number}",
                "type": "function",
                "function": {"name": name, "arguments": json.dumps(arguments)},
            }
            for number, (name, arguments) in enumerate(calls)
        ]
    ).encode()


class _Connection(Answering):
    def __init__(self, replaying: Replaying, delay_s: float) -> None:
        super().__init__()
        self._replaying = replaying
        self._delay_s = delay_s

    def answer(self, head: bytes, body: bytes) -> None:
        if head.startswith(b"GET /kept"):
            self.send(json.dumps([one.decode() for one in self._replaying.kept.values()]).encode())
        elif head.startswith(b"GET"):
            self.send(json.dumps({"strange": list(self._replaying.strange)}).encode())
        else:
            delay_s = 0.0 if head.startswith(b"POST /now/") else self._delay_s
            self.send(self._replaying.answer(body), delay_s)


if __name__ == "__main__":
    _replaying = Replaying(Plan.read(Path(sys.argv[1])))
    asyncio.run(serve_until_told(lambda: _Connection(_replaying, float(sys.argv[2]))))
