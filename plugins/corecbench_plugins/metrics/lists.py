"""Metrics of the lists themselves: how popular and how different the recommended items are.

U users, N items, cutoff k, R_u the list of a user, f(i) the training interactions of an item. Survey: Kaminskas
and Bridge, "Diversity, Serendipity, Novelty, and Coverage", ACM TiiS 7(1), 2016, doi:10.1145/2926720.

"""

from math import ceil

import numpy as np

from corecbench.api import Lists
from corecbench_plugins.metrics import Cutoff
from corecbench_plugins.metrics.top_k import cutoff

TOY = Lists(np.array([[1, 2], [1, 3]]), np.array([2, 4]), np.array([2, 3]), np.array([0, 3, 1, 0, 0]))
"""Of the examples: two users and four items, of which item 1 has three interactions in training, item 2 one and the
others none. Item 1 is first on both lists; then comes item 2 for the first user and item 3 for the second. Held out
are item 2 of the first user, and of the second one item 4, which is on no list."""


def mean_of_list(items: np.ndarray, of_item: np.ndarray) -> np.ndarray:
    """Return the mean of a number of each item, float64 [N+1], over each list, float64 [U]; 0 is no item.

    >>> mean_of_list(np.array([[1, 2], [2, 0]]), np.array([9.0, 1.0, 2.0])).tolist()
    [1.5, 2.0]
    """
    present = items > 0  # [U, k]
    return (of_item[items] * present).sum(axis=1) / present.sum(axis=1)


def most_popular(frequency: np.ndarray, n: int) -> np.ndarray:
    """Return which items are the n with the most interactions, or as frequent as one of these, bool [N+1].

    >>> most_popular(np.array([0, 3, 1, 1, 0]), 2).tolist()
    [False, True, True, True, False]
    """
    ordered = np.sort(frequency[1:])[::-1]
    popular = frequency >= ordered[min(n, len(ordered)) - 1]
    popular[0] = False
    return popular


class AveragePopularity:
    """The mean of f(i) over i in R_u (ARP of Abdollahpouri, Burke and Mobasher, 2019, arXiv 1901.07555).

    Lower is called better: recommenders tend to show what is popular already. The popularities are 3 and 1 on the
    first list, 3 and 0 on the second:

    >>> AveragePopularity(Cutoff(2)).per_list(TOY).tolist()
    [2.0, 1.5]
    """

    higher_is_better = False

    def __init__(self, config: Cutoff):
        self.k = cutoff("average-popularity", config)

    def per_list(self, lists: Lists) -> np.ndarray:
        """Return float64 [U]."""
        return mean_of_list(lists.items, lists.frequency.astype(np.float64))


class Novelty:
    """The mean self-information of a list, -log2 p(i) over i in R_u, where p(i) = f(i) / sum of all f.

    This is the free discovery model of Vargas and Castells (RecSys 2011, doi:10.1145/2043932.2043955) without
    discounts by rank and relevance. An item that never occurs in training would be infinitely novel; we count it as
    if it occurred once. Bits are log2(4/3) for item 1 and 2 for each of the others:

    >>> Novelty(Cutoff(2)).per_list(TOY).round(4).tolist()
    [1.2075, 1.2075]
    """

    higher_is_better = True

    def __init__(self, config: Cutoff):
        self.k = cutoff("novelty", config)

    def per_list(self, lists: Lists) -> np.ndarray:
        """Return float64 [U]."""
        frequency = np.maximum(lists.frequency, 1)
        return mean_of_list(lists.items, np.log2(max(lists.frequency.sum(), 1)) - np.log2(frequency))


class TailShare:
    """The share of R_u in the long tail (APLT of Abdollahpouri, Burke and Mobasher, 2019, arXiv 1901.07555).

    The tail is all but the head, which is the most frequent fifth of the catalogue, rounded up, and what is as
    frequent as the last of it. Here the head is item 1:

    >>> TailShare(Cutoff(2)).per_list(TOY).tolist()
    [0.5, 0.5]
    """

    higher_is_better = True

    def __init__(self, config: Cutoff):
        self.k = cutoff("tail-share", config)

    def per_list(self, lists: Lists) -> np.ndarray:
        """Return float64 [U]."""
        head = most_popular(lists.frequency, ceil((len(lists.frequency) - 1) / 5))
        return mean_of_list(lists.items, (~head).astype(np.float64))


class Serendipity:
    """The useful items of a list that popularity would not have shown, |useful in R_u but not in E| / k.

    After Ge, Delgado-Battenfeld and Jannach (RecSys 2010, doi:10.1145/1864708.1864761). The primitive recommender
    whose list is E is the popularity in training: E holds the k most frequent items, and those as frequent as the
    last of them, the same for every user whether seen or not. Useful is the held-out item, so the most is 1/k, as
    with precision; as everywhere it is on the list if its rank, ties against the model, is at most k.

    The first user's item 2 is found, but second in popularity, too. With two interactions of item 3 it were not:

    >>> Serendipity(Cutoff(2)).per_list(TOY).tolist()
    [0.0, 0.0]
    >>> other = Lists(TOY.items, TOY.target, TOY.rank, frequency=np.array([0, 3, 1, 2, 0]))
    >>> Serendipity(Cutoff(2)).per_list(other).tolist()
    [0.5, 0.0]
    """

    higher_is_better = True

    def __init__(self, config: Cutoff):
        self.k = cutoff("serendipity", config)

    def per_list(self, lists: Lists) -> np.ndarray:
        """Return float64 [U]."""
        expected = most_popular(lists.frequency, self.k)[lists.target]  # [U]
        return ((lists.rank <= self.k) & ~expected) / self.k


class Coverage:
    """The share of the catalogue that is on any list (Ge et al., RecSys 2010, doi:10.1145/1864708.1864761).

    Items 1, 2 and 3 of the four are:

    >>> Coverage(Cutoff(2)).overall(TOY)
    0.75
    """

    higher_is_better = True

    def __init__(self, config: Cutoff):
        self.k = cutoff("coverage", config)

    def overall(self, lists: Lists) -> float:
        """Return a number from 0 to 1."""
        return float(recommendations(lists).astype(bool).mean())


class Gini:
    """How unevenly recommendations are spread over the catalogue: 0 if evenly, 1 if one item gets all.

    G = sum over j of (2j - N - 1) p(j) / (N - 1), p(j) the share of all recommendations that the j-th least
    recommended item gets (Shani and Gunawardana, 2011, doi:10.1007/978-0-387-85820-3_8). Lower is called better.
    Shares are 0, 1/4, 1/4 and 1/2, so the sum is (-1 + 1 + 2 * 3) / 4 / 3:

    >>> Gini(Cutoff(2)).overall(TOY)
    0.5
    """

    higher_is_better = False

    def __init__(self, config: Cutoff):
        self.k = cutoff("Gini", config)

    def overall(self, lists: Lists) -> float:
        """Return a number from 0 to 1; 0 for a catalogue of one item."""
        times = np.sort(recommendations(lists))  # [N]
        n_items = len(times)
        weights = 2 * np.arange(1, n_items + 1) - n_items - 1
        return float(weights @ times / times.sum() / max(n_items - 1, 1))


def recommendations(lists: Lists) -> np.ndarray:
    """Return on how many lists each item is, int64 [N]."""
    return np.bincount(lists.items.ravel(), minlength=len(lists.frequency))[1:]
