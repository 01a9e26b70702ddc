"""Every sequential and general model class of RecBole does what its page says: it trains, ranks and is joined."""

import pkgutil
import runpy

import numpy as np
import pytest
import torch

from corecbench.api import Setup, UsageError
from corecbench.data.dataset import load_dataset
from corecbench.data.split import leave_one_out
from corecbench.testing.bench import task_loss
from corecbench.testing.toys import ToySource
from corecbench.training.cell import CellTraining
from corecbench.training.pair import Learnt, Pair, Solo, train_pair
from corecbench.training.weights import snapshot
from corecbench_plugins.recbole_models.classes import recbole_attribute
from corecbench_plugins.recbole_models.registry import GENERAL, MODELS, SEQUENTIAL, module_of

USABLE = sorted(name for name, entry in MODELS.items() if entry.family)
JOINT = sorted(name for name, entry in MODELS.items() if entry.tables)
EVENTS, USERS = 14, 24


@pytest.fixture(scope="module")
def part_of_ml_100k(host):
    """The first events of some users of ml-100k."""
    source = host.build(host.select("datasets", "ml-100k", {}))
    rows = source.interactions().sort_values("timestamp", kind="stable").groupby("user_id", sort=False).head(EVENTS)
    rows = rows[rows.user_id.isin(rows.user_id.unique()[:USERS])]
    items = source.items()
    titles = {
        item: title for item, title in zip(items.item_id, items.title, strict=True) if item in set(rows.item_id)
    }
    columns = rows[["user_id", "item_id", "timestamp"]]
    return load_dataset("part", ToySource(list(columns.itertuples(index=False, name=None)), titles))


@pytest.fixture
def cell_training(host, part_of_ml_100k, cache):
    """A place to train for a moment."""
    metric = host.build(host.select("metrics", "NDCG@10", {}))
    setup = Setup(part_of_ml_100k.catalog, max_history=10, seed=0, cache=cache)
    return CellTraining(host, setup, leave_one_out(part_of_ml_100k), "part", metric)


def silent(record):
    """Do nothing at the end of an epoch."""


def test_the_page_is_what_the_registry_says(request):
    written = runpy.run_path(str(request.config.rootpath / "docs" / "generate_recbole_table.py"))
    assert written["PAGE"].read_text(encoding="utf-8") == written["page"](), (
        "run: python docs/generate_recbole_table.py"
    )


@pytest.mark.parametrize(("kind", "known"), [("general", GENERAL), ("sequential", SEQUENTIAL)])
def test_no_class_of_recbole_is_left_out(kind, known):
    package = f"{kind}_recommender"
    files = recbole_attribute(f"model.{package}", "__path__")
    modules = {f"{package}.{module.name}" for module in pkgutil.iter_modules(files)}
    assert {module_of(name) for name in known} == modules
    for name in known:
        assert issubclass(recbole_attribute(f"model.{module_of(name)}", name), torch.nn.Module)


@pytest.mark.parametrize("name", sorted(set(MODELS) - set(USABLE)))
def test_a_class_that_cannot_be_used_says_why(host, name):
    with pytest.raises(UsageError, match=MODELS[name].note):
        host.select("models", f"recbole:{name}", {})


@pytest.mark.slow
@pytest.mark.parametrize("name", USABLE)
def test_it_trains_for_an_epoch_and_ranks(host, cell_training, name):
    selected = host.select("models", f"recbole:{name}", {"recbole": {"epochs": 1}})
    fresh = snapshot(cell_training.build_solo("domain", selected)[0])
    side_training = cell_training.train_solo("domain", selected, silent)
    side_training.finish()
    trained = snapshot(side_training.model)
    moved = [key for key in fresh if not torch.equal(fresh[key], trained[key])]
    assert bool(moved) == (side_training.epochs == 1) == ("learn" not in MODELS[name].family.trained)
    ranks = cell_training.rank(side_training.model, "test", top_k=5)
    assert len(ranks.rank) == USERS
    assert ((ranks.rank >= 1) & (ranks.rank <= ranks.n_candidates)).all()
    assert np.isfinite(ranks.top_scores).all()


@pytest.mark.slow
@pytest.mark.parametrize("name", JOINT)
def test_it_is_joined_with_an_llm_and_trains_the_shared_tables(host, cell_training, quick, tiny_llama, name):
    domain = host.select("models", f"recbole:{name}", {"recbole": {"epochs": 1}})
    both_read_users = {**quick, "bdlm": {**quick.get("bdlm", {}), "llm_reads_users": True}}
    llm = host.select("llms", f"llama:{tiny_llama}", quick)
    sharing = host.select("sharing", "bdlm", both_read_users)
    solo = cell_training.train_solo("domain", domain, silent)
    solo.finish()
    sides = train_pair(
        cell_training, Pair(domain, llm, sharing), Solo(domain, lambda: Learnt(solo.best_state, 0)), silent
    ).sides
    for side_training in sides.values():
        assert side_training.epochs == 1
        assert len(cell_training.rank(side_training.model, "test").rank) == USERS
    model = sides["domain"].model.train()
    _, batch = next(iter(sides["domain"].examples.batches(16, np.random.default_rng(0))))
    model.zero_grad()
    task_loss(model, batch, model.states(batch)).backward()
    of_llm = {id(parameter) for parameter in sides["llm"].model.parameters()}
    for attribute in MODELS[name].tables:
        table = [
            parameter
            for key, parameter in model.named_parameters()
            if f".{attribute}." in key and id(parameter) in of_llm and parameter.dim() == 2
        ]
        assert table
        assert all(parameter.grad is not None and parameter.grad.any() for parameter in table), attribute
