"""What stands in a source file: its main definitions, a line each.

Owns the parsing, by grammars of tree-sitter, one for each of the common languages. Pure over
bytes. A file may be hostile: what is too large, or of no known language, has no outline, and no
tree is walked for long.
"""

import importlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import islice
from pathlib import PurePosixPath
from typing import Final

from tree_sitter import Language, Node, Parser

LARGEST_BYTES: Final = 200_000
MOST_NODES: Final = 20_000
"""Nodes of a tree that are looked at."""
MOST_DEFINITIONS: Final = 60
LINE_CHARACTERS: Final = 110
_DEEPEST: Final = 2
"""Definitions within definitions: a method in a class, and no further."""

_GRAMMARS: Final[Mapping[str, tuple[str, str]]] = {
    ".bash": ("tree_sitter_bash", "language"),
    ".c": ("tree_sitter_c", "language"),
    ".cc": ("tree_sitter_cpp", "language"),
    ".cpp": ("tree_sitter_cpp", "language"),
    ".cs": ("tree_sitter_c_sharp", "language"),
    ".go": ("tree_sitter_go", "language"),
    ".h": ("tree_sitter_cpp", "language"),
    ".hpp": ("tree_sitter_cpp", "language"),
    ".java": ("tree_sitter_java", "language"),
    ".js": ("tree_sitter_javascript", "language"),
    ".jsx": ("tree_sitter_javascript", "language"),
    ".kt": ("tree_sitter_kotlin", "language"),
    ".mjs": ("tree_sitter_javascript", "language"),
    ".php": ("tree_sitter_php", "language_php"),
    ".py": ("tree_sitter_python", "language"),
    ".pyi": ("tree_sitter_python", "language"),
    ".rb": ("tree_sitter_ruby", "language"),
    ".rs": ("tree_sitter_rust", "language"),
    ".sh": ("tree_sitter_bash", "language"),
    ".swift": ("tree_sitter_swift", "language"),
    ".ts": ("tree_sitter_typescript", "language_typescript"),
    ".tsx": ("tree_sitter_typescript", "language_tsx"),
}
"""By a file's ending: the grammar's module, and the function of it that gives the language."""

_HOLDERS: Final = frozenset(
    {
        *("class", "class_declaration", "class_definition", "class_specifier", "enum_declaration"),
        *("enum_item", "impl_item", "interface_declaration", "mod_item", "module"),
        *("namespace_declaration", "namespace_definition", "object_declaration"),
        *("protocol_declaration", "record_declaration", "struct_declaration", "struct_item"),
        *("struct_specifier", "trait_declaration", "trait_item"),
    }
)
"""Definitions that hold others."""
_SPACES: Final = frozenset({"mod_item", "module", "namespace_declaration", "namespace_definition"})
"""Those of them that only give a name to what they hold: it is looked into as if they were not."""
_PLAIN: Final = frozenset(
    {
        *("function_declaration", "function_definition", "function_item", "method"),
        *("method_declaration", "method_definition", "protocol_function_declaration"),
        *("singleton_method", "type_alias_declaration", "type_spec"),
    }
)


@dataclass(frozen=True, slots=True)
class Definition:
    """One definition."""

    name: str
    line: str
    """Its first line, without what it holds."""
    depth: int
    """0 at the top of the file, 1 in another definition."""


def outline(path: str, data: bytes) -> tuple[Definition, ...]:
    """The main definitions of a file, in their order; none where it can't be read."""
    if len(data) > LARGEST_BYTES or b"\0" in data:
        return ()
    parser = _parser(PurePosixPath(path).suffix.lower())
    if parser is None:
        return ()
    root = parser.parse(data).root_node
    return tuple(islice(_walk(root), MOST_DEFINITIONS))


@cache
def _parser(suffix: str) -> Parser | None:
    if suffix not in _GRAMMARS:
        return None
    module, function = _GRAMMARS[suffix]
    return Parser(Language(getattr(importlib.import_module(module), function)()))


def _walk(root: Node) -> Iterator[Definition]:
    """Definitions in the order of the text, without recursion: a tree may be of any depth."""
    waiting: list[tuple[Node, int]] = [(root, 0)]
    for _ in range(MOST_NODES):
        if not waiting:
            return
        node, depth = waiting.pop()
        # A file's own root is called a module in one language, and is no definition.
        holds = node.type in _HOLDERS and node.parent is not None
        if holds or node.type in _PLAIN:
            name = _name(node)
            if name:
                yield Definition(name, _line(node), depth)
            if not holds or depth + 1 >= _DEEPEST:
                continue
            depth += node.type not in _SPACES
        waiting += [(child, depth) for child in reversed(node.named_children)]


def _line(node: Node) -> str:
    """A definition up to what it holds, on one line."""
    text, body = node.text or b"", node.child_by_field_name("body")
    text = text.partition(b"{")[0] if body is None else text[: body.start_byte - node.start_byte]
    words = " ".join(text[: LINE_CHARACTERS * 4].decode("utf-8", "replace").split())
    return words.rstrip(" {:=;")[:LINE_CHARACTERS]


def _name(node: Node) -> str:
    """A definition's name: its own, C's innermost declarator, or the type that Rust implements."""
    named = node.child_by_field_name("name") or _declared(node) or node.child_by_field_name("type")
    if named is None:
        kinds = ("identifier", "type_identifier", "simple_identifier", "constant")
        named = next((child for child in node.named_children if child.type in kinds), None)
    text = named.text if named is not None else None
    return (text or b"").decode("utf-8", "replace")[:LINE_CHARACTERS]


def _declared(node: Node) -> Node | None:
    """The name within C's declarators, such as a pointer to what a function returns."""
    inner = node.child_by_field_name("declarator")
    while inner is not None and (next_ := inner.child_by_field_name("declarator")) is not None:
        inner = next_
    return inner
