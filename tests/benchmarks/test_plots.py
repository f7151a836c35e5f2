"""Charts of benchmarks, and the pages that show them."""

from xml.etree import ElementTree

import pytest

from benchmarks import __main__ as benchmarks
from benchmarks.result import Chart, Line, Result, Table

LINES = (
    Line("at best", (1.0, 10.0), (1.0, 10.0), is_ideal=True),
    Line("ours & theirs", (1.0, 10.0), (1.0, 8.0), (0.1, 0.5)),
)
TEXT = "{http://www.w3.org/2000/svg}text"


@pytest.mark.parametrize("is_log", [True, False])
def test_a_chart_is_the_same_bytes_each_time_and_says_what_it_shows(is_log):
    from benchmarks.plots import draw  # only who runs this test need load matplotlib

    chart = Chart("speed", "How fast", "agents", "tasks an hour", LINES, is_log=is_log)
    drawn = draw(chart)
    assert drawn == draw(chart)
    texts = {"".join(one.itertext()).strip() for one in ElementTree.fromstring(drawn).iter(TEXT)}
    assert {"How fast", "agents", "tasks an hour", "at best", "ours & theirs"} <= texts
    assert len(drawn) < 60_000


def test_a_page_has_tables_and_shows_the_charts_beside_it(tmp_path, monkeypatch, capsys):
    result = Result(
        "startup",
        {"ratio": 1.0},
        tables=(Table("By size", ("size", "time"), (("1", "2 ms"), ("10", "3 ms"))),),
        charts=(Chart("speed", "How fast", "agents", "tasks", LINES),),
    )
    monkeypatch.setattr("benchmarks.startup.run", lambda *, quick: result)
    assert benchmarks.main(["startup", "--write", str(tmp_path / "page.md")]) == 0
    page = (tmp_path / "page.md").read_text("utf-8")
    assert "By size:\n\n| size | time |\n|---|---|\n| 1 | 2 ms |\n| 10 | 3 ms |\n" in page
    assert "![How fast](pictures/speed.svg)" in page
    assert "<svg" in (tmp_path / "pictures" / "speed.svg").read_text("utf-8")
    assert "By size" in capsys.readouterr().out
