"""The secrets of this process by their values: the keys in use, and what variables hold.

Owns which values those are and every spelling in which one may come along. They live in memory
alone: must never be written, returned or compared in words. Pure but for that memory, which the
whole process shares, because its log and its screen are shared too.
"""

import base64
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from longshift.screening.names import names_secret

LONG: Final = 16
"""A value of so many characters is taken for a secret whatever it is made of."""
SHORT: Final = 8
"""One of so many, where a digit is among them. A shorter one stands in too many texts by chance."""
LONGEST_KIND: Final = 40

_SPACES: Final = "\u00ad\u200b-\u200f\u2060\ufeff"
_BETWEEN: Final = re.compile(rf"[\s{_SPACES}]+")
_NOT_IN_KIND: Final = re.compile(r"[^A-Za-z0-9_.-]+")
_PLACE: Final = re.compile(r"(?:[~./\\]|[A-Za-z]:\\)|[a-z]+://[^@]*$")
"""How a path or an address without a password in it begins: no secret, whatever its name says."""


@dataclass(frozen=True, slots=True)
class Secret:
    """Where something secret stands in a text."""

    start: int
    end: int
    kind: str
    """What it is, in a word or two; never a part of it."""


class KnownSecrets:
    """Secrets by value. Learning is rare and looking is often: each look is a few searches."""

    def __init__(self) -> None:
        """Know none."""
        self.n_changes = 0
        """How often what is known has changed."""
        self._kinds: dict[str, str] = {}
        self._spellings: dict[str, str] = {}

    def learn(self, value: str, kind: str) -> None:
        """Remember a value, if it is long enough to be told from ordinary words.

        Args:
            value: the secret.
            kind: what stands in its place, such as the name of its variable.
        """
        value = value.strip()
        if not _is_telling(value) or value in self._kinds:
            return
        kind = _NOT_IN_KIND.sub(" ", kind).strip()[:LONGEST_KIND] or "key"
        spellings = dict.fromkeys(_spellings(value), kind)
        # Replaced, not changed: others may be looking from other threads.
        self._kinds = {**self._kinds, value: kind}
        self._spellings = {**self._spellings, **spellings}
        self.n_changes += 1

    def learn_environment(self, environ: Mapping[str, str]) -> None:
        """Remember what stands in variables that are called as secrets are called."""
        for name, value in environ.items():
            if names_secret(name) and not _PLACE.match(value):
                self.learn(value, name)

    def find(self, text: str) -> Iterator[Secret]:
        """Every place of a text where one of them stands, in any spelling, spread or whole."""
        if not self._spellings:
            return
        squeezed = _squeezed(text)
        for spelling, kind in self._spellings.items():
            if spelling in squeezed:
                spread = rf"[\s{_SPACES}]*".join(map(re.escape, spelling))
                for found in re.finditer(spread, text):
                    yield Secret(found.start(), found.end(), kind)

    def forget(self) -> None:
        """Know none any more."""
        self._kinds, self._spellings = {}, {}
        self.n_changes += 1


KNOWN: Final = KnownSecrets()
"""What this process knows."""


def _squeezed(text: str) -> str:
    return "".join(text.split()) if text.isascii() else _BETWEEN.sub("", text)


def _is_telling(value: str) -> bool:
    if _BETWEEN.search(value):
        return False
    return len(value) >= LONG or (len(value) >= SHORT and any(map(str.isdigit, value)))


def _spellings(value: str) -> Iterator[str]:
    """A value as texts may have it: as it is, escaped for addresses or JSON, in base64, in hex."""
    data = value.encode("utf-8", "replace")
    yield value
    yield quote(value, safe="")
    yield json.dumps(value)[1:-1]
    yield json.dumps(value, ensure_ascii=False)[1:-1].replace("/", "\\/")
    yield data.hex()
    yield data.hex().upper()
    for before in range(3):  # whatever stands before it shifts it by one or two bytes
        coded = base64.b64encode(bytes(before) + data).decode()
        core = coded[(0, 2, 3)[before] : (before + len(data)) * 8 // 6]
        yield core
        yield core.replace("+", "-").replace("/", "_")
