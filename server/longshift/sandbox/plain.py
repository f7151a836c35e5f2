"""Running a command without a cage, where the person's own configuration asks for that.

Never chosen by Longshift itself. Holds a command to its limits, its time and a cleared
environment, and to nothing else: it can read and change whatever the person can.
"""

import shutil
from pathlib import Path

from longshift.sandbox.limits import limited
from longshift.sandbox.policy import CommandResult, Owner, SandboxPolicy
from longshift.sandbox.process import Launch, run_to_end


class PlainCage:
    """No cage. What a command puts into a session of its own outlives it."""

    profile = "none: commands run with all the rights of the person, as their configuration says"
    owner: Owner | None = None

    def __init__(self, policy: SandboxPolicy) -> None:
        self._policy = policy
        self._prlimit = shutil.which("prlimit", path="/usr/bin:/bin")

    async def run(self, command: str, checkout: Path, *, timeout_s: float) -> CommandResult:
        """Run one command line in a checkout; see `Cage.run`."""
        shell = ["/bin/sh", "-c", command]
        argv = limited(self._policy, Path(self._prlimit), shell) if self._prlimit else shell
        prefixes = [str(prefix / "bin") for prefix in self._policy.tool_prefixes]
        launch = Launch(
            argv=argv,
            cwd=checkout,
            env={
                "PATH": ":".join([*prefixes, "/usr/local/bin", "/usr/bin", "/bin"]),
                "HOME": str(Path.home()),
                "LANG": "C.UTF-8",
                "TERM": "dumb",
                "NO_COLOR": "1",
                # The checkout lies in the person's git folder, which git would take for its own.
                "GIT_CEILING_DIRECTORIES": str(checkout.parent),
            },
            output_bytes=self._policy.output_bytes,
        )
        return await run_to_end(launch, timeout_s=timeout_s)
