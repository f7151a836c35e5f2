"""Which lines of texts match a pattern; run as a script, the same in a process of its own.

Pure. Python's `re` can't be interrupted and holds up every thread of its process, so a pattern
that may take long is matched here under a `search` that ends this process when the time is over.
As a script it must import nothing but the standard library: it starts in isolation.
"""

import json
import re
import sys
import warnings
from collections.abc import Iterator
from typing import Final

LONGEST_LINE: Final = 2_000
"""Characters of a line that are looked at."""


def matching_lines(pattern: "re.Pattern[str]", text: str) -> Iterator[tuple[int, str] | None]:
    """Go through a text's lines, from 1.

    Yields:
        For each line its number and its start where it matches, and None where it does not.
    """
    for number, line in enumerate(text.split("\n"), 1):
        start = line[:LONGEST_LINE].removesuffix("\r")
        yield (number, start) if pattern.search(start) else None


def main() -> None:
    """Answer one order on standard input, both in JSON.

    `{"pattern": "a+b+", "texts": ["…"], "limit": 9}` is answered by a list of the first matches,
    each `[index of the text, number of the line, its start]`.
    """
    order = json.load(sys.stdin)
    warnings.simplefilter("ignore")  # "possible nested set" and its kin
    pattern = re.compile(order["pattern"])
    found: list[tuple[int, int, str]] = []
    for index, text in enumerate(order["texts"]):
        found += [(index, *match) for match in matching_lines(pattern, text) if match]
        if len(found) >= order["limit"]:
            break
    json.dump(found[: order["limit"]], sys.stdout)


if __name__ == "__main__":
    main()
