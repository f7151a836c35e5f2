"""The layers below bubblewrap, by their data: the filter, Landlock's words, control groups."""

import errno
import os
import struct
import subprocess
from pathlib import Path

import pytest

from longshift.sandbox import landlock, seccomp
from longshift.sandbox.groups import Group, Groups, Version, find_groups, places

ALLOWED = 0x7FFF0000
REFUSED = 0x00050000
INTEL, ARM, INTEL_32 = 0xC000003E, 0xC00000B7, 0x40000003


def answer(program: bytes, architecture: int, number: int, *arguments: int) -> int:
    """What the kernel's machine for such programs would answer."""
    words = (*arguments, *[0] * (6 - len(arguments)))
    data = struct.pack("=IIQ6Q", number, architecture, 0, *words)
    steps = list(struct.iter_unpack("=HBBI", program))
    at, held = 0, 0
    while True:
        code, if_true, if_false, operand = steps[at]
        at += 1
        match code:
            case 0x20:
                held = struct.unpack_from("=I", data, operand)[0]
            case 0x54:
                held &= operand
            case 0x15:
                at += if_true if held == operand else if_false
            case 0x35:
                at += if_true if held >= operand else if_false
            case 0x45:
                at += if_true if held & operand else if_false
            case 0x06:
                return operand
            case _:
                raise AssertionError(f"unknown step {code:#x}")


