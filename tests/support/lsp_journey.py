"""An editor for tests: real buffers, edited exactly as the protocol says, on a real server.

Its texts change only by what a person types and by what the server's edits say, position by
position in the encoding that was agreed. An edit of another version is refused, as editors do.
"""

import asyncio
import contextlib
import subprocess
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from lsprotocol import types
from pygls.protocol import default_converter
from pytest_lsp import LanguageClient, client_capabilities
from pytest_lsp.client import DEFAULT_CLIENT_FEATURES, register_lsp_features

from tests.support import warm

Json = dict[str, Any]
WAIT_S = 20.0
PROFILES = {"vscode": "visual_studio_code", "neovim": "neovim@v0.11.0", "emacs": "emacs"}
SERVE = ("serve", "--stdio")


def units(text: str, encoding: str) -> int:
    codec = {"utf-8": "utf-8", "utf-16": "utf-16-le", "utf-32": "utf-32-le"}[encoding]
    width = {"utf-8": 1, "utf-16": 2, "utf-32": 4}[encoding]
    return len(text.encode(codec)) // width


def offset_at(text: str, line: int, character: int, encoding: str) -> int:
    """The code point at a position; fails on one that is inside a character or past its line."""
    lines = text.replace("\r\n", "\n\0").replace("\r", "\n").split("\n")
    lengths = [len(one.lstrip("\0")) if i == 0 else len(one) for i, one in enumerate(lines)]
    assert line < len(lines), f"line {line} of {len(lines)}"
    start = sum(lengths[:line]) + line
    content = lines[line]
    if content.startswith("\0"):
        start, content = start + 1, content[1:]
    for index in range(len(content) + 1):
        if units(content[:index], encoding) == character:
            return start + index
    raise AssertionError(f"no character begins at {line}:{character} of {content!r}")


def position_at(text: str, offset: int, encoding: str) -> types.Position:
    before = text[:offset].replace("\r\n", "\n").replace("\r", "\n")
    line = before.count("\n")
    last = before.rsplit("\n", 1)[-1]
    return types.Position(line, units(last, encoding))


@dataclass
class Document:
    uri: str
    text: str
    version: int = 1


