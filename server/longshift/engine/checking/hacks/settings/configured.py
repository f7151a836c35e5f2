"""Checks that were made to ask for less by their configuration.

Owns one table: which keys may not grow, shrink, fall or be switched. All files that differ are
read together, so that a setting which moved from one to another is the same setting. A tool that
comes may leave out what it likes; one that was there may not, whatever file now speaks of it. Pure.
"""

import re
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from posixpath import dirname
from typing import Final

from longshift.domain.model import Severity
from longshift.engine.checking.hacks.settings.collected import (
    is_test_file,
    no_longer_collected,
    without_vain_ignores,
)
from longshift.engine.checking.hacks.settings.implied import implied
from longshift.engine.checking.hacks.settings.in_force import Place, Settings, in_force
from longshift.engine.checking.hacks.settings.renamed import Renamed
from longshift.engine.checking.hacks.settings.scopes import (
    OF_FILES,
    Wider,
    beginnings,
    beyond,
    codes,
    expressions,
    folders,
    held,
    none_wider,
    packages,
    patterns,
)
from longshift.engine.checking.hacks.settings.settings_of import Flat, is_settings
from longshift.engine.checking.hacks.shape import COVERAGE, DISABLED, Change, Hack
from longshift.engine.checking.tasks import tools_of

_Said = tuple[str, Severity]
_MISSING: Final = object()
_LEVELS: Final = (
    ("off", 0), ("0", 0), ("none", 0), ("allow", 0), ("false", 0), ("basic", 1), ("warn", 2),
    ("1", 2), ("information", 1), ("warning", 2), ("standard", 2), ("deny", 3), ("error", 3),
    ("2", 3), ("true", 3), ("strict", 4), ("forbid", 4), ("recommended", 3), ("all", 5),
)  # fmt: skip
_LEVEL: Final = dict(_LEVELS)


def configured(changes: Sequence[Change], base: Sequence[str] = ()) -> Iterator[Hack]:
    """Hold the configuration of checks at two trees against each other.

    Args:
        changes: the files that differ, and of those that don't the configuration that stands
            beside or above one that does.
        base: every path of the old tree.
    """
    both = _Both([one for one in changes if is_settings(one.path)], changes, base)
    old, new, home = both.old, both.new, both.home
    for key in sorted(old.keys() | new.keys()):
        was, is_now = old.get(key, _MISSING), both.now(key)
        if was == is_now or not both.knew(key):
            continue
        for pattern, weigh, code in _RULES:
            if pattern.search(key):
                if isinstance(weigh, _Scope) and weigh.wider in OF_FILES:
                    was = both.followed(key, was, is_now, is_left_out=weigh.is_left_out)
                said = weigh(was, both.without_vain(key, was, is_now))
                if said:
                    yield _hack(home[key], key, code, said)
                break
    if any(key.startswith("pytest.") for key in new):
        folder = next(dirname(home[key].path) for key in sorted(new) if key.startswith("pytest."))
        for key, message in no_longer_collected(folder, both.python_files(folder), old, new):
            yield _hack(home[key], key, DISABLED, (message, "error"))
    yield from _scripts(old, new, home)


