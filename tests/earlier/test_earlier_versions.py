"""What corecbench 0.1.0 stored and what was written for it still loads.

`results.zip` was written by `corecbench run` of 0.1.0 on a data set of 40 users, and `plugins` by its `new-plugin`.
"""

import warnings
import zipfile
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner

import corecbench
from corecbench.cli.main import main

HERE = Path(__file__).parent
PLUGINS = sorted((HERE / "plugins").glob("*.py"))


@pytest.fixture
def results(tmp_path):
    with zipfile.ZipFile(HERE / "results.zip") as archive:
        archive.extractall(tmp_path)
    return tmp_path


def test_the_table_of_results_of_0_1_0_has_the_figures_of_then(results):
    then = pd.read_csv(results / "early" / "table.csv")
    now = corecbench.load(results).table()
    keys = ["data set", "model", "side"]
    both = then.merge(now, on=keys, suffixes=(" then", " now"), validate="one_to_one")
    assert len(both) == len(then) == 5
    for column in ("HR@10", "NDCG@10", "MRR", "NDCG@10 vs solo"):
        pd.testing.assert_series_equal(
            both[f"{column} now"].astype(float), both[f"{column} then"], check_names=False, check_exact=True
        )


@pytest.mark.parametrize("path", PLUGINS, ids=[path.stem for path in PLUGINS])
def test_a_plugin_of_0_1_0_passes_all_checks(path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        found = CliRunner().invoke(main, ["--plugin", str(path), "check", path.stem.replace("_", "-")])
    assert found.exit_code == 0, found.output
    assert " 0 failed" in found.output
