"""Receive, run and answer JSON-RPC messages, without the defects of pygls 2.1.1.

Owns the life of every message between the bytes and a handler. Knows no feature, and never lets
one message, however wrong, end the session.

Invariants:
    - Every request gets exactly one response, whether it succeeds, fails, is cancelled or comes
      at a wrong time.
    - Messages begin in the order of their arrival, and a handler runs up to its first `await`
      before the next message begins: until then it sees the text it was asked about.
    - Whatever is registered for a message is gone when the message is done.
    - What waits here is bounded: no more is read from a client before what it sent has begun, nor
      before its time where it goes too fast, and it has only so many requests at a time.

The defects that this mends, by their upstream issue (openlawlibrary/pygls):
    #517  requests that are already cancelled are still worked on.
    Not reported upstream: every notification, and every command, leaves an entry in
    `_request_futures`; cancelling an async command answers, but the command runs on; a malformed
    message gets no answer; requests before `initialize` are served and those after `shutdown`
    are not answered; the end of a `@thread` command is handled in its thread, not the loop's.
"""

import asyncio
import contextvars
import inspect
import logging
from collections import deque
from collections.abc import Callable, Generator
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Literal

from lsprotocol import types
from pygls.constants import ATTR_EXECUTE_IN_THREAD
from pygls.exceptions import JsonRpcException

from longshift.journal.pace import Pace
from longshift.lsp.protocol.answers import (
    ErrorAnswer,
    LspError,
    answer_to,
    is_foreseen,
    wrong_params,
)
from longshift.lsp.protocol.envelope import (
    MalformedError,
    Message,
    MsgId,
    Notification,
    Request,
    Response,
    parse,
)
from longshift.lsp.protocol.framing import BadHeader, Framer
from longshift.lsp.protocol.outgoing import Outgoing

if TYPE_CHECKING:
    from cattrs import Converter

    from longshift.lsp.protocol.server import LongshiftLanguageServer

logger = logging.getLogger(__name__)

MOST_IN_FLIGHT: Final = 512
"""Requests, and notifications, that may be worked on at the same time."""

MESSAGES_PER_S: Final = 2_000.0
"""Of a client in the long run; a faster one is read more slowly."""

MESSAGES_AT_ONCE: Final = 10_000.0

Handler = Callable[..., Any]
Steps = Generator[Any, Any, Any]
Stage = Literal["new", "initializing", "ready", "shut down"]


