"""A person at an editor, for as long as a soak takes: buffers, decisions, and what is typed.

Owns the client's side of the protocol. Its buffers change as the server's edits say, position by
position; all of its text is ASCII, so that an offset is one in any encoding.
"""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, cast
from urllib.parse import unquote, urlsplit

from benchmarks.editor import CAPABILITIES, Editor, Json

POLL_S: Final = 0.1
WITHIN_S: Final = 120.0


class Person(Editor):
    """An editor that keeps what it shows."""

    capabilities: Mapping[str, object] = {**CAPABILITIES, "window": {"workDoneProgress": True}}
    options: Mapping[str, object] = {"runUpdates": True}

    def show(self, place: Path) -> None:
        """Open a file."""
        self._texts()[place.as_uri()] = place.read_text(encoding="utf-8")
        self.open(place.as_uri(), self._texts()[place.as_uri()])

    def save(self) -> None:
        """Write every buffer to its file."""
        for uri, text in self._texts().items():
            Path(unquote(urlsplit(uri).path)).write_text(text, encoding="utf-8")
            self.notify("textDocument/didSave", {"textDocument": {"uri": uri}})

    def hide(self, place: Path) -> None:
        """Close a file without saving it."""
        self._texts().pop(place.as_uri())
        self.notify("textDocument/didClose", {"textDocument": {"uri": place.as_uri()}})

    def look(self, place: Path) -> None:
        """Ask what an editor asks after a key."""
        uri = place.as_uri()
        self.code_actions(uri, 0, 5)
        self.request("textDocument/codeLens", {"textDocument": {"uri": uri}})

    def key(self, place: Path) -> None:
        """Type one letter at the beginning of a file, and take in what follows from it."""
        uri = place.as_uri()
        self.type(uri, 0, "x")
        self._texts()[uri] = "x" + self._texts()[uri]
        self.look(place)

    def run_to_its_end(self, goal: str, busy_with: Path) -> Json:
        """Start a goal and type until its run has ended; gives the run.

        Raises:
            RuntimeError: it was paused, or has not ended in time.
        """
        run_id = self.command("startGoal", goal=goal)["runId"]
        deadline_s = time.monotonic() + WITHIN_S
        while time.monotonic() < deadline_s:
            self.key(busy_with)
            run = self.command("describeRun", runId=run_id)
            if run["state"] == "ended":
                return run
            if run["state"] == "paused":
                raise RuntimeError(f"{run_id} was paused: {run['reason']}")
            time.sleep(POLL_S)
        raise RuntimeError(f"{run_id} has not ended within {WITHIN_S} s.")

    def answer(self, message: Json) -> None:
        """Make the edits that the server asks for; let everything else pass."""
        if message["method"] != "workspace/applyEdit":
            super().answer(message)
            return
        params = cast("dict[str, Any]", message["params"])
        for change in params["edit"]["documentChanges"]:
            self._change(change["textDocument"]["uri"], change["edits"])
        self.respond(message, {"applied": True})

    def _change(self, uri: str, edits: list[dict[str, Any]]) -> None:
        # Positions are of the text before any of them; at one place, they go in as they came.
        text, parts, done = self._texts()[uri], list[str](), 0
        for edit in sorted(edits, key=lambda one: _place(one["range"]["start"])):
            start, end = (_offset(text, edit["range"][side]) for side in ("start", "end"))
            parts += [text[done:start], edit["newText"]]
            done = end
        self._texts()[uri] = "".join([*parts, text[done:]])
        self.replace(uri, self._texts()[uri])

    def _texts(self) -> dict[str, str]:
        """What each open buffer shows, by URI; there is no constructor of our own to make it in."""
        texts: dict[str, str] = self.__dict__.setdefault("texts", {})
        return texts


def _place(position: Mapping[str, int]) -> tuple[int, int]:
    return position["line"], position["character"]


def _offset(text: str, position: Mapping[str, int]) -> int:
    lines = text.splitlines(keepends=True)
    return sum(map(len, lines[: position["line"]])) + position["character"]
