"""What a setting comes to that isn't set itself, since another one stands for it.

Owns what `strict` of mypy and tsc switches on, the two places of a coverage to reach, and what a
tsconfig takes from those that it extends. Pure; a circle of those ends.
"""

from collections.abc import Callable, Iterator
from posixpath import dirname, join, normpath
from typing import Final

from longshift.engine.checking.hacks.settings.settings_of import Flat
from longshift.engine.checking.hacks.settings.spelling import LEAST

MOST: Final = 20
"""Files of tsc's that one is taken to extend."""

_THRESHOLDS: Final = ("coverage.report.fail_under", f"pytest.addopts.{LEAST}")
_MYPY_STRICT: Final = frozenset(
    {
        "warn_unused_configs", "disallow_any_generics", "disallow_subclassing_any",
        "disallow_untyped_calls", "disallow_untyped_defs", "disallow_incomplete_defs",
        "check_untyped_defs", "disallow_untyped_decorators", "warn_redundant_casts",
        "warn_unused_ignores", "warn_return_any", "no_implicit_reexport", "strict_equality",
        "extra_checks", "strict_concatenate", "strict_bytes",
    }
)  # fmt: skip
_TSC_STRICT: Final = frozenset(
    {
        "noImplicitAny", "noImplicitThis", "alwaysStrict", "strictNullChecks",
        "strictBindCallApply", "strictFunctionTypes", "strictPropertyInitialization",
        "strictBuiltinIteratorReturn", "useUnknownInCatchVariables",
    }
)  # fmt: skip
_OPTIONS: Final = ".compilerOptions."

SettingsOf = Callable[[str, str], Flat]
"""What is set of a tool in a folder now."""


def implied(key: str, folder: str, now: SettingsOf) -> object:
    """The value of a key that is not set in its place; None where nothing stands for it."""
    last = key.rpartition(".")[2]
    if key in _THRESHOLDS:
        other = _THRESHOLDS[1 - _THRESHOLDS.index(key)]
        return now(folder, other.partition(".")[0]).get(other)
    if key.startswith("mypy.") and last in _MYPY_STRICT:
        return now(folder, "mypy").get("mypy.strict") is True or None
    file, found, option = key.partition(_OPTIONS)
    return _of_compiler(file, option, now) if found else None


def _of_compiler(file: str, option: str, now: SettingsOf) -> object:
    alike = (option, "strict") if option in _TSC_STRICT else (option,)
    for name in alike:  # what is said of the option itself goes before `strict`
        for one in _extended(file, now):
            value = _of_file(one, now).get(f"{one}{_OPTIONS}{name}")
            if value is not None:
                return value
    return None


def _extended(file: str, now: SettingsOf) -> Iterator[str]:
    """A file and those that it extends, first what goes before."""
    waiting, seen = [file], set[str]()
    while waiting and len(seen) < MOST:
        one = waiting.pop()
        if one in seen:
            continue
        seen.add(one)
        yield one
        more = _of_file(one, now).get(f"{one}.extends")
        listed = more if isinstance(more, list) else [more]
        named = [str(name) for name in listed[-MOST:] if str(name).startswith(".")]
        waiting += [normpath(join(dirname(one), _with_ending(name))) for name in named]


def _with_ending(name: str) -> str:
    return name if name.endswith(".json") else f"{name}.json"


def _of_file(file: str, now: SettingsOf) -> Flat:
    return now(dirname(file), file.partition(".")[0])
