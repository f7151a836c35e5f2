"""What a process keeps of the memory that it has let go of."""

import ctypes
import platform
import subprocess
import sys

import pytest

THREADS = """
import ctypes, sys, threading
from longshift.allocator import keep_little
if sys.argv[1] == "few":
    keep_little()
met, told = threading.Barrier(17), threading.Event()
def allocate():
    held = bytearray(100_000)
    met.wait()
    told.wait()
for _ in range(16):
    threading.Thread(target=allocate).start()
met.wait()
libc = ctypes.CDLL(None)
libc.fdopen.restype = ctypes.c_void_p
out = ctypes.c_void_p(libc.fdopen(1, b"w"))
libc.malloc_info(0, out)
libc.fflush(out)
told.set()
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="asks glibc")
@pytest.mark.parametrize(("arenas", "is_few"), [("few", True), ("as many as there may be", False)])
def test_threads_share_few_arenas(arenas: str, is_few: bool) -> None:
    child = [sys.executable, "-c", THREADS, arenas]
    told = subprocess.run(child, capture_output=True, text=True, check=True).stdout
    assert (told.count("<heap nr=") <= 2) is is_few


@pytest.mark.skipif(
    platform.libc_ver()[0] != "glibc" or not hasattr(ctypes.CDLL(None), "mallinfo2"),
    reason="asks glibc 2.33 or later",
)
def test_a_large_block_goes_back_whatever_went_before() -> None:
    """By itself glibc would keep the second among the small ones, as the first was let go of."""
    code = """
import ctypes
from longshift.allocator import keep_little
class Told(ctypes.Structure):
    _fields_ = [(f"n{number}", ctypes.c_size_t) for number in range(10)]
libc = ctypes.CDLL(None)
libc.mallinfo2.restype = Told
keep_little()
first = bytearray(8_000_000)
del first
before = libc.mallinfo2().n4
second = bytearray(4_000_000)
print(libc.mallinfo2().n4 - before)
"""
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(told.stdout) >= 4_000_000
