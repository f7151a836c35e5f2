"""What may not land, whatever else is right with it.

Owns the refusal of secrets, of markers of a clash, and of what is harmless by itself and not
together with what landed meanwhile. Blocking, so it is called off the loop; records nothing.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Final

from longshift.errors import OutOfBounds, TellModel
from longshift.repository.files import FileEdit
from longshift.repository.landing import Merged
from longshift.repository.links import new_ways_out
from longshift.repository.newcomers import check_landing
from longshift.repository.store import ObjectStore
from longshift.repository.workspace import Workspace
from longshift.screening.known import KNOWN
from longshift.screening.secrets import mask, placeholders

MARKER: Final = re.compile(rb"^(<{7} |>{7} |\|{7} )", re.MULTILINE)


def refuse_markers(clashing: Iterable[str], edits: Mapping[str, FileEdit | None]) -> None:
    """Refuse files that clashed before and still hold markers of it.

    Raises:
        TellModel: one does.
    """
    for path in clashing:
        edit = edits.get(path)
        if edit is not None and MARKER.search(edit.data):
            raise TellModel("markers_left", paths=[path])


def refuse_clashes(store: ObjectStore, head: str, merged: Merged) -> None:
    """Refuse what is harmless by itself, and not together with what landed meanwhile.

    Raises:
        OutOfBounds: a link would lead out of the repository, or a new file would be another one's
            in another spelling.
    """
    check_landing(store, head, merged.commit, merged.paths)
    links = new_ways_out(store, head, merged.commit, merged.paths)
    if links:
        raise OutOfBounds("path", "links_lead_out", paths=links)


def refuse_secrets(store: ObjectStore, workspace: Workspace) -> None:
    """Let no secret of this machine land, nor a placeholder in the place of one.

    Raises:
        OutOfBounds: the workspace's edits bring one in.
    """
    bringing, overwriting = [], []
    for path, edit in workspace.edits.items():
        if edit is None:
            continue
        version = store.read_file(workspace.commit, path)
        old, new = _text(version.data if version else b""), _text(edit.data)
        if _count_known(path) or _count_known(new) > _count_known(old):
            bringing.append(mask(path))
        if placeholders(new) - placeholders(old):
            overwriting.append(path)
    if bringing:
        raise OutOfBounds("secret", "secret_submitted", paths=sorted(bringing))
    if overwriting:
        raise OutOfBounds("secret", "placeholder_submitted", paths=sorted(overwriting))


def _count_known(text: str) -> int:
    return sum(1 for _ in KNOWN.find(text))


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")