@dataclass
class Editor:
    """One client with its buffers and everything that the server told it."""

    client: LanguageClient
    encoding: str = "utf-16"
    documents: dict[str, Document] = field(default_factory=dict)
    refuses: str | None = None
    """Why it answers the server's edits with `applied: false`."""
    blocked: list[types.WorkspaceEdit] | None = None
    """Where a list: it applies the server's edits only later, and answers that it has."""
    untold: list[types.DidChangeTextDocumentParams] | None = None
    """Where a list: it tells of its edits only later, as some do once their person is idle."""
    answers: str | None = None
    """The option that the person chooses when asked."""
    updates: list[Json] = field(default_factory=list)
    shown: list[str] = field(default_factory=list)
    asked: list[types.ShowMessageRequestParams] = field(default_factory=list)
    edits: list[types.WorkspaceEdit] = field(default_factory=list)
    capabilities: types.ServerCapabilities = field(default_factory=types.ServerCapabilities)
    refreshes: int = 0
    diagnostic_refreshes: int = 0
    on_event: asyncio.Event = field(default_factory=asyncio.Event)

    # What a person does.

    def open(self, path: Path, text: str | None = None) -> Document:
        shown = path.read_bytes().decode() if text is None else text
        document = self.documents[path.as_uri()] = Document(path.as_uri(), shown)
        self.client.text_document_did_open(
            types.DidOpenTextDocumentParams(
                types.TextDocumentItem(document.uri, "plaintext", 1, shown)
            )
        )
        return document

    def close(self, document: Document) -> None:
        del self.documents[document.uri]
        self.client.text_document_did_close(
            types.DidCloseTextDocumentParams(types.TextDocumentIdentifier(document.uri))
        )

    def type(self, document: Document, before: str, text: str) -> None:
        """Type something in front of a text that stands in the buffer once."""
        assert document.text.count(before) == 1, before
        offset = document.text.index(before)
        self._change(document, [(offset, offset, text)])

    def erase(self, document: Document, text: str) -> None:
        offset = document.text.index(text)
        self._change(document, [(offset, offset + len(text), "")])

    def save(self, document: Document, path: Path) -> None:
        path.write_bytes(document.text.encode())
        self.client.text_document_did_save(
            types.DidSaveTextDocumentParams(types.TextDocumentIdentifier(document.uri))
        )

    async def command(self, name: str, **arguments: object) -> Any:
        return await self.client.workspace_execute_command_async(
            types.ExecuteCommandParams(f"longshift.{name}", [arguments])
        )

    async def actions(
        self,
        document: Document,
        at: str = "",
        *,
        only: Sequence[str] | None = None,
        diagnostics: Sequence[types.Diagnostic] = (),
    ) -> list[types.CodeAction]:
        """What is offered at a text of the buffer; everywhere, where none is given."""
        start = document.text.index(at)
        end = start + len(at) if at else len(document.text)
        found = await self.client.text_document_code_action_async(
            types.CodeActionParams(
                types.TextDocumentIdentifier(document.uri),
                types.Range(
                    position_at(document.text, start, self.encoding),
                    position_at(document.text, end, self.encoding),
                ),
                types.CodeActionContext(list(diagnostics), only),
            )
        )
        return list(found or ())

    async def pick(self, action: types.CodeAction) -> Any:
        """Do with an action what its protocol says: resolve, apply the edit, run the command."""
        resolve = self.client.capabilities.text_document.code_action.resolve_support
        if resolve is not None and action.edit is None and action.data is not None:
            action = await self.client.code_action_resolve_async(action)
        if action.edit is not None:
            self.apply(action.edit)
        if action.command is None:
            return None
        return await self.client.workspace_execute_command_async(
            types.ExecuteCommandParams(action.command.command, action.command.arguments)
        )

    async def run(self, goal: str, **arguments: object) -> str:
        """Start a goal and wait for the run's end."""
        run_id = await self.start(goal, **arguments)
        await self.until_ended(run_id)
        return run_id

    async def start(self, goal: str, **arguments: object) -> str:
        return (await self.command("startGoal", goal=goal, **arguments))["runId"]

    async def until_ended(self, run_id: str) -> None:
        await self.until(lambda: any(f"{run_id} has ended" in said for said in self.shown))

    async def until_judged(self, run_id: str) -> None:
        """Wait until a run's judge is at work."""
        await self.until_run(run_id, lambda run: run["phase"] == "judging")

    async def until_run(self, run_id: str, holds: Callable[[Json], bool]) -> None:
        """Wait until something holds of a run, whoever drives it."""
        async with asyncio.timeout(WAIT_S):
            while not holds(await self.command("describeRun", runId=run_id)):
                self.on_event.clear()
                with contextlib.suppress(TimeoutError):  # an event may have come in between
                    await asyncio.wait_for(self.on_event.wait(), 0.1)

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until something that the server sent makes a condition true."""
        async with asyncio.timeout(WAIT_S):
            while not condition():
                self.on_event.clear()
                await self.on_event.wait()

    async def settle(self) -> None:
        """Wait for an answer: what was sent before it has been handled then."""
        await self.client.protocol.send_request_async(
            types.TEXT_DOCUMENT_CODE_LENS,
            types.CodeLensParams(types.TextDocumentIdentifier("file:///none")),
        )

    # What the editor does by itself.

    def apply(self, edit: types.WorkspaceEdit) -> None:
        """Apply an edit to the buffers, all of it or, where a version is another, none."""
        self.edits.append(edit)
        for uri, edits in (edit.changes or {}).items():
            self._edit(self.documents[uri], edits)
        changes = edit.document_changes or ()
        for one in changes:
            if isinstance(one, types.TextDocumentEdit):
                document = self.documents[one.text_document.uri]
                if one.text_document.version not in (None, document.version):
                    raise ValueError("the buffer has another version")
        for one in changes:  # in their order: a file is edited, then renamed
            if isinstance(one, types.TextDocumentEdit):
                self._edit(self.documents[one.text_document.uri], one.edits)
            else:
                self._operate(one)

    def _edit(self, document: Document, edits: Sequence[types.TextEdit]) -> None:
        spans = [
            (
                offset_at(
                    document.text,
                    one.range.start.line,
                    one.range.start.character,
                    self.encoding,
                ),
                offset_at(
                    document.text, one.range.end.line, one.range.end.character, self.encoding
                ),
                one.new_text,
            )
            for one in edits
        ]
        self._change(document, spans)

    def _operate(self, one: types.RenameFile | types.DeleteFile | types.CreateFile) -> None:
        if isinstance(one, types.DeleteFile):
            self.close(self.documents[one.uri])
            _path(one.uri).unlink()
        elif isinstance(one, types.RenameFile):
            old, new = _path(one.old_uri), _path(one.new_uri)
            document = self.documents[one.old_uri]
            self.close(document)
            new.parent.mkdir(parents=True, exist_ok=True)
            old.rename(new)
            self.open(new, document.text)

    def _change(self, document: Document, spans: Sequence[tuple[int, int, str]]) -> None:
        """Change the buffer, last place first, and tell the server."""
        events = []
        # At one place, the first of several comes first in the text: it is put there last.
        ordered = sorted(spans, key=lambda span: span[:2])
        for start, end, text in ordered[::-1]:
            range_ = types.Range(
                position_at(document.text, start, self.encoding),
                position_at(document.text, end, self.encoding),
            )
            events.append(types.TextDocumentContentChangePartial(text=text, range=range_))
            document.text = document.text[:start] + text + document.text[end:]
        document.version += 1
        change = types.DidChangeTextDocumentParams(
            types.VersionedTextDocumentIdentifier(document.version, document.uri), events
        )
        if self.untold is None:
            self.client.text_document_did_change(change)
        else:
            self.untold.append(change)

    def tell(self) -> None:
        """Tell of the edits that were kept back."""
        told, self.untold = self.untold or [], None
        for change in told:
            self.client.text_document_did_change(change)

    def on_apply(self, params: types.ApplyWorkspaceEditParams) -> types.ApplyWorkspaceEditResult:
        if self.refuses is not None:
            return types.ApplyWorkspaceEditResult(applied=False, failure_reason=self.refuses)
        if self.blocked is not None:
            self.blocked.append(params.edit)
            return types.ApplyWorkspaceEditResult(applied=True)
        try:
            self.apply(params.edit)
        except ValueError as error:
            return types.ApplyWorkspaceEditResult(applied=False, failure_reason=str(error))
        return types.ApplyWorkspaceEditResult(applied=True)


async def start_editor(
    folders: Sequence[Path],
    *,
    profile: str,
    env: Mapping[str, str],
    settings: Json | None = None,
    options: Json | None = None,
    change: Callable[[types.ClientCapabilities], None] | None = None,
    command: Sequence[str] | None = None,
) -> Editor:
    """Start a server and shake hands under a client's profile.

    Args:
        folders: the workspace's.
        profile: a key of `PROFILES`.
        env: the server's environment.
        settings: `initializationOptions.settings`.
        options: further `initializationOptions`.
        change: changes the profile's capabilities.
        command: starts the server; None: a warm one.
    """
    editor = make_editor()
    await editor.client.start_io(*(command or (*warm.command(), *SERVE)), env=dict(env))
    capabilities = client_capabilities(PROFILES[profile])
    if change is not None:
        change(capabilities)
    given = {"settings": settings or {}, **(options or {})}
    await shake_hands(editor, folders, capabilities, given, PROFILES[profile])
    return editor


def make_editor(converter_factory: Callable[[], Any] | None = None) -> Editor:
    """An editor that speaks to nobody yet."""
    editor = Editor(LanguageClient(converter_factory=converter_factory or make_client_converter))
    register_lsp_features(editor.client, {**DEFAULT_CLIENT_FEATURES, **_features(editor)})
    return editor


async def shake_hands(
    editor: Editor,
    folders: Sequence[Path],
    capabilities: types.ClientCapabilities,
    options: Json,
    name: str = "",
) -> None:
    """Initialize the session of an editor that is connected."""
    result = await editor.client.initialize_session(
        types.InitializeParams(
            capabilities=capabilities,
            client_info=types.ClientInfo(name) if name else None,
            workspace_folders=[types.WorkspaceFolder(f.as_uri(), f.name) for f in folders],
            root_uri=folders[0].as_uri() if folders else None,
            initialization_options=options,
        )
    )
    editor.capabilities = result.capabilities
    editor.encoding = types.PositionEncodingKind(result.capabilities.position_encoding).value


async def stop_editor(editor: Editor) -> int:
    """End the session in good order and give the server's exit status."""
    server = editor.client._server
    await editor.client.shutdown_session()
    await editor.client.stop()
    return await server.wait()


