"""The search for settings: within its time, on validation only, gone on with where it stopped."""

import csv
import doctest
import subprocess
import sys
from pathlib import Path

import optuna
import pytest
import tomlkit
import torch
import tuning.search
from optuna.trial import FixedTrial, TrialState
from tune import tune as run_tune
from tuning.account import state_of
from tuning.search import Search, open_study, rounded, sampler
from tuning.space import FULL, NEGATIVES, SPACES, Space

from corecbench.api import UsageError
from corecbench.data.loaded import read_datasets
from corecbench.settings.config import RunConfig, load
from corecbench.training.cell import CellTraining

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "tune.py"
EPOCHS = 3
FIRST = ({"learning_rate": 0.002}, {"learning_rate": 0.01})
"""Settings that are tried first."""


def small(trial, negatives):
    """Suggest a learning rate; the model is small and trains for three epochs."""
    size = {"embedding_size": 16, "hidden_size": 16, "epochs": EPOCHS, "batch_size": 32}
    return {"learning_rate": trial.suggest_float("learning_rate", 1e-3, 1e-1, log=True), **size}


@pytest.fixture
def tune(monkeypatch, tmp_path, cache, toy_folder):
    """Search a small space on the toy data: `tune(model="gru4rec", max_trials=2, **options)`."""
    monkeypatch.setenv("CORECBENCH_CACHE", str(cache))
    for model, suggest in (("gru4rec", small), ("sasrec", attending)):
        monkeypatch.setitem(SPACES, model, Space(suggest, FIRST, FIRST, first_in_pairs=FIRST))
    threads = torch.get_num_threads()

    def search(model="gru4rec", max_trials=2, minutes=60, **options):
        places = {"storage": tmp_path / "tune.journal", "out": tmp_path / "tuned"}
        return run_tune(str(toy_folder), model, minutes, max_trials=max_trials, **places | options)

    yield search
    torch.set_num_threads(threads)


def attending(trial, negatives):
    """Suggest the same for SASRec."""
    return {key: value for key, value in small(trial, negatives).items() if key != "hidden_size"}


@pytest.fixture
def make_search(host, toy_folder, tune):
    """Make a search without running it: `make_search(deadline_s=inf, trial_s=inf)`."""

    def make(deadline_s=float("inf"), trial_s=float("inf")):
        (data,) = read_datasets(RunConfig(datasets=(str(toy_folder),)), host)
        return Search(host, data, "gru4rec", 50, 0, (256,), deadline_s, trial_s)

    return make


def rows(path):
    """Read the table of trials beside a file of settings."""
    with (path.parent / "trials.csv").open(newline="") as file:
        return list(csv.DictReader(file))


# --- what is found ------------------------------------------------------------------------------------------------


def test_a_run_includes_the_best_settings(tune, tmp_path):
    path = tune()
    best = max(rows(path), key=lambda row: float(row["validation"]))
    run = tmp_path / "run.toml"
    run.write_text('include = ["tuned/toy.toml"]\nmodels = ["gru4rec"]\n')
    config = load(run, {}, [])
    settings = config.settings_on("toy")["gru4rec"]
    assert config.max_history_on("toy") == 50
    assert (settings["epochs"], settings["patience"], settings["hidden_size"]) == (200, 10, 16)
    assert f"learning_rate={settings['learning_rate']} " in best["settings"]


def test_a_second_model_keeps_the_settings_of_the_first(tune):
    first = tune("sasrec").read_text()
    both = tune("gru4rec")
    assert both.read_text().startswith(first.rstrip())
    assert set(load(both, {}, []).settings_on("toy")) == {"sasrec", "gru4rec"}
    assert [row["model"] for row in rows(both)] == ["gru4rec"] * 2 + ["sasrec"] * 2


def test_a_trial_is_what_a_run_trains(tune, bench):
    row = rows(tune(max_trials=1))[0]
    settings = {"learning_rate": 0.002, "embedding_size": 16, "hidden_size": 16, "epochs": EPOCHS, "batch_size": 32}
    (record,) = bench(models=("gru4rec",), settings={"gru4rec": settings})
    assert float(row["validation"]) == pytest.approx(record["sides"]["domain"]["validation"], abs=1e-6)


def test_the_given_settings_come_first(tune):
    rates = [row["settings"].split()[0] for row in rows(tune())]
    assert rates == ["learning_rate=0.002", "learning_rate=0.01"]


