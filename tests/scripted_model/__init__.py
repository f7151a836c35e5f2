"""A model server for tests that plays a script over real HTTP.

Owns behaviours given as data, faults included, and the record of what it was asked. Must never
be imported by the product.
"""

from tests.scripted_model.script import Script
from tests.scripted_model.server import (
    RecordedRequest,
    ScriptedServer,
    running_server,
    serve_script,
)

__all__ = ["RecordedRequest", "Script", "ScriptedServer", "running_server", "serve_script"]
