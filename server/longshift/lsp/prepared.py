"""Results that are JSON already.

Owns the way around the converter for answers of hundreds of entries: generic conversion of a
hundred code actions costs more than everything else that is done for them.
"""

from dataclasses import dataclass

from longshift.lsp.protocol import LongshiftLanguageServer

Json = dict[str, object]


@dataclass(frozen=True, slots=True)
class Prepared:
    """A result that goes out as it stands; nobody may change it afterwards."""

    result: list[Json]


def take_prepared(server: LongshiftLanguageServer) -> None:
    """Have a server's handlers answer with `Prepared`."""
    server.protocol.fm.converter.register_unstructure_hook(Prepared, _as_it_stands)


def _as_it_stands(prepared: Prepared) -> list[Json]:
    return prepared.result