async def kill_editor(editor: Editor) -> None:
    """End its server without a word."""
    editor.client._server.send_signal(warm.killing())
    await editor.client._server.wait()


def _path(uri: str) -> Path:
    return Path(unquote(urlsplit(uri).path))


def make_client_converter() -> Any:
    """pytest-lsp's converter, but for code actions with a command: it takes them for commands."""
    converter = default_converter()

    def structure(value: Json, _: object) -> types.Command | types.CodeAction:
        is_command = isinstance(value.get("command"), str)
        return converter.structure(value, types.Command if is_command else types.CodeAction)

    converter.register_structure_hook(types.Command | types.CodeAction, structure)
    return converter


def _features(editor: Editor) -> dict[str, Any]:
    def noted(handler: Callable[..., Any]) -> Callable[..., Any]:
        def handle(client: LanguageClient, params: Any) -> Any:
            result = handler(client, params)
            editor.on_event.set()
            return result

        return handle

    def show(_: LanguageClient, params: types.ShowMessageParams) -> None:
        editor.shown.append(params.message)

    def ask(
        _: LanguageClient, params: types.ShowMessageRequestParams
    ) -> types.MessageActionItem | None:
        editor.asked.append(params)
        return None if editor.answers is None else types.MessageActionItem(editor.answers)

    def update(_: LanguageClient, params: Any) -> None:
        editor.updates.append(params._asdict())

    def refresh(_: LanguageClient, params: Any) -> None:
        editor.refreshes += 1

    def refresh_diagnostics(_: LanguageClient, params: Any) -> None:
        editor.diagnostic_refreshes += 1

    def apply(_: LanguageClient, params: types.ApplyWorkspaceEditParams) -> Any:
        return editor.on_apply(params)

    own = {
        types.WINDOW_SHOW_MESSAGE: show,
        types.WINDOW_SHOW_MESSAGE_REQUEST: ask,
        types.WORKSPACE_APPLY_EDIT: apply,
        types.WORKSPACE_CODE_LENS_REFRESH: refresh,
        types.WORKSPACE_DIAGNOSTIC_REFRESH: refresh_diagnostics,
        "longshift/runDidChange": update,
    }
    counted = (
        types.PROGRESS,
        types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS,
        types.WINDOW_SHOW_DOCUMENT,
    )
    return {
        **{name: noted(handler) for name, handler in own.items()},
        **{name: noted(DEFAULT_CLIENT_FEATURES[name]) for name in counted},
    }


