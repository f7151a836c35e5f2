"""What all features share: the server, its client, its open buffers and its repositories.

Owns nothing that lives on: it brings together. Must stay light, since it is made before
`initialize` is answered.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping
from typing import TYPE_CHECKING, Any, Final

from lsprotocol import types
from pygls.exceptions import JsonRpcException

from longshift.errors import LongshiftError
from longshift.lsp.buffers import Buffers
from longshift.lsp.client import Client
from longshift.lsp.protocol import LongshiftLanguageServer
from longshift.lsp.sessions import Sessions
from longshift.lsp.words import shown

if TYPE_CHECKING:
    from longshift.domain.events import Recorded
    from longshift.lsp.session import Session

logger = logging.getLogger(__name__)

Listener = Callable[["Session", "Recorded"], None]

CONFIGURATION_WITHIN_S: Final = 5.0
"""How long a client may take to say its settings before the run goes on without them."""


class Host:
    """One session with one client.

    Attributes:
        client: what it can do; nothing before `initialize`.
        options: its `initializationOptions`, where they are an object, without the token.
        buffers: its open documents.
        sessions: the repositories that it works in.
    """

    def __init__(self, server: LongshiftLanguageServer, *, background: bool = False) -> None:
        """Serve on a server without features; in the background, the engine outlives it."""
        self._background = background
        self.server = server
        self.client = Client()
        self.options: Mapping[str, Any] = {}
        self.buffers = Buffers(server)
        self.sessions = Sessions(self)
        self.closing = False
        self._listeners: list[Listener] = []
        self._opened: list[Callable[[Session], None]] = []
        self._tasks: set[asyncio.Task[Any]] = set()
        self._noticed: set[tuple[str, str]] = set()

    def meet(self, params: types.InitializeParams) -> None:
        """Learn who the client is."""
        options = params.initialization_options
        given = options if isinstance(options, Mapping) else {}
        self.options = {name: value for name, value in given.items() if name != "token"}
        encoding = self.server.workspace.position_encoding
        name = shown(params.client_info.name) if params.client_info else ""
        self.client = Client.of(params.capabilities, encoding, self.options, name)

    @property
    def background(self) -> bool:
        """Whether the engine is to go on when the editor is closed."""
        return self._background or self.client.background

    def listen(self, listener: Listener) -> None:
        """Be told of every fact of every repository, in the loop's thread."""
        self._listeners.append(listener)

    def listen_opened(self, listener: Callable[["Session"], None]) -> None:
        """Be told of every repository whose runs have become known."""
        self._opened.append(listener)

    def opened(self, session: "Session") -> None:
        """Tell that a repository's runs have become known."""
        for listener in self._opened:
            listener(session)

    def tell(self, session: "Session", recorded: "Recorded") -> None:
        """Pass a fact on; a listener that fails keeps nobody else from it."""
        for listener in self._listeners:
            try:
                listener(session, recorded)
            except Exception:
                logger.exception("A feature failed at event %d.", recorded.seq)

    def spawn(self, work: Coroutine[Any, Any, object], what: str) -> None:
        """Have something done beside; what goes wrong is told to the person, once."""
        task = asyncio.get_running_loop().create_task(self._guard(work, what), name=what)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def say(self, kind: types.MessageType, sentence: str) -> None:
        """Show one sentence to the person."""
        if not self.closing:
            self.server.window_show_message(types.ShowMessageParams(kind, shown(sentence)))

    def notice(self, session: "Session", sentence: str) -> None:
        """Show a sentence about a repository's settings, once for each repository."""
        if self.is_first(session, sentence):
            self.say(types.MessageType.Info, sentence)

    def is_first(self, session: "Session", sentence: str) -> bool:
        """Whether a repository hears a sentence for the first time; from then on it does not."""
        known = (session.root_uri, sentence) in self._noticed
        self._noticed.add((session.root_uri, sentence))
        return not known

    async def configure(self, session: "Session") -> None:
        """Ask the client for its settings of one repository, where it can be asked."""
        if not self.client.configuration:
            return
        item = types.ConfigurationItem(scope_uri=session.root_uri, section="longshift")
        try:
            async with asyncio.timeout(CONFIGURATION_WITHIN_S):
                found = await self.server.workspace_configuration_async(
                    types.ConfigurationParams([item])
                )
        except (TimeoutError, JsonRpcException) as error:
            logger.warning("The client did not say its configuration: %s", error)
            return
        session.settings.set_configured(found[0] if found else None)

    async def close(self) -> None:
        """Pause what runs, durably, and let go of every repository."""
        self.closing = True
        await self.sessions.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _guard(self, work: Coroutine[Any, Any, object], what: str) -> None:
        try:
            await work
        except LongshiftError as error:
            logger.warning("%s: %s", what, error)
            self.say(types.MessageType.Warning, str(error))
        except Exception:
            logger.exception("%s failed.", what)
            self.say(
                types.MessageType.Error,
                f"Longshift met an error of its own ({what}). The server goes on; details are in "
                f"{self.server.log_place}.",
            )
