"""Which part of a long list a first message shows.

Owns choosing. Pure. Thousands of tasks would fill a model's window before it has read a line of the
code; so the most telling ones are shown, and how much is left out is said.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeAlias, TypeVar

from longshift.crew.fences import to_json
from longshift.crew.texts import start_that_fits
from longshift.domain.model import Task, TaskState

MOST_OF_AN_ENTRY: Final = 20
"""Most paths, or other items, of one entry."""

TASKS_NAMED: Final = 50
"""Most tasks that a mistake names, the newest."""

Entry: TypeAlias = Mapping[str, object]
Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Part(Generic[Item]):
    """What is shown of a list.

    Attributes:
        shown: the chosen entries, in the list's own order.
        left_out: how many others it has.
    """

    shown: Sequence[Item]
    left_out: int = 0


def telling_part(
    items: Sequence[Item],
    rank: Callable[[Item], int],
    entry: Callable[[Item], Entry],
    room: int,
) -> Part[Entry]:
    """The entries of a list that fit into a room of so many characters.

    Of each rank the newest are taken, as far as they fit into half of what the ranks before it have
    left; then whatever is left is filled, lower ranks first. So no rank crowds out all others.
    """
    ranks: dict[int, list[int]] = defaultdict(list)
    for place, item in enumerate(items):
        ranks[rank(item)].append(place)
    chosen: dict[int, Entry] = {}
    for share in (2, 1):
        for _, places in sorted(ranks.items()):
            allowed = room // share
            while places:
                one = entry(items[places[-1]])
                size = len(to_json(one)) + 2
                if size > allowed:
                    break
                chosen[places.pop()] = one
                allowed -= size
                room -= size
    shown = [chosen[place] for place in sorted(chosen)]
    return Part(shown, len(items) - len(shown))


def first_part(items: Sequence[Item], room: int) -> Part[Item]:
    """The first items of a list, as many as fit into a room of so many characters."""
    shown: list[Item] = []
    for item in items:
        room -= len(to_json(item)) + 2
        if room < 0:
            break
        shown.append(item)
    return Part(shown, len(items) - len(shown))


def cut(value: object, characters: int) -> object:
    """A value of an entry, short enough that no single one takes all the room.

    Args:
        value: of any kind.
        characters: most of each text in it.
    """
    if isinstance(value, str):
        short = start_that_fits(value, characters)
        return value if short == value else f"{short}…"
    if isinstance(value, tuple):
        more = ("…",) if len(value) > MOST_OF_AN_ENTRY else ()
        return (*(cut(one, characters) for one in value[:MOST_OF_AN_ENTRY]), *more)
    return value


def for_planning(task: Task) -> int:
    """How telling a task is to who plans on: what failed, what is under way, what told of more."""
    if task.state in (TaskState.FAILED, TaskState.DROPPED):
        return 0
    if task.state is not TaskState.LANDED:
        return 1
    return 2 if tells_of_more(task) else 3


def tells_of_more(task: Task) -> bool:
    """Whether the worker of a task's last attempt said more than what it did."""
    handoff = task.attempts[-1].handoff if task.attempts else None
    return handoff is not None and bool(handoff.concerns or handoff.deviations or handoff.findings)