def test_only_validation_is_ranked(tune, monkeypatch):
    rank, stages = CellTraining.rank, []

    def note(self, model, stage):
        stages.append(stage)
        assert not self.split.test.any()
        return rank(self, model, stage)

    monkeypatch.setattr(CellTraining, "rank", note)
    tune()
    assert stages == ["validation"] * 2 * EPOCHS


# --- in pairs -----------------------------------------------------------------------------------------------------


@pytest.fixture
def pairs(tmp_path, quick, tiny_llama):
    """Write the file of a run with pairs: `pairs(start="new")` returns its path and what stands in it."""

    def write(llms=(f"llama:{tiny_llama}",), **turns):
        settings = quick | {"bdlm": quick["bdlm"] | {"start": "new", "warm_up_epochs": EPOCHS} | turns}
        of = {"llms": list(llms), "settings": {name: settings[name] for name in ("llama", "bdlm")}}
        path = tmp_path / "pairs.toml"
        path.write_text(tomlkit.dumps(of), encoding="utf-8")
        return path, of

    return write


def test_a_trial_in_pairs_is_the_warm_up_of_a_run(tune, pairs, bench):
    path, of = pairs()
    trial = rows(tune(max_trials=1, in_pairs=path))[0]
    size = {"embedding_size": 16, "hidden_size": 16, "epochs": EPOCHS, "batch_size": 32}
    settings = of["settings"] | {"gru4rec": {"learning_rate": 0.002, **size}}
    *_, record = bench(models=("gru4rec",), llms=tuple(of["llms"]), settings=settings)
    warm_up = [epoch["validation"] for epoch in record["epochs"] if epoch["turn"] == 1]
    assert float(trial["validation"]) == pytest.approx(max(warm_up), abs=1e-6)
    assert len(warm_up) == EPOCHS


def test_what_is_found_in_pairs_holds_there_alone_and_begins_with_what_is_best_alone(tune, pairs):
    alone = load(tune(), {}, []).settings_on("toy")
    found = load(path := tune(max_trials=1, in_pairs=pairs()[0]), {}, [])
    assert found.settings_on("toy") == alone
    assert found.per_dataset["toy"].in_pairs == {"gru4rec": {}}  # nothing differs
    assert [row["study"].partition("/in-pairs/")[2] for row in rows(path)] == [
        "",
        "",
        f"{pairs()[1]['llms'][0]}+bdlm",
    ]


@pytest.mark.parametrize(
    ("of", "message"),
    [({"llms": ()}, "names no LLM"), ({"start": "pretrained"}, "pairs of bdlm on toy have no warm-up")],
)
def test_a_file_without_what_a_search_in_pairs_needs_is_an_error(tune, pairs, of, message):
    with pytest.raises(UsageError, match=message):
        tune(in_pairs=pairs(**of)[0])


# --- going on -----------------------------------------------------------------------------------------------------


def test_the_same_command_adds_trials_and_repeats_none(tune):
    tune(max_trials=3)
    found = rows(tune(max_trials=3))
    assert [int(row["trial"]) for row in found] == list(range(6))
    assert len({row["settings"] for row in found}) == 6


def test_no_minutes_write_what_is_stored(tune, tmp_path):
    before = tune().read_text()
    (tmp_path / "tuned" / "toy.toml").unlink()
    after = tune(minutes=0)
    assert after.read_text() == before
    assert len(rows(after)) == 2


def test_what_a_killed_process_left_is_tried_again(make_search, tmp_path):
    search, storage = make_search(), tmp_path / "tune.journal"
    study = open_study(search, storage)
    killed = study.ask()
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        killed.set_user_attr("pid", process.pid)
    killed.suggest_float("learning_rate", 1e-3, 1e-1, log=True)
    trials = open_study(search, storage).get_trials()
    assert [trial.state for trial in trials] == [TrialState.FAIL, TrialState.WAITING, TrialState.WAITING]
    assert trials[2].system_attrs["fixed_params"] == {"learning_rate": 0.002}


def test_other_data_are_refused(make_search, tmp_path):
    storage = tmp_path / "tune.journal"
    open_study(make_search(), storage).set_user_attr("data", "another fingerprint")
    with pytest.raises(UsageError, match=r"other data; give another --storage"):
        open_study(make_search(), storage)


def test_another_length_of_histories_is_refused(tune):
    tune()
    with pytest.raises(UsageError, match=r"is of max_history 50, asked for 7"):
        tune(max_history=7)


