from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from corecbench.api import Catalog, Interactions, States, Training
from corecbench.plugin.host import Host
from corecbench.training.examples import make_examples
from corecbench.training.loop import SideTraining
from corecbench.training.pair import Learnt, Pair, Solo, train_pair


@pytest.fixture(scope="session")
def train() -> Callable[..., Interactions]:
    """Make a training part of lists of items: `train([5, 6], [7])` is user 1 with 5, 6 and user 2 with 7."""

    def make(*items_of_users: list[int]) -> Interactions:
        user = np.repeat(np.arange(1, len(items_of_users) + 1), [len(items) for items in items_of_users])
        item = np.array([item for items in items_of_users for item in items], dtype=np.int64)
        return Interactions(user.astype(np.int64), item)

    return make


@pytest.fixture(scope="session")
def catalog() -> Callable[[int, int], Catalog]:
    """Make a catalogue: `catalog(n_users, n_items)`."""

    def make(n_users: int, n_items: int) -> Catalog:
        users, items = (("", *map(str, range(1, n + 1))) for n in (n_users, n_items))
        return Catalog("toy", users, items, items)

    return make


# --- one side, without data or plugins ----------------------------------------------------------------------------

N_ITEMS = 5


class ToyModel(nn.Module):
    """The state of a position is the embedding of its item."""

    examples = "windows"

    def __init__(self):
        super().__init__()
        self.item = nn.Embedding(N_ITEMS + 1, 2)
        self.fixed = nn.Parameter(torch.ones(1), requires_grad=False)
        self.batches, self.modes, self.with_graph = [], [], []

    def states(self, batch):
        self.batches.append(batch)
        self.modes.append(self.training)
        self.with_graph.append(torch.is_grad_enabled())
        return States(self.item(batch.history), self.item.weight)


@pytest.fixture(scope="session")
def toy_model() -> type[nn.Module]:
    """The class of a model whose state of a position is the embedding of its item; it notes what it is asked."""
    return ToyModel


@pytest.fixture
def make_side_training(train, catalog):
    """Make a side whose validation gives the values in turn, then 0: `make_side_training(values, **training)`."""

    def make(values=(), model=None, n_users=6, planned_epochs=8, trained=False, **training):
        torch.manual_seed(0)
        items = [[1 + (user + step) % N_ITEMS for step in range(2 + user % 4)] for user in range(n_users)]
        examples = make_examples("windows", train(*items), catalog(n_users, N_ITEMS), max_history=3)
        left = iter(values)
        config = replace(Training(batch_size=2, learning_rate=0.1), **training)
        return SideTraining(
            side="domain",
            model=model or ToyModel(),
            config=config,
            examples=examples,
            validate=lambda _: next(left, 0.0),
            generator=np.random.default_rng(0),
            planned_epochs=planned_epochs,
            trained=trained,
        )

    return make


# --- cells of real plugins ----------------------------------------------------------------------------------------


@pytest.fixture
def select(host, quick, tiny_llama):
    """Select a component with quick settings: `select("models", "sasrec", epochs=3)`."""

    def choose(kind, name, **settings):
        merged = quick | {name: quick.get(name, {}) | settings}
        return host.select(kind, f"llama:{tiny_llama}" if name == "llama" else name, merged)

    return choose


@pytest.fixture
def solo(toy_data, make_cell_training, select):
    """Train a domain model alone: `solo("sasrec")` gives cell, side, and the start of pairs."""

    def train(name, **settings):
        cell_training = make_cell_training(toy_data, cell=name)
        selected = select("models", name, **settings)
        side_training = cell_training.train_solo("domain", selected, silent)
        side_training.finish()
        learnt = Learnt(side_training.best_state, side_training.best_epoch)
        return cell_training, side_training, Solo(selected, lambda: learnt)

    return train


@pytest.fixture
def joined(monkeypatch, toy_data, make_cell_training, select, host, quick):
    """Train a pair and keep what it was built of: `joined("sasrec", "bdlm", solo)`."""

    def train(name, sharing, solo, host=host, on_epoch=silent, teacher="other", **settings):
        built = {}
        build = type(host).build

        def keep(self, selected, *args):
            built[selected.kind] = build(self, selected, *args)
            return built[selected.kind]

        monkeypatch.setattr(Host, "build", keep)
        cell_training = make_cell_training(toy_data, cell=f"{name}+llama+{sharing}", host=host)
        parts = select("models", name), select("llms", "llama")
        module = host.select("sharing", sharing, quick | {sharing: quick.get(sharing, {}) | settings})
        side_trainings = train_pair(cell_training, Pair(*parts, module, teacher), solo, on_epoch).sides
        return cell_training, side_trainings, built["sharing"]

    return train


def silent(record: object) -> None:
    """Do nothing at the end of an epoch."""
