"""A metric or a reporter that fails costs its own column or file only, and its plugin is named."""

import json

import numpy as np
import pytest
from stored_cells import store_cell, toy_ranks

from corecbench.plugin.host import Host
from corecbench.report.publish import gather, plot, publish, rank, write_page
from corecbench.results.store import Store
from corecbench.testing.records import toy_record

FORMATS = {"text", "markdown", "latex", "html", "csv", "json"}

METRIC = """
    import numpy as np
    from corecbench.api import MetricComponent, hookimpl

    class Odd:
        {direction}

        def __init__(self, config):
            {build}

        {method}

    @hookimpl
    def corecbench_metrics():
        return [MetricComponent("odd", Odd)]
"""
DIRECTION, BUILD = "higher_is_better = True", "pass"
PER_USER = "def per_user(self, rank, n_candidates): {}"


def odd(returns="return 1 / rank", direction=DIRECTION, build=BUILD, method=PER_USER):
    return METRIC.format(direction=direction, build=build, method=method.format(returns))


REPORTER = """
    from corecbench.api import ReporterComponent, hookimpl

    class Odd:
        {suffix}

        def __init__(self, config): pass

        def render(self, report):
            {render}

    @hookimpl
    def corecbench_reporters():
        return [ReporterComponent("odd", Odd)]
"""


def odd_reporter(render="return 'a table'", suffix='suffix = "odd"'):
    return REPORTER.format(render=render, suffix=suffix)


@pytest.fixture
def store(tmp_path):
    """Store a model that ranks the items of six users third to eighth, and better where it has an LLM."""
    store = Store(tmp_path / "results", "default")
    for record, ranks in (
        (toy_record("sasrec", n_users=6), [3, 4, 5, 6, 7, 8]),
        (toy_record("sasrec", "llama", n_users=6), [1, 2, 2, 3, 9, 1]),
    ):
        frames = dict.fromkeys(record["sides"], toy_ranks(ranks, n_candidates=60))
        store_cell(store, record, frames, lists=["ab", "ba"] * 3, frequency={"i": 2, "a": 3, "b": 1})
    return store


@pytest.fixture
def with_plugin(loose_file):
    """Return a host that knows a plugin of the given source."""
    return lambda source: Host.discover([loose_file("mine", source)])


def evidence_of(host, store, metrics=("MRR",)):
    return gather(host, store, list(store.records()), list(metrics))


def published(host, store, metrics=("MRR",)):
    return publish(host, evidence_of(host, store, metrics), store.own_folder)


def page_of(host, store, metrics=("MRR",)):
    return write_page(host, store, evidence_of(host, store, metrics), store.own_folder).read_text(encoding="utf-8")


def tables(host, store, metrics=("MRR", "odd")):
    found = published(host, store, metrics)
    return found, json.loads(found.texts["table"]["json"])


FAULTS = {
    "raises": (odd("raise ValueError('no\\n luck')"), "failed in per_user: ValueError: no luck"),
    "exits": (odd("raise SystemExit(3)"), "SystemExit: 3"),
    "raises an error for the user": (
        odd("from corecbench.api import DataError; raise DataError('too few')"),
        "failed: too few",
    ),
    "NaN": (odd("return np.where(rank == 3, np.nan, 1.0)"), "got NaN or infinity"),
    "infinity": (odd("return np.full(len(rank), np.inf)"), "got NaN or infinity"),
    "too short": (odd("return np.ones(2)"), r"got shape (2,)"),
    "one number": (odd("return 1.0"), r"got shape ()"),
    "two columns": (odd("return np.ones((len(rank), 2))"), r"got shape (6, 2)"),
    "nothing": (odd("pass"), "failed: TypeError: it returned None"),
    "text": (odd("return ['x'] * len(rank)"), "failed: TypeError: it returned list of <U1, no numbers"),
    "cannot be built": (odd(build="raise RuntimeError('no file')"), "failed in build: RuntimeError: no file"),
    "no direction": (odd(direction=""), "it needs higher_is_better"),
    "no method": (odd(method=""), "it needs one of per_user, per_list, overall"),
    "no depth": (odd(method="def per_list(self, lists): return lists.rank"), "lacks method k"),
    "a depth of text": (
        odd(direction=DIRECTION + "; k = 'ten'", method="def per_list(self, lists): return lists.rank"),
        "its k is a whole number from 1 on, got 'ten'",
    ),
    "an attribute that raises": (
        odd(method="@property\n        def per_user(self): raise KeyError('rank')"),
        "cannot be used: KeyError: 'rank'",
    ),
    "one value that is NaN": (
        odd(direction=DIRECTION + "; k = 1", method="def overall(self, lists): return float('nan')"),
        "a finite number for all users, got NaN or infinity",
    ),
}


