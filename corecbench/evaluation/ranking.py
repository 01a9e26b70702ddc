"""Ranks each held-out item among the whole catalogue, and keeps the best candidates where that is asked for.

B users in a batch, T users in a task, N items, S seen items, L positions of a history, d the width of a state.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
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
"""The rules of `candidate_scores` and `rank_targets`, in the words in which a result states them."""


BLOCK = 64
"""Users whose scores are computed and counted together: few enough for them to stay in a processor's cache."""


class ScoreError(CorecbenchError):
    """Scores that cannot be ranked."""


@dataclass(frozen=True)
class Ranks:
    """The rank of every user's held-out item, and the user's best candidates."""

    users: np.ndarray
    """int64 [T], user indices."""
    target: np.ndarray
    """int64 [T], indices of the held-out items."""
    rank: np.ndarray
    """int64 [T], from 1, the best, to n_candidates."""
    n_candidates: np.ndarray
    """int64 [T], items that the target was ranked among, itself included."""
    top_items: np.ndarray
    """int64 [T, k], the candidates with the highest scores, best first, of equal ones the lower index first; 0
    where a user has fewer."""
    top_scores: np.ndarray
    """float32 [T, k], the scores of these items; -inf where there is none."""


def item_scores(user: torch.Tensor, item: torch.Tensor) -> torch.Tensor:
    """Return the score of every user state [B, d] and item state [N+1, d], float32 [B, N+1]."""
    # The order of summation depends on the batch size and on where in the table an item stands. In float64 that
    # changes far less than float32 resolves, so the rounded scores agree and equal items tie.
    return (user.double() @ item.double().T).float()


def candidate_scores(scores: torch.Tensor, target: torch.Tensor, seen: torch.Tensor) -> torch.Tensor:
    """Return the scores of all items, float32 [B, N+1], -inf for items that are no candidates.

    Padding and seen items are no candidates; the target always is.

    Args:
        scores: float32 [B, N+1]; column 0 is padding. It is changed.
        target: int64 [B], from 1.
        seen: int64 [B, S], padded with 0.

    Raises:
        ScoreError: a score is NaN or infinite.
    """
    scores[:, 0] = -torch.inf
    finite = scores[:, 1:].amin(dim=1).isfinite() & scores.amax(dim=1).isfinite()  # [B]
    if not finite.all():
        raise ScoreError(
            f"scores of {int((~finite).sum())} of {len(finite)} users are NaN or infinite; "
            "the model may have diverged, try a lower learning rate"
        )
    target_score = scores.gather(1, target[:, None])  # [B, 1]
    return scores.scatter_(1, seen, -torch.inf).scatter_(1, target[:, None], target_score)


