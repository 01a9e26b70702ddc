"""One command says what vectors are worth."""

import json
import re
import tomllib

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from in_process import InProcess

from corecbench.cli.main import main
from corecbench.experiment.session import Steps
from corecbench.leakcheck.verdict import Finding


@pytest.fixture
def audit(tmp_path, monkeypatch, toy_folder, cache):
    """Audit vectors of the toy data set's items: `audit(ids, *options)`."""
    from corecbench.experiment.execution.schedule import run

    monkeypatch.setenv("CORECBENCH_CACHE", str(cache))
    monkeypatch.chdir(tmp_path)

    def go(*options, ids=tuple(f"i{item}" for item in range(20))):
        pd.DataFrame({"item_id": ids, "vector": list(np.eye(len(ids)))}).to_parquet("mine.parquet")
        here = Steps(run_plan=lambda plan, host, store: run(plan, host, store, InProcess(plan, host, store)))
        given = ["audit", "vectors", "mine.parquet", "--dataset", str(toy_folder), *options]
        return CliRunner().invoke(main, given, obj=here)

    return go


def test_an_audit_ends_in_one_sentence_and_trains_nothing(audit, tmp_path):
    done = audit()
    assert done.exit_code == 0, done.output
    *_, sentence = done.stdout.strip().splitlines()
    assert re.fullmatch(
        r"vectors:mine on toy is worth .* beside sequence-knn.*; leaks: (no sign|cannot tell) \(\d+\.\d minutes\)",
        sentence,
    )
    assert "lift of held-out pairs" in done.stdout
    folder = tmp_path / "results" / "audit-mine"
    assert sentence in (folder / "report.html").read_text(encoding="utf-8")
    names = {path.name for path in (folder / "toy").iterdir() if path.is_dir()}
    assert not [name for name in names if "frozen-pair" in name]
    assert len([name for name in names if "beside" in name]) == 7  # words, and vectors and both with two controls


def test_vectors_that_leak_end_with_an_exit_code_of_their_own(audit, monkeypatch):
    finding = Finding("leak", "held-out pairs are as near as those of training", {})
    monkeypatch.setattr("corecbench.leakcheck.vectors.check_vectors", lambda *given: finding)
    done = audit()
    assert done.exit_code == 1
    assert "vectors:mine on toy leaks" in done.stdout


def test_vectors_of_other_items_are_one_line(audit):
    refused = audit(ids=("x", "y"))
    assert refused.exit_code == 4
    assert re.fullmatch(r"error: .*none of its 2 ids, such as 'x', is an item of toy, whose .*\n", refused.stderr)


def test_models_are_tuned_alone_before_they_are_trained_with_the_vectors(audit, tmp_path):
    done = audit(
        "--models", "sasrec", "--tune", ".1", "--set", "sasrec.epochs=1", "--set", "sasrec.embedding_size=8"
    )
    assert done.exit_code == 0, done.output
    folder = tmp_path / "results" / "audit-mine"
    found = tomllib.loads((folder / "tuned.toml").read_text(encoding="utf-8"))
    settings = found["per_dataset"]["toy"]["settings"]["sasrec"]
    assert set(found["tuning"]["toy"]["sasrec"]) == {"alone"}
    assert found["tuning"]["toy"]["sasrec"]["alone"]["protocol"]["split"] == "leave-one-out"
    records = [json.loads(path.read_text()) for path in folder.glob("toy/*sasrec*/*/result.json")]
    assert records
    assert all(record["settings"]["sasrec"].items() >= settings.items() for record in records)


def test_a_search_without_models_is_refused(audit):
    refused = audit("--tune", "1")
    assert refused.exit_code == 2
    assert "--tune searches the settings of --models" in refused.stderr