class Dispatcher(Outgoing):
    """One session's messages; belongs to the loop's thread, sending apart."""

    def __init__(self, server: "LongshiftLanguageServer", converter: "Converter") -> None:
        super().__init__(server, converter)
        self._framer = Framer()
        self._inbox: deque[Message | None] = deque()  # None: the client's last byte was read
        self._pump_due = False
        self._in_flight: dict[MsgId, asyncio.Task[Any]] = {}
        self._notified: set[asyncio.Task[Any]] = set()
        self._stage: Stage = "new"
        self._begun = asyncio.Event()
        self._n_fed = 0
        self._pace = Pace(MESSAGES_PER_S, MESSAGES_AT_ONCE, 0.0)

    # What the server's session calls.

    def feed(self, data: bytes) -> None:
        """Take bytes that the client sent, cut anywhere."""
        for item in self._framer.feed(data):
            self._n_fed += 1
            if isinstance(item, BadHeader):
                self._refuse(MalformedError(types.ErrorCodes.ParseError, item.reason))
                continue
            try:
                message = parse(item)
            except MalformedError as error:
                self._refuse(error)
            else:
                self._enqueue(message)

    async def take(self, data: bytes) -> None:
        """Take bytes, and return when the client may send more.

        It does not wait for handlers to end: they may wait for this client's own answers.
        """
        before = self._n_fed
        self.feed(data)
        now_s = asyncio.get_running_loop().time()
        wait_s = self._pace.wait_s(self._n_fed - before, now_s)
        while self._inbox:
            await self._begun.wait()
        if wait_s:
            logger.debug("The client sends too fast; it is read again in %.3f s.", wait_s)
            await asyncio.sleep(wait_s)

    def feed_end(self) -> None:
        """Take note that the client will send nothing more; what it sent is begun before."""
        self._put(None)

    async def close(self) -> None:
        """Cancel what is under way in both directions and wait until it has ended."""
        self._stage = "shut down"
        tasks = [*self._in_flight.values(), *self._notified]
        tasks = [task for task in tasks if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for future in list(self._request_futures.values()):
            future.cancel()

    # Receiving.

    def _refuse(self, error: MalformedError) -> None:
        logger.warning("A malformed message was refused: %s", error)
        self._send_error(error.msg_id, answer_to(error, "", self._server.log_place))

    def _enqueue(self, message: Message) -> None:
        if isinstance(message, Notification) and message.method == types.CANCEL_REQUEST:
            # Ahead of what waits, or the request would be worked on before it is cancelled (#517).
            self._cancel(message)
        else:
            self._put(message)

    def _put(self, message: Message | None) -> None:
        self._inbox.append(message)
        self._begun.clear()
        self._schedule_pump()

    def _schedule_pump(self) -> None:
        if self._inbox and not self._pump_due:
            self._pump_due = True
            asyncio.get_running_loop().call_soon(self._pump)

    def _pump(self) -> None:
        # One message a turn of the loop: the task that it starts takes its first step before the
        # next pump, which is what keeps text and requests in step.
        self._pump_due = False
        if not self._inbox:
            self._begun.set()
            return
        message = self._inbox.popleft()
        try:
            self._dispatch(message)
        except Exception:
            logger.exception("A message could not be handled.")
        if not self._inbox:
            self._begun.set()
        self._schedule_pump()

    def _dispatch(self, message: Message | None) -> None:
        match message:
            case Request():
                self._dispatch_request(message)
            case Notification():
                self._dispatch_notification(message)
            case Response():
                self._dispatch_response(message)
            case None:
                self._server.end(0 if self._stage == "shut down" else 1)

    def _cancel(self, message: Notification) -> None:
        params = message.params
        msg_id = params.get("id") if isinstance(params, dict) else None
        task = self._in_flight.get(msg_id) if isinstance(msg_id, int | str) else None
        if task is not None:
            task.cancel()
            return
        for waiting in list(self._inbox):
            if isinstance(waiting, Request) and waiting.msg_id == msg_id:
                self._inbox.remove(waiting)
                self._fail(waiting, asyncio.CancelledError())

    def _dispatch_request(self, request: Request) -> None:
        try:
            self._refuse_untimely(request)
            handler = self._get_handler(request.method)
            params = self._structure_params(request.method, request.params)
        except (LspError, JsonRpcException) as error:
            self._fail(request, error)
            return
        if request.method == types.INITIALIZE:
            self._stage = "initializing"
        context = contextvars.copy_context()
        context.run(self._ctx_msg_id.set, request.msg_id)
        work = self._work(request, handler, params)
        task = asyncio.get_running_loop().create_task(work, context=context)
        self._in_flight[request.msg_id] = task
        task.add_done_callback(partial(self._settle, request))

    def _refuse_untimely(self, request: Request) -> None:
        if request.msg_id in self._in_flight:
            raise LspError(
                types.ErrorCodes.InvalidRequest,
                f"A request with the id {request.msg_id!r} is still being answered.",
            )
        ends = request.method == types.SHUTDOWN
        if len(self._in_flight) >= MOST_IN_FLIGHT and not ends:
            raise LspError(
                types.LSPErrorCodes.RequestFailed,
                f"{MOST_IN_FLIGHT} requests of this client are still being answered, so "
                f"{request.method} was not begun. Wait for some of them, or cancel them.",
            )
        first = request.method == types.INITIALIZE
        match self._stage:
            case "new" | "initializing" if not first:
                raise LspError(
                    types.ErrorCodes.ServerNotInitialized,
                    f"Send initialize before {request.method}, and wait for its answer.",
                )
            case "shut down":
                raise LspError(
                    types.ErrorCodes.InvalidRequest,
                    f"The server has shut down; {request.method} was not done.",
                )
            case "initializing" | "ready" if first:
                raise LspError(
                    types.ErrorCodes.InvalidRequest, "The server is initialized already."
                )

    def _structure_params(self, method: str, params: object) -> object:
        """Return lsprotocol's class for a method it knows, the bare JSON for one of our own."""
        params_type: Any = types.METHOD_TO_TYPES.get(method, (None, None, None, None))[2]
        if params_type is None:
            return params
        try:
            return self._converter.structure({} if params is None else params, params_type)
        except Exception as error:
            raise wrong_params(error, method) from error

    async def _run_handler(
        self, handler: Handler, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> object:
        """Run any of pygls's kinds of handler inside one task, so that cancelling reaches it."""
        if inspect.iscoroutinefunction(handler):
            return await handler(*args, **kwargs)
        if getattr(handler, ATTR_EXECUTE_IN_THREAD, False):
            call = partial(contextvars.copy_context().run, partial(handler, *args, **kwargs))
            return await asyncio.get_running_loop().run_in_executor(self._server.thread_pool, call)
        if inspect.isgeneratorfunction(handler):
            return await self._run_steps(handler(*args, **kwargs))
        return handler(*args, **kwargs)

    async def _run_steps(self, steps: Steps) -> object:
        """Drive a built-in handler, which yields the handlers of features that it wraps."""
        try:
            handler, args, kwargs = next(steps)
            while True:
                try:
                    result = await self._run_handler(handler, args, kwargs or {})
                except BaseException as error:  # noqa: BLE001 -- given to the generator, which re-raises
                    handler, args, kwargs = steps.throw(error)
                else:
                    handler, args, kwargs = steps.send(result)
        except StopIteration as stop:
            return stop.value

    async def _work(self, request: Request, handler: Handler, params: object) -> None:
        result = await self._run_handler(handler, (params,), {})
        # In the handler's last step: the answer to `initialize` must come before anything else.
        del self._in_flight[request.msg_id]
        try:
            self._send_result(request.msg_id, result)
        except Exception as unwritable:  # noqa: BLE001 -- logged with its traceback by `_fail`
            self._fail(request, unwritable)

    def _settle(self, request: Request, task: "asyncio.Task[None]") -> None:
        # A callback of the task, because it comes even when the task was cancelled before its
        # first step. What is still registered has no answer yet.
        if self._in_flight.pop(request.msg_id, None) is None:
            return
        if self._stage == "initializing" and request.method == types.INITIALIZE:
            self._stage = "new"  # the client may try again
        error = asyncio.CancelledError() if task.cancelled() else task.exception()
        self._fail(request, error or RuntimeError("a request ended without its answer"))

    def _fail(self, request: Request, error: BaseException) -> None:
        self._log(request.method, error)
        answer = answer_to(error, request.method, self._server.log_place)
        try:
            self._send_error(request.msg_id, answer)
        except (TypeError, ValueError):
            logger.exception("The data of an error in %s is not JSON.", request.method)
            self._send_error(request.msg_id, ErrorAnswer(answer.code, answer.message))

    def _dispatch_notification(self, notification: Notification) -> None:
        method = notification.method
        if self._stage != "ready" and method != types.EXIT:
            logger.warning("%s came at a wrong time and was ignored.", method)
            return
        if len(self._notified) >= MOST_IN_FLIGHT:
            logger.warning("%s was ignored: too many notifications are being handled.", method)
            return
        try:
            handler = self._get_handler(method)
            params = self._structure_params(method, notification.params)
        except (LspError, JsonRpcException) as error:
            # Those that begin with $/ are optional: their absence is no news.
            level = logging.DEBUG if method.startswith("$/") else logging.WARNING
            logger.log(level, "%s was ignored: %s", method, error)
            return
        task = asyncio.get_running_loop().create_task(self._run_handler(handler, (params,), {}))
        self._notified.add(task)
        task.add_done_callback(partial(self._notification_done, method))

    def _notification_done(self, method: str, task: "asyncio.Task[Any]") -> None:
        self._notified.discard(task)
        if task.cancelled() or (error := task.exception()) is None:
            return
        self._log(method, error)
        self._server.show_error(answer_to(error, method, self._server.log_place).message)

    @staticmethod
    def _log(method: str, error: BaseException) -> None:
        if is_foreseen(error):
            logger.info("%s was answered with an error: %s", method, error)
        else:
            logger.error("%s failed.", method, exc_info=error)
