"""The work that is to be done: a list of items, and the repository that they are done on.

Owns what each item edits and how long it takes an agent that is alone. Both follow from the seed
and not from how agents coordinate, so that every strategy does the same work.
"""

import itertools
import random
from collections.abc import Sequence
from dataclasses import dataclass
from math import log
from pathlib import Path
from typing import Final

import pygit2
from pygit2.enums import CheckoutStrategy, FileMode

from benchmarks.coordination.parameters import Parameters

FILES_A_FOLDER: Final = 100
LINES: Final = 30
_SIGNATURE: Final = pygit2.Signature("Longshift", "longshift@localhost", 0, 0)


@dataclass(frozen=True, slots=True)
class Item:
    """One piece of work.

    Attributes:
        number: its place in the list.
        seconds: how long each turn of work takes.
        shared: the shared file that it adds a line to; None: it edits a file of its own alone.
        place: where in that file.
    """

    number: int
    seconds: tuple[float, ...]
    shared: str | None = None
    place: int = 0

    @property
    def title(self) -> str:
        """What its task is called; `number_in` reads it back."""
        return f"Item {self.number}"

    @property
    def work_s(self) -> float:
        """How long an agent takes for it that is alone and does nothing else."""
        return sum(self.seconds)

    @property
    def path(self) -> str:
        """The file of its own."""
        return f"own{self.number // FILES_A_FOLDER}/item{self.number}.py"

    @property
    def paths(self) -> tuple[str, ...]:
        """All that it edits."""
        return (self.path, self.shared) if self.shared else (self.path,)

    @property
    def line(self) -> str:
        """What it adds to the shared file."""
        return f"entry_{self.number} = {self.number}\n"


def number_in(title: str) -> int:
    """The item that a title names."""
    return int(title.rpartition(" ")[2])


def place_line(place: int) -> str:
    """The line behind which lines are added at a place of a shared file."""
    return f"# place {place}\n"


def make_backlog(parameters: Parameters, size: int, seed: int) -> tuple[Item, ...]:
    """So many items, the same for the same seed."""
    dice = random.Random(f"backlog {seed}")
    shared = [f"shared/table{number}.py" for number in range(parameters.shared_files)]
    weights = list(itertools.accumulate(1 / (rank + 1) for rank in range(len(shared))))
    items = []
    for number in range(size):
        seconds = tuple(
            draw(dice, parameters.turn_s, parameters.spread) for _ in range(parameters.turns)
        )
        touches = dice.random() < parameters.overlap
        file = dice.choices(shared, cum_weights=weights)[0]
        place = dice.randrange(parameters.places)
        items.append(Item(number, seconds, file if touches else None, place))
    return tuple(items)


def draw(dice: random.Random, mean: float, spread: float) -> float:
    """One length of a log-normal distribution with that mean."""
    return dice.lognormvariate(log(mean) - spread * spread / 2, spread)


def make_repository(root: Path, items: Sequence[Item], parameters: Parameters) -> None:
    """Make the repository that the items are done on, with everything checked out."""
    repository = pygit2.init_repository(str(root))
    text = "".join(f"value_{line} = {line}\n" for line in range(LINES))
    own = repository.create_blob(text.encode())
    top = repository.TreeBuilder()
    for folder, group in itertools.groupby(items, lambda item: item.path.partition("/")[0]):
        builder = repository.TreeBuilder()
        for item in group:
            builder.insert(item.path.partition("/")[2], own, FileMode.BLOB)
        top.insert(folder, builder.write(), FileMode.TREE)
    table = "".join(map(place_line, range(parameters.places)))
    shared, blob = repository.TreeBuilder(), repository.create_blob(table.encode())
    for number in range(parameters.shared_files):
        shared.insert(f"table{number}.py", blob, FileMode.BLOB)
    top.insert("shared", shared.write(), FileMode.TREE)
    repository.create_commit("HEAD", _SIGNATURE, _SIGNATURE, "all\n", top.write(), [])
    # What is not in the person's folder is not in the run's either.
    repository.checkout_head(strategy=CheckoutStrategy.FORCE)  # type: ignore[no-untyped-call]
