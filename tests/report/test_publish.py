import json
import re
from types import SimpleNamespace

import numpy as np
import pytest
from stored_cells import store_cell, toy_ranks

from corecbench.plugin.host import Host
from corecbench.report import publish as publishing
from corecbench.report.evidence.controls import known_controls
from corecbench.report.publish import gather, plot, publish, publish_run
from corecbench.results.store import Store
from corecbench.testing.records import toy_record


def save(store, record, rank):
    counts = {"history_length": np.arange(1, 7), "target_frequency": np.arange(6)}
    ranks = toy_ranks([rank] * 6, n_candidates=60, **counts)
    store_cell(store, record, dict.fromkeys(record["sides"], ranks))


def tables(host, store, entries, metrics, **options):
    """Publish some results."""
    return publish(host, gather(host, store, entries, metrics), store.own_folder, **options)


@pytest.fixture
def published(tmp_path):
    """Publish a model that ranks all items third, and second when it is trained with an LLM."""
    store, host = Store(tmp_path, "default"), Host.discover()
    save(store, toy_record("sasrec", n_users=6), rank=3)
    save(store, toy_record("sasrec", "llama", n_users=6), rank=2)
    found = tables(host, store, list(store.records()), ["NDCG@10", "MRR"])
    return SimpleNamespace(found=found, folder=tmp_path / "default")


def test_both_tables_are_written_once_for_each_reporter(published):
    suffixes = ["txt", "md", "tex", "html", "csv", "json"]
    names = [f"{stem}.{suffix}" for stem in ("table", "slices") for suffix in suffixes]
    assert [path.relative_to(published.folder).name for path in published.found.paths] == names
    assert published.found.folder == published.folder
    assert (published.folder / "table.txt").read_text() == published.found.texts["table"]["text"]
    assert (published.folder / "slices.md").read_text() == published.found.texts["slices"]["markdown"]


@pytest.mark.parametrize("format_", ["text", "markdown", "latex", "html", "csv", "json"])
def test_every_format_has_every_row(published, format_):
    assert published.found.texts["table"][format_].count("sasrec + llama") == 2
    assert published.found.texts["table"][format_].endswith("\n")


def test_the_ledger_is_a_table_of_its_own_if_it_is_asked_for(published):
    store, host = Store(published.folder.parent, "default"), Host.discover()
    save(store, toy_record("sasrec", "llama", control="shuffled-texts", n_users=6), rank=3)
    entries = list(store.records())
    assert "ledger" not in tables(host, store, entries, ["NDCG@10"]).texts
    found = tables(host, store, entries, ["NDCG@10"], with_ledger=True, by_slices=True)
    assert found.texts["ledger"]["text"] == (published.folder / "ledger.txt").read_text()
    rows = json.loads(found.texts["ledger"]["json"])["rows"]
    assert {row["minus"] for row in rows} == {"alone", "shuffled-texts"}
    # one user has each frequency
    assert {row["slice by"] for row in rows} == {None, "history length", "target frequency in bins"}
    domain, llm = gather(host, store, entries, ["NDCG@10"]).ledgers()
    assert llm.of_kind("whole") == []  # the LLM alone is not stored
    assert len(domain.of_kind("whole")) == len(domain.of_kind("contrast")) == len(llm.of_kind("contrast")) == 1


def test_a_run_with_controls_has_its_ledger(published):
    store, host = Store(published.folder.parent, "default"), Host.discover()
    save(store, toy_record("sasrec", "llama", control="shuffled-texts", n_users=6), rank=3)
    records = [record for _, record in store.records()]
    _, found = publish_run(host, store, records, ["NDCG@10"])
    assert "shuffled-texts" in found.texts["ledger"]["text"]
    assert "ledger" not in publish_run(host, store, records[:1], ["NDCG@10"])[1].texts


