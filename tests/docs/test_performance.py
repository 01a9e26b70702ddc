"""The pages about performance show what is stored."""

import pytest
import write_page
from measuring.record import RESULTS, read


@pytest.mark.parametrize(
    ("page", "make"), [(write_page.PAGE, write_page.tables), (write_page.SIDES, write_page.seconds)]
)
def test_the_pages_show_the_stored_records(page, make):
    text = page.read_text(encoding="utf-8")
    assert write_page.rewritten(text, make(read(RESULTS))) == text, "run: python benchmarks/perf/write_page.py"


def test_stored_records_are_no_tiny_ones():
    assert [record["name"] for record in read(RESULTS) if record["tiny"]] == []
