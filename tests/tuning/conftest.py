"""A search on the toy data that takes a moment."""

import dataclasses

import pytest
import torch

from corecbench.plugin.host import Host
from corecbench.settings.config import load
from corecbench.tuning.budget import Budget
from corecbench.tuning.study import needs_optuna
from corecbench.tuning.tune import searches
from corecbench.tuning.tune import tune as run_tune

EPOCHS = 3
SMALL = {"embedding_size": 16, "epochs": EPOCHS, "batch_size": 32, "negatives": 0}
"""Settings that are given, and so not searched."""


@pytest.fixture
def make_searches(monkeypatch, cache, toy_folder, quick):
    """Return the searches of the toy data, a list for each model: `make_searches(models="gru4rec", **options)`."""
    monkeypatch.setenv("CORECBENCH_CACHE", str(cache))
    needs_optuna()

    def make(files=(), budget=Budget(60, 2), first=None, **options):  # noqa: B008, it is frozen
        settings = dict.fromkeys(("gru4rec", "sasrec", "lightgcn"), SMALL)
        turns = {"start": "new", "warm_up_epochs": 2, "rounds": 1, "domain_epochs": 1, "llm_epochs": 1}
        settings |= {"llama": quick["llama"], "bdlm": turns}
        asked = {"models": "gru4rec", "datasets": str(toy_folder), "settings": settings}
        return list(searches(load(None, asked | options, ()), Host.discover(files), budget, first))

    return make


@pytest.fixture
def tune(make_searches, tmp_path):
    """Search, and return what each search found: `tune(models="gru4rec", trials=2, minutes=60, **options)`."""
    threads = torch.get_num_threads()

    def go(trials=2, minutes=60, jobs=1, say=lambda line: None, folder="tuning", out="tuned.toml", **options):
        budget = Budget(minutes, trials, jobs)
        found = [
            run_tune(sides, budget, tmp_path / folder, tmp_path / out, say)
            for sides in make_searches(budget=budget, **options)
        ]
        return [outcome for each in found for outcome in each]

    yield go
    torch.set_num_threads(threads)


@pytest.fixture
def search(make_searches):
    """Return the search of a small GRU4Rec alone."""
    return make_searches()[0][0]


@pytest.fixture
def replaced():
    """Change a frozen object: `replaced(search, trial_s=0.0)`."""
    return dataclasses.replace
