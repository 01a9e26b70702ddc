"""The page about performance shows what is stored."""

import write_page
from measuring.record import RESULTS, read


def test_the_page_shows_the_stored_records():
    text = write_page.PAGE.read_text(encoding="utf-8")
    assert write_page.rewritten(text, read(RESULTS)) == text, "run: python benchmarks/perf/write_page.py"


def test_stored_records_are_no_tiny_ones():
    assert [record["name"] for record in read(RESULTS) if record["tiny"]] == []
