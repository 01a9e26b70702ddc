"""Every row of a table against any one of them, imported ones included. The metric is one over the rank."""

from dataclasses import replace

import pytest
from click.testing import CliRunner

from corecbench.api import UsageError
from corecbench.cli.main import main
from corecbench.report.views.tables import Frames, main_table

N = 12


@pytest.fixture
def imported(bench):
    """Alone "theirs" ranks every item second, "ours" first but for the first users, and a pair fourth."""
    bench.seeds = [0, 1, 2]
    bench.add("theirs", domain_ranks=[2] * N)
    for seed in bench.seeds:
        bench.add("ours", seed=seed, domain_ranks=[2] * seed + [1] * (N - seed))
    bench.add("ours", "llama", domain_ranks=[4] * N, llm_ranks=[4] * N)
    return bench


def evidence_of(bench, baseline, **options):
    return replace(bench.table(**options), baseline=baseline)


def test_every_row_is_tested_against_the_row_that_is_named(imported):
    evidence = evidence_of(imported, "theirs")
    report = main_table(evidence)
    frame = report.frame.set_index(["model", "side"])
    # ours: 1 for all but 0, 1 and 2 of 12 users, so 1 - 3 / 36 / 2 instead of 1/2; the pair: 1/4 instead of 1/2
    changes = frame["MRR vs theirs"].str.rstrip("*").to_dict()
    assert changes[("ours", "domain")] == f"{100 * ((1 - 3 / 36 / 2) / (1 / 2) - 1):+.1f}%"
    assert changes[("ours + llama", "llm")] == "-50.0%"
    assert changes[("theirs", "domain")] == "-"
    assert "one family of tests: 3 rows against theirs" in report.caption


def test_p_is_that_of_the_comparison_in_python(imported):
    evidence = evidence_of(imported, "theirs")
    frame = Frames(imported.table()).contrasts("theirs")
    assert frame["p (Holm)"].tolist() == [each.p_adjusted for each in evidence.over_baseline.values()]
    assert frame["minus"].unique().tolist() == ["theirs"]


def test_a_row_that_cannot_be_compared_says_why(imported):
    imported.add("other", seed=7, domain_ranks=[1] * N)
    imported.add("elsewhere", seed=0, dataset="far", domain_ranks=[1] * N)
    evidence = evidence_of(imported, "theirs")
    notes = {key.cell: evidence.notes(key) for key in evidence.rows}
    assert any("no seed that succeeded here and in theirs" in note for note in notes["other"])
    assert "not compared: no theirs on far" in notes["elsewhere"]
    assert not any("not compared" in note for note in notes["theirs"])


@pytest.mark.parametrize(
    ("name", "fault"),
    [("thiers", "no row 'thiers'; have"), ("ours+llama+bdlm", "means several rows; choose one of")],
)
def test_a_name_of_no_row_or_of_several_is_refused(imported, name, fault):
    with pytest.raises(UsageError, match=fault):
        evidence_of(imported, name).over(name)


def test_the_verb_shows_it_as_a_view(imported, tmp_path):
    result = CliRunner().invoke(main, ["report", str(tmp_path), "--baseline", "theirs", "--format", "csv"])
    assert result.exit_code == 0, result.output
    assert "NDCG@10 vs theirs,p (theirs, Holm)" in result.stdout.replace('"', "")
    assert "this is a view (--baseline)" in result.stderr
    refused = CliRunner().invoke(main, ["report", str(tmp_path), "--baseline", "nobody"])
    assert (refused.exit_code, "no row 'nobody'" in refused.stderr) == (2, True)


def test_a_part_has_the_tests_of_the_whole(imported):
    imported.add("theirs", dataset="far", domain_ranks=[1] * N)
    evidence = evidence_of(imported, "theirs")
    on_toy = evidence.on("toy").over_baseline
    assert on_toy == {key: each for key, each in evidence.over_baseline.items() if key.dataset == "toy"}
