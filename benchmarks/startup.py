"""How much longer than bare pygls `longshift serve` takes to answer `initialize`.

Both are started as an editor would, by turns, so that a busy moment of the machine meets both.
"""

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from importlib.metadata import version
from typing import Final

from benchmarks.result import Result

LIMIT: Final = 1.3
SERVE: Final = (sys.executable, "-m", "longshift", "serve", "--stdio")
BARE: Final = (sys.executable, "-m", "benchmarks.bare_server")

_INITIALIZE: Final = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {"processId": os.getpid(), "rootUri": None, "capabilities": {}},
}


def run(*, quick: bool = False, serve: Sequence[str] = SERVE) -> Result:
    """Measure the ratio of the two medians.

    Args:
        quick: a few starts instead of enough for a steady figure.
        serve: the command to compare with the bare server.
    """
    n_starts = 5 if quick else 21
    for command in (serve, BARE):  # once for the file caches and the .pyc files
        time_to_answer(command)
    pairs = [(time_to_answer(serve), time_to_answer(BARE)) for _ in range(n_starts)]
    ours_s, bare_s = (statistics.median(times) for times in zip(*pairs, strict=True))
    return Result(
        name="startup",
        figures={"initialize_ratio": round(ours_s / bare_s, 3)},
        conditions={
            "n_starts": n_starts,
            "longshift_median_ms": round(ours_s * 1e3, 1),
            "bare_pygls_median_ms": round(bare_s * 1e3, 1),
            "python": sys.version.split()[0],
            "pygls": version("pygls"),
        },
        limits={"initialize_ratio": ("max", LIMIT)},
    )


def time_to_answer(command: Sequence[str]) -> float:
    """Start a server, shake hands, and return the seconds from the start to the answer.

    Raises:
        RuntimeError: the server answered with something else, or not at all.
    """
    body = json.dumps(_INITIALIZE).encode()
    started_s = time.perf_counter()
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as server:
        try:
            answer = _first_answer(server, body)
        finally:
            elapsed_s = time.perf_counter() - started_s
            server.kill()
    if b"capabilities" not in answer:
        raise RuntimeError(f"{' '.join(command)} did not answer initialize; it sent {answer!r}.")
    return elapsed_s


def _first_answer(server: "subprocess.Popen[bytes]", body: bytes) -> bytes:
    if server.stdin is None or server.stdout is None:
        raise RuntimeError("The server was started without pipes.")
    server.stdin.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
    server.stdin.flush()
    length = 0
    while (line := server.stdout.readline()) not in {b"\r\n", b""}:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    return server.stdout.read(length)
