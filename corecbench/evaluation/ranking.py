"""Ranks each held-out item among the whole catalogue, and keeps the best candidates where that is asked for.

B users in a batch, T users in a task, N items, S seen items, L positions of a history, d the width of a state.
"""

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from corecbench.api import Batch, States, last_position
from corecbench.evaluation.counting import count_ranks, count_to
from corecbench.evaluation.pairs import Absent, Pairs
from corecbench.evaluation.scores import Scores, scores_of
from corecbench.toolkit import on_device

if TYPE_CHECKING:
    from corecbench.data.ranking_task import RankingTask

TOGETHER = 4096
"""Users that are counted together on a GPU."""


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


def trim(rows: np.ndarray) -> np.ndarray:
    """Return rows [B, L] without the columns at the right that are padding in all of them; one at least stays.

    >>> trim(np.array([[5, 6, 0, 0], [7, 0, 0, 0]])).tolist()
    [[5, 6], [7, 0]]
    """
    return rows[:, : np.flatnonzero(rows.any(axis=0)).max(initial=0) + 1]


@torch.no_grad()
def rank_task(
    answer: Callable[[Batch], States | torch.Tensor],
    task: "RankingTask",
    batch_size: int = 256,
    device: str = "cpu",
    top_k: int = 0,
    to: int = 0,
) -> Ranks:
    """Rank the held-out items of all users of a task by the scores of a recommender.

    Args:
        answer: the `states` of a recommender in evaluation mode, or its `scores`, float32 [B, N+1].
        task: the users with their histories, targets and seen items.
        batch_size: users that a model is asked for at a time; it changes memory and speed, never a rank.
        device: where the model computes.
        top_k: how many of each user's best candidates are returned, too.
        to: place down to which ranks are exact where there are no such candidates, which is quicker; any rank
            beyond it stands for the others. 0 for all.

    Raises:
        ScoreError: a score is NaN or infinite.
    """
    rank, n_candidates = np.zeros_like(task.users), np.zeros_like(task.users)
    top_items = np.zeros((len(task.users), top_k), dtype=np.int64)
    top_scores = np.full((len(task.users), top_k), -np.inf, dtype=np.float32)
    counted, k = [], top_k
    for rows, scores in scored(answer, task, batch_size, device):
        left_out = without_targets(*task.seen.pairs(rows), task.target[rows])
        there = scores.n_items if task.exists is None else task.exists.n_items[rows]
        n_candidates[rows] = there - np.bincount(left_out[0], minlength=len(rows))
        target, *pairs = (on_device(indices, device) for indices in (task.target[rows], *left_out))
        k = min(top_k, scores.n_items)
        count = functools.partial(count_to, to) if to and not k else functools.partial(count_ranks, k=k)
        ranks, best = count(scores, target, Pairs(*pairs), absent=absent_items(task, rows, device))
        counted.append((rows, ranks, *best))
    if counted:  # a GPU is waited for once all is counted
        order, *found = zip(*counted, strict=True)
        rows = np.concatenate(order)
        rank[rows], top_items[rows, :k], top_scores[rows, :k] = (torch.cat(each).cpu().numpy() for each in found)
    return Ranks(task.users, task.target, rank, n_candidates, top_items, top_scores)


def scored(
    answer: Callable[[Batch], States | torch.Tensor], task: "RankingTask", batch_size: int, device: str
) -> Iterator[tuple[np.ndarray, Scores]]:
    """Yield rows of a task and their scores: batch by batch on a processor, with more users at a time on a GPU.

    A model is asked for a batch, since what it holds for each user is large. The states of many users are small.
    """
    together = 0 if torch.device(device).type == "cpu" else TOGETHER
    held: list[tuple[np.ndarray, torch.Tensor]] = []
    for number, (rows, batch) in enumerate(in_batches(task, batch_size, device), start=1):
        answered = answer(batch)
        if not isinstance(answered, States) or not together:
            yield rows, scores_of(answered, batch)
            continue
        held.append((rows, last_position(answered.user, batch.history)))
        if len(held) * batch_size >= together or number * batch_size >= len(task.users):
            order, users = zip(*held, strict=True)
            yield np.concatenate(order), scores_of(States(torch.cat(users), answered.item), batch)
            held.clear()


def absent_items(task: "RankingTask", rows: np.ndarray, device: str) -> Absent | None:
    if task.exists is None:
        return None
    return Absent(on_device(task.exists.since, device), on_device(task.exists.until[rows], device))


def without_targets(row: np.ndarray, item: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the different pairs of a row and an item, int64 [S] each and ascending, without each row's target.

    >>> row, item = without_targets(np.array([0, 0, 0, 1]), np.array([7, 5, 7, 6]), target=np.array([5, 8]))
    >>> row.tolist(), item.tolist()
    ([0, 1], [7, 6])
    """
    other = item != target[row]
    width = int(item.max(initial=0)) + 1
    return np.divmod(np.unique(row[other] * width + item[other]), width)


@torch.no_grad()
def task_states(
    states: Callable[[Batch], States], task: "RankingTask", batch_size: int = 256, device: str = "cpu"
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


def in_batches(
    task: "RankingTask", batch_size: int, device: str, share: slice = slice(None)
) -> Iterator[tuple[np.ndarray, Batch]]:
    order = np.argsort(task.seen.length, kind="stable")
    for rows in np.split(order, range(batch_size, len(order), batch_size))[share]:
        history = trim(task.history[rows])
        times = task.times(rows, history.shape[1])
        time = None if times is None else on_device(times, device)
        yield rows, Batch(on_device(task.users[rows], device), on_device(history, device), time=time)
