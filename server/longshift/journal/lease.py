"""Ownership of one repository: at most one process drives its runs.

Owns `owner.lock`, whose lock is the ownership, and `owner.json`, which says who has it and where
its door is. The lock is the only truth: the record is read only while the lock is held by another.
Must never decide by a process id or by a file's age, since both outlive their owner.
"""

import contextlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from pydantic import BaseModel, ConfigDict, ValidationError

import longshift
from longshift.errors import NeedsPerson
from longshift.journal import locks

LOCK_NAME: Final = "owner.lock"
GUARD_NAME: Final = "owner.guard"
"""Held for the moment in which lock and record change or are looked at together."""
RECORD_NAME: Final = "owner.json"


@dataclass(frozen=True)
class OwnerAlive:
    """Another process owns the repository; commands go to its `address`.

    Attributes:
        pid: its process id; 0 where its record can't be read.
        address: what `ControlClient.connect` takes; None while it has not opened its door.
        started: when it took ownership.
        version: of its Longshift.
    """

    pid: int
    address: str | None
    started: datetime
    version: str


class Lease:
    """The ownership of one repository, until `release` or the process's death."""

    def __init__(self, state_dir: Path, descriptor: int, started: datetime) -> None:
        """Hold what `acquire` has taken."""
        self._state_dir = state_dir
        self._descriptor: int | None = descriptor
        self._started = started

    @classmethod
    def acquire(
        cls, state_dir: Path, *, clock: Callable[[], datetime] | None = None
    ) -> "Lease | OwnerAlive":
        """Take the ownership, or learn who has it. Does not wait for an owner.

        Args:
            state_dir: the repository's state folder; made, for its user alone, where missing.
            clock: for the record's `started`; None: the system's.

        Raises:
            NeedsPerson: the folder can't be written.
        """
        try:
            state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            with _guarded(state_dir):
                descriptor = _lock_present_file(state_dir / LOCK_NAME)
                if descriptor is None:
                    return _read_record(state_dir)
                try:
                    lease = cls(state_dir, descriptor, clock() if clock else datetime.now(UTC))
                    lease._write_record(None)
                except BaseException:
                    os.close(descriptor)  # or this process would own without knowing it
                    raise
                return lease
        except OSError as error:
            raise NeedsPerson(
                f"Ownership of the repository could not be taken at {state_dir} "
                f"({error.strerror or error}). Nothing was started. Check the folder's permissions "
                "and the disk's space, then try again."
            ) from error

    def announce(self, address: str) -> None:
        """Tell other processes where this owner's door is.

        Raises:
            NeedsPerson: the state folder was deleted, and with it the ownership.
        """
        with contextlib.suppress(FileNotFoundError), _guarded(self._state_dir):
            if self.is_held():
                self._write_record(address)
                return
        raise NeedsPerson(
            f"The state folder {self._state_dir} was deleted while this process owned the "
            "repository, and its runs with it. End this process and start again."
        )

    def is_held(self) -> bool:
        """Whether this is still the ownership: False once released, or the folder was deleted."""
        if self._descriptor is None:
            return False
        return _is_file_at(self._descriptor, self._state_dir / LOCK_NAME)

    def release(self) -> None:
        """Give the ownership back and remove the record. May be called twice."""
        if self._descriptor is None:
            return
        descriptor, self._descriptor = self._descriptor, None
        try:
            # A folder that was deleted by hand has neither lock nor record to tidy.
            with contextlib.suppress(FileNotFoundError), _guarded(self._state_dir):
                if _is_file_at(descriptor, self._state_dir / LOCK_NAME):
                    (self._state_dir / RECORD_NAME).unlink(missing_ok=True)
                locks.unlock(descriptor)
        finally:
            # The lock file stays: deleting it would let two processes lock two files of one name.
            os.close(descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.release()

    def _write_record(self, address: str | None) -> None:
        record = _Record(
            pid=os.getpid(), address=address, started=self._started, version=longshift.__version__
        )
        path = self._state_dir / RECORD_NAME
        fresh = path.with_suffix(".json.new")
        # Made for its owner alone before anything is in it: on Windows the address has a secret.
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(record.model_dump_json())
        fresh.replace(path)


def announced(state_dir: Path) -> OwnerAlive | None:
    """Whoever said last that they own the repository; whether they still live, their door tells.

    For those who only look: takes neither lock nor guard, and makes nothing.

    Returns:
        None: nobody has, or has given it back.
    """
    if not (state_dir / RECORD_NAME).exists():
        return None
    return _read_record(state_dir)


def owner_at(state_dir: Path) -> OwnerAlive | None:
    """Who owns a repository at this moment; None: nobody.

    Asks the lock only where a record speaks of somebody, who may have been killed.

    Raises:
        NeedsPerson: the folder can't be written.
    """
    if not (state_dir / RECORD_NAME).exists():
        return None
    lease = Lease.acquire(state_dir)
    if isinstance(lease, OwnerAlive):
        return lease
    lease.release()
    return None


class _Record(BaseModel):
    """What `owner.json` says."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    pid: int
    address: str | None
    started: datetime
    version: str


@contextlib.contextmanager
def _guarded(state_dir: Path) -> Iterator[None]:
    """Let one process at a time change or look at lock and record.

    Invariant: whoever finds the lock taken, inside, finds the record of its present owner. Held
    for microseconds, and freed by the kernel when its holder dies.
    """
    descriptor = locks.open_lock(state_dir / GUARD_NAME)
    try:
        locks.lock(descriptor)
        yield
    finally:
        os.close(descriptor)  # and with it the lock


def _lock_present_file(path: Path) -> int | None:
    """Lock the file that the path names now; None where another process has it."""
    descriptor = locks.open_lock(path)
    if locks.try_lock(descriptor):
        return descriptor
    os.close(descriptor)
    return None


def _is_file_at(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def _read_record(state_dir: Path) -> OwnerAlive:
    try:
        record = _Record.model_validate_json((state_dir / RECORD_NAME).read_bytes())
    except (FileNotFoundError, ValidationError):
        # Someone removed or changed it by hand; the lock still says that an owner lives.
        return OwnerAlive(0, None, datetime.fromtimestamp(0, UTC), "unknown")
    return OwnerAlive(record.pid, record.address, record.started, record.version)
