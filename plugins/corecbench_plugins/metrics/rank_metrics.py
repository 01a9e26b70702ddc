"""Metrics per user when each user has one held-out item at a known rank. U users, cutoff k."""

import numpy as np

from corecbench_plugins.metrics.cutoff import MetricAtCutoff, checked_cutoff
from corecbench_plugins.metrics.settings import Cutoff


class HitRate(MetricAtCutoff):
    """HR@k = 1 if rank <= k, else 0 (Deshpande and Karypis, 2004, doi:10.1145/963770.963776).

    With one held-out item per user it equals recall@k. The first user's item is within the first two, the second
    user's item is not:

    >>> HitRate(Cutoff(2)).per_user(np.array([2, 3]), np.array([9, 9])).tolist()
    [1.0, 0.0]
    """

    name = "HR"
    higher_is_better = True

    def per_user(self, rank: np.ndarray, n_candidates: np.ndarray) -> np.ndarray:
        """Return float64 [U] for int64 ranks [U]."""
        return (rank <= self.k).astype(np.float64)


class Recall(HitRate):
    """recall@k = held-out items within the first k / all held-out items.

    After Herlocker et al., 2004, doi:10.1145/963770.963772. There is one held-out item, so this is HR@k under its
    other name. The first user's item is within the first two, the second user's item is not:

    >>> Recall(Cutoff(2)).per_user(np.array([2, 3]), np.array([9, 9])).tolist()
    [1.0, 0.0]
    """

    name = "recall"


class Precision(HitRate):
    """precision@k = held-out items within the first k / k.

    After Herlocker et al., 2004, doi:10.1145/963770.963772. With one held-out item it is at most 1/k. The first
    user's item is within the first two, the second user's item is not:

    >>> Precision(Cutoff(2)).per_user(np.array([2, 3]), np.array([9, 9])).tolist()
    [0.5, 0.0]
    """

    name = "precision"

    def per_user(self, rank: np.ndarray, n_candidates: np.ndarray) -> np.ndarray:
        """Return float64 [U] for int64 ranks [U]."""
        return super().per_user(rank, n_candidates) / self.k


class NDCG(MetricAtCutoff):
    """NDCG@k = 1 / log2(rank + 1) if rank <= k, else 0 (Järvelin and Kekäläinen, 2002, doi:10.1145/582415.582418).

    The discount is the common log2(rank + 1). The discount of the paper does not distinguish the first two ranks.
    With one held-out item the ideal gain is 1. The items of three users are at rank 1, at rank 3 and beyond the
    cutoff:

    >>> NDCG(Cutoff(3)).per_user(np.array([1, 3, 4]), np.array([9, 9, 9])).tolist()
    [1.0, 0.5, 0.0]
    """

    name = "NDCG"
    higher_is_better = True

    def per_user(self, rank: np.ndarray, n_candidates: np.ndarray) -> np.ndarray:
        """Return float64 [U] for int64 ranks [U]."""
        return np.where(rank <= self.k, 1 / np.log2(rank + 1), 0.0)


class MRR:
    """MRR@k = 1 / rank if rank <= k, else 0; MRR = 1 / rank (Voorhees, 1999, TREC-8 question answering track).

    The value per user is the reciprocal rank. Its mean over users is the mean reciprocal rank.

    >>> MRR(Cutoff(2)).per_user(np.array([2, 4]), np.array([9, 9])).tolist()
    [0.5, 0.0]
    >>> MRR(Cutoff()).per_user(np.array([2, 4]), np.array([9, 9])).tolist()
    [0.5, 0.25]
    """

    name = "MRR"
    higher_is_better = True

    def __init__(self, config: Cutoff) -> None:
        self.k = np.inf if config.k is None else checked_cutoff(self.name, config)

    def per_user(self, rank: np.ndarray, n_candidates: np.ndarray) -> np.ndarray:
        """Return float64 [U] for int64 ranks [U]."""
        return np.where(rank <= self.k, 1 / rank, 0.0)


class MAP(MRR):
    """MAP@k, the mean over users of AP@k, the precision at the rank of each held-out item within the first k.

    AP@k = sum of precision@r over the ranks r <= k of held-out items / their number, within or beyond k (Voorhees
    and Harman, 2005, TREC: Experiment and Evaluation in Information Retrieval). There is one held-out item, so AP
    is the reciprocal rank and this is MRR@k under its other name:

    >>> MAP(Cutoff(2)).per_user(np.array([2, 4]), np.array([9, 9])).tolist()
    [0.5, 0.0]
    """

    name = "MAP"
