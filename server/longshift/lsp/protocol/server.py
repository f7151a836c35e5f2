"""A language server that starts, serves one client, and ends in good order.

Owns the session: its transport, its end and its exit status. Has no feature of its own.

pygls 2.1.1 loses the exit status, and waits at its end for whatever runs in its thread pool
(neither reported upstream).
"""

import asyncio
import contextlib
import logging
import signal
import sys
from collections.abc import Awaitable, Callable, Coroutine
from typing import BinaryIO, Final, NoReturn

from lsprotocol import types
from pygls.lsp.server import LanguageServer

from longshift.lsp.protocol.client_process import ClientWatch
from longshift.lsp.protocol.converter import make_converter
from longshift.lsp.protocol.methods import LongshiftProtocol
from longshift.lsp.protocol.transport import PipeTransport, Transport
from longshift.lsp.words import shown

logger = logging.getLogger(__name__)

Closer = Callable[[], Awaitable[object]]

CLOSE_TIMEOUT_S: Final = 10.0
"""How long one closer may take before the end goes on without it."""

THREADS: Final = 4
"""For `@thread` handlers. Long work belongs elsewhere: the end of the process waits for these."""

SWITCH_INTERVAL_S: Final = 0.0005
"""How long a thread that computes may keep Python's one lock while the loop waits for it.

By default it is 5 ms, which the loop pays each time that it comes back from waiting for anything:
then one review on another thread holds up a keystroke as if it were done in the loop.
"""


