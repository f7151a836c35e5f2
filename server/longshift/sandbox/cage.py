"""The way into the sandbox: opening a cage for the commands that models choose.

Owns the decision whether commands run at all. Fails closed: whatever can't be proven ends in a
`Refusal` that says how to mend it. Imports nothing that only Linux has; `proving` does.
"""

import os
import shutil
import sys

from longshift.sandbox.plain import PlainCage
from longshift.sandbox.policy import Cage, CommandResult, Refusal, SandboxPolicy

__all__ = ["Cage", "CommandResult", "Refusal", "SandboxPolicy", "open_cage", "proven_cage"]

_proven_here: dict[tuple[SandboxPolicy, str | None, int], Cage] = {}
"""By policy, the bubblewrap on PATH and the user: a proof speaks of all three."""


async def proven_cage(policy: SandboxPolicy) -> Cage | Refusal:
    """As `open_cage`, with one proof for the whole process; what was refused is tried anew."""
    key = (policy, shutil.which("bwrap"), os.geteuid() if sys.platform != "win32" else 0)
    if key in _proven_here:
        return _proven_here[key]
    cage = await open_cage(policy)
    if not isinstance(cage, Refusal):
        _proven_here[key] = cage
    return cage


async def open_cage(policy: SandboxPolicy) -> Cage | Refusal:
    """Build the cage that the policy asks for and prove it with the canary, once.

    Args:
        policy: its mode `none` is taken at its word; the caller has checked that the person's
            own configuration says so.

    Returns:
        A cage that held, or why no command can run on this machine: of several that failed, the
        first one's reason, since that is the one to mend.
    """
    if sys.platform != "linux":
        return Refusal(
            "Commands are not run here: their sandbox exists only for Linux so far.",
            "Runs go on without commands; run the checks yourself before accepting.",
        )
    if policy.mode == "none":
        return PlainCage(policy)
    from longshift.sandbox.proving import strongest_cage

    return await strongest_cage(policy)
