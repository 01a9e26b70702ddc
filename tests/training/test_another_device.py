"""Built-in models train and rank on another device than the processor: nothing meets on two, and little waits."""

from dataclasses import replace

import pytest

from corecbench.api import Training
from corecbench.testing.bench import make_cell_training, silent
from corecbench.testing.far_device import DEVICE, FarDevice
from corecbench.training.loop import SideTraining
from corecbench.training.pair import Pair, Solo, train_pair

BATCHES = 8
"""The batches of an epoch, about."""
WAITS_OF_AN_EPOCH = 3
"""Of losses that are read once at its end."""
WAITS_OF_A_RANKING = 4
"""Of one check of the states, and of the ranks, items and scores that are read at the end."""


@pytest.fixture
def device():
    with FarDevice() as device:
        yield device


def select(host, kind, name, config=None):
    selected = host.select(kind, name, {name.partition(":")[0]: config or {}})
    if isinstance(selected.config, Training):
        selected = replace(selected, config=replace(selected.config, epochs=1, batch_size=BATCHES))
    return selected


@pytest.mark.parametrize(
    "name",
    ["popularity", "text-knn", "item-knn", "sequence-knn-words", "ease", "lightgcn", "sasrec", "gru4rec"],
)
def test_a_model_alone_ranks_as_on_the_processor(host, device, name):
    found = []
    for where in ("cpu", DEVICE):
        training = make_cell_training(host, n_users=60, device=where)
        side = training.train_solo("domain", select(host, "models", name), silent)
        side.finish()
        found.append(training.rank(side.model, "test", top_k=3))
    own, expected = found
    assert (own.n_candidates == expected.n_candidates).all()
    if name not in ("sasrec", "gru4rec"):  # their dropout draws other numbers where it is not ours
        assert (own.rank == expected.rank).mean() > 0.95


@pytest.mark.parametrize(("name", "waits"), [("sasrec", 1), ("gru4rec", 1), ("lightgcn", 0)])
def test_a_batch_waits_once_at_most_and_copies_from_pinned_memory(host, device, name, waits):
    training, selected = make_cell_training(host, n_users=60, device=DEVICE), select(host, "models", name)
    model, _ = training.build_solo("domain", selected)
    side = training.side_training("domain", selected, model, 1)
    n_batches = -(-len(side.examples) // BATCHES)
    device.waits.clear()
    device.copies.clear()
    side.train_epoch(None, None)
    assert n_batches > 5
    assert sum(device.waits.values()) <= waits * n_batches + WAITS_OF_AN_EPOCH
    assert not device.copies
    assert waits_of_a_ranking(device, training, model) <= 1 + WAITS_OF_A_RANKING


def waits_of_a_ranking(device, training, model):
    """Rank all users, who are one batch, once more, and return how often the device was waited for."""
    training.rank(model, "test", top_k=3)  # what is computed once is there now
    device.waits.clear()
    training.rank(model, "test", top_k=3)
    return sum(device.waits.values())


def test_the_sides_of_a_pair_wait_once_a_batch_at_most(host, device, tiny_llama, monkeypatch):
    training, epochs = make_cell_training(host, n_users=60, device=DEVICE), []
    domain = select(host, "models", "sasrec")
    llm = select(host, "llms", f"llama:{tiny_llama}")
    sharing = host.select("sharing", "bdlm", {"bdlm": {"start": "new", "warm_up_epochs": 1}})
    domain = replace(domain, config=replace(domain.config, epochs=2))
    train_epoch = SideTraining.train_epoch

    def counted(side, *partner):
        device.waits.clear()
        device.copies.clear()
        loss = train_epoch(side, *partner)
        n_batches = -(-len(side.examples) // BATCHES)
        waits = sum(device.waits.values())
        epochs.append((side.side, waits <= n_batches + WAITS_OF_AN_EPOCH, dict(device.copies)))
        return loss

    monkeypatch.setattr(SideTraining, "train_epoch", counted)
    trained = train_pair(training, Pair(domain, llm, sharing), Solo(domain, None), silent)
    assert epochs == [(side, True, {}) for side in ("domain", "llm", "domain")]
    for side in trained.sides.values():
        assert waits_of_a_ranking(device, training, side.model) <= 1 + WAITS_OF_A_RANKING
