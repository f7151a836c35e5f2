"""Put the settings together: every source in its order, each held to what it may say.

Owns the order of the sources. Must never know what trust is (the caller says whether it holds for
the very file that was read, so that no other can be put in its place between the two), nor touch
any file but the two that may hold settings.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TypeAlias

from longshift.settings.keys import flat, nested, variable
from longshift.settings.model import ROLES, Settings
from longshift.settings.prices import with_known
from longshift.settings.rules import (
    PRICES,
    Others,
    hold_budget,
    hold_key_sources,
    hold_project,
    idle_endpoints,
)
from longshift.settings.sources import (
    COMMAND_LINE,
    DEFAULT,
    Layer,
    ProjectFile,
    default_person_file,
    from_editor,
    from_environment,
    from_file,
    from_mapping,
    from_person,
    read_project,
)

Trusts: TypeAlias = Callable[[ProjectFile | None], bool]


@dataclass(frozen=True, slots=True)
class Loaded:
    """The settings that hold, and how they came to be."""

    settings: Settings
    notices: tuple[str, ...]
    """Sentences for the person: what was ignored, and what that means."""
    origins: Mapping[str, str]
    """By dotted key, where its value is from, in words; `default` where nobody set it."""


def load_settings(
    *,
    overrides: Mapping[str, object],
    environ: Mapping[str, str],
    editor: Mapping[str, object] | None,
    project_root: Path | None,
    person_file: Path | None = None,
    trusts: Trusts,
) -> Loaded:
    """Put the settings together: the strongest source that sets a key decides it.

    From the strongest: command line, environment, editor, project, the person's own file,
    defaults. Tables are merged key by key; a list replaces a weaker one.

    Args:
        overrides: what the command line set, nested like the tables; None: not set.
        environ: the environment; only names that begin with LONGSHIFT_ are looked at.
        editor: what the editor sent, nested like the tables; null: not set.
        project_root: the folder that holds `longshift.toml` or `pyproject.toml`.
        person_file: the person's own file; None: the platform's place for it.
        trusts: says whether the person trusts the project's file; None: it has none.

    Returns:
        The settings, whose budget in US dollars is 0 where it can't be kept.

    Raises:
        UsageError: a source can't be read, or a key or value is wrong; it names them.
    """
    person_file = person_file or default_person_file()
    strong = [from_mapping(COMMAND_LINE, overrides), from_environment(environ)]
    if editor:
        strong.append(from_editor(editor))
    own = from_person(person_file)
    weak = [own, Layer(DEFAULT, flat(Settings().model_dump()))]
    others = Others(strong=_merged(strong)[0], own=own.values, weak=_merged(weak)[0])
    project, notices, trusted = _project_layer(project_root, others, person_file, trusts)
    if not trusted:
        project, of_prices = _without_listed_prices(project, strong, weak, environ)
        notices = (*notices, *of_prices)
    values, origins = _merged([*strong, project, *weak])
    settings = with_known(Settings.model_validate(nested(values)), environ)
    hold_key_sources(settings, origins)
    settings, of_budget = hold_budget(settings, origins)
    return Loaded(
        settings, (*notices, *of_budget, *idle_endpoints(settings)), MappingProxyType(origins)
    )


def merge_tables(strong: Mapping[str, object], weak: Mapping[str, object]) -> dict[str, object]:
    """Two nested mappings as one, table by table; None in the strong one leaves the weak value."""
    merged = dict(weak)
    for name, value in strong.items():
        below = merged.get(name)
        if isinstance(value, Mapping) and isinstance(below, Mapping):
            merged[name] = merge_tables(value, below)
        elif value is not None:
            merged[name] = value
    return merged


def _project_layer(
    root: Path | None, others: Others, person_file: Path, trusts: Trusts
) -> tuple[Layer, tuple[str, ...], bool]:
    """What counts of a project's file, what the person is told of it, and whether they trust it."""
    if root is None:
        return Layer("no project"), (), True
    project = read_project(root)
    if project.file is None:
        return Layer(str(root)), project.notices, True
    said = from_file(project.file.path, project.file.tables)
    trusted = trusts(project.file)
    layer, refused = hold_project(said, others, root=root, trusted=trusted, person_file=person_file)
    return layer, (*project.notices, *refused), trusted


def _without_listed_prices(
    project: Layer, strong: list[Layer], weak: list[Layer], environ: Mapping[str, str]
) -> tuple[Layer, tuple[str, ...]]:
    """An untrusted project's layer without prices, where the shipped table has the price itself.

    Too low a price would lift the limit in dollars that the table's own keeps.
    """
    prices = [key for key in project.values if key.endswith(PRICES)]
    if not prices:
        return project, ()
    rest = Layer(project.source, {key: v for key, v in project.values.items() if key not in prices})
    listed = any(
        settings.model_for(role).is_listed
        for layers in ([*strong, *weak], [*strong, rest, *weak])
        for settings in [with_known(Settings.model_validate(nested(_merged(layers)[0])), environ)]
        for role in ROLES
    )
    if not listed:
        return project, ()
    return rest, tuple(
        f"{project.source} sets `{key}`, but the price of your model is known; it was ignored, "
        "because this project is not trusted."
        for key in prices
    )


def _merged(layers: list[Layer]) -> tuple[dict[str, object], dict[str, str]]:
    """The strongest value of each key and its origin; the strongest layer comes first."""
    values: dict[str, object] = {}
    origins: dict[str, str] = {}
    for layer in reversed(layers):
        values |= layer.values
        origins |= dict(_origins(layer))
    return values, origins


def _origins(layer: Layer) -> Iterator[tuple[str, str]]:
    for key in layer.values:
        yield key, f"{variable(key)} in {layer.source}" if layer.variables else layer.source