@pytest.mark.parametrize(("source", "reason"), FAULTS.values(), ids=FAULTS)
def test_a_metric_that_fails_has_no_value_and_the_caption_says_why_in_one_line(store, with_plugin, source, reason):
    expected = tables(Host.discover(), store, ["MRR"])[1]["rows"]
    found, table = tables(with_plugin(source), store)
    assert found.errors == {}
    assert set(found.texts["table"]) == set(found.texts["slices"]) == FORMATS
    assert [row["odd"] for row in table["rows"]] == [None] * 3
    same = [name for name in expected[0] if name != "notes"]
    assert [[row[name] for name in same] for row in table["rows"]] == [
        [row[name] for name in same] for row in expected
    ]
    (sentence,) = [part for part in table["caption"].split(". ") if part.startswith("No odd of ")]
    assert "metric 'odd' of plugin mine" in sentence
    assert reason in sentence
    assert all("no odd (see the caption)" in row["notes"] for row in table["rows"])


def test_a_metric_that_fails_for_one_row_has_its_values_elsewhere(store, with_plugin):
    source = odd("return 1 / rank if rank[0] == 3 else np.ones(1)")
    _, table = tables(with_plugin(source), store)
    assert [row["odd"] for row in table["rows"]] == [
        row["MRR"] if row["model"] == "sasrec" else None for row in table["rows"]
    ]
    assert (
        "No odd of sasrec+llama+bdlm:domain on toy, sasrec+llama+bdlm:llm on toy: metric 'odd'" in table["caption"]
    )


def test_a_tested_metric_that_fails_costs_the_tests_and_not_the_table(store, with_plugin):
    host = with_plugin(odd("return rank * np.nan"))
    found, table = tables(host, store, ["odd"])
    row = table["rows"][1]
    assert (row["model"], row["odd"], row["odd vs solo"]) == ("sasrec + llama", None, None)
    assert "not compared: no odd here" in row["notes"]
    assert "there is no joint row that can be compared" in found.texts["slices"]["text"].replace("\n", " ")
    plots = plot(evidence_of(host, store, ["odd"]), store.own_folder)
    assert plots.skipped["gain"] == "there is no joint row that can be compared with its solo row"
    assert "No odd of" in page_of(host, store, ["odd"])


def test_a_leaderboard_of_a_metric_that_fails_says_why(store, with_plugin):
    written, is_complete = rank(with_plugin(odd("return np.ones(1)")), [store], ["odd"])
    board = json.loads(written.texts["json"])
    assert not is_complete
    assert [row["odd"] for row in board["rows"]] == [None] * 3
    assert "metric 'odd' of plugin mine" in board["caption"]


def test_a_metric_cannot_change_the_ranks_that_others_see(store, with_plugin):
    expected = tables(Host.discover(), store, ["MRR"])[1]["rows"]
    _, table = tables(with_plugin(odd("rank[:] = 1; return 1 / rank")), store, ["odd", "MRR"])
    assert [row["MRR"] for row in table["rows"]] == [row["MRR"] for row in expected]


# --- reporters ----------------------------------------------------------------------------------------------------

