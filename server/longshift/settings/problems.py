"""Hold one source against the model, and say what is wrong with it in words.

Owns every message about a wrong key or value. Must never print a value that may be a secret, nor
a name or value unescaped or at length: files of a project are written by strangers.
"""

import difflib
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Final, cast

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from longshift.errors import UsageError
from longshift.screening.secrets import holds_key, looks_like_key, names_secret
from longshift.settings.keys import all_keys, allowed, flat, is_table, keys_of
from longshift.settings.model import KEY_SOURCES, Settings

MOST_TOLD: Final = 8
_LONGEST_SHOWN: Final = 60
_PLAIN_KEY: Final = re.compile(r"[A-Za-z0-9_.-]+")


def checked(source: str, tables: Mapping[str, object]) -> dict[str, object]:
    """One source's values by dotted key, each proved to fit the model.

    Args:
        source: where the tables are from, in words that can open a sentence.
        tables: nested as in a file.

    Raises:
        UsageError: naming the source, each wrong key, and what is allowed there.
    """
    secrets = dict(_secrets(tables))
    try:
        fitting = Settings.model_validate(tables)
    except ValidationError as error:
        wrong = {_key(problem): problem for problem in error.errors(include_url=False)}
        told = [secrets.get(key) or _problem(key, wrong[key]) for key in list(wrong)[:MOST_TOLD]]
        told = list(dict.fromkeys([*secrets.values(), *told]))
        raise refusal(source, told, len(wrong.keys() | secrets.keys())) from None
    if secrets:
        raise refusal(source, list(secrets.values()))
    return flat(fitting.model_dump(exclude_unset=True))


def refusal(source: str, problems: Sequence[str], number: int | None = None) -> UsageError:
    """The error for what is wrong with a source: the first few problems in full.

    Args:
        source: where they are, in words that can open a sentence.
        problems: in words; at least one.
        number: how many there are, where `problems` has only the first.
    """
    number = number or len(problems)
    if number == 1:
        return UsageError(f"{source}: {problems[0]} Nothing was started; correct it and try again.")
    told = list(problems[:MOST_TOLD])
    if number > len(told):
        told.append(f"… and {number - len(told)} more.")
    lines = "".join(f"\n  {problem}" for problem in told)
    return UsageError(
        f"{source}: {number} settings are wrong.{lines}\n"
        "Nothing was started; correct them and try again."
    )


def shown(value: object) -> str:
    """A value as it may be printed: escaped, short, and never a key."""
    match value:
        case str() if holds_key(value):
            return "what looks like a key (not shown)"
        case str():
            return _quoted(value)
        case int() if abs(value) >= 2**63:
            return "so large a number"
        case bool() | int() | float() | Decimal():
            return _cut(str(value).lower())
        case Mapping():
            return "a table"
        case list() | tuple():
            return "a list"
        case _:
            return "this kind of value"


def spelled(key: str) -> str:
    """The name of a key or variable as it may be printed: escaped, short, and never a key."""
    if holds_key(key):
        return "A name (not shown)"
    plain = _PLAIN_KEY.fullmatch(key) and len(key) <= 2 * _LONGEST_SHOWN
    return f"`{key}`" if plain else f"`{_quoted(key)}`"


def suggestion(name: str, known: Iterable[str], written: Callable[[str], str] = str) -> str:
    """What a wrong name was probably meant to be, or an empty text.

    Args:
        name: as it was written.
        known: the right names near it, in the form of `name`.
        written: how a right name is written for the person.
    """
    near = difflib.get_close_matches(name.lower().replace("-", "_"), list(known), n=1)
    return f" Did you mean `{written(near[0])}`?" if near else ""


def value_problem(key: str, value: object, named: str | None = None) -> str:
    """What is wrong with a value, and what would be right."""
    private = key.rpartition(".")[2] in KEY_SOURCES or (
        key.endswith("base_url") and "@" in str(value)
    )
    found = "" if private else f", not {shown(value)}"
    return f"`{named or key}` must be {allowed(key)}{found}."


def secret_problem(named: str) -> str:
    """What to do with a key that stands among the settings."""
    return (
        f"{named} holds what looks like a key. Keys do not belong among the settings: put it into "
        "an environment variable and set `api_key_env` to that variable's NAME, or name a file of "
        "yours as `api_key_file` or an entry of the system's keyring as `api_key_keyring`. If "
        "others can read it there, replace the key."
    )


def _key(error: ErrorDetails) -> str:
    """The dotted key that an error is about; items of a list belong to the list's key."""
    return ".".join(part for part in error["loc"] if isinstance(part, str))


def _problem(key: str, error: ErrorDetails) -> str:
    if error["type"] == "extra_forbidden":
        *table, name = [str(part) for part in error["loc"]]
        return _unknown(".".join(table), name)
    if error["type"] == "string_unicode" and is_table(key):  # a name with half a character
        return _unknown(key, str(error["input"]))
    if is_table(key):
        return f"`{key}` must be a table, such as [{key}], not {shown(error['input'])}."
    return value_problem(key, error["input"])


def _unknown(table: str, name: str) -> str:
    prefix = f"{table}." if table else ""
    near = suggestion(name, keys_of(table), lambda right: f"{prefix}{right}")
    if not near:
        elsewhere = {key.rpartition(".")[2]: key for key in reversed(all_keys())}
        near = suggestion(name, elsewhere, elsewhere.__getitem__)
    place = f"in [{table}]" if table else "at the top"
    choices = ", ".join(keys_of(table))
    return f"{spelled(prefix + name)} is no setting.{near} Allowed {place}: {choices}."


def _secrets(tables: Mapping[str, object]) -> Iterable[tuple[str, str]]:
    """Every place that seems to hold a key.

    Walks by hand: a hostile file may be nested more deeply than calls can be.
    """
    waiting: list[tuple[str, str, object]] = [("", "", tables)]
    while waiting:
        prefix, name, value = waiting.pop()
        if isinstance(value, Mapping):
            inside = f"{prefix}{name}." if name else ""
            if len(inside) <= 4 * _LONGEST_SHOWN:  # no setting is that deep: told as unknown
                items = cast("Mapping[str, object]", value).items()
                waiting.extend((inside, below, item) for below, item in items)
        elif isinstance(value, list | tuple):
            waiting.extend((prefix, name, item) for item in value)
        elif isinstance(value, str) and _is_secret(f"{prefix}{name}", name, value):
            yield f"{prefix}{name}", secret_problem(spelled(prefix + name))


def _is_secret(key: str, name: str, value: str) -> bool:
    if key not in all_keys():
        return names_secret(name) or holds_key(value)
    return looks_like_key(value) if name == "api_key_env" else holds_key(value)


def _quoted(text: str) -> str:
    """A text in quotes; what could steer a terminal is escaped."""
    start = text[:_LONGEST_SHOWN]
    plain = (c if c.isprintable() and c not in '"\\' else json.dumps(c)[1:-1] for c in start)
    return '"' + "".join(plain) + ('"' if start == text else '…"')


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_SHOWN else text[: _LONGEST_SHOWN - 1] + "…"
