"""What a terminal shows of results: four figures a row, then the answers."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from corecbench.cli import tables
from corecbench.cli.main import main
from corecbench.plugin.host import Host
from corecbench.report.evidence.contrasts import Contrast
from corecbench.report.page.answers import answers_in_lines, heading, outlasts_seeds
from corecbench.report.publish import gather
from corecbench.results.folders import stores
from corecbench.settings.config import SHOWN

BUNDLE = Path(__file__).parents[2] / "results" / "published" / "main-job.zip"


@pytest.fixture(scope="module")
def entries():
    (store,) = stores(BUNDLE)
    return store, list(store.records())


@pytest.fixture(scope="module")
def evidence(entries):
    return gather(Host.discover(), *entries, SHOWN)


@pytest.fixture(scope="module")
def one_seed(entries):
    store, found = entries
    return gather(Host.discover(), store, [each for each in found if each[1]["cell"]["seed"] == 0], SHOWN)


def test_rows_have_four_figures_within_80_columns(evidence, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    tables.draw(evidence, "ml-100k")
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    assert "sasrec + llama, bdlm              .1071   .2025      -9.0%        -1.3%" in lines
    assert any(line.startswith("sequence-knn (strongest)") for line in lines)


def test_each_pair_has_an_answer_with_intervals(evidence):
    lines = list(answers_in_lines(evidence, "ml-100k"))
    assert lines[:3] == [
        "lightgcn with llama through bdlm:",
        "  -29.5% (-37.6% to -20.5%) over sequence-knn: worse",
        "  +14.3% (-12.3% to +53.9%) over itself alone: no significant difference",
    ]
    assert heading(evidence, "ml-100k") == "ml-100k: 943 users, seeds 0-2"
    assert max(map(len, lines)) <= 80


def test_one_seed_speaks_of_this_run(one_seed):
    said = "\n".join(answers_in_lines(one_seed, "ml-100k"))
    assert "in this run" in said
    assert not {"worse", "better"} & set(said.split())
    assert heading(one_seed, "ml-100k").endswith("seed 0; intervals are over users, other seeds may differ")


def test_a_large_loss_outlasts_seeds_and_a_small_one_does_not(one_seed):
    by_change = sorted(one_seed.over_strongest.values(), key=lambda each: each.change)
    assert isinstance(by_change[0], Contrast)
    found = [outlasts_seeds(each) for each in by_change]
    assert found == sorted(found, reverse=True)
    assert not found[-1]


def test_a_report_ends_in_the_answers():
    said = CliRunner().invoke(main, ["report", str(BUNDLE)]).stdout
    assert said.rstrip().endswith("over itself alone: better")
    assert "over itself" not in CliRunner().invoke(main, ["report", str(BUNDLE), "--format", "csv"]).stdout


def test_a_number_of_seeds_is_asked_back():
    said = CliRunner().invoke(main, ["run", "--models", "sasrec", "--seeds", "3"])
    assert said.exit_code == 2
    assert said.stderr == "error: --seeds 3 could be 3 seeds (write 0-2) or seed number 3 (write 3-3)\n"


@pytest.mark.parametrize("verb", [[], ["results"], ["audit"]])
def test_no_verb_prints_the_help(verb):
    said = CliRunner().invoke(main, verb)
    assert said.exit_code == 0
    assert said.stdout.startswith("Usage: ")
