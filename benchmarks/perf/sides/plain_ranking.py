"""The least that ranking takes, in plain torch: `plain_ranking.py FOLDER product|topk`.

`product` computes every score, for some hundred users at a time, and throws it away; `topk` leaves out what was
seen and takes the best items.
"""

import sys
from pathlib import Path

import numpy as np
import torch
from measuring.clock import report, timed

from sides.ranking_work import WARM_UP, K, RankingWork, ndcg_and_hits, places_in_lists, save_places

SCORES_PER_BLOCK = 2**22
"""Scores that are held at a time: 16 MiB."""
FEWEST_USERS = 256
"""Users at a time even if that is more scores: a product with few users is slow where there are many items."""


@torch.no_grad()
def lists(work: RankingWork, kind: str) -> np.ndarray:
    """Return the best items of each user, int64 [T, K], or zeros after all products."""
    user, item = torch.from_numpy(work.user_state[1:]), torch.from_numpy(work.item_state)
    size = max(SCORES_PER_BLOCK // len(item), FEWEST_USERS)
    scores = torch.empty(size, len(item))
    best = np.zeros((work.n_users, K), dtype=np.int64)
    for first in range(0, work.n_users, size):
        end = min(first + size, work.n_users)
        block = torch.mm(user[first:end], item.T, out=scores[: end - first])
        if kind == "topk":
            row, seen = work.seen_between(first, end)
            block[:, 0] = -torch.inf
            block[torch.from_numpy(row), torch.from_numpy(seen)] = -torch.inf
            best[first:end] = block.topk(K).indices.numpy()
    return best


def main(folder: Path, kind: str) -> None:
    """Compute, and report what it took."""
    work = RankingWork.load(folder)
    lists(work.of_first(min(WARM_UP, work.n_users)), kind)
    best, cost = timed(lambda: lists(work, kind))
    facts = {}
    if kind == "topk":
        place = places_in_lists(best, work.target)
        save_places(folder, "plain", place)
        facts = ndcg_and_hits(place)
    report(cost, ("torch", "numpy"), users_per_cpu_s=work.n_users / cost.cpu_s, **facts)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
