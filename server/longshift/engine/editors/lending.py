"""What an attached editor and the owner of its repository say to each other.

Owns the shapes: what an editor lends, tells and answers, and what it is asked. Both ends parse what
they receive; neither trusts the other.

    editor → owner   lend, tell, answer, expect      on the connection that lends
    owner → editor   {"ask": {"id": 1, "do": "tell"}}, {"ask": {"id": 2, "do": "apply", …}}
    editor → owner   speakFor, fileHunks, lastFact   on any other connection of that editor's
"""

import base64
import json
from collections.abc import Mapping
from typing import Annotated, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer

from longshift.engine.arguments import Arguments, Name
from longshift.errors import TellModel
from longshift.repository.paths import checked_file_path
from longshift.review.shapes import (
    DeleteFile,
    Edit,
    Effect,
    HunkKind,
    HunkState,
    PendingHunk,
    RenameFile,
    WriteFile,
)

MOST_TEXT: Final = 2_000_000
"""Characters of one text that is lent; a larger file is decided on where it is saved."""
MOST_SETTINGS: Final = 200_000
"""Characters of an editor's settings, as JSON."""


def _checked_path(path: object) -> object:
    if not isinstance(path, str):
        return path
    try:
        checked = checked_file_path(path)
    except TellModel as error:
        raise ValueError("it is no path of a file below the repository's root") from error
    if checked != path:
        raise ValueError("it is not the canonical form of a path")
    return path


def _bounded(tables: object) -> object:
    if tables is not None and not isinstance(tables, Mapping):
        raise ValueError("settings are one object")
    if tables is not None and len(json.dumps(tables, default=str)) > MOST_SETTINGS:
        raise ValueError(f"settings have at most {MOST_SETTINGS} characters")
    return tables


Path = Annotated[str, BeforeValidator(_checked_path)]
Data = Annotated[
    bytes,
    BeforeValidator(lambda data: base64.b64decode(data) if isinstance(data, str) else data),
    PlainSerializer(lambda data: base64.b64encode(data).decode(), return_type=str),
]


class Lend(Arguments):
    """What `lend` takes: an editor is here, and its buffers count.

    It is answered `{"hand": "…", "others": […]}`: the secret by which that editor speaks on other
    connections, and the words of the other editors that are open.
    """

    editor: Annotated[str, Field(min_length=1, max_length=200)]
    repo: Name
    """The worktree that it works in, as a URI."""
    word: Annotated[str, Field(pattern="^[0-9a-f]{8,32}$")]
    """What it is called in facts."""
    drives: bool
    """Whether its process could drive the runs, if the owner ended."""
    settings: Annotated[Mapping[str, object] | None, BeforeValidator(_bounded)] = None


class Text(Arguments):
    """What `tell` takes: what one file shows now. None: it was closed."""

    path: Path
    text: Annotated[str, Field(max_length=MOST_TEXT)] | None
    version: int | None = None


class Configured(Arguments):
    """What `configure` takes: the editor's settings as they are now."""

    settings: Annotated[Mapping[str, object] | None, BeforeValidator(_bounded)]


class Answered(Arguments):
    """What `answer` takes: how a question went. None: it was done."""

    ask: int
    refused: Annotated[str, Field(max_length=10_000)] | None = None


class Expected(Arguments):
    """What `expect` takes: what a file will be once an action's edit was applied."""

    run_id: Name
    change_id: Name
    path: Path
    hunk: Annotated[int, Field(ge=1)]
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class OfFile(Arguments):
    """What `fileHunks` takes: an editor that has just come asks for what it shows first."""

    path: Path


class SpeakFor(Arguments):
    """What `speakFor` takes: the hand whose decisions come on this connection."""

    hand: Annotated[str, Field(min_length=1, max_length=100)]


class _OnWire(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class EditOnWire(_OnWire):
    """An `Edit`."""

    start_line: int
    end_line: int
    new_text: str
    start: int
    end: int
    order: int

    def as_edit(self) -> Edit:
        """Receive one."""
        return Edit(self.start_line, self.end_line, self.new_text, self.start, self.end, self.order)


class HunkOnWire(_OnWire):
    """As much of a `PendingHunk` as it takes to write it."""

    change_id: Name
    path: Path
    file: Path
    old_path: Path | None
    kind: HunkKind
    hunk: int
    state: HunkState
    edits: tuple[EditOnWire, ...]
    undo: tuple[EditOnWire, ...]

    @classmethod
    def of(cls, hunk: PendingHunk) -> "HunkOnWire":
        """Send a hunk."""
        return cls(
            change_id=hunk.change_id,
            path=hunk.path,
            file=hunk.file,
            old_path=hunk.old_path,
            kind=hunk.kind,
            hunk=hunk.hunk,
            state=hunk.state,
            edits=tuple(map(_edit, hunk.edits)),
            undo=tuple(map(_edit, hunk.undo)),
        )

    def as_hunk(self) -> PendingHunk:
        """Receive one; what only is shown of a hunk is left empty."""
        return PendingHunk(
            change_id=self.change_id,
            task_id="",
            title="",
            path=self.path,
            file=self.file,
            old_path=self.old_path,
            kind=self.kind,
            hunk=self.hunk,
            of=self.hunk,
            state=self.state,
            edits=tuple(one.as_edit() for one in self.edits),
            undo=tuple(one.as_edit() for one in self.undo),
            start_line=0,
            end_line=0,
            added=0,
            removed=0,
            old_text="",
            new_text="",
            reason="",
        )


class EffectOnWire(_OnWire):
    """An `Effect`."""

    do: Literal["write", "delete", "rename"]
    path: Path
    old_path: Path | None = None
    data: Data = b""
    mode: int = 0o100644

    @classmethod
    def of(cls, effect: Effect) -> "EffectOnWire":
        """Send an effect."""
        match effect:
            case WriteFile(path, data, mode):
                return cls(do="write", path=path, data=data, mode=mode)
            case DeleteFile(path):
                return cls(do="delete", path=path)
            case RenameFile(old_path, path):
                return cls(do="rename", path=path, old_path=old_path)

    def as_effect(self) -> Effect:
        """Receive one."""
        match self.do:
            case "write":
                return WriteFile(self.path, self.data, self.mode)
            case "delete":
                return DeleteFile(self.path)
            case "rename":
                return RenameFile(self.old_path or self.path, self.path)


class AskApply(_OnWire):
    """What an editor is asked to write."""

    hunks: tuple[HunkOnWire, ...]
    effects: tuple[EffectOnWire, ...]


class Asked(_OnWire):
    """Any question to an editor; `apply` is an `AskApply` too."""

    id: int
    do: str


def as_line(order: AskApply) -> dict[str, object]:
    """An order as JSON."""
    return order.model_dump(mode="json")


def _edit(edit: Edit) -> EditOnWire:
    return EditOnWire(
        start_line=edit.start_line,
        end_line=edit.end_line,
        new_text=edit.new_text,
        start=edit.start,
        end=edit.end,
        order=edit.order,
    )
