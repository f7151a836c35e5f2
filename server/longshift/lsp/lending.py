"""A guest's editor lends its hand to the process that owns the repository.

Owns the telling of what is open here, and the carrying out of what was decided, in this editor's
buffers. Must never write anything that the owner did not ask for, and trusts nothing that it asks:
the hand itself refuses an edit of another text.
"""

import asyncio
import hashlib
import logging
from collections.abc import Callable, Mapping
from typing import Any, Final

from pydantic import ValidationError

from longshift.engine.editors.lending import MOST_TEXT, AskApply, Asked
from longshift.errors import LongshiftError, UsageError
from longshift.journal.asked import AskedClient
from longshift.lsp.buffers import Buffer
from longshift.lsp.hand import EditorHand
from longshift.review.shapes import PendingHunk

logger = logging.getLogger(__name__)

Tables = Mapping[str, object]

QUIET_S: Final = 0.25
"""How long a change of a buffer may wait to be told, so that not each keystroke is. Before a
command, and when the owner asks, all is told at once."""
MOST_EXPECTED: Final = 100
"""Texts that are expected and not told of yet; an editor may resolve actions that nobody picks."""


class Lending:
    """One editor's hand, lent for as long as it is connected."""

    def __init__(self, hand: EditorHand, settings: Tables | None, *, drives: bool) -> None:
        """Lend a hand; `open` does it.

        Args:
            hand: this editor's.
            settings: what it set; None: nothing that counts.
            drives: whether this process could drive the runs.
        """
        self.secret = ""
        self.others: frozenset[str] = frozenset()
        self._hand = hand
        self._settings = settings
        self._drives = drives
        self._told: Mapping[str, Buffer] = {}
        self._told_settings: Tables | None = None
        self._expected: list[dict[str, object]] = []
        self._telling = asyncio.Lock()
        self._client: AskedClient | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._stop_watching: Callable[[], None] = lambda: None

    async def open(self, address: str, on_gone: Callable[[], None]) -> bool:
        """Offer the hand to the owner at an address; False where it does not take it.

        Raises:
            OSError, ValueError: nobody answers there.
            LongshiftError: the owner is gone.
        """
        client = await AskedClient.connect(address, self._asked, on_gone)
        try:
            self._told_settings = None if self._settings is None else dict(self._settings)
            answer = await client.call(
                "lend",
                {
                    "editor": self._hand.name,
                    "repo": self._hand.root.as_uri(),
                    "word": self._hand.word,
                    "drives": self._drives,
                    "settings": self._told_settings,
                },
            )
        except UsageError as error:  # another worktree's, or an owner of an earlier version
            logger.info("This editor's text is not seen by the owner: %s", error)
            await client.close()
            return False
        except BaseException:
            await client.close()
            raise
        self.secret, self._client = str(answer.get("hand")), client
        others = answer.get("others")
        self.others = frozenset(map(str, others)) if isinstance(others, list) else frozenset()
        self._stop_watching = self._hand.watch(self._changed)
        await self.tell()
        return True

    async def tell(self) -> None:
        """Tell of every buffer that is another than when it was last told.

        Raises:
            LongshiftError: the owner is gone.
        """
        client = self._client
        if client is None:
            return
        async with self._telling:
            await self._tell_settings(client)
            expected, self._expected = self._expected, []
            for one in expected:
                await client.call("expect", one)
            now, told = self._hand.texts().buffers, self._told
            for path in [*(path for path in told if path not in now), *now]:
                buffer = now.get(path)
                if buffer != told.get(path):
                    await self._tell_one(client, path, buffer)
            self._told = now

    def expect(self, run_id: str, hunk: PendingHunk, text: str) -> None:
        """Say with the next telling what a buffer will read once a hunk was applied."""
        digest = hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()
        named = {"changeId": hunk.change_id, "path": hunk.path, "hunk": hunk.hunk}
        self._expected.append({"runId": run_id, **named, "sha256": digest})
        del self._expected[:-MOST_EXPECTED]

    def lends(self, path: str) -> bool:
        """Whether the owner sees what this editor shows of a file."""
        buffer = self._hand.texts().buffers.get(path)
        return buffer is None or len(buffer.text) <= MOST_TEXT

    async def close(self) -> None:
        """Take the hand back."""
        self._stop_watching()
        if self._timer is not None:
            self._timer.cancel()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._client is not None:
            await self._client.close()

    async def _tell_settings(self, client: AskedClient) -> None:
        now = None if self._settings is None else dict(self._settings)
        if now != self._told_settings:
            await client.call("configure", {"settings": now})
            self._told_settings = now

    async def _tell_one(self, client: AskedClient, path: str, buffer: Buffer | None) -> None:
        is_lent = buffer is not None and len(buffer.text) <= MOST_TEXT
        shown = {"text": buffer.text, "version": buffer.version} if buffer and is_lent else {}
        try:
            await client.call("tell", {"path": path, "text": None, **shown})
        except (UsageError, ValueError) as error:  # too much, or of a name that can't be told
            logger.warning("%s is not seen by the owner of the repository: %s", path, error)

    def _changed(self, _: str) -> None:
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(QUIET_S, self._tell_soon)

    def _tell_soon(self) -> None:
        self._timer = None
        task = asyncio.create_task(self._tell_behind(), name="telling")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _tell_behind(self) -> None:
        try:
            await self.tell()
        except LongshiftError as error:  # whoever follows the facts notices that the owner is gone
            logger.info("%s", error)

    async def _asked(self, question: Mapping[str, Any]) -> None:
        refused: str | None = None
        try:
            asked = Asked.model_validate(question)
            if asked.do == "apply":
                refused = await self._apply(AskApply.model_validate(question))
            await self.tell()  # before the answer: what is looked at next is what stands here now
            if self._client is not None:
                await self._client.call("answer", {"ask": asked.id, "refused": refused})
        except ValidationError as error:
            logger.warning("The owner asked for what is no question: %s", error)
        except LongshiftError as error:
            logger.info("%s", error)

    async def _apply(self, order: AskApply) -> str | None:
        """Have the editor write; gives why it did not."""
        hunks = [one.as_hunk() for one in order.hunks]
        try:
            await self._hand.apply(hunks, [one.as_effect() for one in order.effects])
        except LongshiftError as error:
            return str(error)
        except Exception:
            logger.exception("An attached editor could not write what was decided.")
            return (
                "The editor could not write it, by a defect of Longshift; its log has the "
                "details. Look at the file there, then decide again."
            )
        return None
