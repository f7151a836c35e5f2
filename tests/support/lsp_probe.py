"""A server whose features misbehave on request, on our protocol or on plain pygls.

Run as `python -m tests.support.lsp_probe longshift|pygls [PORT]`.
"""

import asyncio
import logging
import sys
import threading
from typing import Any

from lsprotocol import types
from pygls.lsp.server import LanguageServer

from longshift.errors import LongshiftError, UsageError
from longshift.lsp.protocol import LspError, Progress, make_server

TOKEN = "a token for tests"


def main() -> int:
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING)
    if sys.argv[1] == "pygls":
        plain = LanguageServer("plain", "1")
        add_features(plain)
        plain.start_io()
        return 0
    server = make_server("probe", "1", log_place="probe.log")
    add_features(server)
    add_own_features(server)
    if len(sys.argv) > 2:
        return server.serve_tcp(
            "127.0.0.1",
            int(sys.argv[2]),
            token=TOKEN,
            on_listening=lambda _, port: announce(port),
        )
    return server.serve_stdio()


def announce(port: int) -> None:
    sys.stderr.write(f"{port}\n")
    sys.stderr.flush()


def add_features(server: Any) -> None:
    """Features that mean the same on both."""
    add_logging_commands(server, [])
    add_plain_commands(server)
    add_commands_that_ask(server)
    add_methods(server)


def add_logging_commands(server: Any, log: list[str]) -> None:

    @server.command("wait")
    async def wait(ls: Any) -> None:
        """Never ends by itself, and says when it is stopped."""
        ls.protocol.notify("probe/waiting")
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            log.append("stopped")
            raise

    @server.command("log")
    def read_log() -> list[str]:
        """Return what was logged since the last call."""
        said = list(log)
        log.clear()
        return said

    @server.command("mark")
    def mark() -> None:
        log.append("marked")


def add_plain_commands(server: Any) -> None:
    @server.command("unwritable")
    def unwritable() -> object:
        return {"fine": 1, "not": {1, 2}}

    @server.command("infinite")
    def infinite() -> object:
        return float("inf")

    @server.command("crash")
    def crash() -> None:
        raise ZeroDivisionError("a secret of ours")

    @server.command("echo")
    def echo(value: Any) -> Any:
        return value

    @server.command("books")
    def books(ls: Any) -> dict[str, int]:
        """Count what the protocol keeps of messages, this one apart."""
        protocol = ls.protocol
        return {
            "futures": len(protocol._request_futures),
            "types": len(protocol._result_types),
        }


def add_commands_that_ask(server: Any) -> None:
    @server.command("text")
    def text(ls: Any, uri: str) -> str:
        return ls.workspace.get_text_document(uri).source

    @server.command("ask client")
    async def ask_client(ls: Any) -> Any:
        return await ls.protocol.send_request_async(types.WORKSPACE_WORKSPACE_FOLDERS)

    @server.command("give up asking")
    def give_up_asking(ls: Any) -> None:
        ls.protocol.send_request(types.WORKSPACE_WORKSPACE_FOLDERS).cancel()


def add_methods(server: Any) -> None:
    @server.feature(types.TEXT_DOCUMENT_HOVER)
    async def hover(ls: Any, params: types.HoverParams) -> types.Hover:
        source = ls.workspace.get_text_document(params.text_document.uri).source
        return types.Hover(source)

    @server.feature(types.TEXT_DOCUMENT_DID_SAVE)
    async def did_save(params: types.DidSaveTextDocumentParams) -> None:
        """Make an asynchronous handler of a notification."""

    @server.feature(
        types.TEXT_DOCUMENT_CODE_ACTION,
        types.CodeActionOptions(code_action_kinds=[types.CodeActionKind.QuickFix]),
    )
    def code_action(params: types.CodeActionParams) -> list[types.CodeAction]:
        return [types.CodeAction("one", data={"jsonrpc": "2.0", "id": 5, "error": {}})]

    @server.feature(types.CODE_ACTION_RESOLVE)
    def resolve(action: types.CodeAction) -> types.CodeAction:
        action.title = f"data: {action.data}"
        return action

    @server.feature(
        types.WORKSPACE_TEXT_DOCUMENT_CONTENT, types.TextDocumentContentOptions(["longshift"])
    )
    def content(params: types.TextDocumentContentParams) -> types.TextDocumentContentResult:
        return types.TextDocumentContentResult(params.uri)


def add_own_features(server: Any) -> None:
    """Features that need what plain pygls lacks."""
    shown: dict[str, Progress] = {}

    @server.command("fail")
    def fail(kind: str) -> None:
        raise {
            "lsp": LspError(-32801, "The text has changed.", {"version": 3}),
            "lsp, unwritable": LspError(-32801, "The text has changed.", {1}),
            "usage": UsageError("There is no such model."),
            "other": LongshiftError("The run has ended."),
        }[kind]

    @server.command("progress")
    def progress(ls: Any) -> str:
        one = Progress(ls, on_cancel=lambda: ls.protocol.notify("probe/cancelled"))
        shown[one.token] = one
        one.begin("Longshift", message="planning", percentage=0)
        return one.token

    @server.command("report")
    def report(token: str, percentages: list[int]) -> None:
        for percentage in percentages:
            shown[token].report(f"{percentage} of 100", percentage)

    @server.command("end")
    def end(ls: Any, token: str) -> dict[str, object]:
        shown[token].end("done")
        return {"kept": len(ls.protocol.progress_cancels), "set": shown[token].cancelled.is_set()}

    @server.command("print")
    def print_something() -> None:
        """Do what a careless library does."""
        sys.stdout.write("this must not reach the client\n")
        sys.stdout.flush()

    @server.command("thread")
    @server.thread()
    def in_thread(ls: Any) -> str:
        ls.protocol.notify("probe/thread", {"name": threading.current_thread().name})
        return "done"

    @server.feature("probe/failing")
    def failing(params: Any) -> None:
        raise UsageError("The sentence for the person.")

    async def closed() -> None:
        sys.stderr.write("closed\n")
        sys.stderr.flush()

    server.add_closer(closed)


if __name__ == "__main__":
    sys.exit(main())
