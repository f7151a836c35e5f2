"""The filter of system calls that every cage lays over its commands.

Owns the list of what no build and no test needs: other namespaces, mounts, keyrings, other
processes' memory, and the parts of the kernel that have been broken out of most often. Only
builds the program, in the kernel's classic BPF; the launcher installs it.
"""

import errno
import platform
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

_NUMBERS: Mapping[str, tuple[int | None, int | None]] = {
    "acct": (163, 89),
    "add_key": (248, 217),
    "adjtimex": (159, 171),
    "bpf": (321, 280),
    "chroot": (161, 51),
    "clock_adjtime": (305, 266),
    "clock_settime": (227, 112),
    "clone": (56, 220),
    "clone3": (435, 435),
    "delete_module": (176, 106),
    "fanotify_init": (300, 262),
    "finit_module": (313, 273),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fsopen": (430, 430),
    "fspick": (433, 433),
    "init_module": (175, 105),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "io_uring_setup": (425, 425),
    "ioctl": (16, 29),
    "ioperm": (173, None),
    "iopl": (172, None),
    "kcmp": (312, 272),
    "kexec_file_load": (320, 294),
    "kexec_load": (246, 104),
    "keyctl": (250, 219),
    "mount": (165, 40),
    "mount_setattr": (442, 442),
    "move_mount": (429, 429),
    "mq_open": (240, 180),
    "msgget": (68, 186),
    "open_by_handle_at": (304, 265),
    "open_tree": (428, 428),
    "perf_event_open": (298, 241),
    "personality": (135, 92),
    "pidfd_getfd": (438, 438),
    "pivot_root": (155, 41),
    "prlimit64": (302, 261),
    "process_madvise": (440, 440),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "ptrace": (101, 117),
    "quotactl": (179, 60),
    "quotactl_fd": (443, 443),
    "reboot": (169, 142),
    "request_key": (249, 218),
    "semget": (64, 190),
    "setns": (308, 268),
    "setpgid": (109, 154),
    "setsid": (112, 157),
    "settimeofday": (164, 170),
    "shmget": (29, 194),
    "socket": (41, 198),
    "socketpair": (53, 199),
    "swapoff": (168, 225),
    "swapon": (167, 224),
    "syslog": (103, 116),
    "umount2": (166, 39),
    "unshare": (272, 97),
    "userfaultfd": (323, 282),
    "vhangup": (153, 58),
}
"""The kernel's numbers on x86_64 and aarch64; None: it does not exist there."""

_ABSENT = ("clone3", "io_uring_enter", "io_uring_register", "io_uring_setup")
"""Answered as by a kernel that does not know them, so that libraries take the older way.

The flags of clone3 lie in memory, where no filter can read them.
"""

_WITH_ARGUMENTS = ("clone", "ioctl", "personality", "prlimit64", "socket", "socketpair")
_FOR_THE_LONE = ("mq_open", "msgget", "semget", "setpgid", "setsid", "shmget")

_NEW_NAMESPACES = 0x7E02_0000  # every CLONE_NEW… that clone itself takes
_TERMINAL_INPUT = (0x5412, 0x541C)  # TIOCSTI and TIOCLINUX: typing into the person's terminal
_PERSONALITIES = (0, 0x8, 0x2_0000, 0x2_0008, 0xFFFF_FFFF)  # Linux, 32 bits wide, asking which
_UNIX, _INET, _INET6, _NETLINK = 1, 2, 10, 16
_STREAM, _SEQPACKET, _TYPE_MASK = 1, 5, 0xF

_LOAD, _AND, _RETURN = 0x20, 0x54, 0x06
_IF_EQUAL, _IF_AT_LEAST, _IF_ANY_BIT = 0x15, 0x35, 0x45
_ALLOW, _ERRNO = 0x7FFF_0000, 0x0005_0000
_NUMBER_AT, _ARCHITECTURE_AT, _ARGUMENTS_AT = 0, 4, 16
_X32 = 0x4000_0000  # a second table of numbers, under the same architecture

Step = tuple[int, int, int, int]
"""One instruction: code, how many to skip if true, if false, and its operand."""


@dataclass(frozen=True, slots=True)
class _Machine:
    """A processor whose system calls are known here."""

    audit: int
    column: int
    """Of `_NUMBERS`."""


