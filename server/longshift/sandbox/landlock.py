"""Landlock: what a process has forbidden itself, in the kernel's terms.

Owns the numbers of Landlock's rights and which of them which kernel knows. Restricts nothing
itself: it says in the launcher's words what the launcher is to do.
"""

import ctypes
import struct
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_CREATE_RULESET = 444  # the same on every processor
_ASK_VERSION = 1

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_REFER, _TRUNCATE, _IOCTL_DEV = 1 << 13, 1 << 14, 1 << 15
_FIRST_RIGHTS = (1 << 13) - 1
_RIGHTS_SINCE = {2: _REFER, 3: _TRUNCATE, 5: _IOCTL_DEV}
_TCP = 0b11  # bind and connect
_TCP_SINCE = 4
_SCOPES = 0b11  # abstract unix sockets and signals
SCOPES_SINCE = 6
"""From this version on, abstract sockets and processes outside are out of reach."""

LIST = _READ_DIR
"""Seeing the names in folders, but not what the files hold."""

READ = _EXECUTE | _READ_FILE | _READ_DIR
"""Reading and running."""

DEVICE = _READ_FILE | _WRITE_FILE | _READ_DIR | _IOCTL_DEV
"""Using devices that stand already."""

ALL = _FIRST_RIGHTS | _REFER | _TRUNCATE
"""Everything that can be done to files; devices can't be made without capabilities anyway."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What is allowed below a path; what no rule allows is forbidden."""

    path: str
    rights: int


def kernel_version() -> int:
    """Landlock's version in the running kernel; 0: it has none, or it is switched off."""
    if sys.platform != "linux":
        return 0
    libc = ctypes.CDLL(None)
    answer: int = libc.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), _ASK_VERSION)
    return max(0, answer)


def words(version: int, rules: Sequence[Rule], *, tcp: bool) -> Iterator[str]:
    """What the launcher must be told to restrict itself; nothing where there is no Landlock.

    Args:
        version: the kernel's; rights that it does not know are left out.
        rules: a path that does not exist is passed over.
        tcp: whether TCP stays as it is; False closes it where the kernel can.
    """
    if version == 0:
        return
    known = _FIRST_RIGHTS
    for since, right in _RIGHTS_SINCE.items():
        known |= right if version >= since else 0
    attributes = struct.pack("=Q", known)
    if version >= _TCP_SINCE:
        attributes += struct.pack("=Q", 0 if tcp else _TCP)
    if version >= SCOPES_SINCE:
        attributes += struct.pack("=Q", _SCOPES)
    yield f"ruleset={attributes.hex()}"
    for rule in rules:
        yield f"allow={rule.rights & known}:{rule.path}"
    yield "restrict="
