"""Whether a stranger's text lies fenced in what a model was sent."""

import json
import re
from collections.abc import Iterable, Mapping

from longshift.screening.hidden import find_hidden

_BLOCK = re.compile(r"^```json longshift\n(.*)\n```$", re.MULTILINE)
_DATA = re.compile(r'^<data source="[^"\n]*">\n.*?\n</data>$', re.MULTILINE | re.DOTALL)
_TAG = re.compile(r"[<\uff1c\ufe64]\s*[/\uff0f]?\s*data\b", re.IGNORECASE)
_OPENING = re.compile(r"(?:```|~~~)\s*json\s+longshift", re.IGNORECASE)
_QUOTATION = re.compile(r"^>.*$", re.MULTILINE)
_STRING = re.compile(r'"(?:[^"\\\n]|\\.)*"')


def out_of_fences(messages: Iterable[Mapping[str, object]], marker: str) -> list[str]:
    """What is wrong in the messages of one request: a marker that stands bare, a fence broken.

    An assistant's messages are the model's own words, which it is only reminded of.
    """
    wrong: list[str] = []
    for message in messages:
        role, content = message["role"], str(message.get("content") or "")
        if role == "system" and marker in content:
            wrong.append(f"the system prompt holds it: {_around(content, marker)}")
        if role == "user":
            wrong += _broken_message(content, marker)
        if role == "tool":
            wrong += _broken_result(content)
    return wrong


def _broken_message(content: str, marker: str) -> list[str]:
    wrong = [f"hidden in a message: {one.name}" for one in find_hidden(content)]
    for block in _BLOCK.findall(content):
        json.loads(block)  # one object on one line, whatever it holds
        if _TAG.search(block):
            wrong.append("a tag of data stands in the machine block")
    blocks = _DATA.findall(content)
    wrong += [f"this ends early: {one[:300]}" for one in blocks if len(_TAG.findall(one)) != 2]
    rest = _BLOCK.sub("", content)
    rest = _QUOTATION.sub("", _DATA.sub("", rest))
    if _TAG.search(rest):
        wrong.append(f"a tag of data stands alone: {rest}")
    if _OPENING.search(_BLOCK.sub("", content, count=1)):
        wrong.append("a second machine block opens")
    bare = _STRING.sub("", rest)
    if marker in bare:
        wrong.append(f"it stands bare: {_around(bare, marker)}")
    return wrong


def _broken_result(content: str) -> list[str]:
    wrong = [f"hidden in a result: {one.name}" for one in find_hidden(content)]
    if not isinstance(json.loads(content), dict):
        wrong.append("a result is no JSON object")
    if _TAG.search(content) or _OPENING.search(content):
        wrong.append(f"a result imitates a fence: {content[:300]}")
    return wrong


def _around(text: str, marker: str) -> str:
    place = text.index(marker)
    return text[max(0, place - 80) : place + 80]
