"""The page of benchmarks: what is measured anew takes the place of what was said of it before."""

from benchmarks.page import as_page, as_table
from benchmarks.result import Result, Table

ORDER = ("one", "two", "three")
ONE = Result("one", {"a": 1.0}, {"n": 3}, {"a": ("max", 2)})
TWO = Result("two", {"b": 5.0}, {}, {"b": ("max", 2)}, tables=(Table("More", ("x",), (("1",),)),))


def test_one_benchmark_replaces_its_own_part_alone() -> None:
    page = as_page([TWO, ONE], "", ORDER)
    assert page.index("## one") < page.index("## two")
    assert "(not met)" in page
    better = Result("two", {"b": 1.0}, {}, {"b": ("max", 2)})
    again = as_page([better, Result("three", {"c": 1.0})], page, ORDER)
    assert as_table(ONE) in again
    assert as_table(better) in again
    assert "(not met)" not in again
    assert again.count("# Benchmarks") == 1
    assert [line for line in again.splitlines() if line.startswith("## ")] == [
        "## one",
        "## two",
        "## three",
    ]
    assert as_page([], again, ORDER) == again
