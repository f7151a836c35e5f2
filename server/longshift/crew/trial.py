"""The shortest conversation that shows whether a model can work here: it is asked for one call.

Owns the question and what may be wrong with an answer. Must never force the call: no agent's is,
and a server that makes calls only where they are forced is one that can't work here.
"""

import json
from typing import Final, Literal, TypeAlias

from longshift.crew.prompts import say
from longshift.crew.toolbox import wire_schema
from longshift.crew.tools.reading import ReadFile
from longshift.models.port import ModelReply, ModelRequest

TOOL: Final = "read_file"

Shortcoming: TypeAlias = Literal["no_call", "cut_off", "other_tool", "no_json"]
"""No tool was called; the reply ended before it came to one; it called a tool that it was not
given; the arguments are no JSON object."""


def trial_request(max_output_tokens: int) -> ModelRequest:
    """The question, with the least effort where the effort is the agent's to choose."""
    return ModelRequest(
        ({"role": "user", "content": say("trial")},),
        (wire_schema(TOOL, ReadFile),),
        effort="low",
        max_output_tokens=max_output_tokens,
    )


def shortcoming(reply: ModelReply) -> Shortcoming | None:
    """What is wrong with the answer; None: it is a call that can be made."""
    if reply.finish_reason == "length":
        return "cut_off"
    if not reply.tool_calls:
        return "no_call"
    call = reply.tool_calls[0]
    if call.name != TOOL:
        return "other_tool"
    try:
        return None if isinstance(json.loads(call.arguments), dict) else "no_json"
    except (ValueError, RecursionError):
        return "no_json"
