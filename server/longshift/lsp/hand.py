"""The person's hand in an editor: what is open is written by the editor, the rest on the disk.

Owns the writing of decided hunks, and the proof that the buffer shows them. Never writes a buffer
behind the editor's back, and never sends an edit that was computed for another text.
"""

import asyncio
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from lsprotocol import types
from pygls.exceptions import JsonRpcException

from longshift.engine.ports import set_executable, write_effects
from longshift.errors import NeedsPerson
from longshift.lsp.buffers import Buffer
from longshift.lsp.edits import BufferEdit, FileOperation, workspace_edit
from longshift.lsp.present import EditorPresent, as_saved, as_shown
from longshift.review.edits import apply_edits
from longshift.review.shapes import (
    DeleteFile,
    Edit,
    Effect,
    PendingHunk,
    RenameFile,
    WriteFile,
)

if TYPE_CHECKING:
    from longshift.lsp.host import Host

EDITOR_ANSWERS_WITHIN_S: Final = 60.0
"""Some editors ask their person first."""
SHOWN_WITHIN_S: Final = 10.0
"""How long after its answer the editor may take to send the change of its buffer."""
TOLD_WITHIN_S: Final = 3.0
"""How long an editor that refuses may take to tell that it had made the edit already: eglot applies
a code action's edit by itself, and sends the change once its person is idle, after the command."""


@dataclass
class _Plan:
    """Who writes what."""

    edits: list[BufferEdit] = field(default_factory=list)
    operations: list[FileOperation] = field(default_factory=list)
    on_disk: list[Effect] = field(default_factory=list)
    modes: list[WriteFile] = field(default_factory=list)
    left_open: list[Buffer] = field(default_factory=list)
    """Buffers of files that go from the disk, in an editor that can't be asked to close them."""
    targets: dict[str, str | None] = field(default_factory=dict)
    """By URI, what its buffer shows at the end; None: it is closed."""


