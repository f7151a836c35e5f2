"""The fences: how a value that somebody outside wrote is put into a prompt.

Owns escaping, and the proof that a template uses it. Pure. A fence keeps the value readable and
takes from it the means to look like anything but data: it can't close its own fence, and it can't
open a second machine block (`opening` says what that is). Fences lower the risk of an injection;
what a role may do is decided by the tools that it has.
"""

import json
import re
from collections.abc import Callable, Mapping
from typing import Final

from jinja2 import nodes

MACHINE_BLOCK: Final = "```json longshift"
"""The line that opens the machine block of a first message."""

_ESCAPED_IN_JSON: Final = {
    # Line ends to some readers of lines, though not to JSON.
    "\u2028": "\\u2028",
    "\u2029": "\\u2029",
    "\x85": "\\u0085",
    # No run of backticks survives, so a value can't look like the end of a code block.
    "```": "\\u0060\\u0060\\u0060",
}

_DATA_TAG: Final = re.compile(r"<(?=\s*/?\s*data)", re.IGNORECASE)
"""What opens anything that could be read as the start or end of a block of data."""


def to_json(value: object) -> str:
    """A value as JSON on one line, safe inside a code block.

    Dates and such become strings. A lone surrogate, as in the name of a file that is no UTF-8,
    becomes a question mark: that is all that the wire could carry of it.
    """
    text = json.dumps(value, ensure_ascii=False, default=str).encode("utf-8", "replace").decode()
    for plain, escaped in _ESCAPED_IN_JSON.items():
        text = text.replace(plain, escaped)
    return _DATA_TAG.sub(r"\\u003c", text)


def quoted(value: str) -> str:
    """Text as a Markdown quotation, line by line: for what a person said, to be taken as said."""
    return "\n".join(f"> {line}".rstrip() for line in _without_marker(value).splitlines())


def untrusted(value: str, source: str) -> str:
    """Text as a block of data that says where it comes from."""
    body = _DATA_TAG.sub(r"<\\", _without_marker(value)).strip("\n")
    return f'<data source="{source}">\n{body}\n</data>'


def _without_marker(value: str) -> str:
    """The text, with no line that a reader could take for the start of the machine block."""
    return value.replace(MACHINE_BLOCK, MACHINE_BLOCK.replace("```", "`\u200b`\u200b`"))


FENCES: Final[Mapping[str, Callable[..., str]]] = {
    "json": to_json,
    "quoted": quoted,
    "untrusted": untrusted,
}
"""The fences by the names of the filters that templates use."""


def find_unfenced(template: nodes.Template, untrusted_names: frozenset[str]) -> list[str]:
    """Names of untrusted inputs, or of loop variables over them, that are printed bare."""
    tainted = untrusted_names | _loop_names(template, untrusted_names)
    bare: set[str] = set()
    for output in template.find_all(nodes.Output):
        for part in output.nodes:
            _collect_bare(part, tainted, bare)
    return sorted(bare)


def _collect_bare(node: nodes.Node, tainted: frozenset[str], bare: set[str]) -> None:
    if isinstance(node, nodes.Filter) and node.name in FENCES:
        return
    if isinstance(node, nodes.Name) and node.name in tainted:
        bare.add(node.name)
    for child in node.iter_child_nodes():
        _collect_bare(child, tainted, bare)


def _loop_names(template: nodes.Template, tainted: frozenset[str]) -> frozenset[str]:
    """Names that a loop or an assignment binds to something made from tainted names."""
    bindings: list[tuple[nodes.Node, nodes.Node]] = [
        *((loop.target, loop.iter) for loop in template.find_all(nodes.For)),
        *((assign.target, assign.node) for assign in template.find_all(nodes.Assign)),
    ]
    found: frozenset[str] = frozenset()
    for _ in bindings:  # each round can only make use of what an earlier one found
        for target, source in bindings:
            if _names(source) & (tainted | found):
                found |= _names(target)
    return found


def _names(node: nodes.Node) -> frozenset[str]:
    own = {node.name} if isinstance(node, nodes.Name) else set()
    return frozenset(own.union(name.name for name in node.find_all(nodes.Name)))
