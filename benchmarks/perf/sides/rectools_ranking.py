"""Ranks by RecTools' rankers, and computes its metrics: `rectools_ranking.py FOLDER torch|implicit`."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from measuring.clock import report, timed
from rectools import Columns
from rectools.metrics import NDCG, HitRate, calc_metrics
from rectools.models.rank import Distance, ImplicitRanker, TorchRanker
from scipy import sparse

from sides.work import WARM_UP, K, RankingWork, ndcg_and_hits, save_places


def seen_table(work: RankingWork) -> sparse.csr_matrix:
    """Return what was seen, [T, N]; its rows and columns are numbered from 0."""
    ones = np.ones(len(work.seen_item), dtype=np.float32)
    shape = (work.n_users, work.n_items)
    return sparse.csr_matrix((ones, (work.seen_user - 1, work.seen_item - 1)), shape=shape)


def rank(work: RankingWork, kind: str, seen: sparse.csr_matrix) -> tuple[pd.DataFrame, dict[str, float]]:
    """Return the best items of each user as a table, and the metrics."""
    vectors = {"subjects_factors": work.user_state[1:], "objects_factors": work.item_state[1:]}
    ranker: Any = (
        TorchRanker(Distance.DOT, "cpu", **vectors)
        if kind == "torch"
        else ImplicitRanker(Distance.DOT, num_threads=1, **vectors)
    )
    users, items, scores = ranker.rank(np.arange(work.n_users), k=K, filter_pairs_csr=seen)
    lists = pd.DataFrame({Columns.User: users, Columns.Item: items, Columns.Score: scores})
    lists[Columns.Rank] = lists.groupby(Columns.User, sort=False).cumcount() + 1
    held_out = pd.DataFrame({Columns.User: np.arange(work.n_users), Columns.Item: work.target - 1})
    metrics = {"ndcg": NDCG(k=K, divide_by_achievable=True), "hits": HitRate(k=K)}
    return lists, calc_metrics(metrics, lists, held_out)


def main(folder: Path, kind: str) -> None:
    """Rank, and report what it took."""
    work = RankingWork.load(folder)
    seen = seen_table(work)
    warm_up = work.of_first(min(WARM_UP, work.n_users))
    rank(warm_up, kind, seen_table(warm_up))
    (lists, metrics), cost = timed(lambda: rank(work, kind, seen))
    hits = lists[lists[Columns.Item].to_numpy() == work.target[lists[Columns.User].to_numpy()] - 1]
    place = np.zeros(work.n_users, dtype=np.int64)
    place[hits[Columns.User].to_numpy()] = hits[Columns.Rank].to_numpy()
    save_places(folder, f"rectools-{kind}", place)
    report(
        cost,
        ("rectools", "implicit", "torch", "numpy", "pandas"),
        users_per_cpu_s=work.n_users / cost.cpu_s,
        its_hits=float(metrics["hits"]),
        its_ndcg=float(metrics["ndcg"]),
        **ndcg_and_hits(place),
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
