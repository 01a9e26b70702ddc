"""Where two sides are compared while one of them trains: states and scores at the same places of a batch.

B examples, L positions, P compared places, N items, d the width of a state, which each side has its own of.
"""

from __future__ import annotations

from typing import NamedTuple

import torch

from corecbench.api import Batch, States, last_position

EXCLUDED = -1e4
"""A score that leaves an item no probability, and is finite so that 0 * score stays 0."""


class Places(NamedTuple):
    """Both sides' user states at places of a batch, drawn at random."""

    own: torch.Tensor
    """float32 [P, d]."""
    other: torch.Tensor
    """float32 [P, d]."""
    row: torch.Tensor
    """int64 [P], examples of the batch."""
    position: torch.Tensor | None
    """int64 [P], positions of their histories; None where a side has one state per user."""


class Scores(NamedTuple):
    """Both sides' scores of the catalogue at places of a batch."""

    own: torch.Tensor
    """float32 [P, N]."""
    other: torch.Tensor
    """float32 [P, N]."""
    target: torch.Tensor | None
    """int64 [P], the item that comes next there; None where the batch has none."""


def places(own: States, other: States, batch: Batch, most: int) -> Places:
    """Return both sides' states at no more than so many places.

    Two sides with a state per position are compared at positions. A side with one state per user knows the whole
    history, so the other is read after its last item.
    """
    if own.user.dim() == other.user.dim() == 3:
        row, position = drawn(torch.nonzero(batch.history), most).T
        return Places(own.user[row, position], other.user[row, position], row, position)
    row = drawn(torch.arange(len(batch.user), device=batch.user.device), most)
    history = batch.history[row]
    return Places(*(last_position(states.user[row], history) for states in (own, other)), row, None)


def comparable_scores(own: States, other: States, batch: Batch, most: int) -> Scores:
    """Return both sides' scores at no more than so many places.

    Where a side knows the whole history, its items, which nobody will be recommended again, are left out of both.
    """
    at = places(own, other, batch, most)
    if at.position is not None:
        scores = [user @ states.item[1:].T for user, states in ((at.own, own), (at.other, other))]
    else:
        scores = [
            (user @ states.item.T).scatter(1, batch.history[at.row], EXCLUDED)[:, 1:]
            for user, states in ((at.own, own), (at.other, other))
        ]
    return Scores(*scores, target_at(at, batch))


def target_at(at: Places, batch: Batch) -> torch.Tensor | None:
    """Return the targets at places of a batch; the last one of a history where a place is all of it."""
    if batch.target is None or batch.target.dim() == 1:
        return None if batch.target is None else batch.target[at.row]
    if at.position is not None:
        return batch.target[at.row, at.position]
    return last_position(batch.target[at.row][..., None], batch.history[at.row]).squeeze(1)


def drawn(rows: torch.Tensor, most: int) -> torch.Tensor:
    """Return at most so many of the rows, at random."""
    if len(rows) <= most:
        return rows
    return rows[torch.randperm(len(rows), device=rows.device)[:most]]
