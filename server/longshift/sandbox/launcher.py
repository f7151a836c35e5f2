"""The first process of every cage: gives up what it was told to, then runs the command.

Owns no policy: `confinement` says in words what to give up, and the order is theirs. Runs as a
program of its own, without the rest of Longshift, under the bare interpreter (`-I -S`), because
each import would cost every command milliseconds. So it uses `_ctypes`, which is what the module
ctypes is made of, and neither `os` nor `struct`. Fails closed: a word that can't be done ends it
before the command, and the line that says "confined" is then never written.

It stays as the command's parent. In a cage with processes of its own it is process 1: its end
is the end of everything in the cage.
"""

import _ctypes
import _signal  # type: ignore[import-not-found]
import posix
import sys

_libc = _ctypes.dlopen(None, 0)  # type: ignore[arg-type]
_syscall = _ctypes.dlsym(_libc, "syscall")
_prctl = _ctypes.dlsym(_libc, "prctl")
_fcntl = _ctypes.dlsym(_libc, "fcntl")

_ADD_RULE, _RESTRICT_SELF, _CREATE_RULESET = 445, 446, 444  # the same on every processor
_PRLIMIT = {"x86_64": 302, "aarch64": 261}
_SET_SECCOMP, _NO_NEW_PRIVILEGES = 22, 38
_SET_OWNER, _SET_FLAGS, _ASYNC = 8, 4, 0o20000  # of fcntl
_SECCOMP_FILTER = 2
_PATH_ONLY = 0o10000000  # O_PATH
_FILE_RIGHTS = 0b1100_0000_0000_0111  # those of Landlock that a rule for a file may give
_IS_FOLDER = 0o040000


class _Byte(_ctypes._SimpleCData):  # type: ignore[type-arg]  # noqa: SLF001 - as above
    _type_ = "c"


class _Launcher:
    """What has been made so far."""

    def __init__(self) -> None:
        self.ruleset = -1

    def user(self, value: str) -> None:
        """Become an ordinary user, for good: `uid:gid`."""
        uid, gid = map(int, value.split(":"))
        posix.setgroups([])
        posix.setresgid(gid, gid, gid)
        posix.setresuid(uid, uid, uid)

    def life(self, value: str) -> None:
        """End with everything once nobody holds the other end of a pipe: Longshift has ended."""
        handle = int(value)
        _signal.signal(_signal.SIGIO, _end_everything)
        posix.set_inheritable(handle, False)
        _call("watch on Longshift", _fcntl, handle, _SET_OWNER, posix.getpid())
        _call("watch on Longshift", _fcntl, handle, _SET_FLAGS, _ASYNC | posix.O_NONBLOCK)
        try:
            posix.read(handle, 1)
        except BlockingIOError:
            return  # it lives
        raise OSError("Longshift ended before its command began")

    def limit(self, value: str) -> None:
        """Hold this process and its children to a limit: `resource:amount`."""
        resource, amount = map(int, value.split(":"))
        both = amount.to_bytes(8, sys.byteorder) * 2
        _call("prlimit", _syscall, _PRLIMIT[posix.uname().machine], 0, resource, both, None)

    def folder(self, value: str) -> None:
        """Work in a folder."""
        posix.chdir(value)

    def ruleset_of(self, value: str) -> None:
        """Begin a Landlock ruleset from the kernel's structure, in hexadecimal."""
        attributes = bytes.fromhex(value)
        self.ruleset = _call("ruleset", _syscall, _CREATE_RULESET, attributes, len(attributes), 0)

    def allow(self, value: str) -> None:
        """Allow rights below a path: `rights:path`. One that can't be reached needs none."""
        rights, _, path = value.partition(":")
        try:
            handle = posix.open(path, _PATH_ONLY | posix.O_CLOEXEC)
        except (FileNotFoundError, NotADirectoryError, PermissionError):
            return
        is_folder = posix.fstat(handle).st_mode & 0o170000 == _IS_FOLDER
        given = int(rights) if is_folder else int(rights) & _FILE_RIGHTS
        rule = given.to_bytes(8, sys.byteorder) + handle.to_bytes(4, sys.byteorder)
        _call(f"rule for {path}", _syscall, _ADD_RULE, self.ruleset, 1, rule, 0)
        posix.close(handle)

    def restrict(self, _value: str) -> None:
        """Put the Landlock ruleset in force."""
        self.renounce("")
        _call("restriction", _syscall, _RESTRICT_SELF, self.ruleset, 0)
        posix.close(self.ruleset)

    def renounce(self, _value: str) -> None:
        """Never gain rights from set-user-id programs."""
        _call("no_new_privs", _prctl, _NO_NEW_PRIVILEGES, 1, 0, 0, 0)

    def filter(self, value: str) -> None:
        """Put a filter of system calls in force: its BPF program, in hexadecimal."""
        self.renounce("")
        program = bytes.fromhex(value)
        held = (_Byte * len(program)).from_buffer_copy(program)
        length, address = len(program) // 8, _ctypes.addressof(held)
        packed = length.to_bytes(8, sys.byteorder) + address.to_bytes(8, sys.byteorder)
        _call("filter", _prctl, _SET_SECCOMP, _SECCOMP_FILTER, packed, 0, 0)

    def enter(self, value: str) -> None:
        """Enter a control group through an inherited descriptor."""
        posix.write(int(value), b"0")
        posix.close(int(value))

    def tell(self, value: str) -> None:
        """Say through an inherited descriptor that all that came before was done."""
        posix.write(int(value), b'{"confined": 1}\n')
        posix.close(int(value))


def _end_everything(*_: object) -> None:
    posix.killpg(0, _signal.SIGKILL)
    posix._exit(128 + _signal.SIGKILL)  # noqa: SLF001 - process 1 is deaf to its own signals


def _call(what: str, function: int, *arguments: "int | bytes | None") -> int:
    answer: int = _ctypes.call_function(function, arguments)
    if answer < 0:
        raise OSError(f"the kernel refused the {what}")
    return answer


def main(arguments: "list[str]") -> int:
    """Do each word, then run what stands after `--`; returns its status as a shell tells it."""
    launcher = _Launcher()
    steps = {
        "user": launcher.user,
        "life": launcher.life,
        "limit": launcher.limit,
        "folder": launcher.folder,
        "ruleset": launcher.ruleset_of,
        "allow": launcher.allow,
        "restrict": launcher.restrict,
        "renounce": launcher.renounce,
        "filter": launcher.filter,
        "enter": launcher.enter,
        "tell": launcher.tell,
    }
    end = arguments.index("--")
    for word in arguments[:end]:
        verb, _, value = word.partition("=")
        steps[verb](value)
    command = arguments[end + 1 :]
    # The interpreter ignores some signals, and children would inherit that.
    ignored = [_signal.SIGPIPE, _signal.SIGXFSZ]
    child = posix.posix_spawn(command[0], command, posix.environ, setsigdef=ignored)
    while True:
        ended, status = posix.waitpid(-1, 0)  # orphans too: nobody else collects them
        if ended == child:
            code = posix.waitstatus_to_exitcode(status)
            return 128 - code if code < 0 else code


if __name__ == "__main__":
    try:
        posix._exit(main(sys.argv[1:]))  # noqa: SLF001 - the interpreter's own end costs 2 ms
    except OSError as error:
        posix.write(2, f"the launcher of the sandbox: {error}\n".encode())
        posix._exit(125)  # noqa: SLF001
