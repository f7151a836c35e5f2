# System calls are what is tried here, whatever nicer ways there are to them:
# ruff: noqa: PTH101, PTH104, PTH105, PTH108, PTH116, PTH123, PTH208, PTH211, ANN401
"""The list of known ways out of a cage, each harmless where it succeeds.

Owns the ways and nothing of their judgement: `canary` runs them inside before the first command
of a model, and the tests run each outside too, to show that it can succeed. Runs as a program of
its own beside `world.json`, under the bare interpreter, so it imports no other module of
Longshift.

A way succeeds by returning True. What could hurt the machine is never done: a limit is asked
for, a file is opened but not written, signal 0 is sent, and a mount is made in a namespace of
its own. Each way runs in a process of its own that ends with it.
"""

import contextlib
import ctypes
import errno
import fcntl
import hashlib
import json
import mmap
import os
import platform
import resource
import signal
import socket
import stat
import struct
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

_SECONDS_EACH = 2


class World(NamedTuple):
    """What lies outside, to be reached."""

    outside: str
    """A folder with a `secret`, which belongs to whom the command runs as."""

    home: str
    """The person's home; it holds keys and the sockets of agents."""

    shared_memory: str
    """A file in /dev/shm."""

    pid: int
    """A process of the same user, working in `outside`, with `secret` open and a secret
    variable; it leads a process group and a session."""

    secret_fd: int
    """The number at which that process, and Longshift too, hold `secret` open."""

    session: int
    """The session that Longshift belongs to."""

    tcp: int
    """A port of 127.0.0.1 that listens."""

    tcp6: int
    """The same of ::1; 0 where there is no IPv6."""

    udp: int
    """A port of 127.0.0.1 that is bound."""

    abstract: str
    """The end of the names of the abstract sockets."""

    sysv_key: int
    """Of a segment of System V memory; 0: none could be made."""

    host: str
    """The machine's name."""

    accounts: str
    """The digest of the machine's /etc/passwd."""

    memory_bytes: int
    file_bytes: int
    processes: int
    scratch_bytes: int


Attempt = Callable[[World], bool]


class Way(NamedTuple):
    """One way out."""

    name: str
    kind: str
    attempt: Attempt
    root_only: bool
    """Only the machine's root can go it outside."""

    held_alone: bool
    """Whether the cage without namespaces holds it too."""


WAYS: list[Way] = []


def way(kind: str, *, root_only: bool = False, held_alone: bool = True) -> Callable[..., Attempt]:
    """Put a function on the list; its name, with blanks, is the way's."""

    def listed(attempt: Attempt) -> Attempt:
        name = attempt.__name__.replace("_", " ")
        WAYS.append(Way(name, kind, attempt, root_only, held_alone))
        return attempt

    return listed


# Reading


@way("read")
def read_a_file(world: World) -> bool:
    """By its path."""
    return bool(Path(world.outside, "secret").read_bytes())


@way("read")
def read_through_a_symlink(world: World) -> bool:
    """A symlink in the checkout leads out."""
    os.symlink(world.outside, "symlink-to-folder")
    return bool(Path("symlink-to-folder", "secret").read_bytes())


@way("read")
def read_through_a_hard_link(world: World) -> bool:
    """A second name in the checkout."""
    os.link(Path(world.outside, "secret"), "hard-link")
    return bool(Path("hard-link").read_bytes())


@way("read")
def read_by_climbing(world: World) -> bool:
    """Many times `..` from the checkout."""
    return bool(Path(*[".."] * 40, world.outside.lstrip("/"), "secret").read_bytes())


@way("read")
def list_a_folder(world: World) -> bool:
    """Its names alone."""
    return "secret" in os.listdir(world.outside)


@way("read")
def list_the_home(world: World) -> bool:
    """What the person has."""
    return bool(os.listdir(world.home))


@way("read")
def read_the_ssh_key(world: World) -> bool:
    """The person's key."""
    return bool(Path(world.home, ".ssh/id_ed25519").read_bytes())