REPORTERS = {
    "raises": (odd_reporter("raise KeyError('frame')"), "KeyError: 'frame'"),
    "exits": (odd_reporter("raise SystemExit(3)"), "SystemExit: 3"),
    "gives nothing": (odd_reporter("pass"), "render must return text, got NoneType"),
    "gives bytes": (odd_reporter("return b'x'"), "render must return text, got bytes"),
    "gives text that no file can hold": (odd_reporter("return chr(0xD800)"), "UnicodeEncodeError"),
    "leaves the folder": (odd_reporter(suffix='suffix = "../x"'), "its suffix must be letters, digits and dots"),
    "has dots only": (odd_reporter(suffix='suffix = ".."'), "its suffix must be letters, digits and dots"),
    "has an empty suffix": (odd_reporter(suffix='suffix = ""'), "its suffix must be letters, digits and dots"),
    "has a suffix with a line in it": (odd_reporter(suffix='suffix = "md\\n"'), "its suffix must be letters"),
    "has a suffix that is no text": (odd_reporter(suffix="suffix = 3"), "its suffix must be letters, digits"),
    "has no suffix": (odd_reporter(suffix=""), "lacks method suffix"),
    "has a suffix that raises": (
        odd_reporter(suffix="@property\n        def suffix(self): raise OSError('no')"),
        "OSError: no",
    ),
    "has the suffix of another": (
        odd_reporter(suffix='suffix = "MD"'),
        "its suffix 'MD' is that of reporter 'markdown'",
    ),
}


@pytest.mark.parametrize(("source", "reason"), REPORTERS.values(), ids=REPORTERS)
def test_a_reporter_that_fails_does_so_alone_and_its_plugin_is_named(store, with_plugin, source, reason):
    found = published(with_plugin(source), store)
    assert set(found.texts["table"]) == set(found.texts["slices"]) == FORMATS
    assert list(found.errors) == ["odd"]
    message = str(found.errors["odd"])
    assert message.startswith("reporter 'odd' of plugin mine")
    assert reason in message
    assert "\n" not in message
    assert {path.parent for path in found.folder.parent.rglob("table.*")} == {found.folder}
    assert all(path.read_text(encoding="utf-8").strip() for path in found.paths)


def test_a_reporter_that_fails_with_the_second_table_has_written_the_first(store, with_plugin):
    host = with_plugin(odd_reporter("assert report.name == 'table'; return 'a table'"))
    found = published(host, store)
    assert (found.texts["table"]["odd"], "odd" in found.texts["slices"]) == ("a table\n", False)
    assert "failed in render: AssertionError" in str(found.errors["odd"])


def test_a_reporter_cannot_change_the_table_that_others_write(store, with_plugin):
    expected = published(Host.discover(), store).texts["table"]
    host = with_plugin(odd_reporter("report.frame.iloc[:, :] = 'x'; report.marks.clear(); return 'x'"))
    found = published(host, store)
    assert {name: found.texts["table"][name] for name in FORMATS} == dict(expected)


# --- cells that failed in part ------------------------------------------------------------------------------------


def test_a_row_without_ranks_has_its_reason_and_the_other_row_of_the_cell_its_numbers(store, host):
    record = toy_record("sasrec", "llama", "collm", n_users=6)
    error = {"type": "RuntimeError", "message": "out of memory", "traceback": ""}
    sides = {"domain": record["sides"]["domain"]}
    partial = {**record, "status": "failed", "error": error, "failed_sides": {"llm": error}, "sides": sides}
    store_cell(store, partial, {"domain": toy_ranks([1] * 6, n_candidates=60)})
    found, table = tables(host, store, ["MRR"])
    rows = {row["side"]: row for row in table["rows"] if row["sharing"] == "collm"}
    assert (rows["domain"]["MRR"], rows["domain"]["notes"]) == (1, "")
    assert rows["domain"]["p"] is not None
    assert rows["llm"]["MRR"] is None
    assert rows["llm"]["notes"].startswith("seed 0 failed: out of memory; not compared")
    assert not found.complete
    page = page_of(host, store)
    assert "seed 0 failed: out of memory" in page
    assert (
        plot(evidence_of(host, store), store.own_folder)
        .skipped.keys()
        .isdisjoint({"gain", "cost-toy", "pairs-toy"})
    )
    assert np.isclose(rows["domain"]["MRR vs solo"] + 1, 1 / table["rows"][0]["MRR"])
