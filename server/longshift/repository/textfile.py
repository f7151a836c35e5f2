"""A file's bytes as a model reads and writes them: text, with its conventions kept.

Pure. Owns what is kept of a file when its text changes: encoding, byte order mark, line ends.
"""

from dataclasses import dataclass
from typing import Final, Literal

from longshift.errors import TellModel
from longshift.repository.files import is_binary

BOM: Final = b"\xef\xbb\xbf"

Newline = Literal["\n", "\r\n", "mixed"]


@dataclass(frozen=True, slots=True)
class TextFile:
    r"""A text and how it is stored.

    Attributes:
        text: the content, each line with its own line end, without the byte order mark.
        encoding: UTF-8, or Latin-1 for what is no UTF-8 (every byte survives either way).
        has_bom: whether it opens with a UTF-8 byte order mark.
        newline: how its lines end; `"\n"` also for a text of one line without an end.
    """

    text: str
    encoding: Literal["utf-8", "latin-1"] = "utf-8"
    has_bom: bool = False
    newline: Newline = "\n"

    def adapt(self, text: str) -> str:
        """Give a text in this file's line ends, where they are of one kind."""
        return text.replace("\r\n", "\n").replace("\n", "\r\n") if self.newline == "\r\n" else text

    def encode(self, text: str) -> bytes:
        """Store a text as this file is stored; as UTF-8 where Latin-1 lacks a letter.

        Raises:
            TellModel: the text holds lone surrogates, which no file can.
        """
        if self.encoding == "latin-1":
            try:
                return text.encode("latin-1")
            except UnicodeEncodeError:
                pass
        try:
            data = text.encode("utf-8")
        except UnicodeEncodeError as error:
            raise TellModel("text_with_surrogate", at=error.start) from None
        return BOM + data if self.has_bom and not data.startswith(BOM) else data


def decode(data: bytes) -> TextFile | None:
    """Read bytes as text; None for binary content."""
    if is_binary(data):
        return None
    has_bom = data.startswith(BOM)
    body = data[len(BOM) :] if has_bom else data
    try:
        return TextFile(body.decode("utf-8"), "utf-8", has_bom, _newline(body))
    except UnicodeDecodeError:
        return TextFile(data.decode("latin-1"), "latin-1", False, _newline(data))


def _newline(data: bytes) -> Newline:
    ends = data.count(b"\n")
    with_return = data.count(b"\r\n")
    if not with_return:
        return "\n"
    return "\r\n" if with_return == ends else "mixed"
