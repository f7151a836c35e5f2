"""`textDocument/codeAction`: everything that a person can do where they stand.

Owns which actions a client is offered, and in which form. Actions are lazy: an edit is computed
when the person picks one (`resolve`), but for clients that can't ask for it later.
"""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lsprotocol import types

from longshift.lsp import actions
from longshift.lsp.actions import Action
from longshift.lsp.host import Host
from longshift.lsp.positions import meets
from longshift.lsp.problems import Where, is_ours, on_diagnostics
from longshift.lsp.protocol import NOTHING, Written, written

if TYPE_CHECKING:
    from longshift.crew.goals import GoalTemplate
    from longshift.lsp.reviewing import FileReview
    from longshift.lsp.session import Session

Json = dict[str, object]


@dataclass(frozen=True, slots=True)
class _HunkMenu:
    """The actions on one hunk, each written down, and where they are offered."""

    range: types.Range
    actions: tuple[tuple[Action, Written], ...]


def register(host: Host) -> None:
    """Answer with code actions, or with commands where the client knows no more."""
    answers = _Answers(host)
    host.buffers.watch(answers.forget_closed)
    options = types.CodeActionOptions(list(actions.KINDS))

    @host.server.feature(types.TEXT_DOCUMENT_CODE_ACTION, options)
    async def code_action(params: types.CodeActionParams) -> Written:
        return await answers.to(params)


class _Answers:
    """Answers requests; keeps what it made of a review until the text or the hunks change."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._menus: dict[str, tuple[FileReview, list[_HunkMenu]]] = {}
        self._goals: list[GoalTemplate] | None = None
        """Read when the first menu on a selection is asked for."""

    async def to(self, params: types.CodeActionParams) -> Written:
        """Everything that is offered at a range."""
        uri, asked = params.text_document.uri, params.range
        session = await self._host.sessions.holding(uri)
        path = self._host.buffers.path(uri, session.root) if session is not None else None
        if session is None or path is None:
            return NOTHING
        review = await session.review(path)
        only = _words(params.context.only)
        forms = _Forms(self._host, session, uri, review)
        found: list[Written] = []
        if actions.wants_any(actions.ON_HUNKS, only):
            for menu in await self._menu(session, uri, review, forms):
                if meets(asked, menu.range.start, menu.range.end):
                    wanted = [one for one in menu.actions if actions.wanted(one[0].kind, only)]
                    found += [forms.completed(action, form) for action, form in wanted]
        where = await self._where(session, path, params)
        goals = await self._goals_on_selection() if _asks_for_goals(params, only) else []
        found += [written(forms.of(one)) for one in _others(params, review, where, goals, only)]
        return Written(b"[%b]" % b",".join(one.data for one in found))

    async def _where(self, session: "Session", path: str, params: types.CodeActionParams) -> Where:
        by_run: dict[str, list[str]] = {}
        if any(map(is_ours, params.context.diagnostics)):
            for one in await session.findings.of(path):
                by_run.setdefault(one.run.id, []).append(one.finding.id)
        uri, asks = params.text_document.uri, self._host.client.asks
        return Where(session.repo_named, uri, by_run, asks)

    async def _goals_on_selection(self) -> "list[GoalTemplate]":
        if self._goals is None:
            self._goals = await asyncio.to_thread(_read_goals)
        return self._goals

    def forget_closed(self, uri: str) -> None:
        """Drop what was made for a document that is not open any more."""
        if not self._host.buffers.is_open(uri):
            self._menus.pop(uri, None)

    async def _menu(
        self, session: "Session", uri: str, review: "FileReview", forms: "_Forms"
    ) -> list[_HunkMenu]:
        known = self._menus.get(uri)
        if known is not None and known[0] is review:
            return known[1]
        if not review.pending and not review.decided:
            return []
        menus = await session.off_loop(_menus, review, forms)
        if self._host.buffers.is_open(uri):
            self._menus[uri] = (review, menus)
        return menus


def _menus(review: "FileReview", forms: "_Forms") -> list[_HunkMenu]:
    offered: dict[int, list[tuple[Action, Written]]] = {}
    for action in actions.unique(actions.on_hunks(review)):
        offered.setdefault(id(action.hunk), []).append((action, written(forms.of(action))))
    return [
        _HunkMenu(
            review.lines.lines_range(one.hunk.start_line, one.hunk.end_line),
            tuple(offered[id(one)]),
        )
        for one in (*review.pending, *review.decided)
    ]


def _asks_for_goals(params: types.CodeActionParams, only: Sequence[str] | None) -> bool:
    selects = params.range.start != params.range.end
    return (selects or bool(only)) and actions.wanted(actions.REWRITE, only)


def _read_goals() -> "list[GoalTemplate]":
    from longshift.crew.goals import goal_templates

    return [one for one in goal_templates() if one.menu == "selection"]


def _others(
    params: types.CodeActionParams,
    review: "FileReview",
    where: Where,
    goals: "Sequence[GoalTemplate]",
    only: Sequence[str] | None,
) -> Iterable[Action]:
    """Actions on the whole file, on diagnostics, and goals on a selection."""
    uri, asked = params.text_document.uri, params.range
    by_itself = params.context.trigger_kind == types.CodeActionTriggerKind.Automatic
    found = [*actions.on_file(review, uri, by_itself=by_itself)]
    found += on_diagnostics(where, params.context.diagnostics)
    found += actions.on_selection(goals, uri, asked)
    return actions.unique(action for action in found if actions.wanted(action.kind, only))


def _words(kinds: Sequence[types.CodeActionKind | str] | None) -> list[str] | None:
    return None if kinds is None else [str(getattr(kind, "value", kind)) for kind in kinds]


class _Forms:
    """Turns actions into the JSON that this client takes."""

    def __init__(self, host: Host, session: "Session", uri: str, review: "FileReview") -> None:
        self._host = host
        self._session = session
        self._uri = uri
        self._review = review

    def of(self, action: Action) -> Json:
        """One action; only a command where the client knows no more."""
        command: Json = {
            "title": action.title,
            "command": f"longshift.{action.command}",
            "arguments": [action.arguments],
        }
        if not self._host.client.action_literals:
            return command
        form: Json = {"title": action.title, "kind": action.kind, "command": command}
        if action.diagnostic is not None:
            form["diagnostics"] = [self._convert(action.diagnostic)]
        # It has no tag `LLMGenerated`: VS Code moves what has it to the end of the menu, and
        # accepting is what a person most often wants there.
        accepts = action.hunk is not None and action.kind == actions.ACCEPT
        if accepts and self._session.sees(self._review.path) and self._host.client.resolves_edits:
            form["data"] = {"uri": self._uri}
        return form

    def completed(self, action: Action, form: Written) -> Written:
        """The same with its edit, where the client can't ask for it later; in the loop's thread."""
        client = self._host.client
        if (
            action.hunk is None
            or action.kind != actions.ACCEPT
            or client.resolves_edits
            or not client.action_literals
            or not self._session.sees(self._review.path)  # then it can't record what it shows
        ):
            return form
        from longshift.lsp.resolving import edit_of

        edit = edit_of(client, self._session, self._review, action.hunk)
        if edit is None:
            return form
        return written({**self.of(action), "edit": self._convert(edit)})

    def _convert(self, value: object) -> object:
        return self._host.server.protocol.fm.converter.unstructure(value)
