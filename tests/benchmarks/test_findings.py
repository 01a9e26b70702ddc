"""Every sentence of README and of the results page says what its contrast shows."""

import functools
import re

import findings
import pandas as pd
import pytest

READER = re.findall(
    r"^```python\n(.*?)^```", (findings.ROOT / "docs/sharing.md").read_text("utf-8"), re.DOTALL | re.MULTILINE
)


@pytest.fixture(scope="module")
def found():
    return findings.shown(findings.read()[0])


def test_each_finding_claims_what_its_contrast_shows(found):
    assert [(name, each.finding.claim, each.shows) for name, each in found.items() if not each.holds] == []


@functools.cache
def read_with_pandas(bundle):
    """What the reader on the page of bundles, which needs pandas alone, makes of one."""
    known = {}
    exec(compile(READER[0], "sharing.md", "exec"), known)
    frame = pd.concat(known["ndcg"](str(findings.PUBLISHED / f"{bundle}.zip")))
    side = frame["side"].where(frame["side"] != "", "domain")
    return frame.assign(row=frame["name"] + ":" + side)


def test_the_reader_of_twenty_lines_finds_the_same_changes(found):
    for name, each in found.items():
        finding, contrast = each.finding, each.contrast
        frame = read_with_pandas(finding.bundle)
        frame = frame[frame["dataset"] == finding.dataset]
        if finding.group == "in order":
            frame = frame[~frame["target_is_tied"].astype(bool)]
        of = [
            frame[frame["row"] == (row if row.endswith(":domain") else f"{row}:domain")]
            for row in (finding.row, finding.base)
        ]
        seeds = [set(rows["seed"]) & set(contrast.seeds) or set(rows["seed"]) for rows in of]
        own, base = (rows[rows["seed"].isin(kept)]["ndcg"].mean() for rows, kept in zip(of, seeds, strict=True))
        assert own / base - 1 == pytest.approx(contrast.change, abs=1e-9), name


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


def test_no_sentence_says_a_change_outside_of_the_marked_parts():
    for path in findings.PAGES:
        rest = re.sub(r"(?m)^\|.*$", "", findings.MARKED.sub("", path.read_text(encoding="utf-8")))
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
