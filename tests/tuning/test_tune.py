"""A search from its budget to the file with the best settings."""

import csv

import pytest

from corecbench.api import UsageError
from corecbench.settings.config import load
from corecbench.tuning.budget import Budget


@pytest.fixture
def rows(tmp_path):
    """Read the table of all trials."""

    def read():
        with (tmp_path / "tuning" / "trials.csv").open(newline="") as file:
            return list(csv.DictReader(file))

    return read


def test_a_run_includes_the_best_settings(tune, tmp_path, rows):
    (outcome,) = tune()
    best = max(rows(), key=lambda row: float(row["validation"]))
    (tmp_path / "run.toml").write_text('include = ["tuned.toml"]\nmodels = ["gru4rec"]\n')
    config = load(tmp_path / "run.toml", {}, [])
    settings = config.settings_on("toy")["gru4rec"]
    assert config.max_history_on("toy") == 50
    assert f"gru4rec.learning_rate={settings['learning_rate']} " in best["settings"]
    assert settings == outcome.account["settings"]["gru4rec"]
    assert "embedding_size" not in settings  # it was given


def test_a_second_model_keeps_the_settings_of_the_first(tune, tmp_path):
    tune(models="sasrec")
    tune(models="gru4rec")
    config = load(tmp_path / "tuned.toml", {}, [])
    assert set(config.settings_on("toy")) == set(config.tuning["toy"]) == {"sasrec", "gru4rec"}


def test_the_pair_is_searched_under_the_same_budget_and_begins_with_what_is_best_alone(
    tune, tmp_path, rows, tiny_llama
):
    alone, pair = tune(llms=f"llama:{tiny_llama}")
    assert [each.account["finished_trials"] for each in (alone, pair)] == [2, 2]
    first_in_pair = next(row for row in rows() if "llama" in row["study"])
    found = alone.account["settings"]["gru4rec"]
    assert f"gru4rec.learning_rate={found['learning_rate']} " in first_in_pair["settings"]
    config = load(tmp_path / "tuned.toml", {}, [])
    assert config.settings_on("toy")["gru4rec"] == found
    assert config.settings_in_pairs_on("toy")["gru4rec"] == pair.account["settings"]["gru4rec"]
    assert config.settings_on("toy")["bdlm"] == pair.account["settings"]["bdlm"]
    assert set(config.tuning["toy"]["gru4rec"]) == {"alone", "bdlm"}


def test_settings_that_another_sharing_module_replaces_lose_their_account(tune, tmp_path, tiny_llama):
    said = []
    pairs = [
        tune(
            llms=f"llama:{tiny_llama}",
            sharing=name,
            trials=1,
            folder=name,
            say=said.append,
            first={"gru4rec": {"learning_rate": rate}},
        )[1]
        for name, rate in (("bdlm", 0.001), ("none", 0.004))
    ]
    found = [pair.account["settings"]["gru4rec"] for pair in pairs]
    config = load(tmp_path / "tuned.toml", {}, [])
    assert found[0] != found[1] == config.settings_in_pairs_on("toy")["gru4rec"]
    assert set(config.tuning["toy"]["gru4rec"]) == {"alone", "none"}
    assert f"{tmp_path / 'tuned.toml'}: settings of gru4rec that were found with bdlm are replaced" in said


def test_where_all_settings_of_the_model_are_given_only_the_sharing_module_is_searched(
    make_searches, tune, tmp_path, tiny_llama
):
    llm = f"llama:{tiny_llama}"
    ((alone, _),) = make_searches(llms=llm)
    config = alone.parts["gru4rec"].config
    whole = alone.given["gru4rec"] | {key: getattr(config, key) for key in alone.spaces["gru4rec"]}
    (pair,) = tune(llms=llm, settings={**alone.given, "gru4rec": whole})
    assert {label for label, space in pair.search.spaces.items() if space} == {"bdlm"}
    found = load(tmp_path / "tuned.toml", {}, [])
    assert found.settings_on("toy")["bdlm"] == pair.account["settings"]["bdlm"]
    assert found.tuning["toy"]["gru4rec"].keys() == {"bdlm"}


