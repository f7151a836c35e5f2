"""Which of Linux's cages this machine can build, and that it holds.

Owns the order of the cages and their proof. The weaker one is taken only where its own claims are
proven, and its profile begins with the word.
"""

import platform
from dataclasses import replace

from longshift.errors import NeedsPerson
from longshift.sandbox import canary
from longshift.sandbox.alone import LandlockCage, landlock_cage
from longshift.sandbox.bubblewrap import bubblewrap_cage
from longshift.sandbox.groups import Groups, find_groups
from longshift.sandbox.policy import Cage, Refusal, SandboxPolicy
from longshift.sandbox.process import in_thread
from longshift.sandbox.seccomp import cage_filter

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


async def strongest_cage(policy: SandboxPolicy) -> Cage | Refusal:
    """The strongest cage that the policy's mode allows, proven; or the first one's refusal."""
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
