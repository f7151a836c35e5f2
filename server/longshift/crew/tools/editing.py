"""Changing files: `edit_file`, `write_file`, `delete_file`, `move_file`.

Only a worker has them, and they reach its own workspace alone.
"""

from typing import Never

from longshift.crew.desk import WorkerDesk
from longshift.crew.toolbox import Arguments, Result, Tool, bind


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
        count = await desk.off_loop(
            workspace.edit_file, given.path, given.old_text, given.new_text, given.replace_all
        )
        return {"replacements": count}

    async def write_file(given: WriteFile) -> Result:
        await desk.off_loop(workspace.write_file, given.path, given.content)
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