class _Both:
    """The settings of two trees, as far as they may differ, and which tools were there before."""

    def __init__(
        self, files: Sequence[Change], changes: Sequence[Change], base: Sequence[str]
    ) -> None:
        before, now = in_force(files, now=False), in_force(files, now=True)
        self.old: Flat = {}
        self.new: Flat = {}
        self.home: dict[str, Change] = {}
        self._base = base
        self._gone = {
            one.old_path or one.path for one in changes if one.new is None or one.old_path
        }
        self._came = {one.path for one in changes if one.new is not None}
        self._standing_paths: list[str] = []
        self._known = {place.tool for place, one in before.items() if any(map(_differs, one.files))}
        self._before = before.keys()
        self._looked: dict[Place, bool] = {}
        self._now = now
        # Where two folders set the same, the one that changed is the one to speak of.
        for place in sorted(before.keys() | now.keys(), key=lambda it: _values(before, now, it)):
            was, is_now = before.get(place, Settings()), now.get(place, Settings())
            if any(map(_differs, [*was.files, *is_now.files])):
                self.old |= was.values
                self.new |= is_now.values
                self.home |= _homes(was, is_now)
        self._renamed = Renamed(changes, base, self._gone)
        self._follow_keys()

    def now(self, key: str) -> object:
        """What a key is set to; where it isn't any more, what another one makes of it."""
        if key in self.new:
            return self.new[key]
        stands_for = implied(key, dirname(self.home[key].path), self._settings)
        return _MISSING if stands_for is None else stands_for

    def followed(self, key: str, was: object, now: object, *, is_left_out: bool) -> object:
        """The names that were set, those of what was renamed as they are by now."""
        if not self._renamed or was is _MISSING or isinstance(was, bool):
            return was
        folder, kept = dirname(self.home[key].path), _items(now)
        return [
            name
            for one in sorted(_items(was))
            for name in (
                (one not in kept and self._renamed.names(one, folder, is_left_out=is_left_out))
                or [one]
            )
        ]

    def without_vain(self, key: str, was: object, now: object) -> object:
        """A value without those of its parts that leave out what isn't there."""
        if not isinstance(now, list) or self.home[key].new is None:
            return now
        folder = dirname(self.home[key].path)
        if key == "pytest.addopts":
            return without_vain_ignores(now, folder, self._standing(folder, (".py",)), self.old)
        if was is _MISSING and _COMPILED.search(key):  # what builds make is left out by then
            paths = self._standing(folder, _SCRIPTS)
            inside = f"{folder}/" if folder else ""
            return held([str(one) for one in now], [one.removeprefix(inside) for one in paths])
        return now

    def _standing(self, folder: str, endings: tuple[str, ...]) -> list[str]:
        """The files of a folder that were there and are, and those that differ."""
        if not self._standing_paths:
            stayed = {path for path in self._base if path not in self._gone}
            self._standing_paths = sorted(stayed | self._came)
        paths = self._standing_paths
        inside = paths[
            bisect_left(paths, f"{folder}/") : bisect_left(paths, f"{folder}0")
        ]  # behind "/"
        return [path for path in (inside if folder else paths) if path.endswith(endings)]

    def _follow_keys(self) -> None:
        """Give keys that hold a name that of what was renamed."""
        for key in list(self.old) if self._renamed else ():
            found = _NAMING.fullmatch(key)
            if not found or key in self.new:
                continue
            before, name, behind = (part for part in found.groups() if part is not None)
            folder = dirname(self.home[key].path)
            for now in self._renamed.names(name, folder, is_left_out=True):
                renamed = f"{before}{now}{behind}"
                if renamed in self.new and renamed not in self.old and key in self.old:
                    self.old[renamed] = self.old.pop(key)

    def _settings(self, folder: str, tool: str) -> Flat:
        found = self._now.get(Place(folder, tool))
        return found.values if found else {}

    def knew(self, key: str) -> bool:
        """Whether the tool that a key is of looked at something of what it speaks of before."""
        place = Place(dirname(self.home[key].path), key.partition(".")[0])
        if place not in self._looked:  # once: there may be as many keys as paths
            self._looked[place] = self._was_looked_at(place)
        return self._looked[place]

    def _was_looked_at(self, place: Place) -> bool:
        folder, tool = place
        if tool in self._known or place in self._before:
            return True
        if tool == "pytest":  # it looks for tests without being told to
            return any(map(is_test_file, self.python_files(folder)))
        # Of the others a tool reads those where it starts, which the folder need not be.
        above = tool == "ruff" and any(
            one.tool == tool and _is_in(folder, one.folder) for one in self._before
        )
        return above and any(_is_in(path, folder) for path in self._base)

    def python_files(self, folder: str) -> list[str]:
        """What of Python there was in a folder before, and still is."""
        return [
            path
            for path in self._base
            if path.endswith(".py") and path not in self._gone and _is_in(path, folder)
        ]


