"""What an agent is shown of the repository before it reads anything, and how long it may read.

Owns the repository's own words and its map, and which commit each is taken from. Must never take
those words from the head: what one worker lands there must not instruct the next agent before the
person has accepted it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from longshift.crew.briefs import READING_ALL, CallLimits
from longshift.domain.model import Role
from longshift.engine.room import RunRoom
from longshift.engine.spending import MODEL_OF
from longshift.models.config import BUILTIN
from longshift.repository.files import is_plain_file

AGENTS_MD: Final = "AGENTS.md"
AGENTS_MD_BYTES: Final = 8 * 1024
"""Most of them all together; the nearest are kept whole first."""
MAP_TOKENS: Final[Mapping[Role, int]] = {
    "planner": 3_000,
    "agent": 3_000,
    "worker": 1_000,
    "judge": 1_000,
}
_CHARACTERS_A_TOKEN: Final = 4


@dataclass(frozen=True, slots=True)
class Ground:
    """What an agent stands on before it has read anything."""

    agents_md: str | None
    overview: str


def ground(room: RunRoom, role: Role, paths: Iterable[str]) -> Ground:
    """What an agent of a role is told of the repository; blocking, and one call for both.

    Args:
        room: the run's.
        role: whose.
        paths: of its task, or of the goal.
    """
    near = tuple(paths)
    return Ground(agents_md(room, near), overview(room, role, near))


def agents_md(room: RunRoom, paths: Iterable[str] = ()) -> str | None:
    """The repository's own words to agents, as the person has them; blocking.

    Args:
        room: the run's.
        paths: of a task or a goal: the words of each folder on the way to them count too.

    Returns:
        Those of the root, and behind them the nearer ones, each under its path; None: it has
        none. A link is no words: what it leads to may lie anywhere.
    """
    folders = {folder for path in paths for folder in _on_the_way(path)} | {""}
    found: list[tuple[str, str]] = []
    left = AGENTS_MD_BYTES
    for folder in sorted(folders, key=lambda folder: (-folder.count("/"), folder == "", folder)):
        path = f"{folder}/{AGENTS_MD}" if folder else AGENTS_MD
        version = room.store.read_file(room.run.taken, path) if left else None
        if version is None or not is_plain_file(version.mode):
            continue
        text = version.data[:left].decode(errors="replace")
        left = max(0, left - len(version.data))
        found.append((path, text))
    if len(found) == 1 and found[0][0] == AGENTS_MD:
        return found[0][1]
    return "\n\n".join(f"{path}:\n\n{text}" for path, text in reversed(found)) or None


def reads_by_rule(room: RunRoom, role: Role) -> bool:
    """Whether a role's model is the built-in one, which has no window and reads no map."""
    return room.settings.model_for(MODEL_OF[role]).model == BUILTIN


def call_limits(room: RunRoom, role: Role) -> CallLimits:
    """How many calls of its model one conversation of an agent may take."""
    return READING_ALL if reads_by_rule(room, role) else CallLimits()


def overview(room: RunRoom, role: Role, near: Iterable[str] = ()) -> str:
    """A map of the repository for an agent, "" for a model that reads none; blocking.

    As it was when the cycle began: one map for all agents of a cycle, however much lands.
    """
    if reads_by_rule(room, role):
        return ""
    run = room.run
    commit = room.mapped.setdefault(run.cycle, run.head)
    made = room.shop.overviews.at(commit, room.secret_files.withholds)
    return made.text(near, MAP_TOKENS[role] * _CHARACTERS_A_TOKEN)


def _on_the_way(path: str) -> Iterable[str]:
    """The folders above a path, and the path itself, which may be a folder."""
    parts = [part for part in path.split("/") if part not in ("", ".", "..")]
    return ("/".join(parts[:length]) for length in range(1, len(parts) + 1))
