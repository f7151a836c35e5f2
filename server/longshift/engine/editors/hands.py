"""The person's editors: the one that this engine lives in, and those that are attached to it.

Owns which editor's text counts, and which of them carries out what was decided. A decision is made
against the text of the editor that it comes from. Must never write a file that an editor has open
behind that editor's back, nor over text that is unsaved in another.
"""

import asyncio
import contextlib
from collections.abc import Iterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Protocol, TypeAlias, cast

from longshift.domain.state import Run
from longshift.engine.editors.open_texts import OpenPresent, OpenText
from longshift.engine.ports import DiskPresent, Hand
from longshift.errors import NeedsPerson
from longshift.review.decisions import Target
from longshift.review.shapes import (
    DeleteFile,
    Effect,
    PendingHunk,
    Present,
    PresentFile,
    RenameFile,
)

Texts: TypeAlias = OpenPresent[OpenText]
Settings: TypeAlias = Mapping[str, object]

_acting: ContextVar["Hand | None"] = ContextVar("acting", default=None)
"""Whose command is being carried out; None: nobody's that has an editor."""


class EditorsHand(Hand, Protocol):
    """A person with an editor, and what it has open."""

    @property
    def name(self) -> str:
        """The editor's, as a person knows it."""

    @property
    def word(self) -> str:
        """What it is called in facts, as long as it is open."""

    def texts(self) -> Texts:
        """What it has open at this moment; safe to read from another thread."""


class AttachedHand(EditorsHand, Protocol):
    """The hand of an editor that lives in another process."""

    @property
    def drives(self) -> bool:
        """Whether its process could drive the runs, if this one ended."""

    @property
    def settings(self) -> Settings | None:
        """What that editor sent as settings; None: nothing."""

    async def refresh(self) -> None:
        """Wait for its text of this moment, for a short while."""


class Editors:
    """All that the person has in hand; implements the engine's `Hand`."""

    def __init__(self, own: Hand, settings: Settings | None) -> None:
        """Begin with what this process has.

        Args:
            own: the files, or the editor that the engine lives in.
            settings: what that editor sent; None: no editor.
        """
        self._own = own
        self._own_editor = cast("EditorsHand", own) if hasattr(own, "texts") else None
        self._own_settings = settings
        self._attached: list[AttachedHand] = []
        self._last_settings: Settings | None = None
        self._aside: dict[tuple[EditorsHand, str], str] = {}
        """By editor and path, the text of a file that went by a decision made elsewhere: no editor
        closes it by itself. Once its text is another or its file is back, it counts again."""

    def attach(self, hand: AttachedHand) -> None:
        """Take an editor in; the one that was typed in last comes first."""
        self._attached.insert(0, hand)
        self.heed(hand)

    def heed(self, hand: AttachedHand) -> None:
        """Take note that an editor's text or settings changed."""
        if hand in self._attached:
            self._attached.remove(hand)
            self._attached.insert(0, hand)
            self._last_settings = hand.settings or self._last_settings

    def detach(self, hand: AttachedHand) -> None:
        """Let an editor go; what was in its buffers alone is no longer seen."""
        if hand in self._attached:
            self._attached.remove(hand)
        self._aside = {key: text for key, text in self._aside.items() if key[0] is not hand}

    @property
    def has_successor(self) -> bool:
        """Whether another editor could drive the runs, if this process ended."""
        return any(hand.drives for hand in self._attached)

    @property
    def others(self) -> frozenset[str]:
        """The words of all editors but the one whose command is being carried out."""
        acting = _acting.get()
        return frozenset(one.word for one in self._in_order() if one is not acting)

    def holder(self, run: Run, target: Target) -> EditorsHand | None:
        """The other editor in which all hunks of a target were accepted; None: there is no one."""
        change = run.changes.get(target.change_id)
        words = {
            decided.editor
            for (path, hunk), decided in (change.decisions if change else {}).items()
            if target.path in (None, path) and target.hunk in (None, hunk)
        }
        others = [one for one in self._in_order() if one is not _acting.get()]
        return next((one for one in others if {one.word} == words), None)

    @property
    def settings(self) -> Settings | None:
        """What the editor set whose command this is, else the engine's own, else the last one's.

        The last one's stay after it has gone: a run that it started goes on with them.
        """
        acting = _acting.get()
        for hand in self._attached:
            if hand is acting and hand.settings is not None:
                return hand.settings
        return self._own_settings if self._own_settings is not None else self._last_settings

    async def unsaved(self) -> Mapping[str, bytes]:
        """Buffers that differ from their files; of several of one file, the first editor's."""
        if not self._attached:
            return await self._own.unsaved()
        await asyncio.gather(*(hand.refresh() for hand in self._attached))
        found: dict[str, bytes] = dict(await self._own.unsaved())
        others = [self._texts(one) for one in self._in_order() if one is not self._own]
        for texts in others:
            found = {**await asyncio.to_thread(texts.unsaved), **found}
        acting = self._acting_editor()
        if acting is not None and acting is not self._own:
            found |= await asyncio.to_thread(self._texts(acting).unsaved)
        return found

    def present(self) -> Present:
        """What the person has at this moment."""
        if not self._attached:
            return self._own.present()
        acting = self._acting_editor()
        texts = tuple(self._texts(one) for one in self._in_order())
        own = self._own_editor
        files = DiskPresent(own.texts().root) if own else self._own.present()
        return _Layers(self._texts(acting) if acting else None, texts, files)

    async def apply(self, hunks: Sequence[PendingHunk], effects: Sequence[Effect]) -> None:
        """Have decided hunks written where the files are open, else on the disk.

        Raises:
            NeedsPerson: as `Hand.apply`; or text is unsaved in an editor that did not decide.
        """
        if not self._attached:
            await self._own.apply(hunks, effects)
            return
        acting, editors = self._acting_editor(), self._in_order()
        opened = [(one, self._texts(one)) for one in editors]
        shares = await asyncio.to_thread(_share, acting, opened, effects)
        for hand, part in shares:
            paths = {path for effect in part for path in _paths(effect)}
            concerned = [
                one for one in hunks if not paths.isdisjoint({one.path, one.file, one.old_path})
            ]
            await (hand or self._own).apply(concerned, part)
            self._set_aside(hand, opened, part)

    @contextlib.contextmanager
    def acting(self, hand: Hand | None) -> Iterator[None]:
        """Carry out a command of an editor's; None: of nobody's that has one."""
        token = _acting.set(hand)
        try:
            yield
        finally:
            _acting.reset(token)

    def acting_own(self) -> "contextlib.AbstractContextManager[None]":
        """Carry out a command of the editor that the engine lives in."""
        return self.acting(self._own)

    def _set_aside(
        self,
        writer: EditorsHand | None,
        opened: Sequence[tuple[EditorsHand, Texts]],
        effects: Sequence[Effect],
    ) -> None:
        gone = {one.old_path for one in effects if isinstance(one, RenameFile)}
        gone |= {one.path for one in effects if isinstance(one, DeleteFile)}
        for hand, texts in opened:
            for path in gone & set(texts.buffers) if hand is not writer else ():
                self._aside[hand, path] = texts.buffers[path].text

    def _texts(self, hand: EditorsHand) -> Texts:
        """What an editor has open, without what went by a decision made elsewhere."""
        texts = hand.texts()
        left = {
            path
            for (other, path), text in self._aside.items()
            if other is hand
            and path in texts.buffers
            and texts.buffers[path].text == text
            and DiskPresent(texts.root).mode(path) is None
        }
        if not left:
            return texts
        kept = {path: one for path, one in texts.buffers.items() if path not in left}
        return OpenPresent(texts.root, kept)

    def _in_order(self) -> list[EditorsHand]:
        """Every editor, the engine's own first."""
        return [*([self._own_editor] if self._own_editor else []), *self._attached]

    def _acting_editor(self) -> EditorsHand | None:
        hand = _acting.get()
        return next((one for one in self._in_order() if one is hand), None)


