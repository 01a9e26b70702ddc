"""States and scores of both sides at the same places of a batch, to compare the sides while one of them trains.

A place is a position of a history, or a whole history where a side has one state per user.
B examples, L positions, P compared places, N items, d the width of a side's states.
"""

from __future__ import annotations

from typing import NamedTuple

import torch

from corecbench.api import Batch, States, last_position

EXCLUDED = -1e4
"""A score that gives an item no probability. It is finite, so that 0 * score stays 0."""


class Places(NamedTuple):
    """Both sides' user states at places of a batch, drawn at random."""

    own: torch.Tensor
    """float32 [P, d]."""
    other: torch.Tensor
    """float32 [P, d]."""
    row: torch.Tensor
    """int64 [P], which example of the batch a place belongs to."""
    position: torch.Tensor | None
    """int64 [P], the position in the history; None where a side has one state per user."""


class Scores(NamedTuple):
    """Both sides' scores of the catalogue at places of a batch."""

    own: torch.Tensor
    """float32 [P, N]."""
    other: torch.Tensor
    """float32 [P, N]."""
    target: torch.Tensor | None
    """int64 [P], the item that comes next; None where the batch has no targets."""


def places(own: States, other: States, batch: Batch, most: int) -> Places:
    """Return both sides' states at `most` places of the batch, or at fewer where there are no more.

    Two sides with a state per position are compared at positions. A side with one state per user knows the whole
    history, so the other side is read after the last item.
    """
    if own.user.dim() == other.user.dim() == 3:
        place, width = drawn(batch.places, most), batch.history.shape[1]
        row, position = place // width, place % width
        return Places(own.user[row, position], other.user[row, position], row, position)
    row = drawn(torch.arange(len(batch.user), device=batch.user.device), most)
    history = batch.history[row]
    own_user, other_user = (last_position(states.user[row], history) for states in (own, other))
    return Places(own_user, other_user, row, None)


def comparable_scores(own: States, other: States, batch: Batch, most: int) -> Scores:
    """Return both sides' scores of the catalogue at `most` places of the batch, or at fewer.

    Where a side knows the whole history, the items of the history are excluded on both sides: they will not be
    recommended again.
    """
    at = places(own, other, batch, most)
    if at.position is not None:
        scores = [user @ states.item[1:].T for user, states in ((at.own, own), (at.other, other))]
    else:
        scores = [
            (user @ states.item.T).scatter(1, batch.history[at.row], EXCLUDED)[:, 1:]
            for user, states in ((at.own, own), (at.other, other))
        ]
    own_scores, other_scores = scores
    return Scores(own_scores, other_scores, target_at(at, batch))


def target_at(at: Places, batch: Batch) -> torch.Tensor | None:
    """Return the item that comes next at each place, int64 [P]; None where the batch has no targets."""
    if batch.target is None or batch.target.dim() == 1:
        return None if batch.target is None else batch.target[at.row]
    if at.position is not None:
        return batch.target[at.row, at.position]
    return last_position(batch.target[at.row][..., None], batch.history[at.row]).squeeze(1)


def drawn(rows: torch.Tensor, most: int) -> torch.Tensor:
    """Return `most` of the rows, drawn at random, or all rows where there are no more."""
    if len(rows) <= most:
        return rows
    return rows[torch.randperm(len(rows), device=rows.device)[:most]]