CALLS = {
    # what: (of x86_64, of aarch64, arguments, in the cage, alone without network)
    "read": (0, 63, (), 0, 0),
    "openat": (257, 56, (), 0, 0),
    "execve": (59, 221, (), 0, 0),
    "clone of a thread": (56, 220, (0x3D0F00,), 0, 0),
    "clone of a user namespace": (56, 220, (0x10000011,), errno.EPERM, errno.EPERM),
    "clone3": (435, 435, (), errno.ENOSYS, errno.ENOSYS),
    "unshare": (272, 97, (0x20000,), errno.EPERM, errno.EPERM),
    "mount": (165, 40, (), errno.EPERM, errno.EPERM),
    "ptrace": (101, 117, (), errno.EPERM, errno.EPERM),
    "keyctl": (250, 219, (), errno.EPERM, errno.EPERM),
    "bpf": (321, 280, (), errno.EPERM, errno.EPERM),
    "io_uring_setup": (425, 425, (), errno.ENOSYS, errno.ENOSYS),
    "ioctl of a terminal's size": (16, 29, (1, 0x5413), 0, 0),
    "ioctl that types": (16, 29, (1, 0x5412), errno.EPERM, errno.EPERM),
    "ioctl that types, in disguise": (16, 29, (1, 0x7_0000_5412), errno.EPERM, errno.EPERM),
    "socket unix": (41, 198, (1, 1), 0, errno.EPERM),
    "socket internet": (41, 198, (2, 1), 0, errno.EPERM),
    "socket internet 6": (41, 198, (10, 2), 0, errno.EPERM),
    "socket netlink": (41, 198, (16, 3), 0, errno.EPERM),
    "socket vsock": (41, 198, (40, 1), errno.EPERM, errno.EPERM),
    "socket packet": (41, 198, (17, 3), errno.EPERM, errno.EPERM),
    "pair of streams": (53, 199, (1, 1 | 0o2000000), 0, 0),
    "pair of datagrams": (53, 199, (1, 2), 0, errno.EPERM),
    "pair of raw sockets, which are datagrams": (53, 199, (1, 3), 0, errno.EPERM),
    "personality asked": (135, 92, (0xFFFFFFFF,), 0, 0),
    "personality changed": (135, 92, (0x400000,), errno.EPERM, errno.EPERM),
    "setsid": (112, 157, (), 0, errno.EPERM),
    "prlimit of itself": (302, 261, (0,), 0, 0),
    "prlimit of another": (302, 261, (77,), 0, errno.EPERM),
    "shmget": (29, 194, (), 0, errno.EPERM),
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(("machine", "column"), [("x86_64", 0), ("aarch64", 1)])
def test_the_filter_answers(call: str, machine: str, column: int) -> None:
    number, arguments = CALLS[call][column], CALLS[call][2]
    architecture = (INTEL, ARM)[column]
    programs = (
        seccomp.cage_filter(machine),
        seccomp.lone_filter(network=False, machine=machine),
    )
    for program, error in zip(programs, CALLS[call][3:], strict=True):
        assert program is not None
        wanted = REFUSED | error if error else ALLOWED
        assert answer(program, architecture, number, *arguments) == wanted


def test_the_filter_knows_no_other_tables_of_numbers() -> None:
    program = seccomp.cage_filter("x86_64")
    assert program is not None
    assert len(program) // 8 < 4096  # the kernel takes no more
    for architecture, number in ((INTEL_32, 3), (ARM, 63), (INTEL, 0x40000000)):
        assert answer(program, architecture, number) == REFUSED | errno.ENOSYS
    assert seccomp.cage_filter("riscv64") is None


@pytest.mark.parametrize(
    ("family", "error"), [(1, errno.EPERM), (2, 0), (10, 0), (40, errno.EPERM)]
)
def test_alone_with_the_network_unix_sockets_stay_closed(family: int, error: int) -> None:
    program = seccomp.lone_filter(network=True, machine="x86_64")
    assert program is not None
    assert answer(program, INTEL, 41, family) == (REFUSED | error if error else ALLOWED)


@pytest.mark.parametrize(
    ("version", "size", "files", "tcp", "scopes"),
    [
        (1, 8, 0x1FFF, None, None),
        (2, 8, 0x3FFF, None, None),
        (3, 8, 0x7FFF, None, None),
        (4, 16, 0x7FFF, 3, None),
        (5, 16, 0xFFFF, 3, None),
        (6, 24, 0xFFFF, 3, 3),
        (7, 24, 0xFFFF, 3, 3),
    ],
)
def test_landlock_asks_only_for_what_the_kernel_knows(
    version: int, size: int, files: int, tcp: int | None, scopes: int | None
) -> None:
    rules = [landlock.Rule("/a:b", landlock.ALL), landlock.Rule("/c", landlock.READ)]
    first, *allowed, last = landlock.words(version, rules, tcp=False)
    attributes = bytes.fromhex(first.removeprefix("ruleset="))
    rights = [int(word.removeprefix("allow=").partition(":")[0]) for word in allowed]

    assert len(attributes) == size
    numbers = [number for (number,) in struct.iter_unpack("=Q", attributes)]
    assert numbers == [each for each in (files, tcp, scopes) if each is not None]
    assert all(right & ~files == 0 for right in rights)
    assert [word.partition(":")[2] for word in allowed] == ["/a:b", "/c"]
    assert last == "restrict="


def test_without_landlock_nothing_is_asked() -> None:
    assert list(landlock.words(0, [landlock.Rule("/", landlock.READ)], tcp=False)) == []


V1 = "30 29 0:26 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory"
V2 = "30 29 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw"
INSIDE = "30 29 0:26 /docker/1 /sys/fs/cgroup rw - cgroup2 cgroup2 rw"
PLACES = {
    "version 1": ("4:memory:/mine\n0::/\n", V1, [("/sys/fs/cgroup/memory/mine", 1)]),
    "version 2": (
        "0::/user.slice/app.slice/x.scope\n",
        V2,
        [
            ("/sys/fs/cgroup/user.slice/app.slice/x.scope", 2),
            ("/sys/fs/cgroup/user.slice/app.slice", 2),
            ("/sys/fs/cgroup/user.slice", 2),
            ("/sys/fs/cgroup", 2),
        ],
    ),
    "a container's part": (
        "0::/docker/1/x\n",
        INSIDE,
        [("/sys/fs/cgroup/x", 2), ("/sys/fs/cgroup", 2)],
    ),
    "somebody else's part": ("0::/elsewhere\n", INSIDE, []),
    "no control groups": ("", "22 1 0:1 / / rw - ext4 /dev/sda rw", []),
}


@pytest.mark.parametrize("case", PLACES)
def test_where_groups_might_be_made(case: str) -> None:
    own, mounts, expected = PLACES[case]

    assert [(str(found.folder), found.version) for found in places(own, mounts)] == expected


@pytest.fixture
def groups() -> Groups:
    found = find_groups()
    if found is None:
        pytest.skip("no control group can be made here")
    return found


def test_groups_of_the_dead_are_removed(groups: Groups) -> None:
    with subprocess.Popen(["true"]) as dead:
        pass
    stale, ours, foreign = (
        groups.folder / name
        for name in (f"longshift-{dead.pid}-1", f"longshift-{os.getpid()}-0", "longshift-x-y")
    )
    for folder in (stale, ours, foreign):
        folder.mkdir()
    try:
        groups.remove_stale()
        assert [stale.exists(), ours.exists(), foreign.exists()] == [False, True, True]
    finally:
        for folder in (ours, foreign):
            Group(folder).remove()


def test_what_still_runs_in_a_group_is_killed_with_it(groups: Groups) -> None:
    group = groups.make(64 << 20, 8)
    door = group.open_door()
    with subprocess.Popen(
        ["/bin/bash", "-c", f"echo 0 >&{door}; echo in; exec cat"],
        pass_fds=[door],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as inside:
        assert inside.stdout is not None
        assert inside.stdout.readline() == b"in\n"
        os.close(door)
        group.remove()
        assert inside.wait() == -9
    assert not group.folder.exists()


@pytest.mark.parametrize("version", [1, 2])
def test_a_plain_folder_is_no_place_for_groups(tmp_path: Path, version: Version) -> None:
    with pytest.raises(FileNotFoundError, match="memory"):
        Groups(tmp_path, version).make(1 << 30, 8)
    assert list(tmp_path.iterdir()) == []
