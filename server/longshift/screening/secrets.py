"""Find what looks like a secret in a text, and put a placeholder in its place.

Owns what counts as one: the values that this process knows, a few patterns of our own, and what
the detector library finds once it is loaded. Must never return or print what it found: a kind and
a place are all that leaves here.
"""

import json
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from longshift.screening import detector
from longshift.screening.known import KNOWN, Secret
from longshift.screening.names import names_secret

__all__ = [
    "Secret",
    "find_secrets",
    "holds_key",
    "looks_like_key",
    "mask",
    "mask_message",
    "mask_within",
    "names_secret",
    "placeholders",
    "texts_within",
]

_PREFIXES: Final = (
    "sk-", "sk_", "rk-", "rk_", "gsk_", "hf_", "r8_", "xai-", "nvapi-", "pplx-", "glpat-",
    "gho_", "ghp_", "ghs_", "ghu_", "github_pat_", "AIza", "AKIA",
)  # fmt: skip
# The test for what stands before comes after each prefix: so a search can skip to first letters.
_AT_PREFIX: Final = "|".join(rf"{prefix}(?<![A-Za-z0-9]{prefix})" for prefix in _PREFIXES)
_KNOWN_KEY: Final = re.compile(
    rf"(?:{_AT_PREFIX})(?=[A-Za-z0-9_-]{{0,99}}[0-9])[A-Za-z0-9_-]{{12,}}"
)
_LONG_KEY: Final = re.compile(
    rf"""(?:{_AT_PREFIX})
    (?: (?<=AKIA) [A-Z0-9]{{16}} (?![A-Za-z0-9])
      | (?= [A-Za-z0-9_-]{{0,99}} [0-9] ) (?= [A-Za-z0-9_-]{{0,99}} [A-Za-z] )
        [A-Za-z0-9_-]{{20,}} )
    """,
    re.VERBOSE,
)
_PRIVATE_KEY: Final = re.compile(
    r"""-----BEGIN\ [A-Z0-9 ]{0,40}PRIVATE\ KEY(?:\ BLOCK)?-----
    (?: (?: \\[nrt] | [\s"',] )* (?: [A-Za-z-]+:\ [^\n]{0,200}\n\s* ){0,4} [A-Za-z0-9+/=]{16,} )
    (?: (?: \\[nrt] | [\s"',] )+ [A-Za-z0-9+/=]{16,} )*
    (?: (?: \\[nrt] | [\s"',] )* [A-Za-z0-9+/=]{0,15} (?: \\[nrt] | [\s"',] )*
        -----END\ [A-Z0-9 ]{0,40}PRIVATE\ KEY(?:\ BLOCK)?----- )?""",
    re.VERBOSE,
)
"""With at least one line of the key itself: the markers alone stand in many a program."""
_PATTERNS: Final = ((_LONG_KEY, "key"), (_PRIVATE_KEY, "private key"))
_PLACEHOLDER: Final = re.compile(r"\[secret: [A-Za-z0-9_. -]{1,40}\]")

_WIRE: Final = frozenset(
    {"id", "role", "tool_call_id", "type", "name", "signature", "data", "encrypted_content"}
)
"""Members of a message that an endpoint compares or decodes: only known values are masked."""


def find_secrets(text: str) -> list[Secret]:
    """What looks like a secret, in order; none overlaps another.

    The detector takes part once `detector.load` has been called.
    """
    found = [*KNOWN.find(text), *_by_rule(text)]
    return list(_apart(found, text))


def mask(text: str) -> str:
    """The text with `[secret: kind]` for each secret; the same text where there is none."""
    return _replaced(text, find_secrets(text))


def mask_within(value: object, names: frozenset[str]) -> object:
    """Nested mappings and sequences with every text masked.

    Args:
        value: of texts, mappings and sequences.
        names: members that hold paths, ids and the like, as they are or in a sequence: of these
            only the values that this process knows are masked.
    """

    def masked(text: str, name: str) -> str:
        return _mask_known(text) if name in names else mask(text)

    return _walk(value, masked)


