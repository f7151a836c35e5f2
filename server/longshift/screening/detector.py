"""The detector library: hundreds of rules for the keys of services, run in this process.

Owns its loading and what is taken of its word. Must never let it validate what it finds: that
would send a secret to its service. Loading it takes half a second, and a few the first time on a
machine (it compiles its rules and keeps them in the platform's cache folder), so it is loaded by
`load` alone, off the loop. Until then, and where it is not installed, it finds nothing.
"""

import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from longshift.screening.known import Secret

if TYPE_CHECKING:
    from kingfisher_sdk import Finding, Scanner

LARGEST_BYTES: Final = 20_000_000
"""Of longer texts, only so much is looked at."""
_RULE_SETS: Final = ("betterleaks.", "kingfisher.", "veles.secrets/")

_loading: Final = threading.Lock()
_loaded: "list[Scanner | None]" = []


def load() -> bool:
    """Load it, once for the process; from any thread, and more than once at no cost.

    Returns:
        Whether it is there.
    """
    with _loading:
        if not _loaded:
            _loaded.append(_scanner())
    return _loaded[0] is not None


def is_loaded() -> bool:
    """Whether its loading is over; it may have turned out that it is not here."""
    return bool(_loaded)


def find(text: str) -> Iterator[Secret]:
    """What it takes for a secret in a text; nothing before it is loaded.

    Rules that are seldom right are left out. It finds what stands in base64, too.
    """
    scanner = _loaded[0] if _loaded else None
    if scanner is None or not text:
        return
    data = text.encode("utf-8", "replace")  # one character for each, so that places agree
    for finding in scanner.scan(data[:LARGEST_BYTES]):
        if finding.visible and finding.confidence != "low":
            yield _secret(finding, data)


def describe() -> str:
    """What looks for secrets in this process, in words for a person."""
    if not load():
        return "patterns of Longshift's own; the detector library is not made for this platform"
    from importlib.metadata import version

    number = version("kingfisher-secret-scanner")
    return f"kingfisher {number} and patterns of Longshift's own; nothing is sent anywhere"


def _scanner() -> "Scanner | None":
    try:
        from kingfisher_sdk import Rules, Scanner
    except ImportError:
        return None
    return Scanner(Rules(confidence="medium"))


def _secret(finding: "Finding", data: bytes) -> Secret:
    """A finding as a place in the text: the secret alone where it stands there as it is."""
    place = finding.location
    start, end = place["start_offset"], place["end_offset"]
    secret = finding.secret.encode("utf-8", "replace")
    within = data.find(secret, start, end) if secret else -1
    if within >= 0:
        start, end = within, within + len(secret)
    first = len(data[:start].decode("utf-8", "replace"))
    return Secret(first, first + len(data[start:end].decode("utf-8", "replace")), _kind(finding))


def _kind(finding: "Finding") -> str:
    name = finding.rule_id
    for rules in _RULE_SETS:
        name = name.removeprefix(rules)
    return "".join(c if c.isalnum() or c in "-." else " " for c in name)[:40].strip() or "key"