def _values(
    before: Mapping[Place, Settings], now: Mapping[Place, Settings], place: Place
) -> tuple[bool, Place]:
    """Places by which to go through them: first those where nothing else is set than before."""
    both = before.get(place), now.get(place)
    return (both[0] and both[0].values) != (both[1] and both[1].values), place


def _homes(was: Settings, now: Settings) -> dict[str, Change]:
    """Where each setting is to be looked for; one that is gone, in what is read in its place."""
    gone = {
        key: now.files[-1] if now.files and home not in now.files else home
        for key, home in was.home.items()
    }
    return gone | now.home


def _differs(one: Change) -> bool:
    return one.old != one.new or bool(one.old_path)


def _is_in(path: str, folder: str) -> bool:
    return not folder or path == folder or path.startswith(f"{folder}/")


def _hack(one: Change, key: str, code: str, said: _Said) -> Hack:
    message, severity = said
    last = re.escape(key.rpartition(".")[2])
    lines = (one.new or "").splitlines()
    line = next(
        (at for at, text in enumerate(lines, 1) if re.search(rf"(?<!\w){last}(?!\w)", text)), 1
    )
    return Hack(
        path=one.path,
        line=line,
        code=code,
        message=f"`{key[:120]}` {message}",
        severity=severity,
        is_gone=one.new is None,
        names=(key.rpartition(".")[2],),
    )


@dataclass(frozen=True, slots=True)
class _Scope:
    """What is looked at, or left out.

    Attributes:
        is_left_out: whether it is what is left out; that may not grow, the other not shrink.
        wider: which names stand for others.
        is_own: whether the first value takes the place of one that is the tool's own.
    """

    is_left_out: bool
    wider: Wider = none_wider
    is_own: bool = False

    def __call__(self, old: object, new: object) -> _Said | None:
        before, now = _items(old), _items(new)
        if old is _MISSING and (self.is_own or not self.is_left_out):
            return None
        if self.is_left_out:
            more = beyond(now, before, self.wider)
            said = f"leaves out more than before: {', '.join(more)[:200]}."
            return (said, "error") if more else None
        fewer = beyond(before, now, self.wider) if "ALL" not in now else []
        return (f"no longer asks for {', '.join(fewer)[:200]}.", "error") if fewer else None


_grows: Final = _Scope(is_left_out=True)
_shrinks: Final = _Scope(is_left_out=False)


def _falls(old: object, new: object) -> _Said | None:
    if not _is_number(old):
        return None
    if not _is_number(new):
        return f"was {old:g} and is gone.", "error"
    assert isinstance(old, int | float), "asked above"
    assert isinstance(new, int | float), "asked above"
    return (f"fell from {old:g} to {new:g}.", "error") if new < old else None


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _switched_off(old: object, new: object) -> _Said | None:
    if old is True and new is not True:
        return "was true and is not any more.", "error"
    return ("was switched off.", "error") if new is False and old is not False else None


def _released(old: object, new: object) -> _Said | None:
    """For names that stand for other things too (`noEmit`): only what was asked is let go."""
    return _switched_off(old, new) if old is True else None


def _switched_on(old: object, new: object) -> _Said | None:
    return ("was switched on.", "error") if new is True and old is not True else None


def _switched_on_perhaps(old: object, new: object) -> _Said | None:
    return ("was switched on.", "warning") if new is True and old is not True else None


def _level_falls(old: object, new: object) -> _Said | None:
    before, now = _level(old), _level(new)
    if before is None:
        return ("was switched off.", "error") if now == 0 else None
    if new is _MISSING:
        return ("is no longer set.", "warning") if before > 1 else None
    return ("was lowered.", "error") if now is not None and now < before else None