# --- how a trial ends ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("limits", "state", "note"),
    [
        ({"deadline_s": 0.0}, TrialState.PRUNED, "cut off"),
        ({"trial_s": 0.0}, TrialState.COMPLETE, "out of time"),
    ],
)
def test_a_trial_ends_with_its_time(make_search, tmp_path, limits, state, note):
    search = make_search(**limits)
    study = open_study(search, tmp_path / "tune.journal")
    study.optimize(search.objective, n_trials=1)
    (trial, _) = study.get_trials()
    assert (trial.state, state_of(trial)) == (state, note)
    assert list(trial.intermediate_values) == [1]
    assert trial.value == trial.intermediate_values[1]


def test_a_trial_that_diverges_does_not_end_the_search(tune, monkeypatch):
    def huge(trial, negatives):
        return {**small(trial, negatives), "learning_rate": 1e30}

    monkeypatch.setitem(SPACES, "gru4rec", Space(huge, FIRST, FIRST))
    with pytest.raises(UsageError, match="no trial"):
        tune()


def test_a_search_without_a_number_of_trials_ends_by_time(tune):
    tune(minutes=0.02, max_trials=None)  # without a limit of time it would never return


# --- the spaces ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", ["sasrec", "gru4rec", "lightgcn"])
def test_a_space_has_the_names_of_the_config_class_and_the_first_settings_in_it(host, model):
    search = Search(host, None, model, 50, 0, NEGATIVES, 0.0, 0.0)
    space = search.space
    searched = [(NEGATIVES, params) for params in (*space.first, *space.first_if_long)]
    searched += [((FULL,), params) for params in space.first_in_full]
    searched += [((FULL, *NEGATIVES), params) for params in space.first_in_pairs]
    for negatives, params in searched:
        trial = FixedTrial(dict(params))  # warns about values outside, which is an error here
        config = search.select(rounded(space.suggest(trial, negatives))).config
        assert {name: getattr(config, name) for name in params} == params
        assert trial.params.items() <= params.items()  # what does not apply is not asked for


def test_the_whole_catalogue_is_a_search_of_its_own(host):
    sampled, full = (Search(host, None, "sasrec", 50, 0, negatives, 0.0, 0.0) for negatives in (NEGATIVES, (FULL,)))
    assert {params["negatives"] for params in full.first} == {FULL}
    assert FULL not in {params["negatives"] for params in sampled.first}


def test_the_best_of_all_searches_is_written(tune):
    path = tune()
    found = path.read_text()
    (*_, last) = (trial.pop("validation") for trial in rows(path))
    other = path.parent / "trials.csv"
    other.write_text(other.read_text().replace("/seed-0,", "/seed-1,").replace(last, "0.999999"))
    tune(max_trials=1, storage=path.parent / "again.journal")
    assert path.read_text() == found
    path.unlink()
    with pytest.raises(UsageError, match=r"\.toml is gone, and a search in trials\.csv is better"):
        tune(minutes=0, storage=path.parent / "again.journal")


def test_a_search_without_an_epoch_asks_for_more_time(tune):
    with pytest.raises(UsageError, match="finished an epoch; give more --minutes"):
        tune(minutes=0)


def test_the_whole_catalogue_of_a_model_that_has_no_such_loss_is_an_error(tune):
    with pytest.raises(UsageError, match="lightgcn has no loss over the whole catalogue"):
        tune("lightgcn", full_catalogue=True)


def test_the_whole_catalogue_in_pairs_is_an_error(tune, pairs, monkeypatch):
    monkeypatch.setitem(SPACES, "gru4rec", Space(small, FIRST, FIRST, FIRST))
    with pytest.raises(UsageError, match="--in-pairs has trials over the whole catalogue already"):
        tune(full_catalogue=True, in_pairs=pairs()[0])


def test_a_model_without_a_space_is_an_error_that_says_what_there_is(tune):
    with pytest.raises(UsageError, match=r"'popularity'.*have: gru4rec, lightgcn, sasrec"):
        tune("popularity")


def test_random_suggestions_differ_between_trials_and_not_between_processes():
    def suggestion(number):
        study = optuna.create_study(sampler=sampler(0, number))
        return study.ask().suggest_float("x", 0, 1)

    assert suggestion(3) == suggestion(3) != suggestion(4)


def test_examples():
    assert doctest.testmod(tuning.search) == (0, 1)
