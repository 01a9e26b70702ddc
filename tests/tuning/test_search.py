"""One search: its trials are what a run trains, within a time, and without the test items."""

import gc

import optuna
import pytest

from corecbench.api import UsageError
from corecbench.data.dataset import Dataset
from corecbench.data.loaded import SplitDataset
from corecbench.data.split import Split
from corecbench.training.cell import CellTraining
from corecbench.tuning.account import account
from corecbench.tuning.study import open_study, state_of

EPOCHS = 3


def run_trial(search, folder, deadline_s=float("inf")):
    """Run one trial of a search and return it."""
    study = open_study(search, folder)
    study.optimize(lambda trial: search.objective(trial, deadline_s), n_trials=1)
    return study.get_trials()[0]


def test_the_first_trial_is_what_a_run_trains_by_default(search, tmp_path, bench):
    trial = run_trial(search, tmp_path)
    (record,) = bench(models=("gru4rec",), settings={"gru4rec": dict(search.given["gru4rec"])})
    assert trial.value == pytest.approx(record["sides"]["domain"]["validation"], abs=1e-9)


def test_a_model_without_epochs_is_searched_by_what_it_is_worth(make_searches, tmp_path, bench):
    ((search,),) = make_searches(models="sequence-knn")
    trial = run_trial(search, tmp_path)
    (record,) = bench(models=("sequence-knn",))
    assert trial.intermediate_values == {0: pytest.approx(record["sides"]["domain"]["validation"], abs=1e-9)}
    assert (state_of(trial), trial.value) == ("complete", trial.intermediate_values[0])
    assert set(trial.user_attrs["settings"]["sequence-knn"]) >= {"neighbours", "shrinkage", "decay", "next_weight"}


def test_a_trial_in_a_pair_is_what_a_run_trains(make_searches, tmp_path, bench, tiny_llama):
    label = f"llama:{tiny_llama}"
    ((_, search),) = make_searches(llms=label)
    trial = run_trial(search, tmp_path)
    settings = {name: dict(values) for name, values in search.given.items()}
    *_, record = bench(models=("gru4rec",), llms=(label,), settings=settings)
    of_domain = [epoch["validation"] for epoch in record["epochs"] if epoch["side"] == "domain"]
    assert trial.value == pytest.approx(max(of_domain), abs=1e-9)
    assert len(trial.intermediate_values) == EPOCHS


def test_a_trial_under_a_train_share_is_what_a_run_trains_there(make_searches, tmp_path, bench):
    ((search,),) = make_searches(train_shares=[0.5])
    trial = run_trial(search, tmp_path)
    settings = {"gru4rec": dict(search.given["gru4rec"])}
    (record,) = bench(models=("gru4rec",), settings=settings, train_shares=(0.5,))
    assert trial.value == pytest.approx(record["sides"]["domain"]["validation"], abs=1e-9)
    ((whole,),) = make_searches()
    assert search.name != whole.name
    assert account(search, [trial], jobs=1)["train_share"] == 0.5


def test_given_settings_are_tried_before_the_defaults(make_searches, tmp_path):
    ((search,),) = make_searches(first={"gru4rec": {"n_layers": 2}, "lightgcn": {"n_layers": 2}})
    study = open_study(search, tmp_path)
    params = [trial.system_attrs["fixed_params"]["gru4rec.n_layers"] for trial in study.get_trials()]
    assert params == [2, 1]


@pytest.mark.parametrize(("setting", "value"), [("n_layers", 99), ("n_layer", 1)])
def test_a_first_setting_outside_the_space_is_refused(make_searches, setting, value):
    with pytest.raises(UsageError, match=f"--first gru4rec.{setting}={value} is not among what is searched"):
        make_searches(first={"gru4rec": {setting: value}})


def test_only_validation_is_ranked(search, tmp_path, monkeypatch):
    rank, stages = CellTraining.rank, []

    def note(self, model, stage, **others):
        stages.append(stage)
        assert list(self.split.held) == ["validation"]
        return rank(self, model, stage, **others)

    monkeypatch.setattr(CellTraining, "rank", note)
    run_trial(search, tmp_path)
    assert stages == ["validation"] * EPOCHS


def test_the_test_items_are_not_in_the_process(make_searches):
    def held():
        gc.collect()
        return [each for each in gc.get_objects() if type(each) in (Split, SplitDataset, Dataset)]

    before = set(map(id, held()))
    searches = make_searches()
    (split,) = [each for each in held() if id(each) not in before]
    assert split is searches[0][0].data.split
    (held,) = split.held.values()
    assert held.known.items is held.seen.items
    assert len(held.seen.items) == held.seen.length.sum()


