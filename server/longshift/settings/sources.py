"""Where settings come from: the command line, the environment, the editor, two kinds of files.

Owns the reading of each source into one checked layer. Must never rank one source against another
or judge whose word counts: that is `load` and `rules`.
"""

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, cast

import platformdirs
from pydantic import ValidationError

from longshift.errors import UsageError
from longshift.screening.secrets import holds_key, looks_like_key, names_secret
from longshift.settings.files import NotTomlError, TooLargeError, parse_toml, read_text
from longshift.settings.keys import (
    ENVIRONMENT_PREFIX,
    all_keys,
    is_table,
    nested,
    variable,
)
from longshift.settings.model import Settings
from longshift.settings.problems import (
    checked,
    refusal,
    secret_problem,
    spelled,
    suggestion,
    value_problem,
)

PROJECT_FILE: Final = "longshift.toml"
PROJECT_PROMPTS: Final = ".longshift/prompts"
PROMPTS_OF_ROLES: Final = ("planner", "worker", "judge")
COMMAND_LINE: Final = "the command line"
DEFAULT: Final = "default"
EDITOR: Final = "the editor's settings"
NO_SETTINGS: Final = frozenset({"LONGSHIFT_TOKEN"})
"""Variables with our prefix that set nothing: the token of `serve --tcp` is no setting."""
CLIENTS_OWN: Final = frozenset({"trace", "ui", "server"})
"""Tables that an editor keeps under `longshift.` for itself, such as `longshift.trace.server`."""


@dataclass(frozen=True, slots=True)
class Layer:
    """What one source says."""

    source: str
    """Where it is from, in words that fit into a sentence."""
    values: Mapping[str, object] = field(default_factory=dict)
    """By dotted key; each fits the model."""
    variables: bool = False
    """Whether each value is from a variable of its own."""


@dataclass(frozen=True, slots=True)
class ProjectFile:
    """The one file of a project that has its settings."""

    path: Path
    tables: Mapping[str, object]
    """As written: not yet held against the model."""


@dataclass(frozen=True, slots=True)
class Project:
    """What a project's folder holds of settings."""

    file: ProjectFile | None
    notices: tuple[str, ...] = ()


def default_person_file() -> Path:
    """The person's own file at the place that the platform has for it."""
    return platformdirs.user_config_path("longshift", appauthor=False) / PROJECT_FILE


def from_mapping(source: str, tables: Mapping[str, object]) -> Layer:
    """What a caller holds as nested mappings; None means: not set."""
    return Layer(source, checked(source.capitalize(), _without_none(tables)))


def from_editor(tables: Mapping[str, object]) -> Layer:
    """What an editor sent, without what it keeps there for itself."""
    ours = {name: value for name, value in tables.items() if name not in CLIENTS_OWN}
    return from_mapping(EDITOR, ours)


def from_environment(environ: Mapping[str, str]) -> Layer:
    """`LONGSHIFT_BUDGET__USD=2` and the like; an empty variable is not set.

    Raises:
        UsageError: a variable of ours names no setting, or its value doesn't fit.
    """
    keys = {variable(key): key for key in all_keys()}
    ours = {
        name: text
        for name, text in environ.items()
        if name.startswith(ENVIRONMENT_PREFIX) and name not in NO_SETTINGS and text.strip()
    }
    read = {name: _from_text(keys.get(name), text) for name, text in sorted(ours.items())}
    problems = [_variable_problem(name, ours[name], keys) for name in read if not read[name]]
    if problems:
        raise refusal("The environment", problems)
    values = {keys[name]: value[0] for name, value in read.items() if value}
    return Layer("the environment", checked("The environment", nested(values)), variables=True)


def from_file(path: Path, tables: Mapping[str, object]) -> Layer:
    """What a file says.

    Raises:
        UsageError: naming the file, the key and what is allowed there.
    """
    return Layer(str(path), checked(str(path), tables))


def from_person(path: Path) -> Layer:
    """The person's own file; an absent one says nothing."""
    text = read_text(path)
    return Layer(str(path)) if text is None else from_file(path, parse_toml(path, text))


def read_project(root: Path) -> Project:
    """A project's settings: `longshift.toml`, or else `[tool.longshift]` in `pyproject.toml`.

    A `pyproject.toml` that is broken or huge stops nothing unless it speaks of us: to mend it may
    be the very goal.

    Raises:
        UsageError: a file that has our settings can't be read.
    """
    own, pyproject = root / PROJECT_FILE, root / "pyproject.toml"
    text = _text_within(root, own)
    if text is None:
        return _read_pyproject(pyproject)
    file = ProjectFile(own, parse_toml(own, text))
    try:
        other = _read_pyproject(pyproject).file
    except UsageError:
        other = None
    if other is None:
        return Project(file)
    which = f"{own} and [tool.longshift] in {pyproject} are both there; only {own} counts."
    return Project(file, (which,))


