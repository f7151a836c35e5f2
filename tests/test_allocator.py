"""How many arenas a process of hundreds of threads comes to have."""

import platform
import subprocess
import sys

import pytest

THREADS = """
import ctypes, sys, threading
from longshift.allocator import keep_few_arenas
if sys.argv[1] == "few":
    keep_few_arenas()
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
