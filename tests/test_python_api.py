"""What `import corecbench` offers. The page about it runs in docs/test_python_api.py."""

import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import torch
from click.testing import CliRunner
from stored_cells import store_cell, toy_ranks

import corecbench
from corecbench.api import DataError, UsageError
from corecbench.cli.main import main
from corecbench.data.loaded import read_datasets
from corecbench.plugin.host import Host
from corecbench.python_api import kept_frame
from corecbench.results.record import ResultsError
from corecbench.results.store import Store
from corecbench.settings.config import RunConfig
from corecbench.testing.records import toy_record

METRICS = ["NDCG@10", "novelty@5", "coverage@5"]


@pytest.fixture
def here(tmp_path, monkeypatch, cache):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CORECBENCH_CACHE", str(cache))
    return tmp_path


def ranks(root):
    return {file.relative_to(root): pd.read_parquet(file) for file in root.rglob("ranks.parquet")}


SHOP = pd.DataFrame(
    [(user, (user + step) % 7, pd.Timestamp(2026, 1, step + 1)) for user in range(20) for step in range(6)],
    columns=["user_id", "item_id", "timestamp"],
)
TITLES = pd.DataFrame({"item_id": range(7), "title": [f"Soap {item}" for item in range(7)]})


def test_data_frames_are_a_data_set_with_titles(here):
    rows = corecbench.run(
        interactions=SHOP, items=TITLES, name="shop", models=["popularity"], references=False, metrics=["HR@10"]
    )
    assert (rows["data set"].tolist(), rows["users"].tolist()) == (["shop.parquet"], [20])


def test_ids_of_items_may_be_numbers_in_one_frame_and_texts_in_the_other(here):
    items = TITLES.assign(item_id=TITLES["item_id"].astype(str))
    assert pd.read_parquet(kept_frame(SHOP, items, "a")).equals(pd.read_parquet(kept_frame(SHOP, TITLES, "a")))
    with pytest.raises(UsageError, match="an item is allowed once"):
        kept_frame(SHOP, pd.concat([items, TITLES.head(1)]), "a")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"items": TITLES.drop(columns="title")}, "items has no column title; have: item_id"),
        ({"items": pd.concat([TITLES, TITLES])}, "items lists an item twice"),
        ({"interactions": {}}, "interactions is of type dict; a data frame of pandas is needed"),
        ({"items": "items.csv"}, "items is of type str; a data frame of pandas is needed"),
        ({"datasets": ["shop"]}, "datasets and interactions are given"),
        ({"interactions": SHOP.assign(timestamp=[1, "x"] * 60)}, "interactions cannot be stored as Parquet"),
    ],
)
def test_data_frames_that_are_no_data_set_are_refused_in_one_line(here, given, said):
    with pytest.raises(UsageError, match=said):
        corecbench.run(**{"interactions": SHOP, "models": ["popularity"], **given})


def test_the_same_frames_are_stored_once_and_read_with_their_titles(here):
    path, again = (kept_frame(SHOP, TITLES, "shop") for _ in range(2))
    assert path == again
    (data,) = read_datasets(RunConfig(datasets=(str(path),)), Host.discover())
    assert data.catalog.item_texts[:3] == ("", "Soap 0", "Soap 1")


def test_a_fault_of_a_data_frame_names_the_argument_and_no_file_of_the_cache(here):
    late = SHOP.assign(timestamp=SHOP["timestamp"].astype(str).where(SHOP.index != 3, "12/31/2013"))
    with pytest.raises(DataError, match=r"^interactions: row 4: column timestamp: '12/31/2013' is ") as raised:
        corecbench.run(interactions=late, models=["popularity"], references=False)
    assert ".parquet" not in str(raised.value)


