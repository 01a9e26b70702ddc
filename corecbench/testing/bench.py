"""Where recommenders are built and trained for a check: on a toy data set of two camps of taste.

B examples, L positions of a history, N items, d the width of a state.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from safetensors.torch import load, save

from corecbench.api import Batch, Recommender, Setup, Side, States, Training, UsageError, last_position
from corecbench.data.dataset import load_dataset
from corecbench.data.split import leave_one_out
from corecbench.plugin.abilities import recommender_abilities
from corecbench.testing import kit
from corecbench.testing.toys import camps
from corecbench.toolkit import cache_folder, standard_loss
from corecbench.training.cell import CellTraining
from corecbench.training.examples import make_examples
from corecbench.training.frozen import evaluate
from corecbench.training.weights import restore

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from corecbench.data.dataset import Dataset
    from corecbench.plugin.host import Host
    from corecbench.training.loop import SideTraining

MAX_HISTORY = 8
FEWEST_ITEMS = 4 + MAX_HISTORY
"""Items that `some` names."""
IN_BFLOAT16 = 0.05
"""Relative difference that can come from the order of summation in bfloat16."""


class ReciprocalRank:
    """The validation metric of the kit, for which it needs no plugin."""

    higher_is_better = True

    def per_user(self, rank: np.ndarray, n_candidates: np.ndarray) -> np.ndarray:
        """Return float64 [U] for int64 ranks [U]."""
        return 1 / rank


def make_cell_training(
    host: Host,
    n_users: int = 200,
    without_text: Sequence[int] = (),
    moved: bool = False,
    device: str = "cpu",
    data: Dataset | None = None,
) -> CellTraining:
    """Return a place to train on so many users of toy data or of a data set, in which some items have no text.

    If texts are `moved`, each item has the text of the next one.
    """
    data = load_dataset("camps", camps(n_users)) if data is None else of_first_users(data, n_users)
    padding, *texts = ("" if row in without_text else text for row, text in enumerate(data.catalog.item_texts))
    texts = [*texts[1:], texts[0]] if moved else texts
    catalog = dataclasses.replace(data.catalog, item_texts=(padding, *texts))
    setup = Setup(catalog, MAX_HISTORY, seed=0, cache=cache_folder(), device=device)
    return CellTraining(host, setup, leave_one_out(data), "check", ReciprocalRank())


def of_first_users(data: Dataset, n_users: int) -> Dataset:
    """Return the interactions of the first users of a data set, with all of its users and items to name.

    Raises:
        UsageError: it has fewer items than the histories of the checks.
    """
    if data.catalog.n_items < FEWEST_ITEMS:
        raise UsageError(
            f"{data.catalog.name} has {data.catalog.n_items} items; a check needs at least {FEWEST_ITEMS}"
        )
    kept = data.user <= n_users
    return dataclasses.replace(data, user=data.user[kept], item=data.item[kept], timestamp=data.timestamp[kept])


@dataclass(frozen=True)
class Bench(kit.Bench):
    """A recommender to be checked."""

    texts_are_moved: bool = False
    """Whether each item has the text of the next one."""
    device: str = "cpu"
    """Where it computes."""

    @property
    def sides(self) -> Sequence[Side]:
        """The sides that it is built as: a domain model over ids, an LLM over ids and, as if alone, without."""
        return ("domain", "llm") if self.selected.kind == "llms" else ("domain",)

    def cell_training(self, seed: int = 0) -> CellTraining:
        """Return a new place to train: on toy data, or on some users of the data set."""
        place = make_cell_training(self.host, moved=self.texts_are_moved, device=self.device, data=self.data)
        return dataclasses.replace(place, setup=dataclasses.replace(place.setup, seed=seed))

    def build(self, side: Side) -> Recommender:
        """Build the recommender on new toy data; nothing is random in its states."""
        model, _ = self.cell_training().build_solo(side, self.selected)
        evaluate(model)
        return model

    def train(self, side: Side, epochs: int | None = None, seed: int = 0) -> tuple[CellTraining, SideTraining]:
        """Train the recommender alone, for so many epochs if it is trained at all."""
        selected = self.selected
        if epochs is not None and isinstance(selected.config, Training):
            selected = dataclasses.replace(selected, config=dataclasses.replace(selected.config, epochs=epochs))
        cell_training = self.cell_training(seed)
        side_training = cell_training.train_solo(side, selected, silent)
        side_training.finish()
        evaluate(side_training.model)
        return cell_training, side_training

    def examples(self, model: Recommender) -> list[Batch]:
        """Return the batches of an epoch."""
        cell_training = self.cell_training()
        examples = make_examples(
            model.examples, cell_training.split.train, cell_training.setup.catalog, MAX_HISTORY
        )
        config = self.selected.config
        negatives = config.negatives if isinstance(config, Training) else 0
        return [batch for _, batch in examples.batches(16, np.random.default_rng(0), negatives)]


def silent(record: object) -> None:
    """Do nothing at the end of an epoch."""


def histories(*rows: Sequence[int], padding: int = 0) -> Batch:
    """Return users 1, 2, ... with these histories, padded to the longest one and by so much more."""
    width = max(map(len, rows)) + padding
    padded = [[*row, *[0] * (width - len(row))] for row in rows]
    return Batch(torch.arange(1, len(rows) + 1), torch.tensor(padded))


def some() -> Batch:
    """Return a batch for evaluation: a short history, one of a single item, and one of the largest length.

    It is a new one at each call, so that no check sees what a model did to the batch of another.
    """
    return histories([1, 2, 3], [4], range(5, 5 + MAX_HISTORY))


def states_of(model: Recommender, batch: Batch) -> States:
    """Return the states of a model or, of one that gives scores, states that say the same.

    Those are the scores [B, N+1] as states of the users, and the unit vectors as states of the items.
    """
    give_scores = recommender_abilities(model).scores
    if give_scores is None:
        return model.states(batch)
    scores = give_scores(batch)
    return States(scores, torch.eye(scores.shape[-1]))


def final(states: States, batch: Batch) -> torch.Tensor:
    """Return the user states after the last item, float32 [B, d], without gradients."""
    return last_position(states.user, batch.history).detach()


def gap(one: torch.Tensor, other: torch.Tensor) -> float:
    """Return the largest difference of two tensors, relative to their largest value."""
    scale = max(one.abs().max().item(), other.abs().max().item(), 1e-12)
    return (one - other).abs().max().item() / scale


def tolerance(model: Recommender) -> float:
    """Return which relative difference may come from the order of summation in the model's dtype."""
    parameters = model.parameters() if isinstance(model, torch.nn.Module) else ()
    return (
        IN_BFLOAT16 if any(parameter.dtype in (torch.bfloat16, torch.float16) for parameter in parameters) else 1e-4
    )