def read_prompts(folder: Path) -> dict[str, str]:
    """The overrides of role prompts in a folder, by role; each line ends in one character.

    Raises:
        UsageError: one is there and can't be read.
    """
    texts = {name: read_text(folder / f"{name}.md") for name in PROMPTS_OF_ROLES}
    return {name: text.replace("\r\n", "\n") for name, text in texts.items() if text is not None}


def project_prompts(root: Path) -> dict[str, str]:
    """A project's overrides of role prompts, as they stand in its folder now.

    Raises:
        UsageError: one can't be read, or lies outside of the project.
    """
    folder = root / PROJECT_PROMPTS
    for path in (folder, *(folder / f"{name}.md" for name in PROMPTS_OF_ROLES)):
        if not path.resolve().is_relative_to(root.resolve()):
            raise UsageError(
                f"{path} leads out of {root}, so it was not read. Nothing was started. Put the "
                "files themselves there, or remove the link."
            )
    return read_prompts(folder)


def _text_within(root: Path, path: Path) -> str | None:
    """The text of a project's file, which must lie in the project.

    Raises:
        UsageError: it can't be read, or is a link that leads out: what stands elsewhere is not
            the project's, and nobody who looks at the project sees it change.
    """
    if path.is_symlink() and not path.resolve().is_relative_to(root.resolve()):
        raise UsageError(
            f"{path} is a link that leads out of {root}, so it was not read. Nothing was started. "
            "Put the file itself there, or remove the link."
        )
    return read_text(path)


def _read_pyproject(path: Path) -> Project:
    try:
        text = read_text(path)
    except TooLargeError as error:
        return Project(None, (str(error).replace("Nothing was started; mend", "Mend"),))
    if text is not None and "longshift" in text:
        text = _text_within(path.parent, path)
    if text is None or "longshift" not in text:
        return Project(None)
    tool = parse_toml(path, text).get("tool")
    if not isinstance(tool, Mapping) or "longshift" not in tool:
        return Project(None)
    tables = tool["longshift"]
    if not isinstance(tables, Mapping):
        raise NotTomlError(f"{path}: `tool.longshift` must be a table. Nothing was started.")
    return Project(ProjectFile(path, cast("Mapping[str, object]", tables)))


def _without_none(tables: Mapping[str, object], prefix: str = "") -> dict[str, object]:
    """Plain tables without what is None; goes no deeper than tables of settings do."""
    plain: dict[str, object] = {}
    for name, value in tables.items():
        if isinstance(value, Mapping):
            inner = cast("Mapping[str, object]", value)
            key = f"{prefix}{name}"
            plain[name] = _without_none(inner, f"{key}.") if is_table(key) else inner
        elif value is not None:
            plain[name] = value
    return plain


def _from_text(key: str | None, text: str) -> tuple[object] | None:
    """The first reading of a variable's text that fits its setting: as it is, as TOML, as a flag.

    Wrapped in a tuple; None: there is no such setting, or no reading fits.
    """
    if key is None:
        return None
    for value in (text, *_as_toml(text), *_as_flag(text)):
        try:
            Settings.model_validate(nested({key: value}))
        except ValidationError:
            continue
        return (value,)
    return None


def _as_toml(text: str) -> Sequence[object]:
    try:
        return list(tomllib.loads(f"value = {text.strip()}").values())[:1]
    except (ValueError, RecursionError):
        return ()


def _as_flag(text: str) -> Sequence[object]:
    flags: Mapping[str, object] = {"1": True, "true": True, "0": False, "false": False}
    word = text.strip().lower()
    return (flags[word],) if word in flags else ()


def _listed(variables: Iterable[str]) -> str:
    """The variables that there are, those of one model standing for those of all."""
    of_models = f"{ENVIRONMENT_PREFIX}MODELS__"
    shown = [
        name
        for name in variables
        if not name.startswith(of_models)
        or (name.startswith(f"{of_models}DEFAULT") and "__FALLBACK__" not in name)
    ]
    return f"{', '.join(shown)}, or the same of a role or of a `FALLBACK` as of `DEFAULT`"


def _variable_problem(name: str, text: str, keys: Mapping[str, str]) -> str:
    key = keys.get(name)
    if key is None:
        if names_secret(name) or holds_key(text):
            return secret_problem(spelled(name))
        table = name.removeprefix(ENVIRONMENT_PREFIX).lower().replace("__", ".")
        if table and is_table(table):
            first = next(known for known in keys if known.startswith(f"{name.upper()}__"))
            return f"`{name}` is a whole table; set its keys, such as `{first}`."
        lower = {known.lower(): known for known in keys}
        near = suggestion(name, lower, lower.__getitem__)
        choices = f"{near} If not, unset it." if near else f" Set {_listed(keys)}, or unset it."
        return f"{spelled(name)} sets nothing that can be set.{choices}"
    if key.endswith("api_key_env") and looks_like_key(text):
        return secret_problem(f"`{name}`")
    example = ' Lists are written ["one", "two"].' if "list" in value_problem(key, text) else ""
    return value_problem(key, text, name) + example