def test_run_trains_what_the_command_line_trains_and_writes_the_same_tables(here, toy_folder):
    corecbench.run(
        references=False,
        models=["sasrec"],
        datasets=[str(toy_folder)],
        settings={"sasrec": {"epochs": 1}},
        out="python",
    )
    options = [
        "--models",
        "sasrec",
        "--datasets",
        str(toy_folder),
        "--set",
        "sasrec.epochs=1",
        "--results",
        "shell",
    ]
    assert CliRunner().invoke(main, ["run", "--no-references", *options], catch_exceptions=False).exit_code == 0
    python, shell = ranks(here / "python"), ranks(here / "shell")
    assert python.keys() == shell.keys()
    assert all(frame.equals(shell[file]) for file, frame in python.items())
    files = [(here / out / "default").glob("*.*") for out in ("python", "shell")]
    tables = [{path.name for path in found if path.suffix != ".log"} for found in files]
    assert tables[0] == tables[1]
    assert "table.md" in tables[0]


def test_run_changes_neither_the_environment_nor_the_settings_of_torch(here, toy_folder, monkeypatch):
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    environment, threads, state = dict(os.environ), torch.get_num_threads(), torch.get_rng_state()
    corecbench.run(
        references=False, models=["sasrec"], datasets=[str(toy_folder)], settings={"sasrec": {"epochs": 1}}
    )
    assert dict(os.environ) == environment
    assert torch.get_num_threads() == threads
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.get_default_dtype() is torch.float32
    assert not torch.are_deterministic_algorithms_enabled()
    assert not torch.is_anomaly_enabled()


def test_run_returns_its_own_cells_only_and_load_all_of_them(here, toy_folder):
    first = corecbench.run(
        references=False, models="popularity", datasets=toy_folder, metrics=METRICS, seeds=range(2)
    )
    assert first["seed"].tolist() == [0, 1]
    second = corecbench.run(
        references=False, models=["popularity"], datasets=[str(toy_folder)], metrics=METRICS, seeds=2
    )
    assert second["seed"].tolist() == [2]
    stored = corecbench.load("results", metrics=METRICS).rows
    pd.testing.assert_frame_equal(stored, pd.concat([first, second], ignore_index=True))


def test_run_is_silent_unless_progress_is_asked_for(here, toy_folder, capsys):
    options = {"models": ["popularity"], "datasets": [str(toy_folder)], "existing": "replace"}
    options["references"] = False
    corecbench.run(**options)
    assert capsys.readouterr() == ("", "")
    corecbench.run(**options, progress=True)
    out, err = capsys.readouterr()
    assert out == ""
    assert "popularity, toy, seed 0: done" in err


def test_options_win_over_a_run_file_and_tables_are_merged(here, toy_folder):
    (here / "my.toml").write_text(
        f'models = ["sasrec"]\ndatasets = ["{toy_folder}"]\nseeds = [0, 1]\n'
        "[settings.sasrec]\nepochs = 1\nembedding_size = 8\nn_heads = 1\n"
    )
    frame = corecbench.run(
        references=False, config="my.toml", seeds=[3], settings={"sasrec": {"embedding_size": 4}}
    )
    assert frame["seed"].tolist() == [3]
    ((_, record),) = Store(here / "results", "default").records()
    settings = record["settings"]["sasrec"]
    assert (settings["epochs"], settings["embedding_size"]) == (1, 4)


def test_a_plugin_in_a_file_is_loaded(here, toy_folder, loose_file):
    path = loose_file(
        "mine",
        """
        from corecbench.api import MetricComponent, hookimpl

        class Half:
            higher_is_better = True
            def __init__(self, config): pass
            def per_user(self, rank, n_candidates): return 0.5 + 0 * rank

        @hookimpl
        def corecbench_metrics():
            return [MetricComponent("half", Half)]
        """,
    )
    frame = corecbench.run(
        references=False, models=["popularity"], datasets=[toy_folder], metrics=["half"], plugins=[path]
    )
    assert frame["half"].tolist() == [0.5]
    assert corecbench.load(metrics="half", plugins=[path]).rows["half"].tolist() == [0.5]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "nothing to run"),
        ({"models": ["popularity"], "modles": 1}, "unknown setting of run 'modles'; did you mean 'models'"),
        ({"models": ["popularity"], "settings": {"popularty": {}}}, "did you mean 'popularity'"),
        ({"models": ["popularity"], "without": ["nobody"]}, "unknown plugin 'nobody'"),
    ],
)
def test_what_does_not_fit_is_an_error_as_on_the_command_line(here, options, message):
    with pytest.raises(UsageError, match=message):
        corecbench.run(**options)
    assert not list(here.iterdir())


