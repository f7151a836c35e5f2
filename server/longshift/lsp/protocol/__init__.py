"""Everything that stands between pygls and the features: its defects are mended here only.

Each module names the defects of pygls 2.1.1 that it mends, by upstream issue where there is one.
Knows no feature and nothing of runs.
"""

from longshift.lsp.protocol.answers import LspError
from longshift.lsp.protocol.converter import warm_converter
from longshift.lsp.protocol.methods import LongshiftProtocol
from longshift.lsp.protocol.progress import Progress
from longshift.lsp.protocol.server import LongshiftLanguageServer, make_server
from longshift.lsp.protocol.throttle import Throttle
from longshift.lsp.protocol.written import NOTHING, Written, written

__all__ = [
    "NOTHING",
    "LongshiftLanguageServer",
    "LongshiftProtocol",
    "LspError",
    "Progress",
    "Throttle",
    "Written",
    "make_server",
    "warm_converter",
    "written",
]