def _level(value: object) -> int | None:
    if isinstance(value, list):
        value = value[0] if value else None
    if value is _MISSING or value is None:
        return None
    return _LEVEL.get(str(value).lower())


def _options(old: object, new: object) -> _Said | None:
    """Options of pytest that leave tests out."""
    before, now = set(_listed(old)), set(_listed(new))
    more = sorted(one for one in now - before if _LEAVES_OUT.match(one))
    if more:
        return f"leaves tests out: {', '.join(more)[:200]}", "error"
    fewer = sorted(one for one in before - now if _STRICT.fullmatch(one))
    return (f"no longer has {', '.join(fewer)}.", "warning") if fewer else None


_LEAVES_OUT: Final = re.compile(
    r"--ignore(?:-glob)?=|--deselect=|-[km] |--no-cov$|--cov-fail-under=0"
)
_STRICT: Final = re.compile(r"--strict(?:-markers|-config)?|-W error")


def _warnings(old: object, new: object) -> _Said | None:
    if "error" in _items(old) and "error" not in _items(new):
        return "no longer makes warnings errors.", "warning"
    return None


def _items(value: object) -> set[str]:
    return {" ".join(one.split()) for one in _listed(value)}


def _listed(value: object) -> list[str]:
    if value is _MISSING or value is None or isinstance(value, bool):
        return []
    listed = value if isinstance(value, list) else re.split(r"[,\n]", str(value))
    return [str(one).strip() for one in listed if str(one).strip()]


_COMPILED: Final = re.compile(r"tsconfig[\w.-]{0,80}\.exclude$")
_SCRIPTS: Final = (".ts", ".tsx", ".mts", ".cts", ".js", ".jsx", ".mjs", ".cjs", ".vue")
_NAMING: Final = re.compile(
    r"(mypy\.overrides\.)(.{1,300})(\.\w{1,80})|(ruff\..{0,40}per-file-ignores\.)(.{1,300})()"
)
"""Keys that hold what they speak of."""

