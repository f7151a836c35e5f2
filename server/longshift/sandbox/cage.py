"""The way into the sandbox: opening a cage for the commands that models choose.

Owns the decision whether commands run at all. Fails closed: whatever can't be proven ends in a
`Refusal` that says how to mend it, and never in a weaker cage.
"""

import asyncio
import sys
from dataclasses import replace

from longshift.errors import NeedsPerson
from longshift.sandbox import canary
from longshift.sandbox.bubblewrap import BubblewrapCage, find_programs
from longshift.sandbox.plain import PlainCage
from longshift.sandbox.policy import Cage, CommandResult, Refusal, SandboxPolicy

__all__ = ["Cage", "CommandResult", "Refusal", "SandboxPolicy", "open_cage"]

_MEND = (
    "Update bubblewrap to 0.8 or later and allow user namespaces: check that the sysctls "
    "kernel.unprivileged_userns_clone and user.max_user_namespaces are not 0, on Ubuntu that "
    "kernel.apparmor_restrict_unprivileged_userns is 0 or bwrap has an AppArmor profile, and in "
    "a container that its seccomp profile allows them. `longshift doctor` tries again."
)


async def open_cage(policy: SandboxPolicy) -> Cage | Refusal:
    """Build the cage that the policy asks for and prove it with the canary, once.

    Args:
        policy: its mode `none` is taken at its word; the caller has checked that the person's
            own configuration says so.

    Returns:
        A cage that held, or why no command can run on this machine.
    """
    if sys.platform != "linux":
        return Refusal(
            "Commands are not run here: their sandbox exists only for Linux so far.",
            "Runs go on without commands; run the checks yourself before accepting.",
        )
    if policy.mode == "none":
        return PlainCage(policy)
    programs = await asyncio.to_thread(find_programs, policy)
    if isinstance(programs, Refusal):
        return programs
    # The same cage as for commands, but whatever the canary says is heard.
    loud = replace(policy, output_bytes=canary.OUTPUT_BYTES)
    try:
        leaks = await canary.prove(await asyncio.to_thread(BubblewrapCage, loud, programs), loud)
    except (NeedsPerson, OSError) as error:
        return Refusal(f"Commands are not run here: {error}", _MEND)
    if leaks:
        return Refusal(
            "Commands are not run here: the sandbox was built but does not hold: "
            f"{'; '.join(leaks)}.",
            _MEND,
        )
    return await asyncio.to_thread(BubblewrapCage, policy, programs)