# What a repository holds, and what the model does.


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True)
    return done.stdout.decode()


def make_repository(folder: Path, files: Mapping[str, bytes | str]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    git(folder, "init", "-q", "-b", "main")
    with (folder / ".git" / "config").open("a") as config:
        config.write("[user]\n\tname = Person\n\temail = person@example.com\n")
    for path, content in files.items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content.encode() if isinstance(content, str) else content)
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "First")
    return folder


def call(name: str, **arguments: object) -> Json:
    return {"calls": [{"name": name, "arguments": arguments}]}


def task(title: str, *edits: Json, paths: Sequence[str] = (), **first: object) -> list[Json]:
    """The flows of a planner with one task and of the worker that does it.

    Args:
        title: the task's.
        edits: the worker's turns before it submits.
        paths: what the task names.
        first: further keys of the worker's first turn, such as `wait_for`.
    """
    turns = [*edits, call("submit", summary=f"Did: {title}")]
    turns[0] = {**turns[0], **first}
    plan = call(
        "add_task",
        title=title,
        instructions="As it says.",
        paths=list(paths),
        acceptance=[],
        depends_on=[],
    )
    return [
        {"role": "planner", "turns": [plan, call("finish", summary="One task.")], "times": 1},
        {"role": "worker", "match": title, "turns": turns},
    ]


def replace(path: str, old: str, new: str) -> Json:
    return call("edit_file", path=path, old_text=old, new_text=new)


async def release(model: Any, signal: str) -> None:
    """Raise a signal that a turn of the script waits for."""
    model.player.signals[signal].set()
    # The model's loop is another thread's: any request wakes it, so that it sees the signal.
    with contextlib.suppress(urllib.error.HTTPError):
        await asyncio.to_thread(lambda: urllib.request.urlopen(model.base_url).close())


def judge(*findings: Json, decision: str = "done") -> Json:
    return {
        "role": "judge",
        "turns": [*findings, call("verdict", reason="As scripted.", decision=decision)],
    }