def acting_word() -> str:
    """The word of the editor whose command is being carried out; "": nobody's that has one."""
    return getattr(_acting.get(), "word", "")


def nobody_acts() -> None:
    """Begin work that goes on after the command that set it going."""
    _acting.set(None)


@dataclass(frozen=True, slots=True)
class _Layers:
    """The texts of several editors over the files, in the order in which they count."""

    acting: Texts | None
    editors: Sequence[Texts]
    files: Present

    def read(self, path: str) -> PresentFile | None:
        """Give the file at a path: as the editor that decides has it, else unsaved, else open."""
        if self.acting is not None and path in self.acting.buffers:
            return self.acting.read(path)
        opened = [texts for texts in self.editors if path in texts.buffers]
        for texts in (*(one for one in opened if not one.is_saved(path)), *opened):
            return texts.read(path)
        return self.files.read(path)


def _share(
    acting: EditorsHand | None,
    opened: Sequence[tuple[EditorsHand, Texts]],
    effects: Sequence[Effect],
) -> list[tuple[EditorsHand | None, list[Effect]]]:
    """Who writes what; None: the engine's own hand. Editors come first, since they may refuse."""
    shares: list[tuple[EditorsHand | None, list[Effect]]] = []
    for group in _groups(effects):
        writer = _writer(acting, opened, group)
        mine = next((part for hand, part in shares if hand is writer), None)
        if mine is None:
            shares.append((writer, list(group)))
        else:
            mine.extend(group)
    return sorted(shares, key=lambda share: share[0] is None)


def _groups(effects: Sequence[Effect]) -> list[list[Effect]]:
    """The effects by the file that they are about: a rename and the write of its new path."""
    homes = {one.path: one.old_path for one in effects if isinstance(one, RenameFile)}
    groups: dict[str, list[Effect]] = {}
    for effect in effects:
        groups.setdefault(homes.get(effect.path, effect.path), []).append(effect)
    return list(groups.values())


def _writer(
    acting: EditorsHand | None,
    opened: Sequence[tuple[EditorsHand, Texts]],
    group: Sequence[Effect],
) -> EditorsHand | None:
    """The editor that has a file open: the one that decides, else the one with unsaved text."""
    paths = {path for effect in group for path in _paths(effect)}
    having = [(one, texts) for one, texts in opened if not paths.isdisjoint(texts.buffers)]
    unsaved = [one for one, texts in having if not all(map(texts.is_saved, paths))]
    writer = next((one for one, _ in having if one is acting), None)
    if writer is None:
        if len(unsaved) > 1:
            raise _refused(paths, unsaved, "Decide in the one whose text is to be changed")
        writer = next(iter([*unsaved, *(one for one, _ in having)]), None)
    others = [one for one in unsaved if one is not writer]
    if others and any(isinstance(one, RenameFile | DeleteFile) for one in group):
        raise _refused(paths, others, "Save or close it there, then decide again")
    return writer


def _paths(effect: Effect) -> tuple[str, ...]:
    return (effect.old_path, effect.path) if isinstance(effect, RenameFile) else (effect.path,)


def _refused(paths: set[str], editors: Sequence[EditorsHand], then: str) -> NeedsPerson:
    names = " and ".join(dict.fromkeys(one.name for one in editors))
    return NeedsPerson(
        f"{', '.join(sorted(paths))} has unsaved text in {names}. Nothing was changed. {then}."
    )
