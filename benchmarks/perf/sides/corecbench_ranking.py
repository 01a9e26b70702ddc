"""Ranks held-out items by corecbench: `corecbench_ranking.py FOLDER K`, with the K best items of each user."""

import sys
from pathlib import Path

import numpy as np
import torch
from measuring.clock import report, timed

from corecbench.api import Batch, Interactions, States
from corecbench.data.ranking_task import RankingTask
from corecbench.data.split import HeldItems
from corecbench.evaluation.ranking import Ranks, rank_task
from corecbench.experiment.process import keep_freed_memory
from sides.ranking_work import WARM_UP, K, RankingWork, ndcg_and_hits, save_places


def task_of(work: RankingWork) -> RankingTask:
    """Return the work as a ranking task: all that a user has seen is the training part."""
    users = np.arange(1, work.n_users + 1)
    return HeldItems.after(Interactions(work.seen_user, work.seen_item), users, work.target).task(max_history=50)


def ranks_of(work: RankingWork, task: RankingTask, top_k: int) -> Ranks:
    """Rank every held-out item."""
    user, item = torch.from_numpy(work.user_state), torch.from_numpy(work.item_state)

    def states(batch: Batch) -> States:
        return States(torch.nn.functional.embedding(batch.user, user), item)

    return rank_task(states, task, top_k=top_k)


def main(folder: Path, top_k: int) -> None:
    """Rank, and report what it took."""
    keep_freed_memory()  # as every run of corecbench does
    work = RankingWork.load(folder)
    task = task_of(work)
    warm_up = work.of_first(min(WARM_UP, work.n_users))
    ranks_of(warm_up, task_of(warm_up), top_k)
    ranks, cost = timed(lambda: ranks_of(work, task, top_k))
    place = np.where(ranks.rank <= K, ranks.rank, 0)
    save_places(folder, f"corecbench-{top_k}", place)
    report(
        cost,
        ("corecbench", "torch", "numpy"),
        users_per_cpu_s=work.n_users / cost.cpu_s,
        mean_rank=float(ranks.rank.mean()),
        **ndcg_and_hits(place),
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