@way("read")
def read_the_cloud_credentials(world: World) -> bool:
    """The person's key."""
    return bool(Path(world.home, ".aws/credentials").read_bytes())


@way("read")
def read_the_git_credentials(world: World) -> bool:
    """The person's password."""
    return bool(Path(world.home, ".git-credentials").read_bytes())


@way("read")
def read_the_accounts(world: World) -> bool:
    """Who the machine's people are."""
    return hashlib.sha256(Path("/etc/passwd").read_bytes()).hexdigest() == world.accounts


@way("read", root_only=True)
def read_the_passwords(_world: World) -> bool:
    """Their digests."""
    return bool(Path("/etc/shadow").read_bytes())


@way("read")
def read_shared_memory(world: World) -> bool:
    """A file of another program in /dev/shm."""
    return bool(Path(world.shared_memory).read_bytes())


@way("read")
def attach_system_v_memory(world: World) -> bool:
    """Another program's segment."""
    return world.sysv_key != 0 and _libc("shmget", world.sysv_key, 0, 0) >= 0


@way("read")
def read_the_notes_of_the_kernel(_world: World) -> bool:
    """How it was built."""
    os.close(os.open("/sys/kernel/notes", os.O_RDONLY))
    return True


@way("read", root_only=True)
def ask_the_kernel_for_its_log(_world: World) -> bool:
    """Only its size."""
    return _libc("klogctl", 10, None, 0) >= 0


@way("read")
def list_sys(_world: World) -> bool:
    """The machine's devices."""
    return bool(os.listdir("/sys/class"))


@way("read")
def use_an_inherited_file(world: World) -> bool:
    """One that Longshift has open."""
    return os.path.samestat(os.fstat(world.secret_fd), _secret_of(world))


@way("read")
def see_a_secret_variable(_world: World) -> bool:
    """Longshift's environment."""
    return "CANARY_SECRET" in os.environ


@way("read", root_only=True)
def open_by_handle(world: World) -> bool:
    """A file by its inode, past all folders."""
    handle = ctypes.create_string_buffer(struct.pack("Ii", 128, 0) + bytes(128))
    mount = ctypes.c_int()
    folder = os.open(world.outside, os.O_RDONLY)
    _syscall("name_to_handle_at", folder, b"secret", handle, ctypes.byref(mount), 0)
    return _syscall("open_by_handle_at", folder, handle, os.O_RDONLY) >= 0


# Writing


@way("write")
def make_a_file(world: World) -> bool:
    """A new one."""
    Path(world.outside, "made").touch(exist_ok=False)
    return True


@way("write")
def overwrite_a_file(world: World) -> bool:
    """Its first byte, with what it was."""
    handle = os.open(Path(world.outside, "secret"), os.O_RDWR)
    return os.pwrite(handle, os.pread(handle, 1, 0), 0) == 1


@way("write")
def append_through_a_symlink(world: World) -> bool:
    """Nothing is appended; the opening tells."""
    os.symlink(Path(world.outside, "secret"), "symlink-to-file")
    os.close(os.open("symlink-to-file", os.O_WRONLY | os.O_APPEND))
    return True


@way("write")
def rename_a_file(world: World) -> bool:
    """One that is there for that."""
    os.rename(Path(world.outside, "rename-me"), Path(world.outside, "renamed"))
    return True


@way("write")
def delete_a_file(world: World) -> bool:
    """One that is there for that."""
    os.unlink(Path(world.outside, "delete-me"))
    return True


@way("write", held_alone=False)
def change_the_mode_of_a_file(world: World) -> bool:
    """To what it is."""
    os.chmod(Path(world.outside, "secret"), stat.S_IMODE(_secret_of(world).st_mode))
    return True


@way("write", held_alone=False)
def change_the_times_of_a_file(world: World) -> bool:
    """To now."""
    os.utime(Path(world.outside, "secret"))
    return True


@way("write")
def truncate_a_file(world: World) -> bool:
    """To the size that it has; Landlock knows this since its version 3."""
    os.truncate(Path(world.outside, "secret"), _secret_of(world).st_size)
    return True


