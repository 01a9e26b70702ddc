"""Makes any of RecBole's model classes a recommender of corecbench.

B examples, N items.
"""

from __future__ import annotations

import contextlib
import io
import logging
import random
import warnings
from typing import TYPE_CHECKING, Any, Self, TypeAlias

import numpy as np
import torch
from torch import nn

from corecbench.api import Batch, IdsFactory, Interactions, Setup, Table, resolve
from corecbench_plugins.recbole_models.classes import model_class
from corecbench_plugins.recbole_models.fast_layers import use_fast_layers
from corecbench_plugins.recbole_models.parameters import all_parameters
from corecbench_plugins.recbole_models.registry import MODELS, family_of, module_of
from corecbench_plugins.recbole_models.training_part import TrainingPart

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from corecbench_plugins.recbole_models.settings import RecBoleConfig

RecBoleModel: TypeAlias = Any
"""A model of one of RecBole's classes, which have no types."""
MAX_DRAWS = 100
"""Most times that a negative is drawn anew because its user has interacted with it."""


def build_adapter(config: RecBoleConfig, setup: Setup, ids: IdsFactory) -> Adapter:
    """Build a model by the adapter of its family."""
    adapter: type[Adapter] = resolve(f"corecbench_plugins.recbole_models.{family_of(config.model).adapter}")
    return adapter(config, setup, ids)


