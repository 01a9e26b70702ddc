"""Every verb under the split by time in windows, on results of one run."""

import json
import tomllib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from in_process import InProcess

from corecbench.cli.main import main
from corecbench.experiment.execution.schedule import run as execute
from corecbench.experiment.session import Steps
from corecbench.testing.toys import TITLES, ToySource, write_atomic

WINDOWS = ("--split", "time", "--set", "run.windows=2")
PLAN = ("run", "--plan", "--config", "tuned.toml", "--no-references", "--models", "gru4rec")
FULL = ("--candidates", "all")
"""Everybody has rank 1, which looks like a ranking among few items."""


def in_this_process(plan, host, store):
    return execute(plan, host, store, InProcess(plan, host, store))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """40 users who have 12 of 20 items each, two of whom meet at each of 240 times."""
    random = np.random.default_rng(0)
    had = {user: random.permutation(20)[:12] for user in range(40)}
    rows = [
        (f"u{user}", f"i{item}", 10**9 + 86_400 * (20 * place + user % 20))
        for user, items in had.items()
        for place, item in enumerate(items)
    ]
    titles = {f"i{number}": title for number, title in enumerate(TITLES)}
    return write_atomic(ToySource(rows, titles), tmp_path_factory.mktemp("data") / "timed")


@pytest.fixture
def ok(tmp_path, monkeypatch, cache):
    """Run the command line in an empty folder, cells in this process, and return what is printed."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CORECBENCH_CACHE", str(cache))

    def invoke(*arguments, exit_code=0):
        steps = Steps(run_plan=in_this_process)
        result = CliRunner().invoke(main, [str(argument) for argument in arguments], obj=steps)
        assert result.exit_code == exit_code, result.output
        return result.output if exit_code else result.stdout

    return invoke


@pytest.fixture
def stored(ok, folder):
    """The results of two models in two windows."""
    ok("run", "-q", "--no-references", "--models", "popularity,sequence-knn", "--datasets", folder, *WINDOWS)


def rows_of(printed):
    return pd.DataFrame(json.loads(printed)["rows"])


def test_a_bundle_of_windows_gives_the_table_and_the_site_of_its_folder(ok, stored):
    table = rows_of(ok("report", "--format", "json"))
    assert set(table["data set"]) == {"timed (2 windows)"}
    ok("results", "pack", "--to", "bundle.zip")
    assert rows_of(ok("report", "bundle.zip", "--format", "json")).equals(table)
    ok("board", "bundle.zip", "--out", "site")
    assert "timed (2 windows)" in Path("site/index.html").read_text(encoding="utf-8")


def test_one_window_is_run_again_from_its_record(ok, stored):
    (record,) = Path("results/default").glob("timed-window-2-of-2*/sequence-knn/*/result.json")
    said = ok("reproduce", record, "--results", "again")
    assert said.startswith("again: sequence-knn on timed (window 2 of 2), seed 0\ndomain: equal for all ")


def test_ranks_made_elsewhere_come_back_window_by_window(ok, stored, folder):
    said = ok("split", folder, *WINDOWS, "--out", "both", exit_code=2)
    assert "run.windows is 2, and this is done for one; choose it by --set run.window=1 to 2" in said
    for window in (1, 2):
        chosen = (*WINDOWS, "--set", f"run.window={window}")
        ok("split", folder, *chosen, "--out", f"split{window}")
        assert f"--set run.windows=2 --set run.window={window}" in Path(f"split{window}/README.txt").read_text()
        users = pd.read_csv(f"split{window}/test.csv")["user_id"]
        pd.DataFrame({"user_id": users, "rank": 1}).to_csv("ranks.csv", index=False)
        ok("import", "ranks.csv", "--dataset", folder, "--name", "theirs", "--seed", 0, *FULL, *chosen)
    table = rows_of(ok("report", "--metrics", "MRR", "--format", "json")).set_index("model")
    assert table.loc["theirs", "MRR"] == 1
    assert table["users"].nunique() == table["data set"].nunique() == 1


@pytest.mark.parametrize("refit", [True, False])
def test_a_run_under_time_refits_unless_told_not_to_and_is_split_imported_and_run_again(ok, folder, refit):
    again = ("--split", "time", *([] if refit else ["--set", "run.refit=false"]))
    ok("run", "-q", "--no-references", "--datasets", folder, "--models", "popularity", *again)
    ok("split", folder, *again, "--out", "parts")
    ok("split", folder, "--split", "time", "--out", "plain")
    said = Path("parts/README.txt").read_text(encoding="utf-8")
    assert ("When all is chosen, train again on everything before " in said) == refit
    assert ("--set run.refit=false" in said) == (not refit)
    parts, before = (pd.read_csv(f"{name}/train.csv", dtype=str) for name in ("parts", "plain"))
    assert set(parts.itertuples(index=False)) == set(before.itertuples(index=False))
    users = pd.read_csv("parts/test.csv")["user_id"]
    pd.DataFrame({"user_id": users, "rank": 1}).to_csv("ranks.csv", index=False)
    ok("import", "ranks.csv", "--dataset", folder, "--name", "theirs", "--seed", 0, *FULL, *again)
    assert set(rows_of(ok("report", "--format", "json"))["model"]) == {"popularity", "theirs"}
    (record,) = Path("results/default").glob("timed*/popularity/*/result.json")
    assert "domain: equal for all " in ok("reproduce", record, "--results", "again")


def test_a_search_is_made_on_the_first_window(ok, folder):
    planned = ok("tune", "--models", "gru4rec", "--trials", 1, "--datasets", folder, *WINDOWS, "--plan")
    assert "timed (window 1 of 2)  gru4rec" in planned
    assert "window 2" not in planned


def test_settings_that_were_searched_under_another_split_are_named_and_change_nothing_else(ok, folder):
    search = ("--models", "gru4rec", "--trials", 1, "--datasets", folder, "--set", "gru4rec.epochs=1")
    ok("tune", *search, "--train-share", ".5")
    (account,) = tomllib.loads(Path("tuned.toml").read_text(encoding="utf-8"))["tuning"]["timed"].values()
    assert account["alone"]["protocol"] == {
        "split": "leave-one-out",
        "equal times": "random",
        "users that train": "50%",
    }
    run = (*PLAN, "--datasets", folder)
    said = "note: settings of gru4rec on timed were searched under"
    assert said not in ok(*run, "--train-share", ".5")
    assert said not in ok(*run, *WINDOWS, "--set", "gru4rec.learning_rate=.03")  # not what was found
    printed = ok(*run, *WINDOWS)
    assert printed.count(said) == 1
    assert (
        f"{said} split leave-one-out, users that train 50%; this run has split time, users that train 100%, "
        "cut 0.8, 0.9, target first after the cut\n"
    ) in printed
    assert "plan: 2 cells, 0 done already" in printed


def test_a_search_under_the_split_by_time_holds_for_all_windows_behind_its_cut(ok, folder):
    ok("tune", "--models", "gru4rec", "--trials", 1, "--datasets", folder, "--set", "gru4rec.epochs=1", *WINDOWS)
    run = (*PLAN, "--datasets", folder)
    assert "searched under" not in ok(*run, *WINDOWS) + ok(*run, "--split", "time")
    assert "this run has cut 0.7, 0.9\n" in ok(*run, "--split", "time", "--set", "run.cut=.7,.9")
