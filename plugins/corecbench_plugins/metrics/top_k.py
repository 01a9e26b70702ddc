"""Metrics per user when each user has one held-out item at a known rank. U users, cutoff k."""

import numpy as np

from corecbench.api import UsageError
from corecbench_plugins.metrics import Cutoff


def cutoff(metric: str, config: Cutoff) -> int:
    """Return k.

    Raises:
        UsageError: k is missing or not a whole number of at least 1.
    """
    if config.k is None:
        raise UsageError(f"{metric} needs a cutoff, such as {metric}@10")
    if isinstance(config.k, bool) or not isinstance(config.k, int) or config.k < 1:
        raise UsageError(
            f"cutoff of {metric} is a whole number of at least 1, such as {metric}@10; got {config.k!r}"
        )
    return config.k


class HitRate:
    """HR@k = 1 if rank <= k, else 0 (Deshpande and Karypis, 2004, doi:10.1145/963770.963776).

    With one held-out item per user it equals Recall@k. The first user's item is within the first two, the second
    user's is not:

    >>> HitRate(Cutoff(2)).per_user(np.array([2, 3]), np.array([9, 9])).tolist()
    [1.0, 0.0]
    """

    name = "HR"
    higher_is_better = True

    def __init__(self, config: Cutoff):
        self.k = cutoff(self.name, config)

    def per_user(self, rank: np.ndarray, n_candidates: np.ndarray) -> np.ndarray:
        """Return float64 [U] for int64 ranks [U]."""
        return (rank <= self.k).astype(np.float64)


class Recall(HitRate):
    """recall@k = held-out items within the first k / all held-out items.

    After Herlocker et al., 2004, doi:10.1145/963770.963772. There is one held-out item, so this is HR@k under its
    other name. It is within the first two, or not:

    >>> Recall(Cutoff(2)).per_user(np.array([2, 3]), np.array([9, 9])).tolist()
    [1.0, 0.0]
    """

    name = "recall"


class Precision(HitRate):
    """precision@k = held-out items within the first k / k.

    After Herlocker et al., 2004, doi:10.1145/963770.963772. With one held-out item it is at most 1/k. It is within
    the first two, or not:

    >>> Precision(Cutoff(2)).per_user(np.array([2, 3]), np.array([9, 9])).tolist()
    [0.5, 0.0]
    """

    name = "precision"

    def per_user(self, rank: np.ndarray, n_candidates: np.ndarray) -> np.ndarray:
        """Return float64 [U] for int64 ranks [U]."""
        return super().per_user(rank, n_candidates) / self.k


class NDCG:
    """NDCG@k = 1 / log2(rank + 1) if rank <= k, else 0 (Järvelin and Kekäläinen, 2002, doi:10.1145/582415.582418).

    The discount is the common log2(rank + 1) rather than the paper's, which leaves the first two ranks alike. One
    held-out item makes the ideal gain 1. The items of three users at rank 1, 3 and beyond the cutoff:

    >>> NDCG(Cutoff(3)).per_user(np.array([1, 3, 4]), np.array([9, 9, 9])).tolist()
    [1.0, 0.5, 0.0]
    """

    higher_is_better = True

    def __init__(self, config: Cutoff):
        self.k = cutoff("NDCG", config)

    def per_user(self, rank: np.ndarray, n_candidates: np.ndarray) -> np.ndarray:
        """Return float64 [U] for int64 ranks [U]."""
        return np.where(rank <= self.k, 1 / np.log2(rank + 1), 0.0)


class MRR:
    """MRR@k = 1 / rank if rank <= k, else 0; MRR = 1 / rank (Voorhees, 1999, TREC-8 question answering track).

    The value per user is the reciprocal rank; the mean over users is what the name stands for.

    >>> MRR(Cutoff(2)).per_user(np.array([2, 4]), np.array([9, 9])).tolist()
    [0.5, 0.0]
    >>> MRR(Cutoff()).per_user(np.array([2, 4]), np.array([9, 9])).tolist()
    [0.5, 0.25]
    """

    name = "MRR"
    higher_is_better = True

    def __init__(self, config: Cutoff):
        self.k = np.inf if config.k is None else cutoff(self.name, config)

    def per_user(self, rank: np.ndarray, n_candidates: np.ndarray) -> np.ndarray:
        """Return float64 [U] for int64 ranks [U]."""
        return np.where(rank <= self.k, 1 / rank, 0.0)


class MAP(MRR):
    """MAP@k, the mean over users of AP@k, the precision at the rank of each held-out item within the first k.

    AP@k = sum of precision@r over the ranks r <= k of held-out items / their number, within or beyond k (Voorhees
    and Harman, 2005, TREC: Experiment and Evaluation in Information Retrieval). There is one, so AP is the
    reciprocal rank and this is MRR@k under its other name:

    >>> MAP(Cutoff(2)).per_user(np.array([2, 4]), np.array([9, 9])).tolist()
    [0.5, 0.0]
    """

    name = "MAP"