class EditorHand:
    """A person with an editor; implements the engine's `Hand`."""

    def __init__(self, host: "Host", root: Path) -> None:
        """Act for the person on the files below a worktree's root."""
        self._host = host
        self.word = secrets.token_hex(8)
        self.root = root
        self._given: dict[str, int | None] = {}
        """By URI, the version of the text that an action's edit was last given for."""

    def gave(self, buffer: Buffer) -> None:
        """Take note that the editor has an edit of this text, which it may apply by itself."""
        self._given[buffer.uri] = buffer.version

    @property
    def name(self) -> str:
        """The editor's, as a person knows it."""
        return self._host.client.name

    def texts(self) -> EditorPresent:
        """What is open at this moment."""
        return self.present()

    def watch(self, watcher: Callable[[str], None]) -> Callable[[], None]:
        """Be told the URI of each document that changes; returns what ends it."""
        return self._host.buffers.watch(watcher)

    async def unsaved(self) -> Mapping[str, bytes]:
        """Buffers that differ from their files, as the editor would save them."""
        return await asyncio.to_thread(self.present().unsaved)

    def present(self) -> EditorPresent:
        """What the person has at this moment."""
        return EditorPresent(self.root, self._host.buffers.below(self.root))

    async def apply(self, hunks: Sequence[PendingHunk], effects: Sequence[Effect]) -> None:
        """Write decided hunks: the editor first, since it may refuse; then the disk.

        Raises:
            NeedsPerson: the editor refused or did not answer, the text changed meanwhile, or the
                disk can't be written.
        """
        plan = _Plan()
        for effect in effects:
            self._add(plan, effect, hunks)
        if plan.edits or plan.operations:
            # Whether an acceptance stands in the end, the engine looks by itself.
            await self._ask_editor(plan, proves=all(one.state != "accepted" for one in hunks))
        if plan.on_disk:
            await asyncio.to_thread(write_effects, self.root, plan.on_disk)
            for buffer in plan.left_open:
                self._host.buffers.set_aside(buffer, self.root)
        for one in plan.modes:
            await asyncio.to_thread(set_executable, self.root, one.path, one.mode == 0o100755)

    def _add(self, plan: _Plan, effect: Effect, hunks: Sequence[PendingHunk]) -> None:
        match effect:
            case WriteFile():
                self._add_write(plan, effect, hunks)
            case DeleteFile():
                buffer = self._host.buffers.at(effect.path, self.root)
                deletion = types.DeleteFile(uri=buffer.uri) if buffer else None
                self._add_operation(plan, effect, buffer, "delete", deletion)
            case RenameFile():
                buffer = self._host.buffers.at(effect.old_path, self.root)
                uri = (self.root / effect.path).as_uri()
                renaming = types.RenameFile(old_uri=buffer.uri, new_uri=uri) if buffer else None
                self._add_operation(plan, effect, buffer, "rename", renaming)

    def _add_operation(
        self,
        plan: _Plan,
        effect: Effect,
        buffer: Buffer | None,
        name: str,
        operation: FileOperation | None,
    ) -> None:
        """Have the editor move or delete what it has open, so that no buffer is left behind."""
        if buffer is None or operation is None:
            plan.on_disk.append(effect)
        elif name in self._host.client.operations:
            plan.operations.append(operation)
            plan.targets[buffer.uri] = None
        elif self.present().is_saved(buffer.path):
            plan.on_disk.append(effect)
            plan.left_open.append(buffer)
        else:
            raise NeedsPerson(
                f"{buffer.path} is open with unsaved text, and your editor can't be asked to "
                f"{name} it. Nothing was changed. Save or close it, then decide again."
            )

    def _add_write(self, plan: _Plan, effect: WriteFile, hunks: Sequence[PendingHunk]) -> None:
        moved = {one.path: one.old_path for one in plan.on_disk if isinstance(one, RenameFile)}
        before = {hunk.file: hunk.old_path for hunk in hunks if hunk.old_path}.get(effect.path)
        renamed = before is not None and bool(plan.operations)
        path = before if renamed and before is not None else effect.path
        buffer = None if effect.path in moved else self._host.buffers.at(path, self.root)
        if buffer is None:
            plan.on_disk.append(effect)
            return
        edits = tuple(_edits(hunks, effect.path))
        target = apply_edits(buffer.text, edits) if _fits(buffer.text, edits) else None
        if not edits and not _shows(buffer.text, effect.data):
            raise NeedsPerson(
                f"{path} is open in your editor, and its change can only be taken whole: it is no "
                "text, or too large to be edited there. Nothing was changed. Save and close it, "
                "then decide again: it is then written on the disk."
            )
        if target is None or not _shows(target, effect.data):
            raise NeedsPerson(
                f"{path} changed while the decision was being carried out, or your editor shows "
                "it in another form. Nothing was changed. Decide again; if this comes back, save "
                "and close the file first."
            )
        if edits:
            plan.edits.append(BufferEdit(buffer, edits))
        if not renamed:
            plan.targets[buffer.uri] = target
            plan.modes.append(effect)

    async def _ask_editor(self, plan: _Plan, *, proves: bool) -> None:
        names = ", ".join(sorted({one.buffer.path for one in plan.edits})) or "your files"
        if not self._host.client.applies_edits:
            raise NeedsPerson(
                f"Your editor can't be asked to edit {names}. Nothing was changed. Use the code "
                "action on the hunk, which your editor applies itself, or close the file and "
                "decide again: it is then written on the disk."
            )
        params = types.ApplyWorkspaceEditParams(
            workspace_edit(self._host.client, plan.edits, plan.operations), "Longshift"
        )
        texts = {uri: self._text(uri) for uri in plan.targets}
        may_have_it = proves and all(self._is_given(uri) for uri in plan.targets)
        try:
            async with asyncio.timeout(EDITOR_ANSWERS_WITHIN_S):
                answer = await self._host.server.workspace_apply_edit_async(params)
        except TimeoutError as error:
            raise _refused(names, "it did not answer") from error
        except JsonRpcException as error:
            why: str | None = error.message
        else:
            why = None if answer.applied else answer.failure_reason or "it gave no reason"
        if why is None:
            await self._wait_until_shown(plan.targets)
        elif not (may_have_it and await self._is_told_late(texts)):
            raise _refused(names, why)

    async def _wait_until_shown(self, targets: Mapping[str, str | None]) -> None:
        """Wait for the buffers; what they show in the end, the engine judges by itself."""
        try:
            async with asyncio.timeout(SHOWN_WITHIN_S):
                while not all(self._shows(uri, text) for uri, text in targets.items()):
                    await self._host.buffers.wait_until_changed()
        except TimeoutError:
            return

    async def _is_told_late(self, texts: Mapping[str, str | None]) -> bool:
        """Wait for other texts than these; whether each has come.

        It need not be the edit alone: whoever types on at once is told of together with it.
        """
        try:
            async with asyncio.timeout(TOLD_WITHIN_S):
                while any(self._text(uri) == text for uri, text in texts.items()):
                    await self._host.buffers.wait_until_changed()
        except TimeoutError:
            return False
        return True

    def _is_given(self, uri: str) -> bool:
        return uri in self._given and self._given[uri] == self._host.buffers.version(uri)

    def _shows(self, uri: str, text: str | None) -> bool:
        return self._text(uri) in (None, text)

    def _text(self, uri: str) -> str | None:
        """What the buffer shows; None: it is closed."""
        buffer = self._host.buffers.find(uri, self.root)
        return None if buffer is None else buffer.text


def edits_of(hunk: PendingHunk) -> tuple[Edit, ...]:
    """What a decision on a hunk does to the text: puts a pending one in, takes an accepted out."""
    return hunk.undo if hunk.state == "accepted" else hunk.edits


def _edits(hunks: Sequence[PendingHunk], path: str) -> list[Edit]:
    mine = [hunk for hunk in hunks if path in (hunk.file, hunk.path, hunk.old_path)]
    return [edit for hunk in mine for edit in edits_of(hunk)]


def _fits(text: str, edits: Sequence[Edit]) -> bool:
    ordered = sorted(edits, key=lambda edit: (edit.start, edit.end, edit.order))
    ends = [0, *(edit.end for edit in ordered)]
    return all(
        end <= edit.start <= edit.end <= len(text) for end, edit in zip(ends, ordered, strict=False)
    )


def _shows(text: str, data: bytes) -> bool:
    """Whether a buffer with this text is saved as these bytes, or shows them."""
    return as_saved(text, data) == data or as_shown(data, text) == text


def _refused(names: str, why: str) -> NeedsPerson:
    return NeedsPerson(
        f"Your editor did not apply the change to {names}: {why}. Nothing was recorded, and your "
        "text is as you see it. Decide again."
    )
