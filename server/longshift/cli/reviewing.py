"""Going through a run's hunks one by one, in the manner of `git add -p`.

Owns the keys, and what stands between a key and a decision: each hunk is computed anew before it is
shown, and decided on only as it was shown. Decisions go to the engine, one command each, so the
repository is owned for no longer than each of them takes.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

from rich.console import Console
from rich.text import Text

from longshift.cli.hunkview import Row, Shown, show_hunk
from longshift.cli.keyboard import Keyboard
from longshift.cli.terminal import clean, one_line, say
from longshift.cli.told import counted
from longshift.cli.walking import Key, Walk
from longshift.engine.describe import Json
from longshift.errors import LongshiftError

Call = Callable[[str, Mapping[str, object]], Awaitable[Json]]
Edit = Callable[[str, str], Awaitable[str | None]]

KEYS: Final[Mapping[str, str]] = {
    "y": "accept this hunk: write it into your file",
    "n": "reject it, with a reason that later plans obey (may be empty)",
    "r": "have it done otherwise: a task with your words",
    "e": "edit it, and accept what you save",
    "s": "skip it: decide later",
    "a": "accept this and all later hunks of this file, protected ones left out",
    "d": "reject this and all later hunks of this file",
    "j": "go to the next undecided hunk",
    "k": "go to the one before",
    "u": "take the last decision back, and go there",
    "w": "why: its task, and what its worker said",
    "q": "quit; what is decided stays decided",
    "?": "print this",
}
_FOR_FITTING: Final = frozenset("yea")
"""Keys for hunks that still fit the person's text."""
_WHY: Final = "Why? (one line, may be empty) "


class InputEnded(Exception):
    """There is no more input: as if the person had quit."""


