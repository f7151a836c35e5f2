"""Writing many objects as one pack, in git's own form.

A landing of its own costs about six files; a group of them costs two, and one wait for the disk.
Owns the form of a pack and of its index. Must never look into what it writes, nor take a pack away:
git's own repack does, and leaves those that are marked as kept.
"""

import hashlib
import os
import struct
import tempfile
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Final, NamedTuple

from longshift.repository.loose import Kind, object_id

DRAFT: Final = "tmp_pack_"
"""How the name of a half-written pack begins, as git's own do."""
KEPT: Final = ".keep"
"""The mark of a pack whose objects no ref leads to yet; git's repack leaves it as it is."""

_CODES: Final[dict[Kind, int]] = {"commit": 1, "tree": 2, "blob": 3, "tag": 4}
_HEADER: Final = struct.Struct(">4sII")
_START: Final = b"\377tOc" + struct.pack(">I", 2)
_FAN_OUT: Final = struct.Struct(">256I")
_IDS_AT: Final = len(_START) + _FAN_OUT.size
_LEVEL: Final = 1
"""Quick rather than small: the next repack packs it well."""
_MOST_HELD: Final = 64 * 1024 * 1024
"""Bytes of objects in memory, from which on they had better be written."""


class _Packed(NamedTuple):
    """One object in a pack: its id, the checksum of its packed bytes, and where they begin."""

    oid: bytes
    crc: int
    offset: int


class Gathering:
    """Objects that are in memory until they are written together. For one thread."""

    def __init__(self) -> None:
        self._objects: dict[str, tuple[Kind, bytes]] = {}
        self._size = 0

    @property
    def is_full(self) -> bool:
        """Whether they had better be written now."""
        return self._size >= _MOST_HELD

    def add(self, kind: Kind, data: bytes) -> str:
        """Take an object in; gives its id."""
        oid = object_id(kind, data)
        if oid not in self._objects:
            self._objects[oid] = kind, data
            self._size += len(data)
        return oid

    def find(self, oid: str) -> bytes | None:
        """An object's content; None where it is not among them."""
        found = self._objects.get(oid)
        return found[1] if found else None

    def write(self, folder: Path) -> Path | None:
        """Write them all as one pack, durable when it returns, and forget them.

        Args:
            folder: `objects/pack` of a repository.

        Returns:
            The file that marks the pack as kept, to be removed once a ref leads to its objects;
            None where there was nothing to write.
        """
        if not self._objects:
            return None
        body, packed = _packed(self._objects.items())
        trailer = hashlib.sha1(body, usedforsecurity=False).digest()
        folder.mkdir(parents=True, exist_ok=True)
        place = folder / f"pack-{trailer.hex()}.pack"
        kept = place.with_suffix(KEPT)
        kept.touch()
        _put(place, body + trailer)
        _put(place.with_suffix(".idx"), _index(packed, trailer))  # last: git sees the pack by it
        self._objects.clear()
        self._size = 0
        return kept


class PackedIds:
    """The ids of all objects in a folder's packs, as they are at this moment."""

    def __init__(self, folder: Path) -> None:
        """Read the indexes below `objects/pack` of a repository; there may be none."""
        self._indexes = [
            index for place in folder.glob("*.idx") if (index := place.read_bytes())[:8] == _START
        ]

    def __contains__(self, oid: str) -> bool:
        """Whether an object, by its hexadecimal id, is in one of the packs."""
        wanted = bytes.fromhex(oid)
        return any(_is_in(index, wanted) for index in self._indexes)


def _is_in(index: bytes, oid: bytes) -> bool:
    """Look an id up: how many begin with each byte or a lower one stands first, then all ids."""
    counts = _FAN_OUT.unpack_from(index, len(_START))
    low = counts[oid[0] - 1] if oid[0] else 0
    ids = _IDS_AT + low * len(oid), _IDS_AT + counts[oid[0]] * len(oid)
    at = index.find(oid, *ids)
    while at != -1 and (at - _IDS_AT) % len(oid):
        at = index.find(oid, at + 1, ids[1])
    return at != -1


def _packed(objects: Iterable[tuple[str, tuple[Kind, bytes]]]) -> tuple[bytes, list[_Packed]]:
    listed = list(objects)
    parts = [_HEADER.pack(b"PACK", 2, len(listed))]
    packed: list[_Packed] = []
    offset = len(parts[0])
    for oid, (kind, data) in listed:
        part = _object_header(_CODES[kind], len(data)) + zlib.compress(data, _LEVEL)
        packed.append(_Packed(bytes.fromhex(oid), zlib.crc32(part), offset))
        parts.append(part)
        offset += len(part)
    return b"".join(parts), packed


def _object_header(code: int, size: int) -> bytes:
    """An object's kind and size: four bits of the size, then seven a byte, lowest first."""
    header = bytearray()
    byte, size = (code << 4) | (size & 15), size >> 4
    while size:
        header.append(byte | 0x80)
        byte, size = size & 0x7F, size >> 7
    header.append(byte)
    return bytes(header)


def _index(packed: list[_Packed], trailer: bytes) -> bytes:
    """The index of a pack, in version 2: ids in order, checksums, offsets."""
    ordered = sorted(packed)
    counts = [0] * 256
    for one in ordered:
        counts[one.oid[0]] += 1
    for first in range(1, 256):
        counts[first] += counts[first - 1]
    number = len(ordered)
    raw = b"".join(
        [
            _START,
            _FAN_OUT.pack(*counts),
            *(one.oid for one in ordered),
            struct.pack(f">{number}I", *(one.crc for one in ordered)),
            struct.pack(f">{number}I", *(one.offset for one in ordered)),
            trailer,
        ]
    )
    return raw + hashlib.sha1(raw, usedforsecurity=False).digest()


def _put(place: Path, data: bytes) -> None:
    """Let a file appear whole, on the disk, and read-only as git's are."""
    handle, draft = tempfile.mkstemp(prefix=DRAFT, dir=place.parent)
    with open(handle, "wb") as file:  # noqa: PTH123 -- a descriptor, not a path
        file.write(data)
        file.flush()
        os.fchmod(handle, 0o444)
        os.fsync(handle)
    Path(draft).replace(place)
