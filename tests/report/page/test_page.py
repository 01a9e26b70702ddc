"""The page as a file; what a browser makes of it is in test_browser.py."""

import re
from collections import Counter
from html.parser import HTMLParser

import pytest

from ..conftest import Bench
from .conftest import EVIL, fill, write


class Outline(HTMLParser):
    """The tags, attributes and text of a page."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes, self.text, self.inside = Counter(), [], [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags[tag] += 1
        self.attributes += [(tag, name, value) for name, value in attrs]
        self.inside.append(tag)

    def handle_endtag(self, tag):
        while self.inside and self.inside.pop() != tag:
            pass

    def handle_data(self, data):
        if not {"script", "style"} & set(self.inside):
            self.text.append(data)

    def values(self, name):
        return [value for _, own, value in self.attributes if own == name]

    @property
    def words(self):
        return " ".join("".join(self.text).split())


@pytest.fixture(scope="module")
def outline(page):
    return Outline(page.read_text(encoding="utf-8"))


def test_every_section_is_there_and_the_contents_lead_to_it(outline):
    names = [
        *("answer", "ledger", "results", "leaderboard", "slices", "recommended", "cost", "training"),
        *("settings", "environment", "reproduce"),
    ]
    assert [value for tag, name, value in outline.attributes if (tag, name) == ("section", "id")] == names
    links = [value for tag, name, value in outline.attributes if (tag, name) == ("a", "href")]
    assert links == [f"#{name}" for name in names]


def test_nothing_comes_from_elsewhere(page, outline):
    text = page.read_text(encoding="utf-8")
    assert (outline.values("src"), outline.tags["img"]) == ([], 0)
    assert not {"link", "iframe", "object", "embed", "base"} & set(outline.tags)
    assert outline.tags["script"] == 2
    assert not re.search(r"https?:|@import|url\((?!#)", text)


def test_the_page_is_a_few_megabytes_at_most(page):
    assert page.stat().st_size < 5e6


def test_every_plot_is_there_with_words(outline):
    plots = outline.tags["svg"]
    assert plots == 2 + 4 * 2  # gain and critical difference, four kinds for each data set
    words = [value for tag, name, value in outline.attributes if (tag, name) == ("svg", "aria-label")]
    assert len(words) == plots
    assert words[0].startswith("Gain in NDCG@10 of training together over training alone. amazon-toys-games: ")


def test_the_page_begins_with_the_answers_and_one_plot_and_folds_the_rest(page):
    text = page.read_text(encoding="utf-8")
    place = [
        text.index(each)
        for each in (
            "Does llama through bdlm help sasrec?",
            "Does sasrec through bdlm help llama?",
            "<svg",
            "<details",
        )
    ]
    assert place[0] < place[1] < place[2]
    answer, rest = text.split('<section id="ledger"')
    assert answer.count("<svg") == 1
    assert rest.count("<section") == rest.count('<details class="whole"') - 1


def test_the_ledger_stands_before_the_results_and_says_what_a_control_keeps(page, outline):
    text = page.read_text(encoding="utf-8")
    place = [text.index(each) for each in ("What exactly helps</h2>", ">Results</h2>")]
    assert place == sorted(place)
    assert "NDCG@10 on amazon-toys-games with llama through bdlm, it keeps" in outline.words
    assert "with a randomly initialised LLM; pretraining adds" in outline.words
    assert "Do no harm: with texts that tell nothing, sasrec with llama through bdlm on ml-1m" in outline.words
    assert outline.values("aria-label").count("what exactly helps on ml-1m") == 1


def test_a_page_without_controls_has_no_ledger(tmp_path):
    bench = Bench(tmp_path)
    bench.add("sasrec", domain_ranks=[1, 2, 3])
    assert "#ledger" not in Outline(write(bench.store).read_text(encoding="utf-8")).values("href")


def test_failed_and_missing_cells_are_told(outline):
    assert "52 stored cells, 3 of them failed, run 2026-11-20 to 2026-11-24" in outline.words
    assert "sasrec + llama, bdlm, untrained-llm on ml-1m: seeds 0-2 failed: CUDA out of memory" in outline.words
    assert "lightgcn + llama, bdlm on ml-1m: seed 2 missing." in outline.words


def test_every_table_of_a_data_set_has_its_rows(outline):
    assert outline.values("aria-label").count("results on ml-1m") == 1
    assert "two families of tests: 8 joint rows against the model alone and 14 controls against" in outline.words
    assert "corecbench run --config run.toml" in outline.words
    assert 'weights = "smollm2-135m-instruct"' in outline.words


def test_one_data_set_needs_neither_a_leaderboard_nor_headings(tmp_path):
    found = Outline(write(fill(Bench(tmp_path)).store).read_text(encoding="utf-8"))
    assert "#leaderboard" not in found.values("href")
    assert found.tags["h3"] == 1  # of the answer


def test_results_from_before_counts_and_epochs_were_stored_say_what_is_missing(tmp_path):
    bench = Bench(tmp_path)
    bench.add("sasrec", domain_ranks=[1, 2, 3])
    words = Outline(write(bench.store).read_text(encoding="utf-8")).words
    assert "No plot gain: there is no joint row that can be compared with its solo row." in words
    assert "No plot learning-toy: no epochs are stored." in words


def test_results_of_which_nothing_succeeded_have_a_page(tmp_path):
    bench = Bench(tmp_path)
    bench.add_failed("no luck", domain="sasrec")
    words = Outline(write(bench.store).read_text(encoding="utf-8")).words
    assert "1 stored cell, 1 of them failed" in words
    assert "sasrec: seed 0 failed: no luck." in words


def test_the_same_results_give_the_same_bytes(tmp_path):
    store = fill(Bench(tmp_path)).store
    first = write(store).read_bytes()
    assert write(store).read_bytes() == first


def test_markup_in_names_stays_text(evil_page):
    found = Outline(evil_page.read_text(encoding="utf-8"))
    assert (found.tags["script"], found.tags["style"]) == (2, 1)
    assert (found.values("src"), found.tags["img"]) == ([], 0)
    assert found.tags["svg"] > 0
    assert not [name for _, name, _ in found.attributes if name.startswith("on")]
    for start in ("bench", "data", "other", "own", "failed", "key", "protocol", "torch", "fact"):
        assert f"{start} {EVIL}" in found.words, start
    assert any(EVIL in value for value in found.values("aria-label"))