class Review:
    """One person's way through the hunks of one run."""

    def __init__(
        self, run_id: str, call: Call, edit: Edit, keyboard: Keyboard, console: Console
    ) -> None:
        """Review a run.

        Args:
            run_id: the run.
            call: has a command of the engine carried out.
            edit: lets the person edit lines of a path; None: they saved none.
            keyboard: where they answer.
            console: where they are asked.
        """
        self.run_id = run_id
        self.console = console
        self.decided: list[tuple[str, list[Key]]] = []
        """What was decided here, oldest first: the word for it, and the hunks."""
        self._call = call
        self._edit = edit
        self._keyboard = keyboard
        self._walk = Walk()
        self._moves_on = False
        self._actions: Final[Mapping[str, Callable[[Shown], Awaitable[None]]]] = {
            "y": self._accept,
            "n": self._reject_one,
            "r": self._rework,
            "e": self._accept_edited,
            "s": self._skip,
            "a": self._accept_rest,
            "d": self._reject_rest,
            "j": self._forth,
            "k": self._back,
            "u": self._undo,
            "w": self._explain,
            "?": self._help,
        }

    async def look(self) -> int:
        """Look at the hunks as they are now; gives how many are undecided."""
        listed = (await self._send("listHunks", {}))["hunks"]
        assert isinstance(listed, list), "the shape of `listHunks`"
        self._walk.rows = [Row.model_validate(row) for row in listed]
        return len(self._walk.undecided)

    async def go_through(self) -> None:
        """Show one undecided hunk after the other until none is left, or the person quits."""
        try:
            while await self.look() and (row := self._walk.step()) is not None:
                if not await self._decide_on(row):
                    return
        except InputEnded:
            say(self.console, "")

    async def _decide_on(self, row: Row) -> bool:
        """Show a hunk and do what the person says, until they move on; False: they quit."""
        hunk = await self._shown(row)
        if not hunk.is_open:
            return True  # settled since it was listed, by the person or the run
        show_hunk(self.console, hunk)
        self._moves_on = False
        while not self._moves_on:
            key = await self._key(hunk)
            if key == "q":
                return False
            try:
                await self._actions[key](hunk)
            except LongshiftError as error:
                say(self.console, str(error), "red")
                if (await self._shown(row)).shown != hunk.shown and not self._moves_on:
                    self._walk.go_to(row.key)  # to be seen as it is now
                    return True
        return True

    async def _key(self, hunk: Shown) -> str:
        """The key that the person chose, of those that this hunk has."""
        offered = _offered(hunk)
        undecided = [row.key for row in self._walk.undecided]
        place = undecided.index(hunk.key) + 1 if hunk.key in undecided else 1
        verb = "Accept" if hunk.state == "pending" else "Rework or reject"
        prompt = f"({place}/{max(place, len(undecided))}) {verb} this hunk [{','.join(offered)}]? "
        while True:
            said = (await self._ask(prompt)).strip()
            if said in offered:
                return said
            if said in KEYS:
                say(self.console, "It no longer fits your text: ask for rework, or reject it.")
            elif said:
                return "?"

    # Accepting.

    async def _accept(self, hunk: Shown) -> None:
        if await self._means_protected(hunk):
            await self._decide("acceptChange", hunk)
            self._done("accepted", [hunk])

    async def _accept_edited(self, hunk: Shown) -> None:
        if hunk.lines is None:
            say(self.console, "This hunk has no lines to edit; accept it, or ask for rework.")
        elif await self._means_protected(hunk):
            text = await self._edit(hunk.path, hunk.lines)
            if text is None:
                say(self.console, "You saved no lines, so nothing was decided.")
                return
            await self._decide("acceptChange", hunk, text=text)
            self._done("accepted", [hunk])

    async def _accept_rest(self, hunk: Shown) -> None:
        await self.look()
        rest = [row for row in self._walk.rest_of_file(hunk) if row.state == "pending"]
        done: list[Row] = []
        try:
            for row in (row for row in rest if not row.flag):
                # The one that was shown must be as it was; the others are meant as they are.
                await self._decide("acceptChange", hunk if row.key == hunk.key else row)
                done.append(row)
        finally:
            self._done("accepted", done)
        if left := sum(bool(row.flag) for row in rest):
            told = f"Left: {counted(left, 'hunk')} of {one_line(hunk.file)}, which is protected."
            say(self.console, f"{told} Say y on each that you mean.", "yellow")

    async def _means_protected(self, hunk: Shown) -> bool:
        """Whether a protected file, if it is one, was accepted by a word of its own."""
        if not hunk.flag:
            return True
        flag = one_line(hunk.flag)
        question = f"{flag[:1].upper()}{flag[1:]}. Accept all the same? [y/N] "
        return (await self._ask(question)).strip().lower() in ("y", "yes")

    # Turning down.

    async def _reject_one(self, hunk: Shown) -> None:
        await self._reject([hunk], await self._ask(_WHY))

    async def _reject_rest(self, hunk: Shown) -> None:
        reason = await self._ask(_WHY)
        await self.look()
        rest = self._walk.rest_of_file(hunk)
        await self._reject([hunk if row.key == hunk.key else row for row in rest], reason)

    async def _reject(self, hunks: Sequence[Row], reason: str) -> None:
        """Reject hunks; those that are all of a change's in a file, by one word and one rule."""
        done: list[Row] = []
        try:
            for named in dict.fromkeys((row.change_id, row.path) for row in hunks):
                mine = [row for row in hunks if (row.change_id, row.path) == named]
                if len(mine) > 1 and self._walk.are_all(mine):
                    file = {"changeId": named[0], "path": named[1], "reason": reason}
                    await self._send("rejectChange", file)
                    done += mine
                    continue
                for row in mine:
                    await self._decide("rejectChange", row, reason=reason)
                    done.append(row)
        finally:
            self._done("rejected", done)

    async def _rework(self, hunk: Shown) -> None:
        words = (await self._ask("What shall be otherwise? ")).strip()
        if not words:
            say(self.console, "A rework needs your words. Nothing was decided.")
            return
        await self._decide("reworkChange", hunk, reason=words)
        self._done("rework", [hunk])

    # Taking back, moving, telling.

    async def _undo(self, hunk: Shown) -> None:
        del hunk
        if not self.decided:
            say(self.console, "Nothing was decided here yet.")
            return
        word, keys = self.decided[-1]
        while keys:
            change_id, path, number = keys[-1]
            named = {"changeId": change_id, "path": path, "hunk": number}
            await self._send("undoDecision", named)
            self._walk.go_to(keys.pop())
        self.decided.pop()
        self._moves_on = True
        if word == "rework":
            say(self.console, "The task that your words made stays in the run.")

    async def _skip(self, hunk: Shown) -> None:
        self._walk.skip(hunk)
        self._moves_on = True

    async def _forth(self, hunk: Shown) -> None:
        self._go(self._walk.neighbour(hunk, 1), "after")

    async def _back(self, hunk: Shown) -> None:
        self._go(self._walk.neighbour(hunk, -1), "before")

    def _go(self, row: Row | None, where: str) -> None:
        if row is None:
            say(self.console, f"There is no undecided hunk {where} this one.")
            return
        self._walk.go_to(row.key)
        self._moves_on = True

    async def _explain(self, hunk: Shown) -> None:
        say(self.console, hunk.why)

    async def _help(self, hunk: Shown) -> None:
        for key in _offered(hunk):
            say(self.console, f"{key} - {KEYS[key]}")

    # The engine and the person.

    async def _decide(self, command: str, row: Row, **more: object) -> None:
        named = {"changeId": row.change_id, "path": row.path, "hunk": row.hunk}
        await self._send(command, {**named, "shown": row.shown, **more})

    async def _shown(self, row: Row) -> Shown:
        named = {"changeId": row.change_id, "path": row.path, "hunk": row.hunk}
        return Shown.model_validate(await self._send("showHunk", named))

    async def _send(self, command: str, arguments: Mapping[str, object]) -> Json:
        return await self._call(command, {"runId": self.run_id, **arguments})

    def _done(self, word: str, rows: Sequence[Row]) -> None:
        if rows:
            self.decided.append((word, [row.key for row in rows]))
            self._moves_on = True

    async def _ask(self, prompt: str) -> str:
        self.console.print(Text(clean(prompt), "bold blue"), end="", soft_wrap=True)
        self.console.file.flush()
        said = await self._keyboard.line()
        if said is None:
            raise InputEnded
        return said


def _offered(hunk: Row) -> list[str]:
    fits = hunk.state == "pending"
    return [key for key in KEYS if fits or key not in _FOR_FITTING]
