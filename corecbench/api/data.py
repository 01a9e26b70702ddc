"""Catalog, interactions, and what goes into and comes out of a model."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import torch


@dataclass(frozen=True)
class Catalog:
    """The users and items of one data set. Entry 0 of each tuple is "" and stands for padding."""

    name: str
    user_ids: tuple[str, ...]
    item_ids: tuple[str, ...]
    item_texts: tuple[str, ...]
    n_new_items: int = 0
    """How many items, the last ones, do not exist yet in training: nothing may be learnt of them, also not that
    they will come. They are candidates like others."""
    user_texts: tuple[str, ...] = ()
    """A text for each user, entry 0 for padding, such as a profile; empty where the data set has none."""

    @property
    def n_users(self) -> int:
        """U, without the padding row."""
        return len(self.user_ids) - 1

    @property
    def n_items(self) -> int:
        """N, without the padding row."""
        return len(self.item_ids) - 1

    @property
    def n_known_items(self) -> int:
        """The number of items that exist in training, N but for the new ones."""
        return self.n_items - self.n_new_items


@dataclass(frozen=True)
class Interactions:
    """Interactions in the order in which they happened, user by user."""

    user: np.ndarray
    """int64 [M], user indices, ascending."""
    item: np.ndarray
    """int64 [M], item indices, oldest first within a user."""
    time: np.ndarray | None = None
    """int64 or float64 [M], when each happened; None where the data set has no real times."""


@dataclass(frozen=True)
class Batch:
    """Examples on their way into a model. Histories are right-padded with 0, oldest item first."""

    user: torch.Tensor
    """int64 [B]."""
    history: torch.Tensor
    """int64 [B, L]."""
    target: torch.Tensor | None = None
    """int64 [B, L] for windows (the item after each position, 0 = none), [B] for pairs, None for evaluation."""
    negatives: torch.Tensor | None = None
    """int64 [B], for each pair an item that the user has not interacted with in training; None for windows."""
    sampled: torch.Tensor | None = None
    """int64 [K], items drawn for the batch that all targets are told apart from; None if not asked for. They are
    different ones, but for those that are drawn by popularity."""
    log_expected: torch.Tensor | None = None
    """float32 [K], the logarithm of how often each of them is expected among the K; None for uniform draws."""
    time: torch.Tensor | None = None
    """int64 or float64 [B, L], when each item of the history happened, 0 for padding. None for data without real
    times and for histories from elsewhere."""
    reads_all: bool = True
    """Whether the loss may read the states of all items, and not only those of the targets and the sampled ones."""

    @cached_property
    def read(self) -> torch.Tensor | None:
        """The different items whose states are all that the loss reads, int64 [R]; None: it reads all.

        A model may leave the rows of others at zero. A GPU computes all sooner than it is asked which they are.
        """
        if self.reads_all or self.sampled is None or self.target is None or self.target.device.type != "cpu":
            return None
        import torch

        read: torch.Tensor = torch.cat([self.target.flatten(), self.sampled]).unique()
        return read

    @cached_property
    def places(self) -> torch.Tensor:
        """The positions with a target, int64 [P], of a batch laid out as one row; without windows, those of items.

        A GPU is waited for once.
        """
        where = self.history if self.target is None or self.target.dim() == 1 else self.target
        return where.flatten().nonzero().squeeze(1)


@dataclass(frozen=True)
class States:
    """What a recommender makes of a batch: the score of an item is user state . item state."""

    user: torch.Tensor
    """float32 [B, d], or [B, L, d] with one state per position of the history."""
    item: torch.Tensor
    """float32 [N+1, d]."""


def last_position(user: torch.Tensor, history: torch.Tensor) -> torch.Tensor:
    """Return the user states [B, d] after the last item of each history.

    Args:
        user: float32 [B, L, d], or [B, d], which is returned as it is.
        history: int64 [B, L], right-padded with 0.
    """
    if user.dim() == 2:
        return user
    last = (history != 0).sum(dim=1).clamp(min=1) - 1  # [B]
    return user.take_along_dim(last[:, None, None], dim=1).squeeze(1)  # [B, d]
