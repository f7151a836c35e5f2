"""An attached editor's hand, as the owner of the repository holds it.

Owns what that editor has lent: its open texts, its settings, and the way to have it edit. Every
byte of it is a stranger's: texts are bounded and paths checked, and an editor that is silent or
gone keeps nobody waiting for long.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from longshift.engine.editors.lending import (
    Answered,
    AskApply,
    EffectOnWire,
    HunkOnWire,
    Lend,
    Text,
    as_line,
)
from longshift.engine.editors.open_texts import OpenPresent, OpenText
from longshift.errors import NeedsPerson, UsageError
from longshift.review.shapes import Effect, PendingHunk, Present

MOST_FILES: Final = 4_096
MOST_CHARACTERS: Final = 64_000_000
"""Of all texts of one editor together."""
TELLS_WITHIN_S: Final = 2.0
"""How long an editor may take to tell of its latest text; then the last that it told counts."""
APPLIES_WITHIN_S: Final = 80.0
"""Longer than its process waits for the editor."""

Ask = Callable[[dict[str, object]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class LentText:
    """One open text of an attached editor."""

    text: str
    version: int | None


class LentHand:
    """The hand of an editor in another process; an `AttachedHand`."""

    def __init__(self, lend: Lend, root: Path, ask: Ask) -> None:
        """Take what an editor lends, for the files below a root."""
        self.name = lend.editor
        self.word = lend.word
        self.drives = lend.drives
        self.settings: Mapping[str, object] | None = lend.settings
        self._root = root
        self._ask = ask
        self._texts: dict[str, LentText] = {}
        self._characters = 0
        self._asked: dict[int, asyncio.Future[str | None]] = {}
        self._last_id = 0
        self._is_gone = False

    def put(self, given: Text) -> None:
        """Take note of what one file shows now; None: it was closed.

        Raises:
            UsageError: it is too much.
        """
        before = self._texts.pop(given.path, None)
        self._characters -= len(before.text) if before else 0
        if given.text is None:
            return
        characters = self._characters + len(given.text)
        if len(self._texts) >= MOST_FILES or characters > MOST_CHARACTERS:
            raise UsageError(
                f"This editor has lent more than {MOST_FILES} files or {MOST_CHARACTERS} "
                f"characters, so {given.path} was not taken."
            )
        self._texts[given.path] = LentText(given.text, given.version)
        self._characters = characters

    def texts(self) -> OpenPresent[OpenText]:
        """What it has open, as it last told."""
        return OpenPresent(self._root, dict(self._texts))

    def present(self) -> Present:
        """The same over the files."""
        return self.texts()

    async def unsaved(self) -> Mapping[str, bytes]:
        """Buffers that differ from their files."""
        await self.refresh()
        return await asyncio.to_thread(self.texts().unsaved)

    async def refresh(self) -> None:
        """Wait until it has told its text of this moment, for a short while."""
        try:
            await self._answer({"do": "tell"}, TELLS_WITHIN_S)
        except (TimeoutError, ConnectionError, NeedsPerson):
            return  # what it told last is the best that there is

    async def apply(self, hunks: Sequence[PendingHunk], effects: Sequence[Effect]) -> None:
        """Have the editor write decided hunks; its text is told anew before it answers.

        Raises:
            NeedsPerson: it refused, can't be reached, or the change is too large for it.
        """
        order = AskApply(
            hunks=tuple(HunkOnWire.of(one) for one in hunks),
            effects=tuple(EffectOnWire.of(one) for one in effects),
        )
        paths = ", ".join(sorted({one.path for one in effects}))
        try:
            refused = await self._answer({"do": "apply", **as_line(order)}, APPLIES_WITHIN_S)
        except (TimeoutError, ConnectionError, ValueError) as error:
            why = {TimeoutError: "it did not answer", ValueError: "the change is too large"}
            raise NeedsPerson(
                f"{self.name}, which has {paths} open, could not be asked to write it: "
                f"{why.get(type(error), 'it is gone')}. Look at the file there, then decide again."
            ) from error
        if refused is not None:
            raise NeedsPerson(refused)

    def answered(self, given: Answered) -> None:
        """Take an answer; one to a question that nobody asked, or too late, is passed over."""
        waiting = self._asked.get(given.ask)
        if waiting is not None and not waiting.done():
            waiting.set_result(given.refused)

    def leave(self) -> None:
        """Take note that the editor is gone: whoever waits for it is told."""
        self._is_gone = True
        for waiting in self._asked.values():
            if not waiting.done():
                waiting.set_exception(ConnectionError("the editor is gone"))

    async def _answer(self, question: Mapping[str, object], within_s: float) -> str | None:
        if self._is_gone:
            raise ConnectionError("the editor is gone")
        self._last_id += 1
        id_ = self._last_id
        waiting: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()
        self._asked[id_] = waiting
        try:
            async with asyncio.timeout(within_s):
                await self._ask({"id": id_, **question})
                return await waiting
        finally:
            del self._asked[id_]
            if waiting.done() and not waiting.cancelled():
                waiting.exception()  # seen, even where nobody waits any more
