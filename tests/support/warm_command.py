"""The command side of `warm`: hands its streams over to the host, and ends as the fork ends.

Run as `python -S -E warm_command.py SOCKET [ARGUMENT]…`. Imports as little as can be: it is started
for each test.
"""

import json
import os
import signal
import socket
import sys


def _run(path: str, arguments: list[str]) -> None:
    with socket.socket(socket.AF_UNIX) as host:
        host.connect(path)
        here = os.getcwd()  # noqa: PTH109 - pathlib is an import more
        asked = {"arguments": arguments, "folder": here, "environ": dict(os.environ)}
        socket.send_fds(host, [json.dumps(asked).encode() + b"\n"], [0, 1, 2])
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda number, _: host.send(bytes([number])))
        signal.signal(signal.SIGUSR1, lambda *_: host.send(bytes([signal.SIGKILL])))
        nothing = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):  # or who reads them would wait for us too
            os.dup2(nothing, stream)
        told = host.recv(16)
    status = int(told or b"-9")
    if status >= 0:
        os._exit(status)
    if -status != signal.SIGKILL:
        signal.signal(-status, signal.SIG_DFL)
    os.kill(os.getpid(), -status)


_run(sys.argv[1], sys.argv[2:])
