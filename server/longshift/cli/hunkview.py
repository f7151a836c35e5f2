"""One hunk on the terminal: its header, and its lines in the colours of its language.

Owns how a hunk looks. Pure: it is given what to draw, and everything in that is a stranger's, so
each line goes through the guard of `terminal` before it is coloured.
"""

from collections.abc import Sequence
from typing import Final

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel
from rich.console import Console
from rich.syntax import Syntax
from rich.text import Text

from longshift.cli.terminal import clean_code, one_line

COLOURED_CHARACTERS: Final = 40_000
COLOURED_LINE: Final = 1_000
"""Larger text is shown without its language's colours: lexers are slow, and made for code."""

_THEME: Final = "ansi_dark"
"""The terminal's own sixteen colours, so that it is readable on any background."""
_MARKS: Final = {"+": "bold green", "-": "bold red"}


class Row(BaseModel):
    """A hunk in few words, as `listHunks` has it."""

    model_config = ConfigDict(frozen=True, extra="ignore", alias_generator=to_camel)

    change_id: str
    path: str
    file: str
    old_path: str | None
    kind: str
    hunk: int
    of: int
    state: str
    added: int
    removed: int
    reason: str
    flag: str | None
    shown: str

    @property
    def key(self) -> tuple[str, str, int]:
        """What a decision names."""
        return (self.change_id, self.path, self.hunk)

    @property
    def is_open(self) -> bool:
        """Whether it can be decided on."""
        return self.state in ("pending", "stale")


class Shown(Row):
    """A hunk with its lines, as `showHunk` has it."""

    task_id: str
    title: str
    diff: str
    lines: str | None
    """What an editor is given; None: it can't be edited."""
    why: str


def show_hunk(console: Console, hunk: Shown) -> None:
    """Print a hunk."""
    console.print(_header(hunk), soft_wrap=True)
    console.print(_lines(hunk, colours=_has_colours(console)), soft_wrap=True)


def _has_colours(console: Console) -> bool:
    return console.is_terminal and not console.no_color


def _header(hunk: Shown) -> Text:
    head = Text("\n")
    name = one_line(hunk.file)
    if hunk.old_path not in (None, hunk.file):
        name = f"{one_line(hunk.old_path or '')} → {name}"
    head.append(name, "bold")
    counts = f"+{hunk.added} \N{MINUS SIGN}{hunk.removed}"
    head.append(f"  {hunk.change_id}, hunk {hunk.hunk} of {hunk.of}, {counts}", "cyan")
    head.append(f"\n{hunk.task_id}: {one_line(hunk.title)}")
    if hunk.kind != "edit":
        head.append(f"\nThis hunk stands for the whole file: {hunk.kind}.", "dim")
    if hunk.flag:
        head.append(f"\nProtected: {one_line(hunk.flag)}.", "bold yellow")
    if hunk.state == "stale":
        head.append(f"\nIt no longer fits: {one_line(hunk.reason, 400)}.", "yellow")
    return head


def _lines(hunk: Shown, *, colours: bool) -> Text:
    lines = clean_code(hunk.diff).removesuffix("\n").split("\n")
    body = next((i for i, line in enumerate(lines) if line.startswith("@@ ")), len(lines))
    code = _coloured(hunk.file, lines[body:]) if colours else None
    shown = [Text(line, "bold" if line[:3] in ("---", "+++") else "") for line in lines[:body]]
    for number, line in enumerate(lines[body:]):
        sign = line[:1]
        if sign not in _MARKS and sign != " ":
            shown.append(Text(line, "cyan" if sign == "@" else "dim"))
            continue
        style = _MARKS.get(sign, "")
        text = code.get(number) if code is not None else None
        shown.append(Text.assemble((sign, style), text if text is not None else (line[1:], style)))
    return Text("\n").join(shown)


def _coloured(path: str, lines: Sequence[str]) -> dict[int, Text] | None:
    """Each line's code in its language's colours, by the line's number; None: it has none."""
    if sum(map(len, lines)) > COLOURED_CHARACTERS or max(map(len, lines), default=0) > (
        COLOURED_LINE
    ):
        return None
    lexer = Syntax.guess_lexer(path)
    if lexer == "default":
        return None
    found: dict[int, Text] = {}
    # Each side is code by itself; the two of them in turns would be none.
    for signs in (" -", " +"):
        mine = [number for number, line in enumerate(lines) if line[:1] and line[0] in signs]
        syntax = Syntax("", lexer, theme=_THEME, background_color="default")
        code = "\n".join(lines[number][1:] for number in mine)
        coloured = syntax.highlight(code).split("\n", allow_blank=True)
        if len(coloured) < len(mine):
            return None
        found |= dict(zip(mine, coloured, strict=False))
    return found
