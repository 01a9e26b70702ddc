"""Ranks by numpy and scores the lists by ranx: `ranx_ranking.py FOLDER`. ranx itself ranks nothing."""

import sys
from pathlib import Path

import numpy as np
from measuring.clock import cpu_seconds, report, timed
from ranx import Qrels, Run, evaluate

from sides.ranking_work import WARM_UP, K, RankingWork, ndcg_and_hits, places_in_lists, save_places

BLOCK = 512
"""Users whose scores are held at a time."""


def lists(work: RankingWork) -> tuple[np.ndarray, np.ndarray]:
    """Return the K best items of each user, int64 [T, K], and their scores, float32 [T, K]."""
    best = np.zeros((work.n_users, K), dtype=np.int64)
    best_scores = np.zeros((work.n_users, K), dtype=np.float32)
    for first in range(0, work.n_users, BLOCK):
        end = min(first + BLOCK, work.n_users)
        scores = work.user_state[first + 1 : end + 1] @ work.item_state.T
        scores[:, 0] = -np.inf
        scores[work.seen_between(first, end)] = -np.inf
        some = np.argpartition(-scores, K, axis=1)[:, :K]
        order = np.argsort(-np.take_along_axis(scores, some, axis=1), axis=1, kind="stable")
        best[first:end] = np.take_along_axis(some, order, axis=1)
        best_scores[first:end] = np.take_along_axis(scores, best[first:end], axis=1)
    return best, best_scores


def scored(work: RankingWork, best: np.ndarray, best_scores: np.ndarray) -> dict[str, float]:
    """Return ranx's metrics of the lists."""
    users = [str(user) for user in range(1, work.n_users + 1)]
    held_out = Qrels(
        {user: {str(item): 1} for user, item in zip(users, work.target.tolist(), strict=True)}, name="held out"
    )
    run = Run(
        {
            user: dict(zip(map(str, items), scores, strict=True))
            for user, items, scores in zip(users, best.tolist(), best_scores.tolist(), strict=True)
        },
        name="lists",
    )
    found: dict[str, float] = evaluate(held_out, run, [f"ndcg@{K}", f"hit_rate@{K}"], make_comparable=True)
    return found


def main(folder: Path) -> None:
    """Rank and score, and report what it took."""
    work = RankingWork.load(folder)
    warm_up = work.of_first(min(WARM_UP, work.n_users))
    scored(warm_up, *lists(warm_up))  # compiles what ranx needs
    split: list[float] = []

    def all_of_it() -> tuple[np.ndarray, dict[str, float]]:
        best, best_scores = lists(work)
        split.append(cpu_seconds())
        return best, scored(work, best, best_scores)

    started = cpu_seconds()
    (best, metrics), cost = timed(all_of_it)
    place = places_in_lists(best, work.target)
    save_places(folder, "ranx", place)
    report(
        cost,
        ("ranx", "numba", "numpy"),
        users_per_cpu_s=work.n_users / cost.cpu_s,
        lists_cpu_s=split[0] - started,
        its_hits=float(metrics[f"hit_rate@{K}"]),
        its_ndcg=float(metrics[f"ndcg@{K}"]),
        **ndcg_and_hits(place),
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