_Weigh = Callable[[object, object], "_Said | None"]
_RULES: Final[Sequence[tuple[re.Pattern[str], _Weigh, str]]] = [
    (re.compile(pattern, re.IGNORECASE), weigh, code)
    for pattern, weigh, code in (
        (r"^pytest\.addopts$", _options, DISABLED),
        (r"^pytest\.addopts\.--cov-fail-under$", _falls, COVERAGE),
        (r"^pytest\.filterwarnings$", _warnings, DISABLED),
        (r"^pytest\.testpaths$", _Scope(False, folders), DISABLED),
        (r"^pytest\.python_(?:classes|functions)$", _Scope(False, beginnings), DISABLED),
        (r"^pytest\.python_files$", _shrinks, DISABLED),
        (r"^pytest\.norecursedirs$", _Scope(True, is_own=True), DISABLED),
        (r"^pytest\.xfail_strict$", _released, DISABLED),
        (r"^coverage\..*fail_under$", _falls, COVERAGE),
        (r"^coverage\..*exclude_(?:lines|also)$", _grows, COVERAGE),
        (r"^coverage\..*omit$", _Scope(True, patterns), COVERAGE),
        (r"^coverage\..*branch$", _switched_off, COVERAGE),
        (r"^coverage\..*source$", _Scope(False, packages), COVERAGE),
        (r"^coverage\..*include$", _Scope(False, patterns), COVERAGE),
        (r"coverageThreshold\.|thresholds\.|(?:^|/)(?:nyc|c8)\.(?:lines|branches|functions|statem)",
         _falls, COVERAGE),
        (r"(?:^|/)(?:nyc|c8)\.check-coverage$", _switched_off, COVERAGE),
        (r"coveragePathIgnorePatterns$|(?:^|/)(?:nyc|c8)\.exclude$",
         _Scope(True, expressions), COVERAGE),
        (r"^ruff\..*exclude$", _Scope(True, folders), DISABLED),
        (r"^ruff\..*(?:ignore|unfixable)$|^ruff\..*per-file-ignores\.",
         _Scope(True, codes), DISABLED),
        (r"^ruff\..*select$", _Scope(False, codes), DISABLED),
        (r"^flake8\.(?:extend-)?ignore$", _Scope(True, beginnings), DISABLED),
        (r"^(?:flake8|bandit)\..*exclude(?:_dirs)?$", _Scope(True, folders), DISABLED),
        (r"^(?:flake8|pylint|bandit)\..*(?:ignore|ignores|exclude|disable|skips|exclude_dirs)$",
         _grows, DISABLED),
        (r"^flake8\..*select$", _Scope(False, beginnings), DISABLED),
        (r"^(?:flake8|pylint)\..*(?:select|enable)$", _shrinks, DISABLED),
        (r"^black\..*exclude$", _Scope(True, expressions), DISABLED),
        (r"^mypy\..*exclude$", _Scope(True, expressions), DISABLED),
        (r"^mypy\..*disable_error_code$", _grows, DISABLED),
        (r"^mypy\.(?:files|packages)$", _Scope(False, packages), DISABLED),
        (r"^mypy\.modules$|^mypy\..*enable_error_code$", _shrinks, DISABLED),
        (r"^mypy\..*ignore_errors$", _switched_on, DISABLED),
        (r"^mypy\.(?:.*\.)?(?:ignore_missing_imports|allow_\w+)$", _switched_on_perhaps, DISABLED),
        (r"^mypy\..*(?:strict\w*|disallow_\w+|warn_\w+|check_untyped_defs|no_implicit_\w+)$",
         _switched_off, DISABLED),
        (r"pyright\..*(?:ignore|exclude)$", _Scope(True, folders), DISABLED),
        (r"pyright\..*(?:typeCheckingMode|report\w+)$", _level_falls, DISABLED),
        (r"pyright\.(?:include|strict)$", _Scope(False, folders), DISABLED),
        (r"(?:^|/)eslint\..*rules\.", _level_falls, DISABLED),
        (r"(?:^|/)eslint\..*ignorePatterns$", _grows, DISABLED),
        (r"(?:^|/)eslint\.extends$", _shrinks, DISABLED),
        (r"jest\..*testPathIgnorePatterns$", _Scope(True, expressions), DISABLED),
        (r"jest\..*passWithNoTests$", _switched_on, DISABLED),
        (r"tsconfig.*\.exclude$", _Scope(True, folders), DISABLED),
        (r"tsconfig.*\.compilerOptions\.(?:strict|no[IUFP]|check|exact|always|useUnk|force)\w*$",
         _released, DISABLED),
        (r"tsconfig.*\.compilerOptions\.(?:skipLibCheck|allowUn\w+|suppress\w+)$",
         _switched_on_perhaps, DISABLED),
        (r"^lints\.", _level_falls, DISABLED),
    )
]  # fmt: skip
"""By key, the first that fits: what may not become of a setting, and what that is called."""


def _scripts(old: Flat, new: Flat, home: Mapping[str, Change]) -> Iterator[Hack]:
    """Scripts of package.json that no longer run a tool which no other runs instead."""
    before = {k: str(v) for k, v in old.items() if _SCRIPT.search(k)}
    left = {tool for k, v in new.items() if _SCRIPT.search(k) for tool in tools_of(str(v))}
    came = left - {tool for v in before.values() for tool in tools_of(v)}
    for key, text in before.items():
        gone = sorted(tools_of(text) - left)
        if gone:
            severity: Severity = "warning" if came else "error"
            yield _hack(home[key], key, DISABLED, (f"no longer runs {', '.join(gone)}.", severity))


_SCRIPT: Final = re.compile(r"(?:^|/)scripts\.")
