"""The way into the sandbox: opening a cage for the commands that models choose.

Owns the decision whether commands run at all, and where. Fails closed: whatever can't be proven
ends in a `Refusal` that says how to mend it. The weaker cage is taken only where its own claims
are proven, and its profile begins with the word.
"""

import os
import platform
import shutil
import sys
from dataclasses import replace

from longshift.errors import NeedsPerson
from longshift.sandbox import canary
from longshift.sandbox.alone import LandlockCage, landlock_cage
from longshift.sandbox.bubblewrap import bubblewrap_cage
from longshift.sandbox.groups import Groups, find_groups
from longshift.sandbox.plain import PlainCage
from longshift.sandbox.policy import Cage, CommandResult, Refusal, SandboxPolicy
from longshift.sandbox.process import in_thread
from longshift.sandbox.seccomp import cage_filter

__all__ = ["Cage", "CommandResult", "Refusal", "SandboxPolicy", "open_cage", "proven_cage"]

_MEND = (
    "Update bubblewrap to 0.8 or later and allow user namespaces: check that the sysctls "
    "kernel.unprivileged_userns_clone and user.max_user_namespaces are not 0, on Ubuntu that "
    "kernel.apparmor_restrict_unprivileged_userns is 0 or bwrap has an AppArmor profile, and in "
    "a container that its seccomp profile allows them and that no part of /proc is masked. "
    "`longshift doctor` tries again."
)
_MEND_ALONE = "Install bubblewrap 0.8 or later, which holds more. `longshift doctor` tries again."
_MAKERS = {"bubblewrap": bubblewrap_cage, "landlock": landlock_cage}
_MODES = {
    "auto": ("bubblewrap", "landlock"),
    "bubblewrap": ("bubblewrap",),
    "landlock": ("landlock",),
}


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
    if cage_filter() is None:
        return Refusal(
            "Commands are not run here: their sandbox filters system calls, and it does not know "
            f"those of this processor ({platform.machine()}), only of x86_64 and aarch64.",
            "Runs go on without commands; run the checks yourself before accepting.",
        )
    groups = await in_thread(find_groups)
    refusals: list[Refusal] = []
    for kind in _MODES[policy.mode]:
        cage = await _opened(kind, policy, groups)
        if isinstance(cage, LandlockCage) and refusals:
            cage.because = refusals[0].reason
        if not isinstance(cage, Refusal):
            return cage
        refusals.append(cage)
    return refusals[0]


async def _opened(kind: str, policy: SandboxPolicy, groups: Groups | None) -> Cage | Refusal:
    """One kind of cage, proven; without control groups where it can't be built with them."""
    mend = _MEND if kind == "bubblewrap" else _MEND_ALONE
    said = ""
    # Old kernels let nobody enter a control group through a descriptor.
    for place in dict.fromkeys((groups, None)):
        try:
            return await _proven(kind, policy, place, mend)
        except (NeedsPerson, OSError) as error:
            said = said or f"Commands are not run here: {error}"
    return Refusal(said, mend)


async def _proven(
    kind: str, policy: SandboxPolicy, groups: Groups | None, mend: str
) -> Cage | Refusal:
    """What stood the canary.

    Raises:
        NeedsPerson, OSError: it could not even be built.
    """
    # The same cage as for commands, but whatever the canary says is heard.
    loud = replace(policy, output_bytes=canary.OUTPUT_BYTES)
    cage = await in_thread(lambda: _MAKERS[kind](loud, groups))
    if isinstance(cage, Refusal):
        return cage
    if leaks := await canary.prove(cage, loud):
        return Refusal(
            "Commands are not run here: the sandbox was built but does not hold: "
            f"{'; '.join(leaks)}.",
            mend,
        )
    return await in_thread(lambda: _MAKERS[kind](policy, groups))