def rank_targets(scores: torch.Tensor, target: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Rank each user's target among the candidates.

    The rank is 1 + the candidates with a higher score + the other candidates with the same score, so ties count
    against the model.

    Args:
        scores: float32 [B, N+1], -inf for items that are no candidates.
        target: int64 [B], from 1.

    Returns:
        The ranks and the numbers of candidates, both int64 [B].
    """
    target_score = scores.gather(1, target[:, None])  # [B, 1]
    return count(scores >= target_score), count(scores > -torch.inf)  # the target itself counts in both


def count(is_counted: torch.Tensor) -> torch.Tensor:
    """Return how many are true in each row of bool [B, N+1], int64 [B]."""
    return is_counted.sum(dim=1, dtype=torch.int32).long()  # a wider sum copies all to its dtype first


def best_candidates(scores: torch.Tensor, k: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the k candidates with the highest scores, best first; of equal ones the lower index comes first.

    >>> items, scores = best_candidates(torch.tensor([[-torch.inf, 0.5, 0.9, 0.5, 0.1]]), k=2)
    >>> items.tolist()
    [[2, 1]]

    Args:
        scores: float32 [B, N+1], -inf for items that are no candidates.
        k: from 0 to N+1.

    Returns:
        Items int64 [B, k], 0 where there are fewer candidates, and their scores float32 [B, k], -inf there.
    """
    if k == 0:
        return scores.new_zeros(len(scores), 0, dtype=torch.int64), scores.new_zeros(len(scores), 0)
    lowest = scores.topk(k).values[:, -1:]  # [B, 1]; which of several equal items `topk` takes is not defined
    higher, equal = scores > lowest, scores == lowest  # [B, N+1]
    chosen = higher | (equal & (equal.cumsum(dim=1) <= k - higher.sum(dim=1, keepdim=True)))  # k in each row
    items = chosen.nonzero()[:, 1].view(-1, k)  # by index
    best, order = scores.gather(1, items).sort(dim=1, descending=True, stable=True)
    return items.gather(1, order).masked_fill(best == -torch.inf, 0), best


def trim(rows: np.ndarray) -> np.ndarray:
    """Return rows [B, L] without the columns at the right that are padding in all of them; one at least stays.

    >>> trim(np.array([[5, 6, 0, 0], [7, 0, 0, 0]])).tolist()
    [[5, 6], [7, 0]]
    """
    return rows[:, : np.flatnonzero(rows.any(axis=0)).max(initial=0) + 1]


def rank_task(
    answer: Callable[[Batch], States | torch.Tensor],
    task: "RankingTask",
    batch_size: int = 512,
    device: str = "cpu",
    top_k: int = 0,
) -> Ranks:
    """Rank the held-out items of all users of a task by the scores of a recommender.

    Args:
        answer: the `states` of a recommender in evaluation mode, or its `scores`, float32 [B, N+1].
        task: the users with their histories, targets and seen items.
        batch_size: users scored at a time; it changes memory and speed, never a rank.
        device: where the model computes.
        top_k: how many of each user's best candidates are returned, too.

    Raises:
        ScoreError: a score is NaN or infinite.
    """

    def scores(batch: Batch) -> Iterator[torch.Tensor]:
        given = answer(batch)
        if isinstance(given, States):
            item = given.item.double()
            for user in _blocks(last_position(given.user, batch.history)):
                yield item_scores(user, item)
        else:
            yield from _blocks(given.to(torch.float32, copy=True))

    return rank_by(scores, task, batch_size, device, top_k)


def _blocks(rows: torch.Tensor) -> Sequence[torch.Tensor]:
    blocks: Sequence[torch.Tensor] = rows.split(BLOCK)
    return blocks


@torch.no_grad()
def rank_by(
    scores: Callable[[Batch], Iterable[torch.Tensor]],
    task: "RankingTask",
    batch_size: int = 512,
    device: str = "cpu",
    top_k: int = 0,
) -> Ranks:
    """Rank the held-out items of all users of a task by scores. The other arguments are those of `rank_task`.

    Args:
        scores: takes a batch and gives the scores of its users, float32 [B, N+1], in blocks of `BLOCK` rows; they
            are changed.
        task: as in `rank_task`.
        batch_size: as in `rank_task`.
        device: as in `rank_task`.
        top_k: as in `rank_task`.
    """
    rank, n_candidates = np.empty_like(task.users), np.empty_like(task.users)
    top_items = np.zeros((len(task.users), top_k), dtype=np.int64)
    top_scores = np.full((len(task.users), top_k), -np.inf, dtype=np.float32)
    for users, batch in in_batches(task, batch_size, device):
        for rows, block in zip(np.split(users, range(BLOCK, len(users), BLOCK)), scores(batch), strict=True):
            target, seen = (
                torch.tensor(indices, device=device) for indices in (task.target[rows], task.seen.of(rows))
            )
            candidates = candidate_scores(block, target, seen)
            k = min(top_k, candidates.shape[1])
            rank[rows], n_candidates[rows], top_items[rows, :k], top_scores[rows, :k] = (
                tensor.cpu().numpy()
                for tensor in (*rank_targets(candidates, target), *best_candidates(candidates, k))
            )
    return Ranks(task.users, task.target, rank, n_candidates, top_items, top_scores)


@torch.no_grad()
def task_states(
    states: Callable[[Batch], States], task: "RankingTask", batch_size: int = 512, device: str = "cpu"
) -> States:
    """Return the states of all users of a task, user float32 [U+1, d] by user index, and of the items [N+1, d]."""
    users, rows = [], []
    for _, batch in in_batches(task, batch_size, device):
        batch_states = states(batch)
        users.append(batch.user)
        rows.append(last_position(batch_states.user, batch.history))
    user, user_states = torch.cat(users), torch.cat(rows)
    table = user_states.new_zeros(int(user.max()) + 1, user_states.shape[1])
    return States(table.index_copy(0, user, user_states), batch_states.item)


def in_batches(task: "RankingTask", batch_size: int, device: str) -> Iterator[tuple[np.ndarray, Batch]]:
    """Yield rows of a task with their users and histories, users with histories of similar length together."""
    order = np.argsort(task.seen.length, kind="stable")
    for rows in np.split(order, range(batch_size, len(order), batch_size)):
        user, history = (
            torch.tensor(indices, device=device) for indices in (task.users[rows], trim(task.history[rows]))
        )
        yield rows, Batch(user, history)
