"""What all of RecBole's classes need to be recommenders here.

B examples, U users, N items.
"""

from __future__ import annotations

import contextlib
import io
import logging
import random
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from corecbench_plugins.recbole_models.classes import model_class
from corecbench_plugins.recbole_models.parameters import resolve
from corecbench_plugins.recbole_models.registry import known, module_of
from corecbench_plugins.recbole_models.training_part import TrainingPart

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from corecbench.api import Batch, IdsFactory, Interactions, Setup
    from corecbench_plugins.recbole_models import RecBoleConfig

DRAWS = 100
"""Times that a negative is drawn anew while its user has interacted with it."""


class Adapter(nn.Module):
    """A model of RecBole, built once the training part is known: many of its classes read that when they are built.

    Where the class has id tables, those that were given take their place.
    """

    learns_when_built = False
    """Whether nothing is trained afterwards; RecBole gives such classes a parameter for its trainer alone."""

    def __init__(self, config: RecBoleConfig, setup: Setup, ids: IdsFactory):
        super().__init__()
        self.known, self.config, self.setup = known(config.model), config, setup
        self.settings = resolve(config, setup)
        width = self.settings["embedding_size"] or self.settings["hidden_size"]
        self.given = ids(width) if self.known.tables else None
        self.model: nn.Module | None = None
        self.epoch = 0

    def fit(self, train: Interactions) -> None:
        """Build the model from the training part; a model without gradients learns by it."""
        original = model_class(module_of(self.config.model), self.config.model)
        adapted = type(original.__name__, (original,), {**self.overrides(), "__module__": __name__})
        self.unseen = Unseen(train, self.setup)
        part = self.training_part(train)
        with as_in_recbole():
            model = adapted(self.settings, part)
        for attribute, table in self.known.tables.items():
            setattr(model, attribute, WithoutPadding(getattr(self.given, table)))
        if self.learns_when_built:
            model.requires_grad_(False)
        self.model = model
        self.adapt(part)
        model.to(self.setup.device)
        with as_in_recbole():
            self.begin_epoch()  # so that there is a loss before the first epoch, too

    def overrides(self) -> dict[str, Callable[..., Any]]:
        """Return methods that RecBole's class gets instead of its own."""
        return {}

    def training_part(self, train: Interactions) -> TrainingPart:
        """Return what the model is built from."""
        return TrainingPart(self.setup, train, self.settings)

    def adapt(self, part: TrainingPart) -> None:
        """Change what has to be in the model that was built."""

    def train(self, mode: bool = True) -> Adapter:
        """Switch to training, at the start of each epoch, or to evaluation."""
        with as_in_recbole() if mode else contextlib.nullcontext():
            super().train(mode)
            if mode and self.model is not None:
                self.begin_epoch()
                self.epoch += 1
        return self

    def begin_epoch(self) -> None:
        """Do what RecBole's trainer does before an epoch."""

    def own_loss(self, rows: Mapping[str, torch.Tensor], **flags: bool) -> torch.Tensor:
        """Return the loss that the model's class defines, of RecBole's form of a batch."""
        with as_in_recbole():
            loss = self.model.calculate_loss(Rows(rows), **flags)
        return sum(part.sum() for part in self.wanted(loss)) if isinstance(loss, tuple) else loss.sum()

    def wanted(self, parts: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
        """Return the parts of a loss that count in this epoch."""
        return parts

    @property
    def wants_labels(self) -> bool:
        """Whether the loss is of single pairs that did or did not happen."""
        return not self.settings["loss_type"] and self.model.input_type.name == "POINTWISE"

    def pairs(
        self, user: torch.Tensor, item: torch.Tensor, negative: torch.Tensor | None = None
    ) -> dict[str, torch.Tensor]:
        """Return pairs, int64 [B] each, in the form that the loss wants, with negatives if it wants any."""
        if self.settings["loss_type"] == "CE":
            return {"user": user, "item": item}
        if negative is None:
            negative = self.unseen.items(user)
        if not self.wants_labels:
            return {"user": user, "item": item, "negative_item": negative}
        label = torch.cat([torch.ones_like(user), torch.zeros_like(user)]).float()
        return {"user": torch.cat([user, user]), "item": torch.cat([item, negative]), "label": label}


class PairTraining(Adapter):
    """Trained by its own loss on pairs of a user and an item."""

    examples = "pairs"

    def loss(self, batch: Batch, states: object) -> torch.Tensor:
        """Return the own loss of a batch of pairs."""
        return self.own_loss(self.pairs(batch.user, batch.target, batch.negatives))


class UserTraining(Adapter):
    """Trained by its own loss on users; those of a batch of windows, each once."""

    examples = "windows"

    def loss(self, batch: Batch, states: object) -> torch.Tensor:
        """Return the own loss of the users of a batch."""
        return self.own_loss({"user": batch.user.unique()})


class WithoutPadding(nn.Module):
    """A table whose row 0 is read as zero, as that of an `nn.Embedding` with `padding_idx=0`."""

    def __init__(self, table: nn.Module):
        super().__init__()
        self.table = table

    @property
    def weight(self) -> torch.Tensor:
        """float32 [rows, d], row 0 as it is."""
        return self.table.weight

    def forward(self, index: torch.Tensor) -> torch.Tensor:
        """Return float32 [*index.shape, d]."""
        return self.table(index) * (index != 0).unsqueeze(-1)


class Rows(dict):
    """A batch as RecBole's classes read and, some, extend it."""

    def update(self, other: Any) -> None:
        """Add columns of another batch, RecBole's own kind included."""
        super().update(getattr(other, "interaction", other))


class Unseen:
    """Draws what a user or an item has not met in training."""

    def __init__(self, train: Interactions, setup: Setup):
        self.n_users, self.n_items = setup.catalog.n_users, setup.catalog.n_items
        pairs = np.unique(train.user * (self.n_items + 1) + train.item)
        self.pairs = torch.as_tensor(pairs, device=setup.device)

    def items(self, user: torch.Tensor) -> torch.Tensor:
        """Return for each user, int64 [*], an item drawn uniformly among those not interacted with."""
        return self.draw(user, self.n_items, lambda of, item: of * (self.n_items + 1) + item)

    def users(self, item: torch.Tensor) -> torch.Tensor:
        """Return for each item, int64 [*], a user drawn uniformly among those who have not interacted with it."""
        return self.draw(item, self.n_users, lambda of, user: user * (self.n_items + 1) + of)

    def draw(self, of: torch.Tensor, n: int, key) -> torch.Tensor:
        """Draw from 1 to n until a pair is new; where none is after many draws, the last one stays."""
        drawn = torch.randint(1, n + 1, of.shape, device=of.device)
        for _ in range(DRAWS):
            keys = key(of, drawn)
            place = torch.searchsorted(self.pairs, keys).clamp(max=len(self.pairs) - 1)
            met = self.pairs[place] == keys
            if not met.any():
                break
            drawn[met] = torch.randint(1, n + 1, (int(met.sum()),), device=of.device)
        return drawn


@contextlib.contextmanager
def as_in_recbole() -> Iterator[None]:
    """Let RecBole's code print and warn unheard, and draw from generators of numpy and Python that follow torch's.

    Those generators are global; afterwards they are as they were.
    """
    python, numpy, disabled = random.getstate(), np.random.get_state(), logging.root.manager.disable
    seed = int(torch.randint(2**31, ()))
    random.seed(seed)
    np.random.seed(seed)
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)
        logging.disable(disabled)


@contextlib.contextmanager
def in_evaluation(setup: Setup) -> Iterator[None]:
    """Let RecBole's code compute scores; where it draws at random then, every call draws the same."""
    devices = [] if setup.device == "cpu" else [setup.device]
    with torch.random.fork_rng(devices), torch.no_grad():
        torch.manual_seed(setup.seed)
        with as_in_recbole():
            yield
