"""What every role's desk has: its workspace, its model, and the person's words.

Owns the common half of the ports in `crew.desk`. Must never know which role sits at the desk.
"""

import contextlib
import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Final, ParamSpec, TypeVar

from longshift.crew.desk import CommandOutcome, News
from longshift.crew.roles import RolePrompt
from longshift.domain import events
from longshift.domain.model import Role, Said
from longshift.engine.activities import Doing, Note
from longshift.engine.commanding import run_in_cage
from longshift.engine.desks.outgoing import Outgoing
from longshift.engine.desks.transcripts import Transcript
from longshift.engine.difference import sayable
from longshift.engine.room import RunRoom
from longshift.engine.spending import MODEL_OF, Spending
from longshift.engine.turns import Turn
from longshift.errors import Guard
from longshift.models.config import BUILTIN, EFFORT_OF_THE_ROLE
from longshift.models.port import Message, ModelReply, ModelRequest
from longshift.precedence import PRECEDENCE
from longshift.repository.workspace import Workspace
from longshift.sandbox.policy import Refusal
from longshift.screening.hidden import visible
from longshift.screening.secrets import mask

P = ParamSpec("P")
T = TypeVar("T")

WINDOW_TOKENS: Final = 128_000
"""The window of a model of which none is known."""
DETAIL_CHARACTERS: Final = 500
"""How much of what was tried a refusal's event keeps."""
LOOKED_AT: Final = 100_000
"""How much of it is looked through for secrets: a tool's arguments may have megabytes."""
TOOL_CHARACTERS: Final = 100
"""How much of a tool's name it keeps: a model may call one that there is not."""