def test_exact_formats_do_not_round(published):
    rows = json.loads(published.found.texts["table"]["json"])["rows"]
    assert rows[1]["NDCG@10"] == pytest.approx(1 / np.log2(3), abs=1e-15)
    assert "0.3333333333333333" in published.found.texts["table"]["csv"]


@pytest.fixture
def with_lists(tmp_path):
    """Store a model that recommends each of two users one of the four items."""
    store = Store(tmp_path, "default")
    frequency = {"i": 4, "a": 2, "b": 1, "c": 1}
    store_cell(store, toy_record("sasrec"), {"domain": toy_ranks([1, 2])}, ["i", "b"], frequency)
    return store


@pytest.mark.parametrize(
    ("metrics", "tested"),
    [
        (["coverage@1", "novelty@1"], "novelty@1"),
        (["novelty@1", "NDCG@10"], "NDCG@10"),
        (["coverage@1", "Gini@1"], "NDCG@10"),
    ],
)
def test_what_is_tested_has_a_value_per_user_and_is_a_column_though_not_asked_for(with_lists, metrics, tested):
    found = tables(Host.discover(), with_lists, list(with_lists.records()), metrics)
    (row,) = json.loads(found.texts["table"]["json"])["rows"]
    assert [name for name in row if "@" in name and "vs" not in name] == list(dict.fromkeys([*metrics, tested]))
    assert f"{tested} vs solo" in row
    values = {"coverage@1": 2 / 4, "novelty@1": (1 + 3) / 2, "Gini@1": (1 + 3) / 2 / 3}
    assert all(row[name] == pytest.approx(values[name]) for name in metrics if name in values)


def test_a_leaderboard_of_a_metric_of_all_lists_is_ranked_by_it(with_lists):
    written, _ = publishing.rank(Host.discover(), [with_lists], ["coverage@1"])
    assert json.loads(written.texts["json"])["rows"][0]["coverage@1"] == 2 / 4


@pytest.mark.parametrize("format_", ["text", "markdown", "latex", "html", "csv", "json"])
def test_every_format_has_the_effect_sizes(published, format_):
    store = Store(published.folder.parent, "default")
    found = tables(Host.discover(), store, list(store.records()), ["MRR"], effects=True)
    names = {"text": ["d_z", "better/worse/equal", "p (TOST, Holm)"], "latex": [r"d\_z", "better/worse/equal"]}
    exact = ["d_z", "better", "95% low (change)", "p (TOST)"]
    names |= {"markdown": names["text"], "html": names["text"], "csv": exact, "json": exact}
    assert all(name in found.texts["table"][format_] for name in names[format_])
    assert "d_z" not in published.found.texts["table"][format_].replace("\\", "")


def test_costs_are_columns_where_they_are_asked_for(published):
    store = Store(published.folder.parent, "default")
    found = tables(Host.discover(), store, list(store.records()), ["MRR"], cost=True)
    assert "train s" in found.texts["table"]["text"]
    assert "train s" not in published.found.texts["table"]["text"]


def test_a_pair_that_shares_nothing_is_not_the_best(published):
    store, host = Store(published.folder.parent, "default"), Host.discover()
    for sharing, plugin in (("none", {}), ("private", {"variant_of": "none"})):
        record = toy_record("sasrec", "llama", n_users=6)
        of = {"distribution": "corecbench", "version": "0", **plugin}
        cell = record["cell"] | {"sharing": sharing, "name": f"sasrec+llama+{sharing}"}
        save(store, record | {"cell": cell, "plugins": {sharing: of}}, rank=1)
    assert known_controls(host, store.records()).unshared == {"none", "private"}
    lines = tables(host, store, list(store.records()), ["MRR"]).texts["table"]["text"].splitlines()
    cells = [line.split("domain")[1] for line in lines if " domain " in line]
    assert [text.split("%")[0].split() for text in cells] == [
        ["-", "#2", ".3333", *"---", "6", "0"],
        ["bdlm", "#1", ".5000", "+50.0"],
        ["none", "1.0000", "+200.0"],
        ["private", "1.0000", "+200.0"],
    ]