def test_settings_of_a_sharing_module_are_kept_where_several_models_share_it(make_searches, tiny_llama):
    for _, pair in make_searches(models="gru4rec,sasrec", llms=f"llama:{tiny_llama}"):
        assert list(pair.spaces) == [pair.model]


def test_the_account_says_how_it_was_found(tune):
    (outcome,) = tune()
    account = outcome.account
    assert (account["trials"], account["finished_trials"], account["seed"]) == ({"complete": 2}, 2, 0)
    assert account["versions"].keys() == {"python", "corecbench", "torch", "optuna"}
    assert account["data"] == outcome.search.data.fingerprint
    assert 0 <= account["minutes"] < 1


def test_the_same_command_has_nothing_left_to_do(tune, rows):
    tune()
    before = rows()
    tune()
    assert rows() == before


def test_more_trials_go_on_and_repeat_none(tune, rows):
    tune(trials=2)
    tune(trials=4)
    assert [int(row["trial"]) for row in rows()] == list(range(4))
    assert len({row["settings"] for row in rows()}) == 4


def test_a_lost_file_is_written_again_without_any_trial(tune, tmp_path, rows):
    tune()
    path = tmp_path / "tuned.toml"
    before = path.read_text()
    path.unlink()
    tune(minutes=0)
    assert (path.read_text(), len(rows())) == (before, 2)


def test_a_search_without_a_number_of_trials_ends_by_time(tune, rows):
    tune(minutes=0.02, trials=None)  # without a limit of time it would never return
    assert rows()


def test_a_search_without_an_epoch_asks_for_more_time(tune):
    with pytest.raises(UsageError, match="finished an epoch; give more --minutes"):
        tune(minutes=0)


def test_several_processes_share_the_trials(tune, rows):
    (outcome,) = tune(trials=3, jobs=2)
    assert outcome.account["jobs"] == 2
    assert outcome.account["finished_trials"] >= 3
    assert len({row["settings"] for row in rows()}) == len(rows())


def test_another_file_is_not_overwritten(tune, tmp_path):
    (tmp_path / "mine.toml").write_text("models = ['sasrec']\n")
    with pytest.raises(UsageError, match=r"was not written by `corecbench tune`; give another --out"):
        tune(out="mine.toml")
    assert (tmp_path / "mine.toml").read_text() == "models = ['sasrec']\n"


def test_each_trial_is_said(tune):
    said = []
    tune(say=said.append)
    assert [line.split(",")[0] for line in said] == ["trial 0: complete", "trial 1: complete"]


def test_an_interrupted_search_writes_what_it_found_and_stops(tune, tmp_path, monkeypatch):
    from corecbench.tuning.search import Search

    train = Search.train

    def interrupted(self, settings, on_epoch):
        def then(record):
            on_epoch(record)
            raise KeyboardInterrupt

        train(self, settings, then)

    monkeypatch.setattr(Search, "train", interrupted)
    with pytest.raises(KeyboardInterrupt):
        tune()
    assert load(tmp_path / "tuned.toml", {}, []).tuning["toy"]["gru4rec"]["alone"]["trials"] == {"interrupted": 1}
    written = (tmp_path / "tuned.toml").read_text(encoding="utf-8")
    for table in ("per_dataset.toy.settings.gru4rec", "tuning.toy.gru4rec.alone"):
        assert f"[{table}] # no trial finished: the best was cut off" in written


def test_a_budget_with_all_its_trials_has_no_time_left():
    assert Budget(1, None).left_s([]) == 60
    assert Budget(1, 3).left_s([]) == 60


def test_plots_of_each_search_are_written(tune, tmp_path):
    tune()
    assert len(list((tmp_path / "tuning").glob("toy-gru4rec-*.svg"))) == 2