def tensors(batch: Batch) -> dict[str, torch.Tensor]:
    """Return what a batch was made of."""
    found = {each.name: getattr(batch, each.name) for each in dataclasses.fields(batch)}
    return {name: value for name, value in found.items() if isinstance(value, torch.Tensor)}


def task_loss(model: Recommender, batch: Batch, states: States | None) -> torch.Tensor:
    """Return the model's own loss where it has one, else the standard loss."""
    return (recommender_abilities(model).loss or standard_loss)(batch, states)


def set_mode(model: Recommender, training: bool) -> None:
    """Switch a model to training or evaluation, if it knows the difference."""
    if isinstance(model, torch.nn.Module):
        model.train(training)


def seeded(model: Recommender, batch: Batch, training: bool) -> States:
    """Return the states of a batch, with the same dropout at every call."""
    set_mode(model, training)
    torch.manual_seed(0)
    return states_of(model, batch)


def equal(one: States, other: States) -> bool:
    """Return whether two states are the same bit for bit."""
    return torch.equal(one.user, other.user) and torch.equal(one.item, other.item)


def restore_by_file(model: Recommender, state: Mapping[str, torch.Tensor]) -> None:
    """Let a new model be what training kept of another one, as a checkpoint holds it."""
    restore(model, load(save({name: tensor.contiguous() for name, tensor in state.items()})))
