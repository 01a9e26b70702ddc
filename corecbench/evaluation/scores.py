"""The scores of a batch of users: products of states, or scores that a model gives itself.

Both kinds have fast scores of a block, and exact scores, by which items are compared. B users of a batch, N items,
w items of a block, P pairs of a user and an item, d the width of a state.
"""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import torch
from torch.nn.functional import embedding, pad

from corecbench.api import Batch, PluginError, States, last_position

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

HALF_UNIT = torch.finfo(torch.float32).eps / 2
"""The largest relative error of one rounding to float32."""
GROUP = 32
"""Items of a block come in groups of this size, a power of two: the best items are found by the best groups."""
ALL = slice(None)
"""All items."""


class ScoreError(PluginError):
    """Scores that cannot be ranked."""


class Scores(Protocol):
    """The scores of B users for items 0..N, of which item 0 is padding."""

    n_items: int
    """N."""
    margin: torch.Tensor | None
    """float32 [B], the most by which a fast score differs from the exact one; None where both are the same."""

    def blocks(
        self, n_users: int, n_items: int, among: slice = ALL
    ) -> Iterator[tuple[slice, Iterator[tuple[slice, torch.Tensor]]]]:
        """Yield users and, for these, blocks of items with fast scores, float32 [users, w].

        The block of the last items is filled up with -inf to a multiple of `GROUP`. A block may be changed until
        the next one is asked for.

        Args:
            n_users: most users of a block.
            n_items: most items of a block, a multiple of `GROUP`.
            among: the items, from 0.
        """

    def of_pairs(self, user: torch.Tensor, item: torch.Tensor) -> torch.Tensor:
        """Return the exact scores of pairs, float32 [*P], of rows and items, int64 that broadcast to [*P]."""

    def of_users(self, user: torch.Tensor, items: slice) -> torch.Tensor:
        """Return the exact scores of some items for some rows of the batch, float32 [rows, items]."""

    def of_rows(self, rows: torch.Tensor) -> Scores:
        """Return the scores of some rows of the batch, int64, alone."""


def scores_of(answer: States | torch.Tensor, batch: Batch) -> Scores:
    """Return the scores of a batch, from what a model answers.

    Args:
        answer: states, or float32 [B, N+1].
        batch: the users and histories that the model was asked for.

    Raises:
        ScoreError: a score is NaN or infinite.
    """
    if isinstance(answer, States):
        return StateScores(last_position(answer.user, batch.history).float(), answer.item.float())
    return GivenScores(answer.float())


@dataclass
class StateScores:
    """Products of user states, float32 [B, d], and item states, float32 [N+1, d].

    The exact score is the product in float64, rounded to float32. In float32 a product depends on the order of
    summation, which changes with the sizes of the matrices and with the place of an item in the table. In float64
    that changes far less than float32 resolves, so that equal items have equal scores.
    """

    user: torch.Tensor
    item: torch.Tensor

    def __post_init__(self) -> None:
        self.n_items = len(self.item) - 1
        length = self.user.norm(dim=1)  # [B]
        bound = length * self.item[1:].norm(dim=1).amax()  # a score is at most as large
        check_finite(bound.isfinite())
        self.margin: torch.Tensor | None = (self.user.shape[1] + 8) * HALF_UNIT * bound

    def blocks(
        self, n_users: int, n_items: int, among: slice = ALL
    ) -> Iterator[tuple[slice, Iterator[tuple[slice, torch.Tensor]]]]:
        parts = [(items, self.item[items]) for items in stretches(len(self.item), n_items, among)]
        items, last = parts[-1]
        parts[-1] = items, pad(last, (0, 0, 0, -len(last) % GROUP))
        room = self.user.new_empty(min(n_users, len(self.user)) * max(len(part) for _, part in parts))
        for users in stretches(len(self.user), n_users):
            yield users, products(self.user[users], parts, room)

    def of_rows(self, rows: torch.Tensor) -> StateScores:
        found = copy(self)  # whose states are known to be finite
        found.user, found.margin = self.user[rows], None if self.margin is None else self.margin[rows]
        return found

    def of_pairs(self, user: torch.Tensor, item: torch.Tensor) -> torch.Tensor:
        rows = embedding(user, self.user).double(), embedding(item, self.item).double()
        return (rows[0] * rows[1]).sum(dim=-1).float()

    def of_users(self, user: torch.Tensor, items: slice) -> torch.Tensor:
        return item_scores(self.user[user], self.item[items])


def stretches(n: int, width: int, among: slice = ALL) -> list[slice]:
    """Return stretches of at most this width, of n places or of some of them.

    >>> stretches(7, 3, slice(2, None))
    [slice(2, 5, None), slice(5, 7, None)]
    """
    first, end, _ = among.indices(n)
    return [slice(start, min(start + width, end)) for start in range(first, end, width)]


def products(
    user: torch.Tensor, parts: list[tuple[slice, torch.Tensor]], room: torch.Tensor
) -> Iterator[tuple[slice, torch.Tensor]]:
    for items, part in parts:
        block = room[: len(user) * len(part)].view(len(user), len(part))
        torch.mm(user, part.T, out=block)
        block[:, items.stop - items.start :] = -torch.inf
        yield items, block


@dataclass
class GivenScores:
    """Scores that a model gives itself, float32 [B, N+1]."""

    scores: torch.Tensor
    margin: torch.Tensor | None = None

    def __post_init__(self) -> None:
        self.n_items = self.scores.shape[1] - 1
        check_finite(self.scores[:, 1:].amin(dim=1).isfinite() & self.scores[:, 1:].amax(dim=1).isfinite())

    def blocks(
        self, n_users: int, n_items: int, among: slice = ALL
    ) -> Iterator[tuple[slice, Iterator[tuple[slice, torch.Tensor]]]]:
        for users in stretches(len(self.scores), n_users):
            yield users, self.copies(users, stretches(self.scores.shape[1], n_items, among))

    def copies(self, users: slice, parts: Sequence[slice]) -> Iterator[tuple[slice, torch.Tensor]]:
        for items in parts:
            width = items.stop - items.start
            yield items, pad(self.scores[users, items], (0, -width % GROUP), value=-torch.inf).clone()

    def of_pairs(self, user: torch.Tensor, item: torch.Tensor) -> torch.Tensor:
        return self.scores[user, item]

    def of_users(self, user: torch.Tensor, items: slice) -> torch.Tensor:
        return self.scores[user, items]

    def of_rows(self, rows: torch.Tensor) -> GivenScores:
        found = copy(self)
        found.scores = self.scores[rows]
        return found


def item_scores(user: torch.Tensor, item: torch.Tensor) -> torch.Tensor:
    return (user.double() @ item.double().T).float()


def check_finite(finite: torch.Tensor) -> None:
    if not finite.all():
        raise ScoreError(
            f"scores of {int((~finite).sum())} of {len(finite)} users are NaN or infinite; "
            "the model may have diverged, try a lower learning rate"
        )
