"""The names of Longshift's own documents, under the scheme `longshift:`.

A document's URI is `longshift:/RUN/CHANGE.diff`, `longshift:/RUN/CHANGE/before/PATH` or
`longshift:/RUN/CHANGE/after/PATH`, with the repository's root URI, quoted, as its query. Owns
their spelling and reading; pure. Clients spell them otherwise when they send them back.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final
from urllib.parse import quote, unquote, urlsplit

from longshift.errors import UsageError

SCHEME: Final = "longshift"
SIDES: Final = ("before", "after")


@dataclass(frozen=True, slots=True)
class Virtual:
    """What one document shows.

    Attributes:
        run_id: the run.
        change_id: one of its changes.
        side: `before` or `after` for a file of it; "" for its whole difference.
        path: the file's; "" for the difference.
        repo: the repository's root URI; None: it was left out.
    """

    run_id: str
    change_id: str
    side: str = ""
    path: str = ""
    repo: str | None = None

    @property
    def uri(self) -> str:
        """Its name, as the server spells it."""
        change = quote(self.change_id, safe="")
        rest = f"{change}/{self.side}/{quote(self.path)}" if self.side else f"{change}.diff"
        query = "" if self.repo is None else f"?{quote(self.repo, safe='')}"
        return f"{SCHEME}:/{quote(self.run_id, safe='')}/{rest}{query}"


@lru_cache(4096)
def parse(uri: str) -> Virtual:
    """Read a document's name.

    Raises:
        UsageError: it names none.
    """
    try:
        parts = urlsplit(uri)
    except ValueError as error:
        raise UsageError(f"{uri} names no document of Longshift's.") from error
    steps = unquote(parts.path).lstrip("/").split("/", 3)
    repo = unquote(parts.query) or None
    if parts.scheme == SCHEME and len(steps) == 2:
        return Virtual(steps[0], steps[1].removesuffix(".diff"), repo=repo)
    if parts.scheme == SCHEME and len(steps) == 4 and steps[2] in SIDES:
        return Virtual(steps[0], steps[1], steps[2], steps[3], repo)
    raise UsageError(f"{uri} names no document of Longshift's.")