def mask_message(message: dict[str, object]) -> tuple[dict[str, object], tuple[str, ...]]:
    """A message to a model without secrets, and their kinds; the same object where it has none.

    Tool results and arguments are JSON in a text: what stands in their own texts is looked at as
    it was before it was escaped.
    """
    # One look at all of it: most messages hold nothing, and there is one for each step of an agent.
    if not find_secrets("\n".join(_said_within(message))):
        return message, ()
    kinds: list[str] = []

    def masked(text: str, _: str = "") -> str:
        found = find_secrets(text)
        kinds.extend(secret.kind for secret in found)
        return _replaced(text, found)

    def masked_text(text: str, name: str) -> str:
        if name in _WIRE:
            kinds.extend(secret.kind for secret in KNOWN.find(text))
            return _mask_known(text)
        inside = _parsed(text)
        if inside is None:
            return masked(text)
        before = len(kinds)
        value = _walk(inside, masked)
        return json.dumps(value, ensure_ascii=False) if len(kinds) > before else text

    walked = _walk(message, masked_text)
    assert isinstance(walked, dict)
    return (walked if kinds else message), tuple(dict.fromkeys(kinds))


def placeholders(text: str) -> set[str]:
    """Every placeholder that stands in a text."""
    return set(_PLACEHOLDER.findall(text)) if "[secret: " in text else set()


def texts_within(value: object) -> Iterator[str]:
    """Every text in nested mappings and sequences."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from texts_within(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from texts_within(item)


def _said_within(message: object) -> Iterator[str]:
    """Every text in a message, those in its JSON texts as they were before they were escaped."""
    for text in texts_within(message):
        inside = _parsed(text)
        if inside is None:
            yield text
        else:
            yield from texts_within(inside)


def holds_key(text: str) -> bool:
    """Whether a text has something in it that looks like a provider's key.

    For settings, where a false alarm costs little: shorter ones count than where texts are masked.
    """
    return _KNOWN_KEY.search(text) is not None


def looks_like_key(value: str) -> bool:
    """Whether what should be the NAME of a variable looks like the key itself."""
    one_long_word = len(value) >= 24 and "_" not in value
    return holds_key(value) or (one_long_word and any(map(str.isdigit, value)))


_REMEMBERED_CHARACTERS: Final = range(4_000, 64_000)
_MOST_REMEMBERED: Final = 64
_remembering: Final = threading.Lock()
_clean: Final[dict[str, None]] = {}
"""Long texts in which no rule found anything: the same prompt goes out with each conversation of
a role, and to look at it costs as much as all that is new in it."""


def _by_rule(text: str) -> list[Secret]:
    """What rules find, whatever the values are that this process knows."""
    if text in _clean:
        return []
    loaded = detector.is_loaded()
    found = [*_by_pattern(text), *detector.find(text)]
    if loaded and not found and len(text) in _REMEMBERED_CHARACTERS:
        with _remembering:
            _clean[text] = None
            if len(_clean) > _MOST_REMEMBERED:
                del _clean[next(iter(_clean))]
    return found


def _by_pattern(text: str) -> Iterator[Secret]:
    # Hardly a text has any, and that is seen in a tenth of the time that the patterns take.
    if not any(word in text for word in (*_PREFIXES, "PRIVATE KEY")):
        return
    for pattern, kind in _PATTERNS:
        for found in pattern.finditer(text):
            yield Secret(found.start(), found.end(), kind)


def _apart(found: list[Secret], text: str) -> Iterator[Secret]:
    """Those of them that overlap as one, under the name of the first; placeholders stay."""
    kept = [(m.start(), m.end()) for m in _PLACEHOLDER.finditer(text)] if found else []
    last: Secret | None = None
    for secret in sorted(found, key=lambda one: (one.start, -one.end)):
        if any(start <= secret.start and secret.end <= end for start, end in kept):
            continue
        if last is None or secret.start >= last.end:
            if last is not None:
                yield last
            last = secret
        elif secret.end > last.end:
            last = Secret(last.start, secret.end, last.kind)
    if last is not None:
        yield last


def _replaced(text: str, secrets: Sequence[Secret]) -> str:
    parts, place = [], 0
    for secret in secrets:
        parts += [text[place : secret.start], f"[secret: {secret.kind}]"]
        place = secret.end
    return "".join([*parts, text[place:]]) if parts else text


def _parsed(text: str) -> object:
    """What a JSON text of an object or a list says; None: it is none."""
    if text[:1] not in ("{", "["):
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _mask_known(text: str) -> str:
    return _replaced(text, list(_apart(list(KNOWN.find(text)), text)))


def _walk(value: object, change: Callable[[str, str], str], name: str = "") -> object:
    """Nested mappings and sequences with every text changed, by the member that it belongs to."""
    if isinstance(value, str):
        return change(value, name)
    if isinstance(value, dict):
        return {key: _walk(item, change, str(key)) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_walk(item, change, name) for item in value]
    return value