def test_a_trial_ends_with_its_time_and_counts_with_what_it_reached(search, tmp_path, replaced):
    trial = run_trial(replaced(search, trial_s=0.0), tmp_path)
    assert (trial.state.name, state_of(trial), list(trial.intermediate_values)) == ("COMPLETE", "out of time", [1])
    assert trial.value == trial.intermediate_values[1]


def test_a_trial_is_cut_off_when_the_search_ends(search, tmp_path):
    trial = run_trial(search, tmp_path, deadline_s=0.0)
    assert (trial.state.name, state_of(trial), list(trial.intermediate_values)) == ("PRUNED", "cut off", [1])


def test_a_trial_that_diverges_does_not_end_the_search(make_searches, tmp_path):
    settings = {"gru4rec": {"epochs": 1, "batch_size": 32, "embedding_size": 16, "learning_rate": 1e30}}
    ((search,),) = make_searches(settings=settings)
    assert state_of(run_trial(search, tmp_path)) == "diverged"


def test_the_study_is_another_one_under_other_settings_data_or_seeds(make_searches, search, replaced):
    others = [
        replaced(search, seed=1),
        make_searches(settings={"gru4rec": {"epochs": 2}})[0][0],
        make_searches(max_history=7)[0][0],
        make_searches(k_core=2, datasets=search.config.datasets, item_text="{title}!")[0][0],
        replaced(search, data=replaced(search.data, fingerprint="other")),
    ]
    names = [each.name for each in (search, *others)]
    assert len(set(names)) == len(names)
    assert make_searches()[0][0].name == search.name


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"models": "popularity"}, "popularity has no settings, so there is nothing to tune"),
        ({"models": "recbole:EASE", "llms": "llama"}, "recbole:EASE takes no ids from outside"),
        ({"llms": "llama", "sharing": "collm"}, "pairs of collm start from what the domain model learnt alone"),
        ({"llms": "llama,qwen"}, "llms is llama, qwen; settings of a pair hold in all pairs of a file"),
        ({"llms": "llama", "sharing": "bdlm,none"}, "sharing is bdlm, none"),
        ({"seeds": "0,1"}, "seeds is 0, 1"),
        ({"models": ()}, "nothing to tune; give --models"),
        ({"models": "sasrek"}, "unknown domain model 'sasrek'; did you mean 'sasrec'"),
    ],
)
def test_what_cannot_be_searched_is_an_error(make_searches, options, message):
    def checked():
        for search in (search for sides in make_searches(**options) for search in sides):
            search.check()

    with pytest.raises(UsageError, match=message):
        checked()


def test_where_nothing_is_left_to_search_each_part_says_why(make_searches):
    ((alone, _),) = make_searches(llms="llama")
    config = alone.parts["gru4rec"].config
    whole = alone.given["gru4rec"] | {key: getattr(config, key) for key in alone.spaces["gru4rec"]}
    ((pair,),) = make_searches(llms="llama", sharing="ensrec", settings={"gru4rec": whole})
    why = "nothing to search: every one of gru4rec is given, ensrec has no setting that is searched"
    with pytest.raises(UsageError, match=why):
        pair.check()


def test_a_model_of_a_plugin_is_searched_around_its_defaults(make_searches, loose_file):
    source = """
        from dataclasses import dataclass
        from corecbench.api import DomainModelComponent, Fraction, Natural, Training, hookimpl

        @dataclass(frozen=True)
        class Config(Training):
            epochs: int = 5
            width: Natural = 32
            dropout: Fraction = 0.2

        @hookimpl
        def corecbench_domain_models():
            return [DomainModelComponent("mine", "nowhere:build", Config)]
    """
    ((search,),) = make_searches(files=[loose_file("mine_file", source)], models="mine")
    assert set(search.spaces["mine"]) == {
        "batch_size",
        "learning_rate",
        "weight_decay",
        "averaging",
        "width",
        "dropout",
    }


def test_a_default_outside_of_what_is_searched_is_drawn_instead(make_searches):
    ((search,),) = make_searches(models="lightgcn", settings={"lightgcn": {"negatives": 256}})
    assert "lightgcn.temperature" in {f"lightgcn.{name}" for name in search.spaces["lightgcn"]}
    assert "lightgcn.temperature" not in search.defaults  # 0 has no place among 0.06 to 0.3


def test_optuna_is_silent():
    assert optuna.logging.get_verbosity() == optuna.logging.WARNING
