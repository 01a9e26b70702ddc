"""The hook by which the build of the docs warns of what a page would load from elsewhere."""

import doctest
import importlib.util
import logging
from pathlib import Path
from types import SimpleNamespace

import pytest

SPEC = importlib.util.spec_from_file_location("offline", Path(__file__).parents[2] / "docs" / "offline.py")
offline = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(offline)


def test_examples():
    outcome = doctest.testmod(offline)
    assert outcome.attempted > 0
    assert outcome.failed == 0


@pytest.mark.parametrize(
    ("html", "warns"), [('<script src="https://b.org/c.js">', True), ("<p>https://b.org", False)]
)
def test_a_page_that_loads_something_is_named(caplog, html, warns):
    page = SimpleNamespace(file=SimpleNamespace(src_uri="index.md"))
    with caplog.at_level(logging.WARNING):
        assert offline.on_post_page(html, page, None) == html
    assert [record.message for record in caplog.records] == (
        ["index.md loads https://b.org/c.js; the site must work offline"] if warns else []
    )
