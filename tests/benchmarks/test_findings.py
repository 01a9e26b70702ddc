"""Every sentence of README and of the results page says what its contrast shows."""

import re

import findings
import pytest


@pytest.fixture(scope="module")
def found():
    return findings.shown(findings.read()[0])


def test_each_finding_claims_what_its_contrast_shows(found):
    assert [(name, each.finding.claim, each.shows) for name, each in found.items() if not each.holds] == []


def test_the_pages_are_those_that_the_findings_make(found):
    sentences = findings.read()[1]
    for path in findings.PAGES:
        page = path.read_text(encoding="utf-8")
        assert findings.written(page, found, sentences) == page, "run: python benchmarks/findings.py"


def test_every_part_stands_on_a_page_and_every_mark_has_a_part():
    listed, sentences = findings.read()
    parts = {each.part for each in (*listed, *sentences)}
    pages = "".join(path.read_text(encoding="utf-8") for path in findings.PAGES)
    assert {match["name"] for match in findings.MARKED.finditer(pages)} == parts


def test_no_change_stands_on_a_page_outside_of_the_marked_parts():
    for path in findings.PAGES:
        rest = findings.MARKED.sub("", path.read_text(encoding="utf-8"))
        assert re.findall(r"[+-]\d+\.\d ?%", rest) == []


@pytest.mark.parametrize(
    ("claim", "p", "difference", "shows"),
    [
        ("above", 0.01, 1.0, "above"),
        ("above", 0.06, 1.0, "not shown"),
        ("above", 0.01, -1.0, "below"),
        ("not shown", 0.01, 1.0, "above"),
        ("less than", 0.01, 1.0, "less than"),
        ("less than", 0.06, 1.0, "not shown"),
    ],
)
def test_a_finding_shows_what_its_adjusted_p_allows(claim, p, difference, shows):
    contrast = type("Contrast", (), {"difference": difference, "lacks_seeds": False, "seeds": range(5)})()
    finding = findings.Finding("a", "part", "bundle", "data", "row", "base", claim)
    each = findings.Shown(finding, contrast, p)
    assert (each.shows, each.holds) == (shows, shows == claim)


def test_few_seeds_of_what_is_drawn_or_trained_show_nothing():
    contrast = type("Contrast", (), {"difference": 1.0, "lacks_seeds": False, "seeds": range(3)})()
    finding = findings.Finding("a", "part", "bundle", "data", "row", "base", "above")
    assert findings.Shown(finding, contrast, 0.01, can_vary=True).shows == "not shown"
    assert findings.Shown(finding, contrast, 0.01, can_vary=False).shows == "above"
