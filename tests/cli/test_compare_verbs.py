"""`corecbench claims`: what papers claim beside stored rows."""

import pytest
from click.testing import CliRunner
from stored_cells import store_cell, toy_ranks

from corecbench.cli.main import main
from corecbench.results.store import Store
from corecbench.testing.records import toy_record


@pytest.fixture
def results(tmp_path):
    """Store a SASRec that ranks one of two users' items first on amazon-beauty, under three seeds and two names."""
    for benchmark in ("one", "two"):
        for seed in range(3):
            record = toy_record("sasrec", seed=seed, dataset="amazon-beauty", benchmark=benchmark)
            store_cell(Store(tmp_path, benchmark), record, {"domain": toy_ranks([1, 50], n_candidates=60)})
    return tmp_path


def run(*arguments):
    return CliRunner().invoke(main, ["board", "--claims", *map(str, arguments)])


def test_each_claim_stands_beside_the_rows_of_its_method(results):
    found = run(results, "--benchmark", "two", "--format", "csv")
    assert (found.exit_code, found.stderr) == (0, "")
    lines = [
        line.split(",") for line in found.stdout.splitlines() if line.startswith("sasrec-s3rec,amazon-beauty,")
    ]
    assert [line[2:6] for line in lines] == [
        ["sasrec", "two", "HR@10", "0.0605"],
        ["sasrec", "two", "NDCG@10", "0.0318"],
    ]
    assert all("below all" in line for line in lines)
    assert "tiger,amazon-beauty,,," in found.stdout


PER_CENT = 'paper = "A"\nsource = "Table 1"\nmodel = "sasrec"\n[figures.ml-1m]\n"HR@10" = 5.1\n'


@pytest.mark.parametrize("figure", ["", "per cent"])
def test_a_bad_claim_ends_in_one_line(results, tmp_path, figure):
    folder = tmp_path / "own"
    folder.mkdir()
    fields = {"": 'paper = "A"', "per cent": PER_CENT}[figure]
    (folder / "bad.toml").write_text(fields, encoding="utf-8")
    found = run(results, "--claims-dir", folder)
    assert found.exit_code == 2
    assert found.stderr.startswith("error: claim ")
    assert found.stderr.count("\n") == 1
    assert ("less than or equal to 1" in found.stderr) == bool(figure)
