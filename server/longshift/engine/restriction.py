"""What is not done in a workspace that its editor holds restricted.

Owns the list. Light, for who only asks before sending a command.
"""

from pathlib import Path
from typing import Final

from longshift.errors import NeedsPerson

SETS_TO_WORK: Final = frozenset({"startGoal", "resumeRun", "fixFinding", "reworkChange"})
"""Commands after which agents work; all others look, decide, or end something."""


def refuse_restricted(name: str, root: Path) -> None:
    """Refuse what would set agents to work in a workspace that its editor holds restricted.

    Raises:
        NeedsPerson: it would.
    """
    if name in SETS_TO_WORK:
        raise NeedsPerson(
            f"The editor holds {root} restricted: it is not trusted there, so nothing is run. "
            "Nothing was started; looking, accepting and rejecting still work. Trust the folder "
            "in the editor, then try again."
        )
