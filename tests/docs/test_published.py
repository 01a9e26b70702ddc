"""The tables in the page of the published results are those that `corecbench report` wrote."""

import doctest
import re

import page


def test_every_benchmark_has_a_section():
    sections = re.findall(r"^## ([^:]+):", page.PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert set(sections) == {path.name for path in page.PUBLISHED.iterdir() if path.is_dir()}


def test_the_page_shows_the_rows_of_the_tables():
    text = page.PAGE.read_text(encoding="utf-8")
    assert page.rewritten(text) == text


def test_its_examples():
    assert doctest.testmod(page).failed == 0
