"""What of a text can run: without what is commented out over several lines, or under `if (false)`.

Owns blanking it, each line where it was, in the languages that write comments as C does. Pure;
what is not closed is left as it is.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from posixpath import splitext
from typing import Final

from longshift.crew.gates.languages import BY_SUFFIX
from longshift.engine.checking.hacks.shape import Change

LARGEST: Final = 500_000
_STRINGS: Final = (
    r"\"(?:\\.|[^\"\\\n])*\"?|'(?:\\.|[^'\\\n])*'?",
    r"\"(?:\\[\s\S]|[^\"\\])*\"?|'(?:\\[^\n]{1,10}|[^'\\\n])'",
)
"""Texts in quotes, of most languages, and of Rust: there they go on, and a lone `'` is no quote."""
_SPAN, _RUST_SPAN = (
    re.compile(rf"{raw}(?P<text>{strings})|//[^\n]*|`|(?<![^\s;{{}}(),])/\*")
    for raw, strings in zip(("", r"(?<!\w)[bc]?r#{0,255}\"|"), _STRINGS, strict=True)
)
"""Of Rust also what opens a raw text, in which a `\\` is nothing else."""
_NEVER: Final = re.compile(
    r"\bif\s{0,80}(?:\(\s{0,80}(?:false|0|!1|!true)\s{0,80}\)|false)\s{0,80}\{"
)
_BRACE: Final = re.compile(r"[{}]")


def live(one: Change) -> Change:
    """A file that differs, with what of both its texts can run."""
    old = one.old if one.old is None else live_text(one.old_path or one.path, one.old)
    new = one.new if one.new is None else live_text(one.path, one.new)
    return replace(one, old=old, new=new)


def live_text(path: str, text: str) -> str:
    """A text, blank where nothing can run."""
    suffix = splitext(path)[1].lower()
    language = BY_SUFFIX.get(suffix)
    if language is None or "//" not in language.comment or len(text) > LARGEST:
        return text
    if "/*" not in text and not _NEVER.search(text):
        return text
    spans = list(_spans(text, is_rust=suffix == ".rs"))
    kept = _blanked(text, [(start, end) for start, end, is_comment in spans if is_comment])
    code = _blanked(text, [(start, end) for start, end, _ in spans])
    return _blanked(kept, list(_never(code)))


def _spans(text: str, *, is_rust: bool) -> Iterator[tuple[int, int, bool]]:
    """What is no code: texts, and with a mark comments over several lines."""
    pattern, at = _RUST_SPAN if is_rust else _SPAN, 0
    while found := pattern.search(text, at):
        at, said = found.end(), found.group()
        if said[0] == "`":
            at = _end_of_template(text, at)
        elif said == "/*":
            at = _behind(text, "*/", at)
        elif said[0] in "bcr":
            at = _behind(text, f'"{"#" * said.count("#")}', at)
        if at < 0:
            return
        yield found.start(), at, said == "/*"


def _behind(text: str, mark: str, at: int) -> int:
    """Behind the next such mark; -1 where there is none."""
    end = text.find(mark, at)
    return end if end < 0 else end + len(mark)


def _end_of_template(text: str, at: int) -> int:
    while (end := _behind(text, "`", at)) >= 0 and text[end - 2] == "\\":
        at = end
    return end


def _never(code: str) -> Iterator[tuple[int, int]]:
    """What stands within the braces of a condition that is never met."""
    at = 0
    while found := _NEVER.search(code, at):
        depth = 1
        for brace in _BRACE.finditer(code, found.end()):
            depth += 1 if brace.group() == "{" else -1
            if not depth:
                yield found.end(), brace.start()
                at = brace.end()
                break
        else:
            return


def _blanked(text: str, spans: list[tuple[int, int]]) -> str:
    parts: list[str] = []
    at = 0
    for start, end in spans:
        parts += [text[at:start], _NOT_A_BREAK.sub(" ", text[start:end])]
        at = end
    return "".join([*parts, text[at:]])


_NOT_A_BREAK: Final = re.compile(r"[^\r\n\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
"""Lines are counted by all of these."""