@way("write")
def swap_a_symlink_in_a_race(world: World) -> bool:
    """A name that is now a file of the checkout, now a way out, opened again and again."""
    Path("innocent").write_text("innocent")
    secret = Path(world.outside, "secret")
    wanted = None
    with contextlib.suppress(OSError):
        wanted = _secret_of(world)
    for turn in range(200):
        os.symlink("innocent" if turn % 2 else secret, "next")
        os.replace("next", "swapped")
        with contextlib.suppress(OSError):
            handle = os.open("swapped", os.O_RDWR)
            seen = os.fstat(handle)
            os.close(handle)
            if wanted is not None and os.path.samestat(seen, wanted):
                return True
    return False


@way("write", root_only=True)
def write_to_the_system(_world: World) -> bool:
    """Asked, not done."""
    return os.access("/usr/bin", os.W_OK)


@way("write", root_only=True)
def write_to_the_settings(_world: World) -> bool:
    """Asked by opening, which changes nothing."""
    os.close(os.open("/etc/passwd", os.O_WRONLY))
    return True


@way("write", root_only=True)
def set_the_core_pattern(_world: World) -> bool:
    """A program that the kernel would run as root; asked, not done."""
    os.close(os.open("/proc/sys/kernel/core_pattern", os.O_WRONLY))
    return True


@way("write", root_only=True)
def drop_the_caches_of_the_machine(_world: World) -> bool:
    """Asked, not done."""
    os.close(os.open("/proc/sys/vm/drop_caches", os.O_WRONLY))
    return True


@way("write", root_only=True)
def let_rights_leak_into_dumps(_world: World) -> bool:
    """Asked, not done."""
    os.close(os.open("/proc/sys/fs/suid_dumpable", os.O_WRONLY))
    return True


@way("write", root_only=True)
def write_to_sys(_world: World) -> bool:
    """Asked by opening, which changes nothing."""
    os.close(os.open("/sys/kernel/profiling", os.O_WRONLY))
    return True


@way("write", root_only=True)
def leave_its_control_group(_world: World) -> bool:
    """Asked, not done."""
    return any(os.access(path, os.W_OK) for path in Path("/sys/fs/cgroup").iterdir())


@way("write", root_only=True)
def make_a_device(_world: World) -> bool:
    """The null device, which harms nobody."""
    os.mknod("device", stat.S_IFCHR | 0o600, os.makedev(1, 3))
    return bool(os.open("device", os.O_WRONLY))


@way("write")
def gain_rights_from_a_program(_world: World) -> bool:
    """Whether set-user-id programs would still give rights."""
    return "NoNewPrivs:\t0" in Path("/proc/self/status").read_text()


# The network


