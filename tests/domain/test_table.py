"""A table behaves as a dict of which each changed copy is a dict of its own."""

from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from longshift.domain.table import Table
from tests.support.examples import examples

Puts = list[tuple[int, list[tuple[int, int]], bool]]
PUTS = st.lists(
    # From which of the copies so far, and what: one value put in by itself, or several together.
    st.tuples(
        st.integers(0, 400),
        st.lists(st.tuples(st.integers(0, 200), st.integers()), min_size=1, max_size=4),
        st.booleans(),
    ),
    max_size=400,
)


@settings(max_examples=examples(60), deadline=None)
@given(PUTS)
def test_every_copy_stays_as_it_was_made(puts: Puts) -> None:
    tables: list[Table[int, int]] = [Table()]
    dicts: list[dict[int, int]] = [{}]
    for number, values, together in puts:
        # Mostly from the newest, as a state goes on; now and then from an older one.
        start = len(tables) - 1 if number % 3 else number % len(tables)
        put_in = dict(values if together else values[:1])
        [(key, value), *_] = put_in.items()
        tables.append(tables[start].put_all(put_in) if together else tables[start].put(key, value))
        dicts.append({**dicts[start], **put_in})
    for table, plain in zip(tables, dicts, strict=True):
        assert list(table.items()) == list(plain.items())
        assert table == plain
        assert len(table) == len(plain)
        assert [table.at(table.place(key)) for key in plain] == list(plain.values())
        assert all((key in table) == (key in plain) for key in range(201))
        assert [table.get(key) for key in range(201)] == [plain.get(key) for key in range(201)]


def test_what_a_newer_copy_holds_is_not_there_in_an_older_one() -> None:
    older: Table[str, int] = Table[str, int]().put("a", 1)
    older.put("b", 2)
    for look in (older.__getitem__, older.place):
        with pytest.raises(KeyError, match="b"):
            look("b")
    assert isinstance(older, Mapping)
