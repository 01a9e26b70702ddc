"""Checks of what a recommender learns, and of what is kept of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from corecbench.api.tables import table_names
from corecbench.plugin.abilities import recommender_abilities
from corecbench.testing.bench import Bench, equal, final, histories, restore_by_file, some, states_of, task_loss
from corecbench.testing.kit import CheckError, NotApplicableError, require
from corecbench.toolkit.losses import targets_of
from corecbench.training.weights import trainable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from corecbench.api import Recommender, Side, Table

OWN_CAMP = 0.9
"""Least share of a user's first three candidates that are of the own camp, averaged over users; 3 of the 13
candidates are, so chance gives 23%."""
FURTHER_SEEDS = (1, 2)
"""Seeds that a first training below `OWN_CAMP` is averaged with."""


def the_same_seed_gives_the_same_states(bench: Bench) -> None:
    """Two models that are built and trained alike agree bit for bit, and nothing is random in evaluation."""
    for side in bench.sides:
        one, other = (bench.train(side, epochs=1)[1].model for _ in range(2))
        first, again, second = states_of(one, some()), states_of(one, some()), states_of(other, some())
        require(equal(first, again), "two calls in evaluation differ; something in it is random")
        require(equal(first, second), "two models of one seed differ; draw from torch's global generator alone")


def a_checkpoint_restores_the_states(bench: Bench) -> None:
    """All that training changed is in parameters and buffers: loaded from safetensors, a new model is the same."""
    for side in bench.sides:
        _, side_training = bench.train(side, epochs=1)
        fresh = bench.build(side)
        restore_by_file(fresh, side_training.best_state)
        same = equal(states_of(side_training.model, some()), states_of(fresh, some()))
        require(
            same, "restored from safetensors it gives other states; keep what is learnt in parameters or buffers"
        )


def gradients_reach_the_ids(bench: Bench) -> None:
    """The tables that were given are among the parameters, and training on an item or a user changes its row."""
    if not bench.selected.joint:
        raise NotApplicableError("it reads no ids (joint=False)")
    model, tables = bench.cell_training().build_solo("domain", bench.selected)
    if tables is None:
        raise CheckError("it asks for no ids; its component needs joint=False")
    if not isinstance(model, torch.nn.Module):
        raise CheckError("it is no torch.nn.Module, so nothing of it is trained")
    names = table_names(model)
    require("item" in names, "it does not keep the item table that it was given as a submodule")
    batches = bench.examples(model)
    torch.stack([task_loss(model, batch, model.states(batch)) for batch in batches]).sum().backward()
    targets = {item for batch in batches for item in targets_of(batch).flatten().tolist()} - {0}
    require_gradients("items", tables.item, targets)
    if "user" in names:
        require_gradients("users", tables.user, {user for batch in batches for user in batch.user.tolist()})


def require_gradients(what: str, table: Table, rows: Iterable[int]) -> None:
    """Raise a CheckError if a row has no gradient."""
    gradient = table.weight.grad
    without = [row for row in rows if gradient is None or not gradient[row].any()]
    require(not without, f"the rows of {len(without)} of {len(list(rows))} {what} in training get no gradient")


def two_camps_of_taste_are_told_apart(bench: Bench) -> None:
    """On a checkerboard, where one half of the users likes one half of the items, the own half is ranked first.

    A seed that falls short is averaged with further ones: that one training stuck is no fault of a component.
    """
    if bench.data is not None:
        raise NotApplicableError("camps are known of toy data alone")
    for side in bench.sides:
        share = of_own_camp(bench, side, seed=0)
        if share < OWN_CAMP:
            share = float(np.mean([share, *(of_own_camp(bench, side, seed) for seed in FURTHER_SEEDS)]))
        what = "of the first three items" + (", over texts alone," if side == "llm" else "")
        require(share >= OWN_CAMP, f"{share:.0%} {what} are of the user's own camp; needed are {OWN_CAMP:.0%}")


def of_own_camp(bench: Bench, side: Side, seed: int) -> float:
    """Return which share of the first three items is of the user's own camp, after a training with a seed."""
    cell_training, side_training = bench.train(side, seed=seed)
    model, catalog = side_training.model, cell_training.setup.catalog
    if not trainable(model):
        if recommender_abilities(model).fit is None:
            raise NotApplicableError("it learns nothing from interactions: nothing to train and no method `fit`")
        if not personal(model):
            raise NotApplicableError("it has nothing to train and recommends the same to everybody")
    ranks = cell_training.rank(model, "test", top_k=3)
    camp_of_user, camp_of_item = (
        np.array([0, *(int(name[1:]) % 2 for name in ids[1:])]) for ids in (catalog.user_ids, catalog.item_ids)
    )
    return float((camp_of_item[ranks.top_items] == camp_of_user[ranks.users][:, None]).mean())


def personal(model: Recommender) -> bool:
    """Return whether two users with other histories get other orders of the items."""
    batch = histories([1, 2, 3], [4, 5, 6])
    states = states_of(model, batch)
    one, other = (final(states, batch) @ states.item[1:].T).argsort(stable=True)
    return not torch.equal(one, other)


CHECKS = (
    the_same_seed_gives_the_same_states,
    a_checkpoint_restores_the_states,
    gradients_reach_the_ids,
    two_camps_of_taste_are_told_apart,
)