@way("internet")
def connect_by_tcp(world: World) -> bool:
    """To a server of the machine's loopback."""
    return _connects(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", world.tcp))


@way("internet")
def connect_by_tcp_6(world: World) -> bool:
    """The same by IPv6."""
    return _connects(socket.AF_INET6, socket.SOCK_STREAM, ("::1", world.tcp6))


@way("internet")
def connect_by_multipath_tcp(world: World) -> bool:
    """A protocol that filters of TCP forget."""
    return _connects(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", world.tcp), 262)


@way("internet")
def send_by_udp(world: World) -> bool:
    """The second send tells whether anybody took the first."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sending:
        sending.connect(("127.0.0.1", world.udp))
        sending.send(b"first")
        sending.send(b"second")
    return True


@way("internet")
def see_the_interfaces_of_the_machine(_world: World) -> bool:
    """By asking the kernel."""
    return any(name != "lo" for _, name in socket.if_nameindex())


@way("network", root_only=True)
def send_raw_packets(_world: World) -> bool:
    """Below every firewall; none is sent."""
    socket.socket(17, socket.SOCK_RAW, 0).close()
    return True


@way("network", root_only=True)
def send_raw_ip(_world: World) -> bool:
    """None is sent."""
    socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP).close()
    return True


@way("network")
def talk_to_the_hypervisor(_world: World) -> bool:
    """By vsock, which belongs to no network namespace."""
    socket.socket(40, socket.SOCK_STREAM).close()
    return True


def _unix(name: str, path: str, kind: int = socket.SOCK_STREAM) -> None:
    """A way to a unix socket; `path` is below the home, or abstract."""

    def attempt(world: World) -> bool:
        is_abstract = path.startswith("@")
        address = f"\0{path[1:]}{world.abstract}" if is_abstract else f"{world.home}/{path}"
        return _connects(socket.AF_UNIX, kind, address)

    WAYS.append(Way(name, "network", attempt, root_only=False, held_alone=True))


SOCKETS = {
    "connect to a unix socket": "plain.sock",
    "connect to docker": "docker.sock",
    "connect to the ssh agent": "agent.ssh",
    "connect to the gpg agent": ".gnupg/S.gpg-agent",
    "connect to the display X11": ".X11-unix/X0",
    "connect to the display Wayland": "wayland-0",
    "connect to D-Bus": "bus",
    "connect to an abstract socket": "@longshift-canary-",
    "connect to the abstract display": "@/tmp/.X11-unix/X0-",
}
"""Where the stand-ins for the person's agents listen: below the home, or abstract (`@`)."""

for _name, _path in SOCKETS.items():
    _unix(_name, _path)


@way("network")
def send_to_a_unix_datagram_socket(world: World) -> bool:
    """As to the system's log."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sending:
        return sending.sendto(b"x", f"{world.home}/datagrams") == 1


@way("network")
def send_to_a_unix_socket_from_a_pair(world: World) -> bool:
    """A pair of datagram sockets can send elsewhere too."""
    left, right = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with left, right:
        return left.sendto(b"x", f"{world.home}/datagrams") == 1


# Other processes


@way("process")
def send_a_signal(world: World) -> bool:
    """Signal 0, which only asks."""
    os.kill(world.pid, 0)
    return True


@way("process")
def send_a_signal_to_a_group(world: World) -> bool:
    """Signal 0, which only asks."""
    os.killpg(world.pid, 0)
    return True


@way("process")
def send_a_signal_by_descriptor(world: World) -> bool:
    """Signal 0, which only asks."""
    signal.pidfd_send_signal(os.pidfd_open(world.pid), 0)
    return True


@way("process")
def trace_a_process(world: World) -> bool:
    """Seized, not stopped; let go when this process ends."""
    return _syscall("ptrace", 0x4206, world.pid, 0, 0) == 0


@way("process")
def read_the_memory_of_a_process(world: World) -> bool:
    """From an address where nothing is: only the refusal differs."""
    place = (ctypes.c_size_t * 2)(1, 1)
    here = ctypes.create_string_buffer(1)
    ours = (ctypes.c_size_t * 2)(ctypes.addressof(here), 1)
    _syscall("process_vm_readv", world.pid, ours, 1, place, 1, 0, refused=(errno.EFAULT,))
    return True


@way("process")
def open_the_memory_of_a_process(world: World) -> bool:
    """Through /proc."""
    os.close(os.open(f"/proc/{world.pid}/mem", os.O_RDWR))
    return True


@way("process")
def see_the_addresses_of_a_process(world: World) -> bool:
    """Through /proc."""
    return bool(Path(f"/proc/{world.pid}/maps").read_bytes())


@way("process")
def read_the_variables_of_a_process(world: World) -> bool:
    """Through /proc."""
    return b"CANARY_SECRET" in Path(f"/proc/{world.pid}/environ").read_bytes()


@way("process", held_alone=False)
def see_the_command_of_a_process(world: World) -> bool:
    """Through /proc."""
    return bool(Path(f"/proc/{world.pid}/cmdline").read_bytes())


@way("process")
def read_through_the_root_of_a_process(world: World) -> bool:
    """Through /proc."""
    return bool(Path(f"/proc/{world.pid}/root{world.outside}/secret").read_bytes())


@way("process")
def write_through_the_folder_of_a_process(world: World) -> bool:
    """Through /proc."""
    Path(f"/proc/{world.pid}/cwd/made-through-proc").touch(exist_ok=False)
    return True


@way("process")
def read_through_an_open_file_of_a_process(world: World) -> bool:
    """Through /proc."""
    return bool(Path(f"/proc/{world.pid}/fd/{world.secret_fd}").read_bytes())


@way("process")
def steal_an_open_file(world: World) -> bool:
    """A copy of another process's descriptor."""
    return _syscall("pidfd_getfd", os.pidfd_open(world.pid), world.secret_fd, 0) >= 0


@way("process")
def change_the_fate_of_a_process(world: World) -> bool:
    """Whom the kernel kills first when memory runs out: asked by opening."""
    os.close(os.open(f"/proc/{world.pid}/oom_score_adj", os.O_WRONLY))
    return True


@way("process")
def change_the_limits_of_a_process(world: World) -> bool:
    """Asked for only."""
    return bool(resource.prlimit(world.pid, resource.RLIMIT_NOFILE))


@way("process", held_alone=False)
def change_the_priority_of_a_process(world: World) -> bool:
    """To what it is."""
    os.setpriority(os.PRIO_PROCESS, world.pid, os.getpriority(os.PRIO_PROCESS, world.pid))
    return True


@way("process", held_alone=False)
def change_the_processors_of_a_process(world: World) -> bool:
    """To what they are."""
    os.sched_setaffinity(world.pid, os.sched_getaffinity(world.pid))
    return True


@way("process")
def stay_in_the_session_of_the_person(world: World) -> bool:
    """From where a terminal could be typed into."""
    return os.getsid(0) == world.session


@way("process", root_only=True)
def type_into_a_terminal(_world: World) -> bool:
    """Into one that is made for it."""
    ours, theirs = os.openpty()
    del ours
    fcntl.ioctl(theirs, 0x5412, b"x")
    return True


@way("process")
def enter_the_namespaces_of_a_process(world: World) -> bool:
    """Opened, not entered."""
    os.close(os.open(f"/proc/{world.pid}/ns/mnt", os.O_RDONLY))
    return True


# Mounts, namespaces and rights


@way("namespace")
def make_a_user_namespace(_world: World) -> bool:
    """Where everybody is root."""
    return _libc("unshare", _NEW_USER) == 0


@way("namespace")
def make_a_user_namespace_by_clone(_world: World) -> bool:
    """The same for a child."""
    child = _syscall("clone", _NEW_USER | signal.SIGCHLD, 0, 0, 0, 0)
    if child == 0:
        os._exit(0)
    return child > 0


@way("namespace")
def make_a_user_namespace_by_clone3(_world: World) -> bool:
    """The same by the call whose flags no filter can read."""
    arguments = struct.pack("8Q", _NEW_USER, 0, 0, 0, signal.SIGCHLD, 0, 0, 0)
    child = _syscall("clone3", ctypes.create_string_buffer(arguments), len(arguments))
    if child == 0:
        os._exit(0)
    return child > 0


@way("namespace")
def make_a_network_namespace(_world: World) -> bool:
    """With every right over it."""
    return _libc("unshare", _NEW_USER | 0x4000_0000) == 0


@way("namespace")
def mount_a_file_system(_world: World) -> bool:
    """An empty one, in namespaces of its own."""
    _own_mounts()
    return _libc("mount", b"none", b".", b"tmpfs", 0, None) == 0


@way("namespace")
def mount_a_folder_elsewhere(_world: World) -> bool:
    """In namespaces of its own."""
    _own_mounts()
    return _libc("mount", b"/usr", b".", None, 0x1000, None) == 0


@way("namespace")
def mount_by_the_new_calls(_world: World) -> bool:
    """Opened, not mounted, in namespaces of its own."""
    _own_mounts()
    return _syscall("fsopen", b"tmpfs", 0) >= 0


@way("namespace")
def copy_the_tree_of_mounts(_world: World) -> bool:
    """In namespaces of its own."""
    _own_mounts()
    return _syscall("open_tree", -100, b"/", 0x8001) >= 0


@way("namespace", root_only=True)
def unmount_a_file_system(_world: World) -> bool:
    """In namespaces of its own."""
    _own_mounts()
    return _libc("umount2", b"/proc", 2) == 0


@way("namespace", root_only=True)
def make_a_mount_writable(_world: World) -> bool:
    """In namespaces of its own."""
    _own_mounts()
    return _libc("mount", None, b"/", None, 0x1020, None) == 0


@way("namespace", root_only=True)
def change_the_root_folder(_world: World) -> bool:
    """Of this process."""
    os.chroot(".")
    return True


@way("namespace", held_alone=False)
def see_the_name_of_the_machine(world: World) -> bool:
    """Which tells where one is."""
    return platform.node() == world.host


@way("kernel", root_only=True)
def be_root(_world: World) -> bool:
    """Of the machine, with what that gives."""
    status = Path("/proc/self/status").read_text()
    return "CapEff:\t0000000000000000" not in status


@way("kernel", root_only=True)
def load_a_program_into_the_kernel(_world: World) -> bool:
    """bpf: a small table, gone with this process."""
    table = struct.pack("5I", 2, 4, 4, 1, 0) + bytes(100)
    return _syscall("bpf", 0, ctypes.create_string_buffer(table), len(table)) >= 0


@way("kernel")
def count_events_of_the_processor(_world: World) -> bool:
    """perf: this process's own clock."""
    asked = struct.pack("IIQQQQQ", 1, 112, 1, 0, 0, 0, 0b110_0001) + bytes(64)
    return _syscall("perf_event_open", ctypes.create_string_buffer(asked), 0, -1, -1, 0) >= 0


@way("kernel")
def handle_page_faults(_world: World) -> bool:
    """userfaultfd: what slows the kernel down for exploits."""
    return _syscall("userfaultfd", 1) >= 0


@way("kernel")
def queue_calls_past_the_filter(_world: World) -> bool:
    """io_uring."""
    parameters = ctypes.create_string_buffer(120)
    return _syscall("io_uring_setup", 1, parameters) >= 0


@way("kernel")
def use_the_keyring(_world: World) -> bool:
    """Keys belong to no namespace."""
    return _syscall("keyctl", 0, -4, 1) >= 0


@way("kernel")
def watch_the_file_system(_world: World) -> bool:
    """By fanotify."""
    return _syscall("fanotify_init", 0x200, 0) >= 0


@way("kernel")
def change_the_personality(_world: World) -> bool:
    """To one that makes memory executable."""
    return _syscall("personality", 0x40_0000) >= 0


@way("kernel", root_only=True)
def reboot_the_machine(_world: World) -> bool:
    """With a wrong password, which is looked at after the rights."""
    _syscall("reboot", 0, 0, 0, 0, refused=(errno.EINVAL,))
    return True


@way("kernel", root_only=True)
def swap_to_a_file(_world: World) -> bool:
    """To one that is none, which is looked at after the rights."""
    _libc("swapon", b"world.json", 0, refused=(errno.EINVAL, errno.EBUSY))
    return True


@way("kernel", root_only=True)
def set_the_clock(_world: World) -> bool:
    """To a speed that can't be, which is looked at after the rights."""
    asked = ctypes.create_string_buffer(struct.pack("I", 0x4000), 256)
    _syscall("adjtimex", asked, refused=(errno.EINVAL,))
    return True


# Limits: a small one must bite, so none needs to be exhausted


@way("limit")
def start_processes_without_limit(world: World) -> bool:
    """The limit is asked for; a test with a small one sees it bite."""
    limit = resource.getrlimit(resource.RLIMIT_NPROC)[1]
    return limit == resource.RLIM_INFINITY or limit > world.processes + 4096


@way("limit")
def take_memory_without_limit(world: World) -> bool:
    """Reserved, never touched."""
    wanted = world.memory_bytes + (64 << 20)
    mmap.mmap(-1, wanted, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x4000).close()
    return True


@way("limit")
def write_a_file_without_limit(world: World) -> bool:
    """One byte far behind the end, which takes no room."""
    with open("sparse", "wb") as file:
        return os.pwrite(file.fileno(), b"x", world.file_bytes + 1) == 1


@way("limit")
def compute_without_limit(_world: World) -> bool:
    """The limit is asked for."""
    return resource.getrlimit(resource.RLIMIT_CPU)[1] == resource.RLIM_INFINITY


@way("limit", held_alone=False)
def fill_the_temporary_folder(world: World) -> bool:
    """Its size is asked for."""
    seen = os.statvfs("/tmp")  # noqa: S108 - the cage's own, or the machine's to compare
    return seen.f_blocks * seen.f_frsize > world.scratch_bytes


@way("limit", root_only=True)
def run_before_everybody(_world: World) -> bool:
    """A better priority, for this process alone."""
    os.nice(-1)
    return True


_NEW_USER, _NEW_MOUNTS, _PRIVATE = 0x1000_0000, 0x2_0000, 0x4_4000

_NUMBERS = {
    "adjtimex": (159, 171),
    "bpf": (321, 280),
    "clone": (56, 220),
    "clone3": (435, 435),
    "fanotify_init": (300, 262),
    "fsopen": (430, 430),
    "io_uring_setup": (425, 425),
    "keyctl": (250, 219),
    "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
    "open_tree": (428, 428),
    "perf_event_open": (298, 241),
    "personality": (135, 92),
    "pidfd_getfd": (438, 438),
    "process_vm_readv": (310, 270),
    "ptrace": (101, 117),
    "reboot": (169, 142),
    "userfaultfd": (323, 282),
}
"""On x86_64 and aarch64."""


def _syscall(name: str, *arguments: Any, refused: Sequence[int] = ()) -> int:
    number = _NUMBERS[name][platform.machine() == "aarch64"]
    return _libc("syscall", number, *arguments, refused=refused)


def _libc(name: str, *arguments: Any, refused: Sequence[int] = ()) -> int:
    """Call the kernel; an error in `refused` comes after the rights and counts as let through."""
    function = getattr(ctypes.CDLL(None, use_errno=True), name)
    function.restype = ctypes.c_long if name == "syscall" else ctypes.c_int
    wide = [ctypes.c_long(each) if isinstance(each, int) else each for each in arguments]
    answer: int = function(*wide)
    if answer != -1:
        return answer
    if ctypes.get_errno() in refused:
        return 0
    raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def _own_mounts() -> None:
    """Namespaces of its own first, so that nothing outside is changed where this succeeds."""
    flags = _NEW_MOUNTS if os.geteuid() == 0 else _NEW_USER | _NEW_MOUNTS
    _libc("unshare", flags)
    _libc("mount", b"none", b"/", None, _PRIVATE, None)


def _connects(family: int, kind: int, address: Any, protocol: int = 0) -> bool:
    with socket.socket(family, kind, protocol) as connecting:
        connecting.settimeout(1)
        connecting.connect(address)
    return True


def _secret_of(world: World) -> os.stat_result:
    return os.stat(Path(world.outside, "secret"))


def _went(candidate: Way, world: World) -> str:
    """Go one way in a process of its own: `out`, or why not."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        signal.alarm(_SECONDS_EACH)
        try:
            word = "out" if candidate.attempt(world) else "held: nothing there"
        except BaseException as error:  # noqa: BLE001 - whatever stopped it, it did not get out
            word = f"held: {error}"
        os.write(writing, word.encode(errors="replace")[:500])
        os._exit(0)
    os.close(writing)
    with open(reading, "rb") as answer:
        word = answer.read().decode(errors="replace").replace("\n", " ")
    os.waitpid(child, 0)
    return word or "held: it was killed"


def main() -> None:
    """Go every way, and say of each by its number how it went."""
    world = World(**json.loads(Path("world.json").read_text(encoding="utf-8")))
    for number, candidate in enumerate(WAYS):
        sys.stdout.write(f"way {number} {_went(candidate, world)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
