"""Which settings of a tool are in force: those of the first file of a folder that it reads.

Owns the order in which the tools look, so that a new file which stands in front of another takes
the other's settings away. Pure.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from posixpath import basename, dirname
from typing import Final, NamedTuple

from longshift.engine.checking.hacks.settings.settings_of import Flat, flat_settings
from longshift.engine.checking.hacks.shape import Change


class Place(NamedTuple):
    """A tool, where it is configured."""

    folder: str
    tool: str


@dataclass(slots=True)
class Settings:
    """What is set of a tool in a folder, and by which files."""

    values: Flat = field(default_factory=dict)
    home: dict[str, Change] = field(default_factory=dict)
    files: list[Change] = field(default_factory=list)

    def add(self, one: Change, flat: Flat) -> None:
        """Take a file's settings, before those that are here."""
        self.files.append(one)
        self.values |= flat
        self.home |= dict.fromkeys(flat, one)


_FIRST: Final[Mapping[str, Sequence[str]]] = {
    "pytest": ("pytest.ini", ".pytest.ini", "pyproject.toml", "tox.ini", "setup.cfg"),
    "ruff": (".ruff.toml", "ruff.toml", "pyproject.toml"),
    "mypy": ("mypy.ini", ".mypy.ini", "pyproject.toml", "setup.cfg"),
    "coverage": (".coveragerc", "setup.cfg", "tox.ini", "pyproject.toml"),
}
"""Of these files a tool reads one: the first that speaks of it."""
_ALONE: Final = {
    "pytest.ini": "pytest",
    ".pytest.ini": "pytest",
    "ruff.toml": "ruff",
    ".ruff.toml": "ruff",
}
"""Files that speak of a tool even where they are empty."""


def in_force(files: Sequence[Change], *, now: bool) -> dict[Place, Settings]:
    """What is set of each tool in each folder, before the run or now."""
    read: dict[Place, list[tuple[Change, str, Flat]]] = defaultdict(list)
    for one in files:
        path = one.path if now else one.old_path or one.path
        text = one.new if now else one.old
        if text is not None:
            for tool, flat in _by_tool(path, text).items():
                read[Place(dirname(path), tool)].append((one, basename(path), flat))
    return {place: _first(place.tool, found) for place, found in read.items()}


def _by_tool(path: str, text: str) -> Mapping[str, Flat]:
    name = basename(path)
    tools: dict[str, Flat] = {_ALONE[name]: {}} if name in _ALONE else {}
    for key, value in flat_settings(path, text).items():
        tools.setdefault(key.split(".")[0], {})[key] = value
    return tools


def _first(tool: str, found: Sequence[tuple[Change, str, Flat]]) -> Settings:
    order = _FIRST.get(tool, ())
    known = sorted((one for one in found if one[1] in order), key=lambda one: order.index(one[1]))
    # What extends another file is taken to extend the one behind it.
    count = next((at for at, one in enumerate(known, 1) if f"{tool}.extend" not in one[2]), None)
    settings = Settings()
    for one, _, flat in reversed(known[:count] if known else found):
        settings.add(one, flat)
    return settings
