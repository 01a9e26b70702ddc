"""The page about performance shows what is stored, and names every script."""

import importlib.util
from pathlib import Path

import run_all
from measuring.record import RESULTS, read

SCRIPT = Path(run_all.__file__).parent / "page.py"
spec = importlib.util.spec_from_file_location("perf_page", SCRIPT)
perf_page = importlib.util.module_from_spec(spec)
spec.loader.exec_module(perf_page)


def test_the_page_shows_the_stored_records():
    text = perf_page.PAGE.read_text(encoding="utf-8")
    assert perf_page.rewritten(text, read(RESULTS)) == text, "run: python benchmarks/perf/page.py"


def test_stored_records_are_no_tiny_ones():
    assert [record["name"] for record in read(RESULTS) if record["tiny"]] == []


def test_the_page_names_every_script():
    text = perf_page.PAGE.read_text(encoding="utf-8")
    assert [name for name in run_all.scripts() if f"`{name}.py`" not in text] == []