class AgentDesk:
    """The desk of one agent, whatever its role."""

    _note: Note

    def __init__(
        self,
        room: RunRoom,
        spending: Spending,
        role: Role,
        agent: str,
        workspace: Workspace,
        conversation: str = "",
    ) -> None:
        """Sit an agent down.

        Args:
            room: the run's.
            spending: the run's.
            role: what it is.
            agent: its id in the journal: `P1`, `A1.3`, `T1.2`, `judge`.
            workspace: the files that it sees.
            conversation: the name under which its conversation is kept; "": the agent's.
        """
        self._room = room
        self._spending = spending
        self._role: Role = role
        self._agent = agent
        self._workspace = workspace
        self._messages_read = 0
        # No method of the desk's, for the turn's sake: the two would hold each other, and with them
        # all that the agent read.
        self._note = note = functools.partial(room.shop.activities.note, room.run_id, agent)
        self._turn = room.shop.turns.one(lambda waits: note("turn" if waits else "tools"))
        self._outgoing = Outgoing()
        self._prompt = ""
        self._transcript = Transcript(room.chronicle, room.run_id, conversation or agent)

    @property
    def agent(self) -> str:
        """The id of who sits here, as the journal has it."""
        return self._agent

    @property
    def turn(self) -> Turn:
        """Its place among those that are at it; held by workers, and equal agents that choose."""
        return self._turn

    @property
    def workspace(self) -> Workspace:
        """The files that the role sees."""
        return self._workspace

    @property
    def can_run_commands(self) -> bool:
        """Whether the workspace is trusted and this machine has a sandbox that held."""
        return not isinstance(self._room.cage_of_models, Refusal)

    async def before_step(self) -> None:
        """Wait while the run is paused; end here once a budget is used up."""
        if not self._room.unpaused.is_set():
            with self._doing("pause"):
                async with self._turn.away():
                    await self._room.unpaused.wait()
        self._spending.refuse_when_spent()

    async def tell_opened(self, prompt: RolePrompt, tools_digest: str) -> None:
        """Record that the agent's conversation begins, and what it is told."""
        self._prompt = prompt.name
        self._room.shop.activities.begin(self._room.run_id, self._agent, self._role)
        settings = self._room.settings.model_for(MODEL_OF[self._role])
        builtin = settings.model == BUILTIN
        configured = None if builtin else settings.reasoning_effort
        await self._room.chronicle.record(
            events.ConversationOpened(
                run=self._room.run_id,
                role=self._role,
                agent=self._agent,
                model=self._spending.name_of(settings.model),
                effort=prompt.effort if configured == EFFORT_OF_THE_ROLE else configured,
                prompts=prompt.prompts,
                tools_digest=tools_digest,
                prefix_digest=prompt.prefix_digest,
            )
        )

    @functools.cached_property
    def window_tokens(self) -> int:
        """How many tokens a conversation with the role's model can hold."""
        return self._room.settings.model_for(MODEL_OF[self._role]).context_tokens or WINDOW_TOKENS

    async def complete(self, request: ModelRequest, *, aside: str = "") -> ModelReply:
        """Ask the role's model; what leaves this machine for it holds no secret."""
        talk = Outgoing() if aside else self._outgoing
        quick = talk.is_quick(request)
        look = talk.masked(request) if quick else await self.off_loop(talk.masked, request)
        outgoing, masked = look
        if not aside:
            self._transcript.keep(talk.sent)
        if not self._is_builtin:
            request = outgoing
            for sentence in masked:
                await self.tell_refused("secret", "", sentence)
        with self._doing("model" if self._is_builtin else "endpoint"):
            async with self._turn.away():
                await PRECEDENCE.give_way_in_loop()  # to put a call on its way is work too
                return await self._spending.complete(
                    self._role, self._agent, request, aside or self._prompt
                )

    @contextlib.contextmanager
    def _doing(self, doing: Doing) -> Iterator[None]:
        """Let whoever watches know what this agent does; afterwards it reads and edits again."""
        self._note(doing)
        try:
            yield
        finally:
            self._note("tools")

    @property
    def _is_builtin(self) -> bool:
        """Whether the role's model answers by rule, without a call."""
        return bool(getattr(self._room.models, MODEL_OF[self._role]).name == BUILTIN)

    def keep_end(self, messages: Sequence[Message]) -> None:
        """Keep the last messages of a conversation, which no model is sent any more."""
        self._room.shop.activities.end(self._room.run_id, self._agent)
        self._outgoing.masked(ModelRequest(messages))
        self._transcript.keep(self._outgoing.sent)

    async def off_loop(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Do blocking work on another thread."""
        return await self._room.for_agent(work, *args, **kwargs)

    @property
    def messages_heard(self) -> int:
        """How many of the person's messages were handed over, or passed over as not meant."""
        return self._messages_read

    def take_messages(self) -> Sequence[Said]:
        """Hand over what a person said to who sits here since this desk was last asked."""
        messages = self._room.run.messages
        new = messages[self._messages_read :]
        self._messages_read = len(messages)
        return [said for said in new if self._is_meant(said)]

    def take_news(self) -> News:
        """Hand over what other agents did: nothing, unless the role's desk knows better."""
        return News()

    def _is_meant(self, said: Said) -> bool:
        """Who makes tasks hears everything, a judge what answers its own questions; others not."""
        makes_tasks = self._role in ("planner", "agent")
        return makes_tasks or (self._role == "judge" and said.to == self._agent)

    async def run_command(self, command: str, timeout_s: int) -> CommandOutcome:
        """Run a command on the workspace's files, and take what it changed into the workspace."""
        with self._doing("command"):
            async with self._turn.away():
                outcome = await run_in_cage(
                    self._room, self._agent, self._workspace, command, timeout_s
                )
        if outcome.out_of_bounds:
            detail = f"{' '.join(outcome.out_of_bounds)} Command: {command}"
            await self.tell_refused("path", "run_command", detail)
        return outcome

    async def tell_refused(self, guard: Guard, tool: str, detail: str) -> None:
        """Record that a guard kept this agent within its bounds."""
        await self._room.chronicle.record(
            events.GuardRefused(
                run=self._room.run_id,
                guard=guard,
                agent=self._agent,
                tool=visible(sayable(tool))[:TOOL_CHARACTERS],
                # Masked before it is cut: a part of a secret would not be known for one.
                detail=visible(mask(sayable(detail[:LOOKED_AT])))[:DETAIL_CHARACTERS],
            )
        )

    async def ask_person(self, question: str, options: Sequence[str]) -> str:
        """Put a question to the person, without waiting."""
        id_ = self._room.chronicle.state.next_id("Q")
        await self._room.chronicle.record(
            events.QuestionAsked(
                run=self._room.run_id,
                question=id_,
                text=question,
                options=tuple(options),
                asked_by=self._agent,
            )
        )
        return id_
