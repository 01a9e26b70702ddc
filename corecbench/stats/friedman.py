"""Several models on several data sets: average ranks and which differ. D data sets, K models."""

from dataclasses import dataclass

import numpy as np

from corecbench.api import DataError

DRAWS = 9_999
MOST_AT_ONCE = 2**20
"""The number of ranks held in memory."""


@dataclass(frozen=True, eq=False)
class Friedman:
    """Average ranks, and whether they differ more than chance explains."""

    average_ranks: np.ndarray
    """float64 [K], 1 for a model that is best on every data set."""
    chi_square: float
    """The statistic."""
    p: float
    """The p value from drawn permutations."""


def friedman(scores: np.ndarray, higher_is_better: bool = True, n_draws: int = DRAWS, seed: int = 0) -> Friedman:
    """Test whether models differ over data sets, by their ranks on each.

    With R_j the average rank of a model over D data sets (ties share theirs), the statistic is 12 D / (K (K + 1))
    (sum R_j^2 - K (K + 1)^2 / 4), divided by 1 - sum (t^3 - t) / (D (K^3 - K)) for groups of t tied scores
    (Friedman, 1937, doi:10.1080/01621459.1937.10503522; recommended by Demsar, 2006, JMLR 7, 1-30). A suite has few
    data sets, for which its limit is rough, so p is from permutations of each data set's ranks: of m drawn ones b
    are as extreme, p = (1 + b) / (1 + m). If all models tie everywhere, the statistic is 0 and p is 1.

    Three models on two data sets that agree: R = 1, 2, 3, and 12 * 2 / 12 * (14 - 12) = 4. Of the 6 orders of the
    second data set only one agrees:

    >>> result = friedman(np.array([[0.3, 0.2, 0.1], [0.9, 0.8, 0.7]]))
    >>> result.average_ranks.tolist(), result.chi_square, round(result.p, 1) == round(1 / 6, 1)
    ([1.0, 2.0, 3.0], 4.0, True)

    Args:
        scores: float64 [D, K], such as the mean over users of NDCG@10.
        higher_is_better: whether the highest score has rank 1.
        n_draws: m.
        seed: the seed of the draws.

    Raises:
        DataError: there are fewer than 3 models or 2 data sets, or a score is missing.
    """
    from scipy import stats

    _check(scores)
    n_datasets, n_models = scores.shape
    ranks = stats.rankdata(-scores if higher_is_better else scores, axis=1)
    average = ranks.mean(axis=0)
    spread = np.sum((average - (n_models + 1) / 2) ** 2)
    # with ties, the variance that the ranks of the data sets have instead of that of 1 to K
    variance = ranks.var(axis=1, ddof=1).mean()
    chi_square = float(n_datasets * spread / variance) if variance > 0 else 0.0
    return Friedman(average, chi_square, _permutation_p(ranks, n_draws, seed))


def _check(scores: np.ndarray) -> None:
    """Raise a DataError if there are too few models or data sets, or a score is missing."""
    if scores.ndim != 2 or scores.shape[0] < 2 or scores.shape[1] < 3:
        raise DataError(f"Friedman's test needs [2 or more data sets, 3 or more models], got shape {scores.shape}")
    if not np.isfinite(scores).all():
        dataset, model = np.argwhere(~np.isfinite(scores))[0]
        raise DataError(
            f"Friedman's test needs a score of every model on every data set, got {scores[dataset, model]} "
            f"of model {model} on data set {dataset}"
        )


def _permutation_p(ranks: np.ndarray, n_draws: int, seed: int) -> float:
    """Return the share of permutations of each data set's ranks [D, K] that spread the sums as much."""
    generator = np.random.default_rng(seed)
    observed = np.sum(ranks.sum(axis=0) ** 2)
    at_once = max(1, MOST_AT_ONCE // ranks.size)
    extreme = 0
    for start in range(0, n_draws, at_once):
        n = min(at_once, n_draws - start)
        permuted = generator.permuted(np.broadcast_to(ranks, (n, *ranks.shape)), axis=2)
        extreme += int(np.count_nonzero(np.sum(permuted.sum(axis=1) ** 2, axis=1) >= observed))  # ranks are halves
    return (1 + extreme) / (1 + n_draws)


def critical_difference(n_models: int, n_datasets: int) -> float:
    """Return by how much two of K average ranks must differ to be told apart, by Nemenyi's test.

    CD = q sqrt(K (K + 1) / (6 D)), with q the .95 quantile of the studentised range of K groups and
    infinitely many degrees of freedom, divided by sqrt(2) (Nemenyi, 1963, Princeton; Demsar, 2006, JMLR 7, 1-30).
    Few data sets make it rough.

    Two models have the critical difference of a normal test, 1.96 sqrt(1 / D):

    >>> round(critical_difference(2, 25), 3) == round(1.96 / 5, 3)
    True

    Args:
        n_models: K.
        n_datasets: D.

    Raises:
        DataError: there are fewer than 2 models or data sets.
    """
    from scipy import stats

    if n_models < 2 or n_datasets < 2:
        raise DataError(f"Nemenyi's test needs 2 models and data sets, got {n_models} and {n_datasets}")
    quantile = stats.studentized_range.ppf(0.95, n_models, np.inf)
    return float(quantile * np.sqrt(n_models * (n_models + 1) / (12 * n_datasets)))
