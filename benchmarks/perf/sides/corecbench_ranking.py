"""Ranks held-out items by corecbench, or does the least that ranking takes: `corecbench_ranking.py FOLDER KIND`.

KIND is 0 or 10, the best items of each user that corecbench finds beside its rank; `product`, which computes every
score by numpy and throws it away; or `topk`, which leaves out what was seen and takes the best items, too. numpy is
the fastest plain way on every processor that was tried.
"""

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from measuring.clock import report, timed

from corecbench.api import Batch, Interactions, States
from corecbench.data.split import HeldItems
from corecbench.evaluation.ranking import rank_task
from corecbench.experiment.process import keep_freed_memory
from sides.work import WARM_UP, K, RankingWork, ndcg_and_hits, places_in_lists, save_places

SCORES_PER_BLOCK = 2**22
"""Scores of `product` and `topk` that are held at a time: 16 MiB."""
FEWEST_USERS = 256
"""Users at a time even if that is more scores: a product with few users is slow where there are many items."""


def ranks(work: RankingWork, top_k: int) -> Callable[[], np.ndarray]:
    """Return what ranks by corecbench: it returns the place of each item among the first K, or 0 for none."""
    users = np.arange(1, work.n_users + 1)
    seen = Interactions(work.seen_user, work.seen_item)  # all of it is the training part
    task = HeldItems.after(seen, users, work.target).task(max_history=50)
    user, item = torch.from_numpy(work.user_state), torch.from_numpy(work.item_state)

    def states(batch: Batch) -> States:
        return States(torch.nn.functional.embedding(batch.user, user), item)

    def places() -> np.ndarray:
        rank = rank_task(states, task, top_k=top_k).rank
        return np.where(rank <= K, rank, 0)

    return places


@torch.no_grad()
def listed(work: RankingWork, kind: str) -> np.ndarray:
    """Return the same by numpy and torch; 0 for all where nothing but products is computed."""
    user, items = work.user_state[1:], np.ascontiguousarray(work.item_state.T)
    size = max(SCORES_PER_BLOCK // items.shape[1], FEWEST_USERS)
    scores = np.empty((size, items.shape[1]), dtype=np.float32)
    best = np.zeros((work.n_users, K), dtype=np.int64)
    for first in range(0, work.n_users, size):
        end = min(first + size, work.n_users)
        block = torch.from_numpy(np.matmul(user[first:end], items, out=scores[: end - first]))
        if kind == "topk":
            row, seen = work.seen_between(first, end)
            block[:, 0] = -torch.inf
            block[torch.from_numpy(row), torch.from_numpy(seen)] = -torch.inf
            best[first:end] = block.topk(K).indices.numpy()
    return places_in_lists(best, work.target)


def main(folder: Path, kind: str) -> None:
    """Rank, and report what it took."""
    work = RankingWork.load(folder)
    warm_up = work.of_first(min(WARM_UP, work.n_users))
    if kind.isdigit():
        keep_freed_memory()  # as every run of corecbench does
        ranks(warm_up, int(kind))()
        place, cost = timed(ranks(work, int(kind)))
    else:
        listed(warm_up, kind)
        place, cost = timed(lambda: listed(work, kind))
    facts = {}
    if kind != "product":
        save_places(folder, "plain" if kind == "topk" else f"corecbench-{kind}", place)
        facts = ndcg_and_hits(place)
    report(cost, ("corecbench", "torch", "numpy"), users_per_cpu_s=work.n_users / cost.cpu_s, **facts)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