_MACHINES: Mapping[str, _Machine] = {
    "x86_64": _Machine(0xC000_003E, 0),
    "aarch64": _Machine(0xC000_00B7, 1),
}


def cage_filter(machine: str | None = None) -> bytes | None:
    """The program for a cage that has namespaces of its own.

    Args:
        machine: the processor's name; None: this one's.

    Returns:
        The kernel's `sock_filter` array; None where the processor is not known here.
    """
    return _program(machine, _ordinary_rules())


def lone_filter(*, network: bool, machine: str | None = None) -> bytes | None:
    """The program for a cage without namespaces, which also holds sockets and sessions.

    It takes over what namespaces would hold: no internet unless allowed, no unix socket that
    could reach an agent of the person's, no System V memory, and no leaving the process group,
    so that killing the group kills everything.
    """
    families = (_INET, _INET6, _NETLINK) if network else ()
    rules = {
        **_ordinary_rules(),
        "socket": _allow_only(0, families),
        # A pair of datagram sockets could still send to any path.
        "socketpair": _allow_only(1, (_STREAM, _SEQPACKET), mask=_TYPE_MASK),
        "prlimit64": _allow_only(0, (0,)),
    }
    return _program(machine, {**rules, **{name: [_refuse()] for name in _FOR_THE_LONE}})


def _ordinary_rules() -> dict[str, list[Step]]:
    plain = _NUMBERS.keys() - {*_ABSENT, *_WITH_ARGUMENTS, *_FOR_THE_LONE}
    return {
        **{name: [_refuse()] for name in sorted(plain)},
        **{name: [_refuse(errno.ENOSYS)] for name in _ABSENT},
        "clone": [_argument(0), (_IF_ANY_BIT, 0, 1, _NEW_NAMESPACES), _refuse(), _allow()],
        "ioctl": _refuse_only(1, _TERMINAL_INPUT),
        "personality": _allow_only(0, _PERSONALITIES),
        "socket": _allow_only(0, (_UNIX, _INET, _INET6, _NETLINK)),
    }


def _program(name: str | None, rules: Mapping[str, Sequence[Step]]) -> bytes | None:
    machine = _MACHINES.get(name or platform.machine())
    if machine is None:
        return None
    return b"".join(
        struct.pack("=HBBI", code, if_true, if_false, operand)
        for code, if_true, if_false, operand in _steps(machine, rules)
    )


def _steps(machine: _Machine, rules: Mapping[str, Sequence[Step]]) -> Iterator[Step]:
    """Every rule's body ends in a return, so jumps never lead beyond the next rule."""
    yield (_LOAD, 0, 0, _ARCHITECTURE_AT)
    yield (_IF_EQUAL, 1, 0, machine.audit)
    yield _refuse(errno.ENOSYS)
    yield (_LOAD, 0, 0, _NUMBER_AT)
    yield (_IF_AT_LEAST, 0, 1, _X32)
    yield _refuse(errno.ENOSYS)
    for call, body in rules.items():
        number = _NUMBERS[call][machine.column]
        if number is not None:
            yield (_IF_EQUAL, 0, len(body), number)
            yield from body
    yield _allow()


def _allow_only(argument: int, values: Sequence[int], mask: int | None = None) -> list[Step]:
    masked: list[Step] = [] if mask is None else [(_AND, 0, 0, mask)]
    tests = [step for value in values for step in ((_IF_EQUAL, 0, 1, value), _allow())]
    return [_argument(argument), *masked, *tests, _refuse()]


def _refuse_only(argument: int, values: Sequence[int]) -> list[Step]:
    tests = [step for value in values for step in ((_IF_EQUAL, 0, 1, value), _refuse())]
    return [_argument(argument), *tests, _allow()]


def _argument(number: int) -> Step:
    """Load an argument's lower half, which is all that the kernel reads of those asked here."""
    return (_LOAD, 0, 0, _ARGUMENTS_AT + 8 * number)


def _allow() -> Step:
    return (_RETURN, 0, 0, _ALLOW)


def _refuse(error: int = errno.EPERM) -> Step:
    return (_RETURN, 0, 0, _ERRNO | error)