def test_a_reporter_that_fails_loses_only_its_own_tables(published, loose_file):
    source = """
        from corecbench.api import ReporterComponent, hookimpl

        class Broken:
            suffix = "x"
            def __init__(self, config): pass
            def render(self, report): return report.absent

        @hookimpl
        def corecbench_reporters():
            return [ReporterComponent("broken", Broken)]
    """
    host = Host.discover([loose_file("mine", source)])
    store = Store(published.folder.parent, "default")
    found = tables(host, store, list(store.records()), ["MRR"])
    assert list(found.errors) == ["broken"]
    assert re.match(r"reporter 'broken' of plugin mine .* failed in render: .*absent", str(found.errors["broken"]))
    assert (
        set(found.texts["table"])
        == set(found.texts["slices"])
        == {"text", "markdown", "latex", "html", "csv", "json"}
    )


def test_tables_that_cannot_all_be_written_are_incomplete(host, published):
    store = Store(published.folder.parent, "default")
    assert tables(host, store, list(store.records()), ["MRR"]).complete
    (published.folder / "table.csv").unlink()
    (published.folder / "table.csv").mkdir()
    found = tables(host, store, list(store.records()), ["MRR"])
    assert not found.complete
    assert list(found.errors) == ["csv"]


def test_a_reporter_of_few_lines_is_enough(published, loose_file):
    source = """
        from corecbench.api import ReporterComponent, hookimpl

        class Plain:
            suffix = "plain"
            def __init__(self, config): pass
            def render(self, report): return report.frame.to_string() + report.caption

        @hookimpl
        def corecbench_reporters():
            return [ReporterComponent("plain", Plain)]
    """
    store = Store(published.folder.parent, "default")
    host = Host.discover([loose_file("mine", source)])
    tables(host, store, list(store.records()), ["MRR"])
    assert "sasrec + llama" in (published.folder / "table.plain").read_text()


def test_plots_are_of_the_metric_that_the_table_tests(published):
    store, host = Store(published.folder.parent, "default"), Host.discover()
    for metrics, shown in ((["HR@10", "NDCG@10"], "NDCG@10"), (["MRR"], "MRR")):
        written = plot(gather(host, store, list(store.records()), metrics), store.own_folder)
        assert written.folder == published.folder / "plots"
        assert f'aria-label="Gain in {shown} of' in (written.folder / "gain.svg").read_text(encoding="utf-8")


def test_the_slices_show_the_metric_that_the_table_tests(published):
    # third: NDCG 1 / log2(4) = .5; second: 1 / log2(3) = .6309
    text = published.found.texts["slices"]["text"]
    assert "NDCG@10 solo" in text
    rows = [line for line in text.splitlines() if "0 (never in training)" in line]
    assert len(rows) == 2  # the domain side, by frequency and by bins of it; the LLM has no solo row
    assert ".5000" in rows[0]
    assert ".6309" in rows[0]
    assert "+26.2%" in rows[0]


def test_slices_of_several_data_sets_share_a_table(published):
    store, host = Store(published.folder.parent, "default"), Host.discover()
    for record, rank in ((toy_record("sasrec", n_users=6), 3), (toy_record("sasrec", "llama", n_users=6), 2)):
        save(store, record | {"cell": record["cell"] | {"dataset": "other"}}, rank)
    text = tables(host, store, list(store.records()), ["NDCG@10"]).texts["slices"]["text"]
    assert text.count("95% interval  ") == 1
    assert " ".join(text.split()).count("other, 6 users, seed 0; toy, 6 users, seed 0.") == 1


def test_another_metric_is_sliced_where_ndcg_is_not_shown(published):
    store = Store(published.folder.parent, "default")
    text = tables(Host.discover(), store, list(store.records()), ["MRR"]).texts["slices"]["text"]
    assert "MRR solo" in text
    assert "NDCG" not in text
