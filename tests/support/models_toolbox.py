"""The tools of the contract over a dict of files, and a loop that lets a model use them.

Owns just enough of a crew to drive a model through one conversation. Its reading is capped like
the real one, its edits refuse what does not stand exactly once, and of one reply it makes as many
calls as a crew does.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from longshift.crew.limits import MOST_CALLS
from longshift.models.port import Model, ModelRequest

READ_CAP = 10_000
ENDING = {"finish", "verdict", "give_up", "start_task", "leave", "send_back"}
LISTING = ("read_tasks", "add_task", "claim_task", "release_task", "start_task", "leave")
TOOLS = {
    "planner": ("list_files", "read_file", "search", "add_task", "finish"),
    "worker": ("list_files", "read_file", "edit_file", "write_file", "submit", "give_up"),
    "agent": ("list_files", "read_file", "search", *LISTING),
    "locking_agent": ("list_files", "read_file", "search", "lock_tasks", "unlock_tasks", *LISTING),
    "integrator": ("list_files", "read_file", "edit_file", "submit", "send_back"),
    "judge": ("list_files", "read_file", "run_checks", "report_finding", "verdict"),
}


@dataclass
class Toolbox:
    """Files, and what was done to them."""

    files: dict[str, str]
    on_submit: Callable[["Toolbox"], Mapping[str, object]] = lambda _: {"status": "landed"}
    checks: Sequence[Mapping[str, object]] = ()
    refuse: frozenset[str] = frozenset()
    """Tools that answer with an error."""
    list_cap: int = 1_000
    tasks: list[dict[str, object]] = field(default_factory=list)
    """The list that equal agents share."""
    calls: list[tuple[str, dict[str, object]]] = field(default_factory=list)
    turns: int = 0

    def named(self, name: str) -> list[dict[str, object]]:
        """Arguments of all calls of one tool."""
        return [arguments for called, arguments in self.calls if called == name]

    def call(self, name: str, arguments: dict[str, object]) -> Mapping[str, object]:
        """Do one call; mistakes are error results."""
        self.calls.append((name, arguments))
        if name in self.refuse:
            return {"error": f"{name} is refused"}
        if name == "submit":
            return self.on_submit(self)
        if name == "run_checks":
            return {"checks": self.checks}
        if name == "add_task":
            row = {"task": f"T{len(self.tasks) + 1}", "ready": True}
            self.tasks.append({**row, "title": arguments["title"], "paths": arguments["paths"]})
        if name == "claim_task":
            [row] = [one for one in self.tasks if one["task"] == arguments["task"]]
            row["ready"] = False
        if name == "read_tasks":
            return {"version": 1, "tasks": self.tasks}
        if name in {"add_task", "report_finding", *ENDING, *LISTING, "lock_tasks", "unlock_tasks"}:
            return {"done": True}
        if name in {"read_file", "edit_file"} and arguments["path"] not in self.files:
            return {"error": f"There is no file {arguments['path']}."}
        return getattr(self, f"_{name}")(**arguments)

    def _list_files(self, path: str = ".", glob: str | None = None) -> Mapping[str, object]:
        prefix = "" if path == "." else path.rstrip("/") + "/"
        found = sorted(f for f in self.files if f.startswith(prefix))
        if glob is not None:
            found = [f for f in found if fnmatchcase(f.rpartition("/")[2], glob)]
        return {"files": found[: self.list_cap], "truncated": len(found) > self.list_cap}

    def _read_file(self, path: str, start_line: int = 1, end_line: int | None = None):
        lines = self.files[path].splitlines(keepends=True)
        taken: list[str] = []
        for line in lines[start_line - 1 : end_line]:
            if taken and sum(map(len, taken)) + len(line) > READ_CAP:
                break
            taken.append(line)
        return {
            "path": path,
            "start_line": start_line,
            "end_line": start_line + len(taken) - 1,
            "total_lines": len(lines),
            "text": "".join(taken),
        }

    def _edit_file(self, path: str, old_text: str, new_text: str) -> Mapping[str, object]:
        if self.files[path].count(old_text) != 1:
            return {"error": "`old_text` must stand exactly once in the file."}
        self.files[path] = self.files[path].replace(old_text, new_text)
        return {"replacements": 1}


async def converse(
    model: Model, role: str, brief: Mapping[str, object], toolbox: Toolbox, most_turns: int = 60
) -> tuple[str, dict[str, object]]:
    """Let a model work until it ends its conversation; its last call, name and arguments."""
    opening = f"Some words.\n\n```json longshift\n{json.dumps({'role': role, **brief})}\n```\nMore."
    messages: list[dict[str, object]] = [
        {"role": "system", "content": "You are one of a crew."},
        {"role": "user", "content": opening},
    ]
    tools = [{"type": "function", "function": {"name": name}} for name in TOOLS[role]]
    for _ in range(most_turns):
        reply = await model.complete(ModelRequest(messages, tools))
        toolbox.turns += 1
        messages.append(reply.message)
        for number, call in enumerate(reply.tool_calls):
            arguments = json.loads(call.arguments)
            fits = number < MOST_CALLS
            result = toolbox.call(call.name, arguments) if fits else {"error": "too many calls"}
            content = json.dumps(result)
            messages.append({"role": "tool", "tool_call_id": call.id, "content": content})
            if call.name in ENDING - toolbox.refuse or result.get("status") == "landed":
                return call.name, arguments
    raise AssertionError(f"no end after {most_turns} turns: {toolbox.calls[-5:]}")
