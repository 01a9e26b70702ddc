"""Ranks each held-out item among the whole catalogue.

B users in a batch, T users in a task, N items, S seen items, L positions of a history, d the width of a state.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from corecbench.api import Batch, CorecbenchError, States, last_position

if TYPE_CHECKING:
    from corecbench.data.split import RankingTask

PROTOCOL: Mapping[str, str] = {
    "candidates": "full catalogue",
    "seen items": "left out",
    "ties": "against the model",
}
"""What `rank_targets` does, in the words in which a result states it."""


class ScoreError(CorecbenchError):
    """Scores that cannot be ranked."""


@dataclass(frozen=True)
class Ranks:
    """The rank of every user's held-out item; all fields int64 [T]."""

    users: np.ndarray
    """User indices."""
    target: np.ndarray
    """Indices of the held-out items."""
    rank: np.ndarray
    """From 1, the best, to n_candidates."""
    n_candidates: np.ndarray
    """Items that the target was ranked among, itself included."""


def rank_targets(
    user: torch.Tensor, item: torch.Tensor, target: torch.Tensor, seen: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Rank each user's target among the items that the user has not seen.

    The rank is 1 + the candidates with a higher score + the other candidates with the same score, so ties count
    against the model. Padding and seen items are no candidates; the target always is.

    Args:
        user: float [B, d], user states.
        item: float [N+1, d], item states; row 0 is padding.
        target: int64 [B], from 1.
        seen: int64 [B, S], padded with 0.

    Returns:
        The ranks and the numbers of candidates, both int64 [B].

    Raises:
        ScoreError: a score is NaN or infinite.
    """
    # The order of summation depends on the batch size and on where in the table an item stands. In float64 that
    # changes far less than float32 resolves, so the rounded scores agree and equal items tie.
    scores = (user.double() @ item.double().T).float()  # [B, N+1]
    scores[:, 0] = -torch.inf
    finite = scores[:, 1:].amin(dim=1).isfinite() & scores.amax(dim=1).isfinite()  # [B]
    if not finite.all():
        raise ScoreError(
            f"scores of {int((~finite).sum())} of {len(finite)} users are NaN or infinite; "
            "the model may have diverged, try a lower learning rate"
        )
    of_target = scores.gather(1, target[:, None])  # [B, 1]
    scores.scatter_(1, seen, -torch.inf).scatter_(1, target[:, None], of_target)  # what is no candidate is -inf
    return (scores >= of_target).sum(dim=1), (scores > -torch.inf).sum(dim=1)  # the target itself counts in both


def trim(rows: np.ndarray) -> np.ndarray:
    """Return rows [B, L] without the columns at the right that are padding in all of them; one at least stays.

    >>> trim(np.array([[5, 6, 0, 0], [7, 0, 0, 0]])).tolist()
    [[5, 6], [7, 0]]
    """
    return rows[:, : np.flatnonzero(rows.any(axis=0)).max(initial=0) + 1]


@torch.no_grad()
def rank_task(
    states: Callable[[Batch], States], task: "RankingTask", batch_size: int = 512, device: str = "cpu"
) -> Ranks:
    """Rank the held-out items of all users of a task, users with histories of like length together.

    Args:
        states: such as the `states` of a recommender in evaluation mode.
        task: the users with their histories, targets and seen items.
        batch_size: users scored at a time; it changes memory and speed, never a rank.
        device: where the states are computed.

    Raises:
        ScoreError: a score is NaN or infinite.
    """
    rank, n_candidates = np.empty_like(task.users), np.empty_like(task.users)
    order = np.argsort((task.seen != 0).sum(axis=1), kind="stable")
    for rows in np.split(order, range(batch_size, len(order), batch_size)):
        users, history, target, seen = (
            torch.tensor(array, device=device)
            for array in (task.users[rows], trim(task.history[rows]), task.target[rows], trim(task.seen[rows]))
        )
        of_batch = states(Batch(user=users, history=history))
        ranked = rank_targets(last_position(of_batch.user, history), of_batch.item, target, seen)
        rank[rows], n_candidates[rows] = (tensor.cpu().numpy() for tensor in ranked)
    return Ranks(task.users, task.target, rank, n_candidates)