class Adapter(nn.Module):
    """A model of RecBole. It is built in `fit`, since many of RecBole's classes read the training part when built.

    Id tables of the class are replaced by the tables of the sharing module.
    """

    learns_when_built = False
    """Whether nothing is trained afterwards. RecBole gives such classes a parameter only for its trainer's sake."""

    def __init__(self, config: RecBoleConfig, setup: Setup, ids: IdsFactory) -> None:
        super().__init__()
        self.config, self.setup = config, setup
        self.table_attributes = MODELS[config.model].tables
        self.settings = all_parameters(config, setup)
        width = self.settings["embedding_size"] or self.settings["hidden_size"]
        self.ids = ids(width) if self.table_attributes else None
        self.model: RecBoleModel = None
        self.epoch = 0

    def fit(self, train: Interactions) -> None:
        """Build the model from the training part. A model without gradients learns while it is built."""
        original = model_class(module_of(self.config.model), self.config.model)
        adapted = type(original.__name__, (original,), {**self.overrides(), "__module__": __name__})
        self.unseen = UnseenSampler(train, self.setup)
        part = self.training_part(train)
        with as_in_recbole():
            model = adapted(self.settings, part)
        for attribute, table in self.table_attributes.items():
            setattr(model, attribute, ZeroPaddingTable(getattr(self.ids, table)))
        use_fast_layers(model)
        if self.learns_when_built:
            model.requires_grad_(False)
        self.model = model
        self.adapt(part)
        model.to(self.setup.device)
        with as_in_recbole():
            self.begin_epoch()  # so that there is a loss before the first epoch too

    def overrides(self) -> dict[str, Callable[..., Any]]:
        """Return name -> function for methods of RecBole's class that are replaced."""
        return {}

    def training_part(self, train: Interactions) -> TrainingPart:
        """Return what the model is built from."""
        return TrainingPart(self.setup, train, self.settings)

    def adapt(self, part: TrainingPart) -> None:
        """Change the model that was built, where its class needs changes."""

    def train(self, mode: bool = True) -> Self:
        """Switch to training, at the start of each epoch, or to evaluation."""
        with as_in_recbole() if mode else contextlib.nullcontext():
            super().train(mode)
            if mode and self.model is not None:
                self.begin_epoch()
                self.epoch += 1
        return self

    def get_extra_state(self) -> dict[str, int]:
        """Return what a training that goes on must know beside the weights."""
        return {"epoch": self.epoch}

    def set_extra_state(self, state: Mapping[str, int]) -> None:
        """Go on from there."""
        self.epoch = state["epoch"]

    def begin_epoch(self) -> None:
        """Do what RecBole's trainer does before an epoch."""

    def own_loss(self, rows: Mapping[str, torch.Tensor], **flags: bool) -> torch.Tensor:
        """Return the loss that the model's class defines, for a batch in RecBole's form."""
        with as_in_recbole():
            loss = self.model.calculate_loss(RecBoleBatch(rows), **flags)
        parts: tuple[torch.Tensor, ...] = self.counted_parts(loss) if isinstance(loss, tuple) else (loss,)
        total = parts[0].sum()
        for part in parts[1:]:
            total = total + part.sum()
        return total

    def counted_parts(self, parts: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
        """Return the parts of a loss that count in this epoch."""
        return parts

    @property
    def wants_labels(self) -> bool:
        """Whether the loss takes single pairs, each with a label that says whether it happened."""
        return not self.settings["loss_type"] and bool(self.model.input_type.name == "POINTWISE")

    def pairs(
        self, user: torch.Tensor, item: torch.Tensor, negative: torch.Tensor | None = None
    ) -> dict[str, torch.Tensor]:
        """Return pairs in the form that the loss takes, with negatives where it takes any.

        Args:
            user: int64 [B].
            item: int64 [B].
            negative: int64 [B]; None to draw the negatives where they are needed.
        """
        if self.settings["loss_type"] == "CE":
            return {"user": user, "item": item}
        if negative is None:
            negative = self.unseen.draw_items(user)
        if not self.wants_labels:
            return {"user": user, "item": item, "negative_item": negative}
        label = torch.cat([torch.ones_like(user), torch.zeros_like(user)]).float()
        return {"user": torch.cat([user, user]), "item": torch.cat([item, negative]), "label": label}


class PairTraining(Adapter):
    """A model that is trained by its own loss on pairs of a user and an item."""

    examples = "pairs"

    def loss(self, batch: Batch, states: object) -> torch.Tensor:
        """Return the model's own loss of a batch of pairs."""
        return self.own_loss(self.pairs(batch.user, targets_of(batch), batch.negatives))


class UserTraining(Adapter):
    """A model that is trained by its own loss on the users of a batch of windows, each user once."""

    examples = "windows"

    def loss(self, batch: Batch, states: object) -> torch.Tensor:
        """Return the model's own loss of the users of a batch."""
        return self.own_loss({"user": batch.user.unique()})


class ZeroPaddingTable(nn.Module):
    """A table whose row 0 is read as zero, like row 0 of a new `nn.Embedding` with `padding_idx=0`."""

    def __init__(self, table: Table) -> None:
        super().__init__()
        self.table = table

    @property
    def weight(self) -> torch.Tensor:
        """float32 [rows, d], row 0 as it is stored."""
        return self.table.weight

    def forward(self, index: torch.Tensor) -> torch.Tensor:
        """Return float32 [*index.shape, d]."""
        return self.table(index) * (index != 0).unsqueeze(-1)


def targets_of(batch: Batch) -> torch.Tensor:
    """Return the targets of a batch that is trained on."""
    if batch.target is None:
        raise ValueError("a batch without targets cannot be trained on")
    return batch.target


class RecBoleBatch(dict[str, torch.Tensor]):
    """A batch as RecBole's classes read it. Some of them add columns."""

    def update(self, other: Any) -> None:  # type: ignore[override]
        """Add the columns of another batch, which may be an `Interaction` of RecBole."""
        super().update(getattr(other, "interaction", other))


class UnseenSampler:
    """Draws pairs of a user and an item that have not interacted in training."""

    def __init__(self, train: Interactions, setup: Setup) -> None:
        self.n_users, self.n_items = setup.catalog.n_users, setup.catalog.n_items
        self.n_known = setup.catalog.n_known_items
        pairs = np.unique(train.user * (self.n_items + 1) + train.item)
        self.pairs = torch.as_tensor(pairs, device=setup.device)

    def draw_items(self, user: torch.Tensor) -> torch.Tensor:
        """Return for each user, int64 [*], an item drawn uniformly among those that the user has not met."""
        return self.draw(user, self.n_known, lambda item: user * (self.n_items + 1) + item)

    def draw_users(self, item: torch.Tensor) -> torch.Tensor:
        """Return for each item, int64 [*], a user drawn uniformly among those who have not met the item."""
        return self.draw(item, self.n_users, lambda user: user * (self.n_items + 1) + item)

    def draw(self, given: torch.Tensor, n: int, pair_key: Callable[[torch.Tensor], torch.Tensor]) -> torch.Tensor:
        """Draw a number from 1 to n for each given row, again until the pair is new or `MAX_DRAWS` are made.

        Args:
            given: int64 [*], the users or the items that are known.
            n: the largest number.
            pair_key: returns the keys of the pairs that drawn numbers make, as in `pairs`.
        """
        numbers = torch.randint(1, n + 1, given.shape, device=given.device)
        for _ in range(MAX_DRAWS):
            keys = pair_key(numbers)
            place = torch.searchsorted(self.pairs, keys).clamp(max=len(self.pairs) - 1)
            met = self.pairs[place] == keys
            if not met.any():
                break
            numbers[met] = torch.randint(1, n + 1, (int(met.sum()),), device=given.device)
        return numbers


@contextlib.contextmanager
def as_in_recbole() -> Iterator[None]:
    """Run RecBole's code without its output and warnings, with numpy and Python seeded from torch's generator.

    Their generators are global. Afterwards they are as they were.
    """
    python_state, numpy_state = random.getstate(), np.random.get_state()
    log_level = logging.root.manager.disable
    seed = int(torch.randint(2**31, ()))
    random.seed(seed)
    np.random.seed(seed)
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        random.setstate(python_state)
        np.random.set_state(numpy_state)
        logging.disable(log_level)


@contextlib.contextmanager
def in_evaluation(setup: Setup) -> Iterator[None]:
    """Let RecBole's code compute scores. Where it draws random numbers, every call draws the same."""
    device = torch.device(setup.device)
    devices = [] if device.type == "cpu" else [device]
    with torch.random.fork_rng(devices, device_type=device.type), torch.no_grad():
        torch.manual_seed(setup.seed)
        with as_in_recbole():
            yield


@torch.no_grad()
def own_scores(adapter: Adapter, batch: Batch) -> torch.Tensor:
    """Return RecBole's own scores of all items for the users of a batch, float32 [B, N+1]."""
    with in_evaluation(adapter.setup):
        scores: torch.Tensor = adapter.model.full_sort_predict({"user": batch.user})
    return scores.view(len(batch.user), -1).float()