class LongshiftLanguageServer(LanguageServer):
    """pygls's server on a mended protocol; serves one client, once.

    Attributes:
        log_place: where a person finds the log; named in errors that are our own fault.
    """

    protocol: LongshiftProtocol

    def __init__(
        self,
        name: str,
        version: str,
        *,
        log_place: str = "the server's standard error",
        on_client_gone: Callable[[], None] | None = None,
    ) -> None:
        """Make a server without features.

        Args:
            name: as told to the client.
            version: as told to the client.
            log_place: such as the path of the log file.
            on_client_gone: called when the client's process has ended; by default the session
                ends with status 1.
        """
        super().__init__(
            name,
            version,
            protocol_cls=LongshiftProtocol,
            converter_factory=make_converter,
            max_workers=THREADS,
        )
        self.log_place = log_place
        self.sync_kind: Final = self._text_document_sync_kind
        self._on_client_gone = on_client_gone or self._end_without_client
        self._closers: list[Closer] = []
        self._watch: ClientWatch | None = None
        self._ended: asyncio.Future[int] | None = None

    def serve_stdio(self) -> int:
        """Serve the client on standard input and output until the session ends.

        Nothing else in this process, nor a child, can then reach those two; see
        `PipeTransport.over_standard_streams`.

        Returns:
            The exit status: 0 after `shutdown`, 1 without, 130 on an interrupt, 143 on SIGTERM.
        """
        return self._run(PipeTransport.over_standard_streams)

    def serve_pipes(self, read_fd: int, write_fd: int) -> int:
        """Serve the client on two descriptors; see `serve_stdio`."""
        return self._run(lambda: PipeTransport(read_fd, write_fd))

    def serve_tcp(
        self,
        host: str,
        port: int,
        *,
        token: str,
        on_listening: Callable[[str, int], None] | None = None,
    ) -> int:
        """Serve the first client that shows the token; the port is closed to all others then.

        Args:
            host: an address of this machine that no other one reaches.
            port: 0 takes a free one.
            token: what the client must send as `initializationOptions.token`.
            on_listening: called with the address and the port once a client can connect.

        Returns:
            The exit status, as `serve_stdio`.

        Raises:
            OSError: the address can't be listened on.
        """
        return _run(self._serve_admitted(host, port, token, on_listening))

    def add_closer(self, closer: Closer) -> None:
        """Have something closed when the session ends, for whatever reason; last added first."""
        self._closers.append(closer)

    def end(self, exit_status: int) -> None:
        """End the session, in the loop's thread; the first status given counts."""
        if self._ended is not None and not self._ended.done():
            self._ended.set_result(exit_status)

    def watch_client(self, process_id: int) -> None:
        """Call `on_client_gone` when this process has ended."""
        if self._watch is None:
            self._watch = ClientWatch(process_id, self._on_client_gone)

    def show_error(self, message: str) -> None:
        """Show a sentence to the person."""
        self.window_show_message(types.ShowMessageParams(types.MessageType.Error, shown(message)))

    def report_server_error(self, error: Exception, source: object) -> None:
        """Log what pygls would show to the person word for word."""
        logger.error("%s: %s", source, error)

    def start_io(self, stdin: BinaryIO | None = None, stdout: BinaryIO | None = None) -> NoReturn:
        """Serve and exit, for callers that know pygls; see `serve_stdio`."""
        if stdin is None or stdout is None:
            raise SystemExit(self.serve_stdio())
        raise SystemExit(self.serve_pipes(stdin.fileno(), stdout.fileno()))

    def start_tcp(self, host: str, port: int) -> NoReturn:
        """Refuse: a port without a token is open to every user of the machine."""
        raise NotImplementedError("Longshift serves TCP to a client with a token: `serve_tcp`.")

    def start_ws(self, host: str, port: int) -> NoReturn:
        """Refuse: pygls's websocket loop goes around everything that is mended here."""
        raise NotImplementedError("Longshift serves standard input and output, and TCP.")

    def _run(self, open_transport: Callable[[], Transport]) -> int:
        async def session() -> int:
            return await self._serve(open_transport())

        return _run(session())

    async def _serve(self, transport: Transport) -> int:
        loop = asyncio.get_running_loop()
        self._ended = loop.create_future()
        # Not on Windows, and not outside the main thread.
        with contextlib.suppress(NotImplementedError, ValueError, RuntimeError):
            loop.add_signal_handler(signal.SIGTERM, self.end, 128 + signal.SIGTERM)
        self.protocol.attach(transport)
        transport.start(self.protocol.take, self.protocol.feed_end, self._end_with_deaf_client)
        try:
            return await self._ended
        finally:
            await self._close(transport)

    async def _serve_admitted(
        self,
        host: str,
        port: int,
        token: str,
        on_listening: Callable[[str, int], None] | None,
    ) -> int:
        from longshift.lsp.protocol.admission import Admission  # most sessions need none

        admission = Admission(token)
        listener = await asyncio.start_server(admission.knock, host, port)
        try:
            if on_listening is not None:
                on_listening(*listener.sockets[0].getsockname()[:2])
            transport = await admission.admitted()
        finally:
            listener.close()
        return await self._serve(transport)

    async def _close(self, transport: Transport) -> None:
        if self._watch is not None:
            self._watch.close()
        await self.protocol.close()
        while self._closers:
            try:
                async with asyncio.timeout(CLOSE_TIMEOUT_S):
                    await self._closers.pop()()
            except Exception:
                logger.exception("Something could not be closed at the end of the session.")
        if self._thread_pool is not None:
            self._thread_pool.shutdown(wait=False, cancel_futures=True)
        await transport.close()

    def _end_with_deaf_client(self) -> None:
        logger.warning("The client has stopped reading what it is sent; the session ends.")
        self.end(1)

    def _end_without_client(self) -> None:
        logger.warning("The client's process has ended; so does the server.")
        self.end(1)


def make_server(
    name: str,
    version: str,
    *,
    log_place: str = "the server's standard error",
    on_client_gone: Callable[[], None] | None = None,
) -> LongshiftLanguageServer:
    """Make a server without features and keep pygls's log free of payloads.

    Args:
        name: as told to the client.
        version: as told to the client.
        log_place: where a person finds the log, such as a path.
        on_client_gone: called when the client's process has ended; by default the session ends.
    """
    # At INFO, pygls writes whole messages, and with them people's code.
    logging.getLogger("pygls").setLevel(logging.WARNING)
    return LongshiftLanguageServer(
        name, version, log_place=log_place, on_client_gone=on_client_gone
    )


def _run(session: Coroutine[None, None, int]) -> int:
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    try:
        return asyncio.run(session)
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