def test_load_says_where_nothing_is(here):
    with pytest.raises(ResultsError, match="nowhere: no results here"):
        corecbench.load("nowhere")


@pytest.fixture
def pair(here):
    """Alone, a model ranks the items of six users second; with an LLM first."""
    store = Store(here / "results", "default")
    alone, together = (toy_record("sasrec", *llm, n_users=6) for llm in ((), ("llama",)))
    store_cell(store, alone, {"domain": toy_ranks([2] * 6)})
    store_cell(store, together, {"domain": toy_ranks([1] * 6), "llm": toy_ranks([1] * 6)})


def test_the_table_has_the_comparison_with_the_model_alone(pair):
    table = corecbench.table(metrics="MRR", test="permutation", correction="none")
    assert table["MRR"].tolist() == [1 / 2, 1, 1]
    assert table.loc[1, ["difference", "MRR vs solo", "p"]].tolist() == pytest.approx([1 / 2, 1, 2 / 2**6])
    assert table.loc[[0, 2], "p"].isna().all()
    assert table["MRR"].dtype == np.float64


def test_evidence_has_frames_with_the_columns_of_the_tables(pair):
    evidence = corecbench.load(metrics="MRR", test="permutation", correction="none")
    assert evidence.rows[["model", "side", "MRR vs solo"]].to_numpy().tolist()[1] == ["sasrec + llama", "domain", 1]
    columns = ["model", "minus", "MRR", "MRR minus", "difference", "change", "p", "users"]
    assert evidence.contrasts()[columns].to_numpy().tolist() == [
        ["sasrec + llama", "sasrec", 1, 1 / 2, 1 / 2, 1, pytest.approx(2 / 2**6), 6]
    ]
    assert len(evidence.contrasts("sasrec+llama+bdlm:llm")) == 2
    with pytest.raises(UsageError, match="no row 'gru4rec'; have: sasrec, sasrec"):
        evidence.contrasts("gru4rec")
    assert evidence.slices()["MRR vs solo"].tolist() == [1]
    assert len(evidence.ledger()) == 0
    assert evidence.table().equals(corecbench.table(metrics="MRR", test="permutation", correction="none"))


def test_one_of_several_settings_is_chosen(pair, here):
    old = toy_record("sasrec", n_users=6, hash="01d01d01", started="2026-01-01T00:00:00+00:00")
    store_cell(Store(here / "results", "default"), old, {"domain": toy_ranks([4] * 6)})
    with pytest.raises(UsageError, match=r"latest=True or pick=\{CELL: HASH\}"):
        corecbench.load(metrics="MRR")
    assert corecbench.load(metrics="MRR", latest=True).rows["MRR"].tolist() == [1 / 2, 1, 1]
    table = corecbench.table(metrics="MRR", pick={"sasrec": "01d01d01"})
    assert table["MRR"].tolist() == [1 / 4, 1, 1]


def test_an_attribute_that_does_not_exist_is_missing_as_usual():
    with pytest.raises(AttributeError, match="module 'corecbench' has no attribute 'train'"):
        _ = corecbench.train


def test_what_is_offered_is_listed_before_it_is_used():
    code = "import corecbench; print(*[name for name in dir(corecbench) if not name.startswith('_')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert {"run", "load", "table"} <= set(done.stdout.split())


def test_a_damaged_cell_is_left_out_with_a_warning(tmp_path):
    store = Store(tmp_path, "default")
    for seed in (0, 1):
        folder = store_cell(store, toy_record(seed=seed), {"domain": toy_ranks([1, 2])})
    (folder / "ranks.parquet").write_bytes(b"")
    with pytest.warns(RuntimeWarning, match=r"left out: .*seed1-0123abcd/ranks.parquet: its sha256 is not"):
        results = corecbench.load(tmp_path, metrics="MRR").rows
    assert results["MRR"].notna().tolist() == [True, False]
