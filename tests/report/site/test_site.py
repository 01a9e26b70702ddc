"""The site: what it shows, where it leads, and that it works in a browser without a server."""

import re
from html.parser import HTMLParser
from urllib.parse import unquote

import pytest

from corecbench.api import CorecbenchError
from corecbench.plugin.host import Host
from corecbench.report.site.write import write_site

from ..conftest import PROTOCOL, Bench
from ..page.conftest import fill
from .conftest import METRICS


class Links(HTMLParser):
    """Collects where a page leads."""

    def __init__(self, path):
        super().__init__()
        self.found = []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        if tag == "a":
            self.found.append(dict(attributes)["href"])


def test_each_link_leads_to_a_page_that_is_there(site):
    pages = [site.index, *(site.index.parent / "rows").rglob("*.html")]
    assert len(pages) == 1 + site.n_rows
    for page in pages:
        targets = [page.parent / unquote(link) for link in Links(page).found if not link.startswith("#")]
        assert targets
        assert all(target.resolve().is_file() for target in targets)


def test_rows_of_other_protocols_stand_apart(site):
    text = site.index.read_text(encoding="utf-8")
    assert text.count("Protocol and split") == text.count("of 2 (leave-one-out)") == 2
    assert text.count('aria-label="rows on') == text.count('aria-label="methods on') == 3


def test_the_best_row_is_the_first_and_controls_come_last(site):
    text = site.index.read_text(encoding="utf-8")
    first = text[text.index("rows on ml-1m") :].split("</table>")[0]
    values = [float(value) for value in re.findall(r'data-order="(\.?[\d.]+)"', first)]
    assert values
    rows = [re.findall(r"<td[^>]*>(.*?)</td>", row) for row in first.split("<tr>")[2:]]
    controls = [row[3] != "-" or row[2] == "none" for row in rows]
    assert controls == sorted(controls)
    tested = [float(re.sub("<[^>]+>", "", row[5])) for row in rows]
    n_others = controls.index(True)
    assert tested[:n_others] == sorted(tested[:n_others], reverse=True)


def test_names_stay_text(site):
    for page in site.index.parent.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        assert "<script>window.hacked" not in text
        assert "<img src=x" not in text


def test_rows_that_are_split_by_time_come_first(tmp_path):
    protocol = PROTOCOL | {"split": "time", "cut": "0.8, 0.9", "target": "first of its user"}
    by_file, by_time = (Bench(tmp_path, name) for name in ("by-file", "by-time"))
    by_file.add("sasrec", dataset="a", domain_ranks=[1] * 6)
    by_file.add("sasrec", dataset="b", domain_ranks=[1] * 6)
    by_time.add("gru4rec", dataset="b", domain_ranks=[2] * 6, protocol=protocol)
    stores = [by_file.store, by_time.store]
    text = write_site(Host.discover(), stores, METRICS, tmp_path / "out", "Title").index.read_text(encoding="utf-8")
    places = ["1 of 2 (time)", "2 of 2 (leave-one-out)", "rows on a"]
    assert sorted(places, key=text.index) == places


def test_a_row_that_two_folders_hold_is_shown_once(tmp_path):
    bench = fill(Bench(tmp_path / "a", "same"))
    copy = tmp_path / "b"
    copy.mkdir()
    (copy / "same").symlink_to(tmp_path / "a" / "same")
    stores = [bench.store, Bench(copy, "same").store]
    written = write_site(Host.discover(), stores, METRICS, tmp_path / "out", "Results")
    index = written.index.read_text(encoding="utf-8")
    assert index.count("benchmarks/same/report.html") == 6 + 1  # all rows, and the method on the board
    assert "same-2" not in index


def test_a_damaged_benchmark_is_left_out_with_the_reason(tmp_path):
    good = fill(Bench(tmp_path, "good"))
    bad = fill(Bench(tmp_path, "bad"))
    for folder, _ in bad.entries:
        (folder / "result.json").write_text("{")
    written = write_site(Host.discover(), [bad.store, good.store], METRICS, tmp_path / "out", "Results")
    assert written.n_benchmarks == 1
    assert written.left_out[0].startswith("bad: ")
    with pytest.raises(CorecbenchError, match="no benchmark can be shown: bad"):
        write_site(Host.discover(), [bad.store], METRICS, tmp_path / "out2", "Results")


def test_rows_can_be_filtered_in_a_browser(site, chromium):
    context = chromium.new_context(viewport={"width": 390, "height": 800})
    tab = context.new_page()
    faults = []
    tab.on("console", lambda message: faults.append(message.text))
    tab.on("pageerror", lambda error: faults.append(str(error)))
    tab.goto(site.index.as_uri())
    every = tab.locator("tbody tr").count()
    tab.get_by_role("searchbox").fill("lightgcn -shuffled")
    shown = tab.locator("tbody tr:visible")
    assert 0 < shown.count() < every
    assert all("lightgcn" in text and "shuffled" not in text for text in shown.all_inner_texts())
    assert tab.locator("output").inner_text() == f"{shown.count()} of {every} rows"
    assert tab.evaluate("document.documentElement.scrollWidth") <= 390
    assert faults == []
    context.close()
