"""The states of a side that is frozen while the other side trains, and of any side in evaluation.

R contexts, L positions of a history, P positions of all histories, B rows of a batch, d the width of a state.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from corecbench.api import Batch, Recommender, States, last_position
from corecbench.evaluation.states import checked
from corecbench.plugin.abilities import recommender_abilities
from corecbench.toolkit import on_device

if TYPE_CHECKING:
    from collections.abc import Iterator

    from corecbench.training.contexts import Contexts

CONTEXTS_PER_BATCH = 256


@dataclass(frozen=True, eq=False)
class FrozenStates:
    """The states of all contexts. Padding takes no place: histories of few items have few states."""

    user: torch.Tensor
    """float32 [R, d], or [P, d] for states at each position, those of a context one after another."""
    item: torch.Tensor
    """float32 [N+1, d], a copy: the side may be the one that trains."""
    length: np.ndarray | None
    """int64 [R], the positions of each context; None where each has one state."""

    @functools.cached_property
    def stretches(self) -> tuple[np.ndarray, np.ndarray]:
        length = np.zeros(0, dtype=np.int64) if self.length is None else self.length
        return np.cumsum(length) - length, length

    def of(self, rows: torch.Tensor, width: int) -> States:
        """Return the states of some contexts; those at padding are 0.

        Args:
            rows: int64 [B].
            width: the number of positions, at least that of the longest of these histories.
        """
        if self.length is None:
            return States(self.user[rows], self.item)
        place, filled = self.places(np.asarray(rows), width)
        user = self.user.new_zeros(len(rows) * width, self.user.shape[1])
        user[filled] = self.user[place]
        return States(user.view(len(rows), width, -1), self.item)

    def places(self, rows: np.ndarray, width: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the places of the states of some contexts, int64 [of these], and where in a batch they belong.

        Args:
            rows: int64 [B].
            width: as in `of`.

        Returns:
            The places in `user` and those in a batch laid out as one row, int64.
        """
        start, length = self.stretches
        filled = np.arange(width) < length[rows, None]
        place = (start[rows, None] + np.arange(width))[filled]
        device = str(self.user.device)
        return on_device(place, device), on_device(np.flatnonzero(filled), device)


@dataclass(frozen=True, eq=False)
class FrozenScores:
    """The scores of all contexts, of a side that gives scores: computed anew for each batch, as they are wide."""

    model: Recommender
    contexts: Contexts

    @torch.no_grad()
    def of(self, rows: torch.Tensor, width: int) -> States:
        """Return the scores of some contexts after their last items, as `SharingComponent.takes_scores` says.

        Args:
            rows: int64 [B].
            width: the number of positions, which does not matter here.
        """
        evaluate(self.model)
        batch = self.contexts.take(rows)
        batch = Batch(batch.user, batch.history, time=batch.time)  # without its targets
        give = recommender_abilities(self.model).scores
        if give is None:
            raise ValueError("the model gives no scores")
        scores = give(batch).float()
        return States(scores, scores.new_zeros(scores.shape[1], 0))


def evaluate(model: object) -> None:
    if isinstance(model, torch.nn.Module):
        model.eval()


@torch.no_grad()
def states_of_contexts(model: Recommender, contexts: Contexts, n_items: int | None = None) -> FrozenStates:
    """Return a frozen side's states of all contexts; they are checked if the number of items is given."""
    found: FrozenStates | None = None
    item: torch.Tensor | None = None
    for rows, batch, states in _in_batches(model, contexts, n_items):
        item = states.item
        if found is None:
            at_each = states.user.dim() == 3
            n_states = int(contexts.length.sum()) if at_each else len(contexts)
            user = states.user.new_empty(n_states, states.user.shape[-1])
            found = FrozenStates(user, states.item, contexts.length if at_each else None)
        if found.length is None:
            found.user[on_device(rows, str(found.user.device))] = states.user
        else:
            place, filled = found.places(rows, batch.history.shape[1])
            found.user[place] = states.user.flatten(0, 1)[filled]
    if found is None or item is None:
        raise ValueError("there are no contexts to make states of")
    return replace(found, item=item.detach().clone())


@torch.no_grad()
def last_states(model: Recommender, contexts: Contexts, n_items: int | None = None) -> torch.Tensor:
    """Return the states after the last item of each context, float32 [R, d]; checked as above."""
    last: torch.Tensor | None = None
    for rows, batch, states in _in_batches(model, contexts, n_items):
        user = last_position(states.user, batch.history)
        last = user.new_empty(len(contexts), user.shape[1]) if last is None else last
        last[on_device(rows, str(last.device))] = user
    if last is None:
        raise ValueError("there are no contexts to make states of")
    return last


def _in_batches(
    model: Recommender, contexts: Contexts, n_items: int | None
) -> Iterator[tuple[np.ndarray, Batch, States]]:
    evaluate(model)
    order = np.argsort(contexts.length, kind="stable")
    for rows in np.split(order, range(CONTEXTS_PER_BATCH, len(order), CONTEXTS_PER_BATCH)):
        batch = contexts.take(rows)
        batch = Batch(batch.user, batch.history, time=batch.time)  # without its targets
        states = model.states(batch)
        yield rows, batch, states if n_items is None else checked(states, batch, n_items)
