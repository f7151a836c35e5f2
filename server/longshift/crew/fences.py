"""The fences: how a value that somebody outside wrote is put into a prompt.

Owns escaping, and the proof that a template uses it. Pure. A fence keeps the value readable and
takes from it the means to look like anything but data: it can't close its own fence, it can't open
a second machine block (`opening` says what that is), and it can't hold what a reader does not see.
Fences lower the risk of an injection; what a role may do is decided by the tools that it has.

A block of data bears no nonce. A nonce stops a writer who guesses how a block ends, and here the
end can't be written at all, for every spelling of the tag inside is escaped. Its price would be
high: a random one differs in each conversation, so two workers on one task, or one worker tried
again, would no longer share the prefix that providers cache, and no prompt could be compared with
a golden one.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from jinja2 import nodes

from longshift.screening.hidden import rewrite_hidden, visible

MACHINE_BLOCK: Final = "```json longshift"
"""The line that opens the machine block of a first message."""

_ESCAPED_IN_JSON: Final = re.compile(
    "\x85"  # a line end to some readers of lines, though not to JSON
    "|`{3,}|~{3,}"  # no value may look like the end of a code block
)
_DATA_TAG: Final = re.compile(r"[<\uff1c\ufe64](?=\s*[/\uff0f]?\s*data\b)", re.IGNORECASE)
"""What opens anything that could be read as the start or end of a block of data; wide brackets are
read as narrow ones by many a model."""
_MARKER: Final = re.compile(r"(`{3,}|~{3,})(?=\s*json\s+longshift)", re.IGNORECASE)
"""What could be read as the start of a machine block."""


def to_json(value: object, *, compact: bool = False) -> str:
    """A value as JSON on one line, safe inside a code block and readable by eye alone.

    Hidden characters, tags of data and fences of code become JSON's own escapes, so that a reader
    of the JSON gets the value exactly. Dates and such become strings. A lone surrogate, as in the
    name of a file that is no UTF-8, becomes a question mark: that is all that the wire could carry
    of it.

    Args:
        value: anything.
        compact: without a space behind commas and colons, as in the results of tools.
    """
    separators = (",", ":") if compact else None
    text = json.dumps(value, ensure_ascii=False, default=str, separators=separators)
    text = rewrite_hidden(text.encode("utf-8", "replace").decode(), _escape)
    for pattern in (_ESCAPED_IN_JSON, _DATA_TAG):
        text = pattern.sub(lambda found: _escape(found[0]), text)
    return text


def quoted(value: str) -> str:
    """Text as a Markdown quotation, line by line: for what a person said, to be taken as said."""
    return "\n".join(f"> {line}".rstrip() for line in _disarmed(value).splitlines())


def untrusted(value: str, source: str) -> str:
    """Text as a block of data that says where it comes from."""
    body = _disarmed(value).strip("\n")
    return f'<data source="{source}">\n{body}\n</data>'


def _disarmed(value: str) -> str:
    """The text with all that it could break out with, or hide, made plain to see."""
    plain = _MARKER.sub(lambda found: "\\" + "\\".join(found[0]), visible(value))
    return _DATA_TAG.sub(lambda found: found[0] + "\\", plain)


def _escape(text: str) -> str:
    """Each character as JSON can write it: one escape or, beyond the first plane, two."""
    units = text.encode("utf-16-be").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))


FENCES: Final[Mapping[str, Callable[..., str]]] = {
    "json": to_json,
    "quoted": quoted,
    "untrusted": untrusted,
}
"""The fences by the names of the filters that templates use."""


UNPROVABLE: Final = (
    nodes.AssignBlock,
    nodes.CallBlock,
    nodes.Extends,
    nodes.FilterBlock,
    nodes.FromImport,
    nodes.Import,
    nodes.Macro,
    nodes.With,
)
"""What no prompt may use: through these a value would reach the output on ways not followed here.
Printing, `if`, `for`, `set`, `include` and `block` are left, and are enough."""


def find_unprovable(template: nodes.Template) -> list[str]:
    """The kinds of statements in a template that the search for unfenced values can't follow."""
    return sorted({type(node).__name__ for node in template.find_all(UNPROVABLE)})


def find_unfenced(template: nodes.Template, untrusted_names: frozenset[str]) -> list[str]:
    """Names of untrusted inputs, or of loop variables over them, that are printed bare.

    Only an outermost fence counts: what is done to a fenced value could open the fence again.
    """
    tainted = untrusted_names | _bound_names(template, untrusted_names)
    bare: set[str] = set()
    for output in template.find_all(nodes.Output):
        for part in output.nodes:
            bare.update(_printed(part) & tainted)
    return sorted(bare)


def _printed(node: nodes.Node) -> frozenset[str]:
    """The names whose values a part of the output shows without a fence."""
    match node:
        case nodes.Filter(name=name) if name in FENCES:
            beside = (child for child in node.iter_child_nodes() if child is not node.node)
            return _all_names(beside)
        case nodes.CondExpr(test=_, expr1=one, expr2=other):
            return _printed(one) | (_printed(other) if other else frozenset())
        case nodes.Concat() | nodes.TemplateData():
            return frozenset().union(*map(_printed, node.iter_child_nodes()))
        case _:
            return _names(node)


def _bound_names(template: nodes.Template, tainted: frozenset[str]) -> frozenset[str]:
    """Names that a loop or an assignment binds to something made from tainted names."""
    loop = nodes.Name("loop", "store")  # it holds the items before and after
    bindings: list[tuple[nodes.Node, nodes.Node]] = [
        *((each.target, each.iter) for each in template.find_all(nodes.For)),
        *((loop, each.iter) for each in template.find_all(nodes.For)),
        *((assign.target, assign.node) for assign in template.find_all(nodes.Assign)),
    ]
    found: frozenset[str] = frozenset()
    for _ in bindings:  # each round can only make use of what an earlier one found
        for target, source in bindings:
            if _names(source) & (tainted | found):
                found |= _names(target)
    return found


def _all_names(found: Iterator[nodes.Node]) -> frozenset[str]:
    return frozenset[str]().union(*map(_names, found))


def _names(node: nodes.Node) -> frozenset[str]:
    own = {node.name} if isinstance(node, nodes.Name) else set()
    return frozenset(own.union(name.name for name in node.find_all(nodes.Name)))
