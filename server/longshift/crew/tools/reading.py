"""Looking at files: `list_files`, `read_file`, `search`.

Every role has them, over its own workspace. Must never change anything.
"""

from typing import Annotated, Never

from pydantic import Field

from longshift.crew.desk import Desk
from longshift.crew.prompts import say
from longshift.crew.texts import count_that_fit, room_of, start_that_fits
from longshift.crew.toolbox import RESULT_CHARACTERS, Arguments, Result, Tool, bind
from longshift.domain.model import Line
from longshift.errors import TellModel
from longshift.repository.hunks import split_lines

MATCHES = 200
"""Most matches of one search."""
MATCH_CHARACTERS = 300
"""Most characters of one matching line; the rest is what `read_file` is for."""
_AROUND_ITEM = 8
"""Characters of JSON around an item of a list, near enough."""


class ListFiles(Arguments):
    """Arguments of `list_files`."""

    path: str = "."
    glob: str | None = None


class ReadFile(Arguments):
    """Arguments of `read_file`."""

    path: str
    start_line: Line = 1
    end_line: Line | None = None


class Search(Arguments):
    """Arguments of `search`."""

    pattern: Annotated[str, Field(min_length=1)]
    path: str = "."
    glob: str | None = None


def reading_tools(desk: Desk) -> list[Tool[Never]]:
    """The tools that look, over the desk's workspace."""

    async def list_files(given: ListFiles) -> Result:
        files = await desk.off_loop(desk.workspace.list_files, given.path, given.glob)
        sizes = (room_of(file) + _AROUND_ITEM for file in files)
        fitting = count_that_fit(sizes, RESULT_CHARACTERS)
        return {"files": files[:fitting], "truncated": fitting < len(files)}

    async def read_file(given: ReadFile) -> Result:
        file = await desk.off_loop(desk.workspace.read_text, given.path)
        return excerpt(file.text, given)

    async def search(given: Search) -> Result:
        found = await desk.off_loop(
            desk.workspace.search, given.pattern, given.path, given.glob, MATCHES + 1
        )
        matches = [
            {"path": match.path, "line": match.line, "text": match.text[:MATCH_CHARACTERS]}
            for match in found[:MATCHES]
        ]
        sizes = (len(str(match)) for match in matches)
        fitting = count_that_fit(sizes, RESULT_CHARACTERS)
        return {"matches": matches[:fitting], "truncated": fitting < len(found)}

    return [
        bind("list_files", ListFiles, list_files),
        bind("read_file", ReadFile, read_file),
        bind("search", Search, search),
    ]


def excerpt(text: str, given: ReadFile) -> Result:
    """Whole lines of a file, from the asked one on, as many as fit into a result.

    Raises:
        TellModel: the file has no such lines.
    """
    lines = split_lines(text)
    first, last = given.start_line, min(given.end_line or len(lines), len(lines))
    if first > max(1, len(lines)) or (given.end_line is not None and given.end_line < first):
        raise TellModel("no_such_lines", path=given.path, lines=len(lines))
    asked = lines[first - 1 : last]
    rooms = (room_of(line[: RESULT_CHARACTERS + 1]) for line in asked)
    fitting = count_that_fit(rooms, RESULT_CHARACTERS)
    shown = "".join(asked[:fitting])
    if asked and not fitting:
        fitting, shown = 1, _cut_line(asked[0], first)
    return {
        "path": given.path,
        "start_line": first,
        "end_line": first - 1 + fitting,
        "total_lines": len(lines),
        "text": shown,
    }


def _cut_line(line: str, number: int) -> str:
    start = start_that_fits(line, RESULT_CHARACTERS)
    omitted = len(line.rstrip("\r\n")) - len(start)
    return start + say("line_cut", line=number, omitted=omitted)
