"""Those who come through the owner's door: a command line, or an attached editor.

Owns what one of them has lent, and on whose behalf its commands are carried out. What an editor
lends goes with its connection. Never carries a command out itself: `commands` does.
"""

import secrets
from collections.abc import Mapping
from dataclasses import asdict
from typing import Final

from longshift.engine.arguments import parse
from longshift.engine.commands import execute
from longshift.engine.describe import Json
from longshift.engine.editors.lending import (
    Answered,
    Configured,
    Expected,
    Lend,
    OfFile,
    SpeakFor,
    Text,
)
from longshift.engine.editors.lent import Ask, LentHand
from longshift.engine.engine import Engine
from longshift.errors import NeedsPerson, UsageError
from longshift.review.of_file import hunks_of


class Lobby:
    """All who are connected."""

    def __init__(self, engine: Engine) -> None:
        """Receive visitors of an engine."""
        self.engine: Final = engine
        self.hands: Final[dict[str, LentHand]] = {}
        """By the secret that only the lender was told."""

    def receive(self, ask: Ask) -> "Visitor":
        """Let somebody in."""
        return Visitor(self, ask)


class Visitor:
    """One connection. See `journal.control.Visitor`."""

    def __init__(self, lobby: Lobby, ask: Ask) -> None:
        """Know nothing of it yet."""
        self._lobby = lobby
        self._ask = ask
        self._secret: str | None = None
        self._lent: LentHand | None = None

    async def handle(self, command: str, arguments: Mapping[str, object]) -> Json:
        """Carry a command out for the editor that this connection speaks for, if any."""
        engine = self._lobby.engine
        own = {
            "lend": self._lend,
            "tell": self._tell,
            "configure": self._configure,
            "answer": self._answer,
            "expect": self._expect,
            "speakFor": self._speak_for,
        }
        if command == "lastFact":
            return {"seq": engine.state.seq}
        if command in own:
            own[command](arguments)
            return self._lent_answer() if command == "lend" else {}
        hand = self._lobby.hands.get(self._secret) if self._secret is not None else None
        if self._secret is not None and hand is None:
            # Decided against the files alone, it could go over what that editor has unsaved.
            raise NeedsPerson(
                "The connection over which this editor told its text has ended. Nothing was done. "
                "Try again: it connects anew by itself."
            )
        with engine.editors.acting(hand):
            if command == "fileHunks":
                return await _file_hunks(engine, arguments)
            return await execute(engine, command, arguments)

    def gone(self) -> None:
        """Take back what was lent here."""
        if self._lent is not None and self._secret is not None:
            self._lobby.hands.pop(self._secret, None)
            self._lobby.engine.editors.detach(self._lent)
            self._lent.leave()
            self._lent = None

    def _lend(self, arguments: Mapping[str, object]) -> None:
        given, root = parse("lend", Lend, arguments), self._lobby.engine.shop.worktree.root
        if self._secret is not None:
            raise UsageError("This connection has lent a hand, or speaks for one, already.")
        if given.repo != root.as_uri():
            raise UsageError(
                f"The process that owns this repository works in {root}, and this editor in "
                f"{given.repo}: its buffers are of other files."
            )
        self._secret = secrets.token_hex(16)
        self._lent = self._lobby.hands[self._secret] = LentHand(given, root, self._ask)
        self._lobby.engine.editors.attach(self._lent)
        if given.drives:  # not where its editor holds the workspace restricted
            self._lobby.engine.welcome_editor()

    def _lent_answer(self) -> Json:
        with self._lobby.engine.editors.acting(self._lent):
            others = sorted(self._lobby.engine.editors.others)
        return {"hand": self._secret, "others": others}

    def _tell(self, arguments: Mapping[str, object]) -> None:
        hand = self._lender("tell")
        hand.put(parse("tell", Text, arguments))
        self._lobby.engine.editors.heed(hand)

    def _configure(self, arguments: Mapping[str, object]) -> None:
        hand = self._lender("configure")
        hand.settings = parse("configure", Configured, arguments).settings
        self._lobby.engine.editors.heed(hand)

    def _answer(self, arguments: Mapping[str, object]) -> None:
        self._lender("answer").answered(parse("answer", Answered, arguments))

    def _expect(self, arguments: Mapping[str, object]) -> None:
        self._lender("expect")
        given = parse("expect", Expected, arguments)
        key = (given.run_id, given.change_id, given.path, given.hunk)
        self._lobby.engine.decisions.expect_fingerprint(key, given.sha256)

    def _speak_for(self, arguments: Mapping[str, object]) -> None:
        secret = parse("speakFor", SpeakFor, arguments).hand
        if self._secret is not None or secret not in self._lobby.hands:
            raise UsageError("No such hand is lent, or this connection speaks for one already.")
        self._secret = secret

    def _lender(self, command: str) -> LentHand:
        if self._lent is None:
            raise UsageError(f"{command}: this connection has lent no hand. Lend one first.")
        return self._lent


async def _file_hunks(engine: Engine, arguments: Mapping[str, object]) -> Json:
    """The hunks of one file against what the asking editor has there, in any state."""
    given, shop = parse("fileHunks", OfFile, arguments), engine.shop
    here = str(shop.worktree.root)
    runs = tuple(
        run for run in engine.state.runs.values() if run.changes and run.started.repo == here
    )
    found = await shop.off_loop(
        hunks_of, shop.proposals, runs, given.path, shop.hand.present(), engine.editors.others
    )
    return {"hunks": [{"runId": run_id, "hunk": asdict(hunk)} for run_id, hunk in found]}
