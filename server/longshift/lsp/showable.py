"""The diagnostics of all repositories as one client can show them.

Owns which virtual documents it is told of: those that it has open, under the names that it gives
them. Of others never: their findings stand in the person's files already, and a list of problems
would have each twice. Light, for features.
"""

from collections.abc import Iterable, Mapping, Sequence

from longshift.errors import LongshiftError, UsageError
from longshift.lsp.host import Host
from longshift.lsp.protocol import Written
from longshift.lsp.virtual import SCHEME, Virtual, parse

Found = dict[str, list[Written]]
"""By document, each diagnostic written down."""


async def for_client(host: Host) -> Found:
    """Every diagnostic of every repository, by document; documents without any are left out."""
    sources = [await session.findings.all_diagnostics() for session in host.sessions.all]
    return told(host, (one for found in sources for _, one in found))


async def of_document(host: Host, uri: str) -> list[Written]:
    """The diagnostics of one document, virtual ones included; none for one of nobody's."""
    if uri.startswith(f"{SCHEME}:"):
        return await _of_virtual(host, uri)
    session = await host.sessions.holding(uri)
    path = host.buffers.path(uri, session.root) if session is not None else None
    if session is None or path is None:
        return []
    place = host.buffers.place(uri)
    return [
        one
        for told, diagnostics in (await session.findings.diagnostics(path)).items()
        if told == uri or (place is not None and host.buffers.place(told) == place)
        for one in diagnostics
    ]


async def _of_virtual(host: Host, uri: str) -> list[Written]:
    try:
        asked = parse(uri)
        session = await host.sessions.with_run(asked.run_id, asked.repo)
    except LongshiftError:  # no document of ours, or of a run that is not here
        return []
    return [
        one
        for _, found in await session.findings.all_diagnostics((asked.path,))
        for told, diagnostics in found.items()
        if told.startswith(f"{SCHEME}:") and _is_same(parse(told), asked)
        for one in diagnostics
    ]


def told(host: Host, sources: Iterable[Mapping[str, Sequence[Written]]]) -> Found:
    """What the client is told of all that was found, by documents that it can show.

    Invariant: what it costs grows with what was found, and not with the files that are open.
    """
    found: Found = {}
    for source in sources:
        for uri, diagnostics in source.items():
            found.setdefault(uri, []).extend(diagnostics)
    shown = {uri: one for uri, one in found.items() if not uri.startswith(f"{SCHEME}:")}
    opened = [*_opened(host.buffers.no_files())]
    names = {uri: parse(uri) for uri in found if uri not in shown} if opened else {}
    for opened_uri, document in opened:
        for uri, named in names.items():
            if _is_same(named, document):
                shown[opened_uri] = found[uri]
                names.pop(uri)
                break
    return shown


def _opened(uris: Iterable[str]) -> Iterable[tuple[str, Virtual]]:
    for uri in uris:
        if uri.startswith(f"{SCHEME}:"):
            try:
                yield uri, parse(uri)
            except UsageError:
                continue  # a document of a name that we never gave


def _is_same(named: Virtual, other: Virtual) -> bool:
    """Whether a client's name means a document; it may leave the repository out."""
    parts = (named.run_id, named.change_id, named.side, named.path)
    return parts == (other.run_id, other.change_id, other.side, other.path) and (
        other.repo in (None, named.repo)
    )
