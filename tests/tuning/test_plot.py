"""The plots of a search, which Optuna draws."""

import matplotlib
import optuna
from optuna.distributions import CategoricalDistribution, FloatDistribution
from optuna.trial import create_trial

from corecbench.tuning.plot import write_plots

SPACES = {"m.rate": FloatDistribution(0.001, 0.1, log=True), "m.size": CategoricalDistribution((64, 128))}


def study(*trials):
    made = optuna.create_study(study_name="m on toys/0", direction="maximize")
    for rate, size, value in trials:
        params = {"m.rate": rate, "m.size": size}
        trial = create_trial(params=params, distributions=SPACES, value=value, intermediate_values={1: value})
        made.add_trial(trial)
    return made


def test_a_search_has_a_plot_of_its_trials_and_one_of_its_settings(tmp_path):
    before = dict(matplotlib.rcParams)
    paths = write_plots(study((0.01, 64, 0.1), (0.02, 128, 0.3)), tmp_path)
    assert [path.name for path in paths] == [
        f"{paths[0].name.removesuffix('-history.svg')}-{kind}.{suffix}"
        for kind in ("history", "settings")
        for suffix in ("svg", "png")
    ]
    assert "best NDCG@10 on validation" in paths[0].read_text(encoding="utf-8")
    assert ">m.rate</text>" in paths[2].read_text(encoding="utf-8")
    assert dict(matplotlib.rcParams) == before


def test_there_is_no_plot_before_a_trial_is_complete(tmp_path):
    assert write_plots(study(), tmp_path) == []
