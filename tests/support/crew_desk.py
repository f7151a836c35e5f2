"""Desks whose model is a list of replies, over real workspaces of real repositories.

A reply is what one call of the model brings: a list of tool calls, a text, or both. A landing is
a real merge onto a head that the test may move; everything else that an engine would do is noted.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from longshift.crew.desk import (
    AddedTask,
    CheckOutcome,
    CommandOutcome,
    Conflict,
    FindingReport,
    Landed,
    ListedTask,
    News,
    ReportedFinding,
    TaskList,
)
from longshift.crew.roles import RolePrompt
from longshift.domain.model import Handoff, Said, Task, TaskPlan
from longshift.errors import Guard, TellModel
from longshift.models.port import (
    FinishReason,
    Message,
    ModelReply,
    ModelRequest,
    TokenUsage,
    ToolCall,
)
from longshift.repository.landing import Merged, Submission, merge_submission
from longshift.repository.store import ObjectStore
from longshift.repository.workspace import Workspace


@dataclass(frozen=True)
class Call:
    """One tool call; `arguments` as a string go out as they are."""

    name: str
    arguments: dict[str, object] | str


def call(tool: str, **arguments: object) -> Call:
    return Call(tool, arguments)


def raw(tool: str, arguments: str) -> Call:
    return Call(tool, arguments)


@dataclass(frozen=True)
class Reply:
    """One scripted answer of the model."""

    calls: Sequence[Call] = ()
    text: str = ""
    finish_reason: FinishReason = "stop"
    input_tokens: int = 0
    """What the endpoint says that the conversation has."""
    before: Callable[[], None] = lambda: None
    """Happens while the model is thinking."""


Script = Sequence[Reply | Sequence[Call] | Call | str]


@dataclass
class ScriptedLock:
    """The lock of a list that nobody else wants."""

    is_held: bool = False

    async def take(self) -> float:
        self.is_held = True
        return 180.0

    async def give_back(self) -> bool:
        was_held, self.is_held = self.is_held, False
        return was_held


@dataclass
class ScriptedDesk:
    """The desks of all roles."""

    def keep_end(self, messages: Sequence[Message]) -> None:
        self.kept = list(messages)

    store: ObjectStore
    workspace: Workspace
    script: Script
    can_run_commands: bool = False
    commands: dict[str, CommandOutcome] = field(default_factory=dict)
    checks: Sequence[CheckOutcome] = ()
    refusals: list[str | None] = field(default_factory=list)
    """What `refusal_of_done` says, in turn; then None."""
    overlaps: tuple[str, ...] = ()
    said: list[str | Said] = field(default_factory=list)
    """What a person has said and nobody has taken yet."""
    news: list[News] = field(default_factory=list)
    """What other agents did, by the times that it is asked for."""
    head: str = ""
    requests: list[ModelRequest] = field(default_factory=list)
    plans: list[TaskPlan] = field(default_factory=list)
    delegated: list[tuple[str, str]] = field(default_factory=list)
    designs: list[tuple[str, str]] = field(default_factory=list)
    asked: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    handoffs: list[Handoff] = field(default_factory=list)
    ran: list[str] = field(default_factory=list)
    reports: list[FindingReport] = field(default_factory=list)
    refused: list[tuple[Guard, str, str]] = field(default_factory=list)
    """What guards refused: guard, tool and detail."""
    claimed: str | None = None
    lock: "ScriptedLock | None" = None
    """The lock of an equal agent's list."""
    pauses_passed: int = 0
    window_tokens: int = 10_000_000
    opened: list[tuple[RolePrompt, str]] = field(default_factory=list)
    """What was told as its conversations began: prompt and digest of the tools."""

    def __post_init__(self) -> None:
        self.head = self.head or self.workspace.commit

    # What every role has.

    async def before_step(self) -> None:
        self.pauses_passed += 1

    async def tell_opened(self, prompt: RolePrompt, tools_digest: str) -> None:
        self.opened.append((prompt, tools_digest))

    async def complete(self, request: ModelRequest, *, aside: str = "") -> ModelReply:
        number = len(self.requests)
        self.requests.append(request)
        assert number < len(self.script), f"asked once more:\n{self.told()[-3:]}"
        reply = _as_reply(self.script[number])
        reply.before()
        return _on_the_wire(reply, number)

    async def off_loop(self, work, *args, **kwargs):
        return work(*args, **kwargs)

    async def tell_refused(self, guard: Guard, tool: str, detail: str) -> None:
        self.refused.append((guard, tool, detail))

    def take_messages(self) -> Sequence[Said]:
        taken, self.said = self.said, []
        return [Said(text=one) if isinstance(one, str) else one for one in taken]

    def take_news(self) -> News:
        return self.news.pop(0) if self.news else News()

    # A planner's.

    def task_ids(self) -> list[str]:
        return [f"T{number}" for number, _ in enumerate(self.plans, 1)]

    async def add_task(self, plan: TaskPlan) -> AddedTask:
        self.plans.append(plan)
        return AddedTask(self.task_ids()[-1], self.overlaps)

    async def delegate(self, scope: str, objective: str) -> str:
        self.delegated.append((scope, objective))
        return f"P{len(self.delegated) + 1}"

    async def note_design(self, topic: str, decision: str) -> str:
        self.designs.append((topic, decision))
        return f"D{len(self.designs)}"

    async def ask_person(self, question: str, options: Sequence[str]) -> str:
        self.asked.append((question, tuple(options)))
        return f"Q{len(self.asked)}"

    # An equal agent's.

    def read_tasks(self) -> TaskList:
        tasks = (
            Task(id=f"T{number}", cycle=1, planner="A1", plan=plan)
            for number, plan in enumerate(self.plans, 1)
        )
        listed = (ListedTask(one, one.id != self.claimed) for one in tasks)
        return TaskList(len(self.plans), len(self.plans), listed)

    async def claim_task(self, task_id: str) -> None:
        if task_id not in self.task_ids():
            raise TellModel("no_such_task", name=task_id)
        self.claimed = task_id

    async def release_task(self) -> str:
        if self.claimed is None:
            raise TellModel("no_task_claimed")
        released, self.claimed = self.claimed, None
        return released

    # A worker's.

    async def submit(self, handoff: Handoff) -> Landed | Conflict:
        self.handoffs.append(handoff)
        submission = Submission(self.workspace.commit, dict(self.workspace.edits), "work")
        merged = merge_submission(self.store, self.head, submission, when=0)
        if isinstance(merged, Merged):
            self.head = merged.commit
            return Landed(merged.commit, "C1" if merged.paths else None)
        self.workspace.rebase_onto(merged.head, merged.edits)
        return Conflict(merged.paths, merged.notes)

    def land_meanwhile(self, path: str, content: str) -> None:
        """What another worker does."""
        other = Workspace(self.store, self.head)
        other.write_file(path, content)
        self.head = self.store.commit_edits(self.head, dict(other.edits), "other", when=0)

    async def run_command(self, command: str, timeout_s: int) -> CommandOutcome:
        self.ran.append(command)
        if command not in self.commands:
            raise TellModel("no_sandbox", reason="nowhere")
        return self.commands[command]

    # A judge's.

    async def run_checks(self) -> Sequence[CheckOutcome]:
        return self.checks

    async def report_finding(self, report: FindingReport) -> ReportedFinding:
        self.reports.append(report)
        return ReportedFinding(f"F{len(self.reports)}", "run")

    def refusal_of_done(self) -> str | None:
        return self.refusals.pop(0) if self.refusals else None

    # What the model was told.

    def messages(self) -> Sequence[Message]:
        return self.requests[-1].messages

    def results(self) -> list[dict[str, object]]:
        """Every tool result that the model has seen, oldest first."""
        return [json.loads(_content(m)) for m in self.messages() if m["role"] == "tool"]

    def told(self) -> list[str]:
        """Every user message after the first."""
        return [_content(m) for m in self.messages() if m["role"] == "user"][1:]


def _content(message: Message) -> str:
    content = message["content"]
    assert isinstance(content, str)
    return content


def _as_reply(step: Reply | Sequence[Call] | Call | str) -> Reply:
    match step:
        case Reply():
            return step
        case str():
            return Reply(text=step)
        case Call():
            return Reply(calls=[step])
        case _:
            return Reply(calls=step)


def _on_the_wire(reply: Reply, number: int) -> ModelReply:
    calls = tuple(
        ToolCall(
            f"call_{number}_{place}",
            one.name,
            one.arguments if isinstance(one.arguments, str) else json.dumps(one.arguments),
        )
        for place, one in enumerate(reply.calls)
    )
    message: Message = {"role": "assistant", "content": reply.text}
    if calls:
        message["tool_calls"] = [
            {
                "id": one.id,
                "type": "function",
                "function": {"name": one.name, "arguments": one.arguments},
            }
            for one in calls
        ]
    usage = TokenUsage(reply.input_tokens)
    return ModelReply(reply.text, calls, usage, reply.finish_reason, message)
