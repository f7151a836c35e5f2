"""The settings by their dotted keys: `workers`, `budget.usd`, `models.planner.model`.

Owns the way between nested tables and dotted keys, and the words for what a key allows. Must never
hold a list of keys of its own: everything is read off the model.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Annotated, Final, Literal, cast, get_args, get_origin

from pydantic.fields import FieldInfo

from longshift.settings.model import Allowed, Settings, Table

ENVIRONMENT_PREFIX: Final = "LONGSHIFT_"


@cache
def all_keys() -> tuple[str, ...]:
    """Every dotted key that can be set, in the model's order."""
    return tuple(_keys_below(Settings, ""))


def keys_of(table: str) -> tuple[str, ...]:
    """What may stand directly in a table; the empty name is the outermost one."""
    found = _table_at(table)
    return tuple(found.model_fields) if found else ()


def is_table(key: str) -> bool:
    """Whether a key names a table rather than a value."""
    return _table_at(key) is not None


def allowed(key: str) -> str:
    """What a key may be set to, in words that follow "must be"."""
    parent, _, name = key.rpartition(".")
    table = _table_at(parent)
    if table is None or name not in table.model_fields:
        raise KeyError(key)
    field = table.model_fields[name]
    return _words(field) or "a table"


def flat(table: Mapping[str, object], prefix: str = "") -> dict[str, object]:
    """Tables that fit the model, as one mapping from dotted keys to values."""
    values: dict[str, object] = {}
    for name, value in table.items():
        key = f"{prefix}{name}"
        if isinstance(value, Mapping):
            values |= flat(cast("Mapping[str, object]", value), f"{key}.")
        else:
            values[key] = value
    return values


def nested(values: Mapping[str, object]) -> dict[str, object]:
    """The inverse of `flat`."""
    tables: dict[str, object] = {}
    for key, value in values.items():
        *path, name = key.split(".")
        table = tables
        for part in path:
            table = cast("dict[str, object]", table.setdefault(part, {}))
        table[name] = value
    return tables


def variable(key: str) -> str:
    """The environment variable that sets a key."""
    return ENVIRONMENT_PREFIX + key.upper().replace(".", "__")


def _keys_below(table: type[Table], prefix: str) -> Iterator[str]:
    for name, field in table.model_fields.items():
        below = _as_table(field)
        if below:
            yield from _keys_below(below, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}"


def _table_at(key: str) -> type[Table] | None:
    table: type[Table] | None = Settings
    for part in key.split(".") if key else ():
        field = table.model_fields.get(part) if table else None
        table = _as_table(field) if field else None
    return table


def _as_table(field: FieldInfo) -> type[Table] | None:
    annotation = field.annotation
    if isinstance(annotation, type) and issubclass(annotation, Table):
        return annotation
    return None


def _words(field: FieldInfo) -> str:
    """The first `Allowed` of a field, or the choices of its Literal."""
    for item in field.metadata:
        if isinstance(item, Allowed):
            return item.words
    return _annotation_words(field.annotation)


def _annotation_words(annotation: object) -> str:
    if get_origin(annotation) is Literal:
        return "one of " + ", ".join(f'"{choice}"' for choice in get_args(annotation))
    if get_origin(annotation) is Annotated:
        _, *metadata = get_args(annotation)
        return next((item.words for item in metadata if isinstance(item, Allowed)), "")
    return next(filter(None, map(_annotation_words, get_args(annotation))), "")
