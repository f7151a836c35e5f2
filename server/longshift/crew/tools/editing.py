"""Changing files: `edit_file`, `write_file`, `delete_file`, `move_file`.

Only a worker has them, and they reach its own workspace alone.
"""

from typing import Never

from longshift.crew.desk import WorkerDesk
from longshift.crew.toolbox import Arguments, Result, Tool, bind
from longshift.errors import OutOfBounds, TellModel
from longshift.repository.workspace import Workspace
from longshift.screening.secrets import placeholders


class EditFile(Arguments):
    """Arguments of `edit_file`."""

    path: str
    old_text: str
    new_text: str
    replace_all: bool = False


class WriteFile(Arguments):
    """Arguments of `write_file`."""

    path: str
    content: str


class DeleteFile(Arguments):
    """Arguments of `delete_file`."""

    path: str


class MoveFile(Arguments):
    """Arguments of `move_file`."""

    path: str
    new_path: str


def editing_tools(desk: WorkerDesk) -> list[Tool[Never]]:
    """The tools that edit the desk's workspace."""
    workspace = desk.workspace

    async def edit_file(given: EditFile) -> Result:
        return {"replacements": await desk.off_loop(_edit, workspace, given)}

    async def write_file(given: WriteFile) -> Result:
        await desk.off_loop(_write, workspace, given)
        return {"written": True}

    async def delete_file(given: DeleteFile) -> Result:
        await desk.off_loop(workspace.delete_file, given.path)
        return {"deleted": True}

    async def move_file(given: MoveFile) -> Result:
        await desk.off_loop(workspace.move_file, given.path, given.new_path)
        return {"moved": True}

    return [
        bind("delete_file", DeleteFile, delete_file),
        bind("edit_file", EditFile, edit_file),
        bind("move_file", MoveFile, move_file),
        bind("write_file", WriteFile, write_file),
    ]


def _edit(workspace: Workspace, given: EditFile) -> int:
    # All in one go: each way to another thread and back costs more than any of these.
    _refuse_placeholders(workspace, given.path, given.new_text)
    _explain_placeholders(workspace, given.path, given.old_text)
    return workspace.edit_file(given.path, given.old_text, given.new_text, given.replace_all)


def _write(workspace: Workspace, given: WriteFile) -> None:
    _refuse_placeholders(workspace, given.path, given.content)
    workspace.write_file(given.path, given.content)


def _refuse_placeholders(workspace: Workspace, path: str, new_text: str) -> None:
    """Let nothing be written that stands for a secret which the model was not shown.

    Raises:
        OutOfBounds: the text has a placeholder that the file as it is does not have.
    """
    if found := _strange(workspace, path, new_text):
        raise OutOfBounds("secret", "placeholder_written", path=path, found=found)


def _explain_placeholders(workspace: Workspace, path: str, old_text: str) -> None:
    """Say why a text that the model was shown can't be found in the file.

    Raises:
        TellModel: the text has a placeholder that the file as it is does not have.
    """
    if found := _strange(workspace, path, old_text):
        raise TellModel("placeholder_searched", path=path, found=found)


def _strange(workspace: Workspace, path: str, text: str) -> list[str]:
    """Placeholders of a text that the file as it is does not have."""
    found = placeholders(text)
    file = workspace.read(path) if found else None
    if file is not None:
        found -= placeholders(file.data.decode("utf-8", "replace"))
    return sorted(found)
