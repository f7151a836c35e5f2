"""The methods that every language server answers, without the defects of pygls 2.1.1.

Owns `initialize`, `shutdown`, `exit`, the calling of commands and the cancelling of progress.
Knows no feature.

The defects that this mends, by their upstream issue (openlawlibrary/pygls):
    #606  `shutdown` fails when a request ends meanwhile ("dictionary changed size").
    #607  progress tokens are never freed (see also `progress`).
    Not reported upstream: `exit` without `shutdown` returns 0; the client's process is not
    watched; a command without `arguments` is called as if it had no parameters; documents and
    capabilities (see `text` and `capabilities`).
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from lsprotocol import types
from pygls.capabilities import ServerCapabilitiesBuilder
from pygls.protocol import lsp_method
from pygls.uris import from_fs_path

from longshift.lsp.protocol.answers import LspError
from longshift.lsp.protocol.capabilities import complete_capabilities
from longshift.lsp.protocol.dispatch import Dispatcher, Steps
from longshift.lsp.protocol.text import OpenDocuments

if TYPE_CHECKING:
    from cattrs import Converter

    from longshift.lsp.protocol.server import LongshiftLanguageServer


class LongshiftProtocol(Dispatcher):
    """One session with one client. pygls finds its methods by their decorator."""

    def __init__(self, server: "LongshiftLanguageServer", converter: "Converter") -> None:
        super().__init__(server, converter)
        self.progress_cancels: dict[types.ProgressToken, Callable[[], None]] = {}

    @lsp_method(types.INITIALIZE)
    def lsp_initialize(self, params: types.InitializeParams) -> Steps:
        """Agree on capabilities, make the workspace and start the watch on the client."""
        self._prepare(params)
        if (handler := self.fm.features.get(types.INITIALIZE)) is not None:
            yield handler, (params,), None
        self._build_capabilities()
        self._stage = "ready"
        if params.process_id is not None:
            self._server.watch_client(params.process_id)
        return types.InitializeResult(self.server_capabilities, self.server_info)

    def _prepare(self, params: types.InitializeParams) -> None:
        self._server.process_id = params.process_id
        self.client_capabilities = params.capabilities
        encoding = ServerCapabilitiesBuilder.choose_position_encoding(params.capabilities)
        root_uri = params.root_uri
        if root_uri is None and params.root_path is not None:
            root_uri = from_fs_path(params.root_path)
        folders = params.workspace_folders or []
        self._workspace = OpenDocuments(root_uri, self._server.sync_kind, folders, encoding)

    def _build_capabilities(self) -> None:
        build: Callable[[], types.ServerCapabilities] = ServerCapabilitiesBuilder(
            self.client_capabilities,
            {*self.fm.features, *self.fm.builtin_features},
            self.fm.feature_options,
            list(self.fm.commands),
            self._server.sync_kind,
            None,
            self.workspace.position_encoding or types.PositionEncodingKind.Utf16,
        ).build
        self.server_capabilities = build()
        complete_capabilities(
            self.server_capabilities,
            self.client_capabilities,
            self.fm.features,
            self.fm.feature_options,
        )

    @lsp_method(types.SHUTDOWN)
    def lsp_shutdown(self, *args: object) -> Steps:
        """Let the feature end its work, cancel the other requests, and serve no more (#606)."""
        try:
            if (handler := self.fm.features.get(types.SHUTDOWN)) is not None:
                yield handler, args, None
        finally:  # a feature that fails is told to the client, but keeps nothing running
            for msg_id, task in self._in_flight.items():
                if msg_id != self.msg_id:
                    task.cancel()
            self._shutdown = True
            self._stage = "shut down"

    @lsp_method(types.EXIT)
    def lsp_exit(self, *args: object) -> Steps:
        """End the session: status 0 after a `shutdown`, 1 without."""
        if (handler := self.fm.features.get(types.EXIT)) is not None:
            yield handler, args, None
        self._server.end(0 if self._stage == "shut down" else 1)

    @lsp_method(types.WORKSPACE_EXECUTE_COMMAND)
    def lsp_workspace__execute_command(self, params: types.ExecuteCommandParams) -> Steps:
        """Run a command, or say that there is none; absent arguments count as none given."""
        if params.command not in self.fm.commands:
            raise LspError(
                types.ErrorCodes.InvalidParams, f"There is no command {params.command!r}."
            )
        # pygls calls a command without checking its parameters when `arguments` is absent.
        params.arguments = params.arguments or []
        return (yield from super().lsp_workspace__execute_command(params))

    @lsp_method(types.WINDOW_WORK_DONE_PROGRESS_CANCEL)
    def lsp_work_done_progress_cancel(self, params: types.WorkDoneProgressCancelParams) -> Steps:
        """Tell the progress with this token, if it has not ended meanwhile."""
        token: object = (
            params.token
        )  # whatever the client sent: the converter lets any JSON through
        if not isinstance(token, int | str):
            return
        if (cancel := self.progress_cancels.get(token)) is not None:
            cancel()
        if (handler := self.fm.features.get(types.WINDOW_WORK_DONE_PROGRESS_CANCEL)) is not None:
            yield handler, (params,), None
