"""Metrics of the lists themselves: how popular and how different the recommended items are.

U users, N items, cutoff k, R_u the list of a user, f(i) the training interactions of an item. Survey: Kaminskas
and Bridge, "Diversity, Serendipity, Novelty, and Coverage", ACM TiiS 7(1), 2016, doi:10.1145/2926720.

An example for two users and four items. In training item 1 has three interactions, item 2 has one, items 3 and 4
have none. The first user's list is 1, 2 and the held-out item is 2. The second user's list is 1, 3, and the
held-out item, 4, is not on it.

>>> from corecbench_plugins.metrics.settings import Cutoff
>>> lists = Lists(np.array([[1, 2], [1, 3]]), np.array([2, 4]), np.array([2, 3]), np.array([0, 3, 1, 0, 0]))

The items of the first list have 3 and 1 interactions, those of the second list 3 and 0:

>>> AveragePopularity(Cutoff(2)).per_list(lists).tolist()
[2.0, 1.5]

Item 1 has log2(4/3) bits, items 2 and 3 have 2 bits each; the head of the catalogue is item 1:

>>> Novelty(Cutoff(2)).per_list(lists).round(4).tolist()
[1.2075, 1.2075]
>>> TailShare(Cutoff(2)).per_list(lists).tolist()
[0.5, 0.5]

Item 2, held out of the first user, is on the list, but it is also second in popularity. It is not if item 3 has two
interactions:

>>> Serendipity(Cutoff(2)).per_list(lists).tolist()
[0.0, 0.0]
>>> other = Lists(lists.items, lists.target, lists.rank, frequency=np.array([0, 3, 1, 2, 0]))
>>> Serendipity(Cutoff(2)).per_list(other).tolist()
[0.5, 0.0]

Items 1, 2 and 3 of the four are on a list. The shares of the items are 0, 1/4, 1/4 and 1/2, so Gini is
(-1 * 1 + 1 * 1 + 3 * 2) / 4 / 3:

>>> Coverage(Cutoff(2)).overall(lists), Gini(Cutoff(2)).overall(lists)
(0.75, 0.5)
"""

from math import ceil

import numpy as np

from corecbench.api import Lists
from corecbench_plugins.metrics.cutoff import MetricAtCutoff


def list_means(items: np.ndarray, item_values: np.ndarray) -> np.ndarray:
    """Return the mean value of the items on each list, float64 [U].

    >>> list_means(np.array([[1, 2], [2, 0]]), np.array([9.0, 1.0, 2.0])).tolist()
    [1.5, 2.0]

    Args:
        items: int64 [U, k], 0 where a list is shorter.
        item_values: float64 [N+1], a value of each item.
    """
    present = items > 0  # [U, k]
    means: np.ndarray = (item_values[items] * present).sum(axis=1) / present.sum(axis=1)
    return means


def most_popular(frequency: np.ndarray, n: int) -> np.ndarray:
    """Return whether each item is one of the n most frequent, or as frequent as one of them, bool [N+1].

    >>> most_popular(np.array([0, 3, 1, 1, 0]), 2).tolist()
    [False, True, True, True, False]
    """
    ordered = np.sort(frequency[1:])[::-1]
    popular: np.ndarray = frequency >= ordered[min(n, len(ordered)) - 1]
    popular[0] = False
    return popular


class AveragePopularity(MetricAtCutoff):
    """The mean of f(i) over i in R_u (ARP of Abdollahpouri, Burke and Mobasher, 2019, arXiv 1901.07555).

    Lower counts as better, since recommenders tend to recommend what is popular already.
    """

    name = "average-popularity"
    higher_is_better = False

    def per_list(self, lists: Lists) -> np.ndarray:
        """Return float64 [U]."""
        return list_means(lists.items, lists.frequency.astype(np.float64))


class Novelty(MetricAtCutoff):
    """The mean self-information of a list, -log2 p(i) over i in R_u, where p(i) = f(i) / sum of all f.

    This is the free discovery model of Vargas and Castells (RecSys 2011, doi:10.1145/2043932.2043955) without
    discounts by rank and relevance. An item that never occurs in training would be infinitely novel. We count it as
    if it occurred once.
    """

    name = "novelty"
    higher_is_better = True

    def per_list(self, lists: Lists) -> np.ndarray:
        """Return float64 [U]."""
        frequency = np.maximum(lists.frequency, 1)
        return list_means(lists.items, np.log2(max(lists.frequency.sum(), 1)) - np.log2(frequency))


class TailShare(MetricAtCutoff):
    """The share of R_u in the long tail (APLT of Abdollahpouri, Burke and Mobasher, 2019, arXiv 1901.07555).

    The head is the most frequent fifth of the catalogue, rounded up, together with the items that are as frequent
    as the last item of that fifth. All other items are the tail.
    """

    name = "tail-share"
    higher_is_better = True

    def per_list(self, lists: Lists) -> np.ndarray:
        """Return float64 [U]."""
        head = most_popular(lists.frequency, ceil((len(lists.frequency) - 1) / 5))
        return list_means(lists.items, (~head).astype(np.float64))


class Serendipity(MetricAtCutoff):
    """The share of a list that is useful and not recommended by popularity, |useful in R_u, not in E| / k.

    After Ge, Delgado-Battenfeld and Jannach (RecSys 2010, doi:10.1145/1864708.1864761). The primitive recommender,
    whose list is E, is popularity in training. E holds the k most frequent items, together with the items that are
    as frequent as the last of them. E is the same for every user, whether items are seen or not. The useful item is
    the held-out one, so the value is at most 1/k, as with precision. The item counts as on the list if its rank is
    at most k, where ties count against the model.
    """

    name = "serendipity"
    higher_is_better = True

    def per_list(self, lists: Lists) -> np.ndarray:
        """Return float64 [U]."""
        expected = most_popular(lists.frequency, self.k)[lists.target]  # [U]
        share: np.ndarray = ((lists.rank <= self.k) & ~expected) / self.k
        return share


class Coverage(MetricAtCutoff):
    """The share of the catalogue that is on at least one list.

    After Ge et al. (RecSys 2010, doi:10.1145/1864708.1864761).
    """

    name = "coverage"
    higher_is_better = True

    def overall(self, lists: Lists) -> float:
        """Return a number from 0 to 1."""
        return float(recommendations(lists).astype(bool).mean())


class Gini(MetricAtCutoff):
    """How unevenly recommendations are spread over the catalogue: 0 if evenly, 1 if one item gets all.

    G = sum over j of (2j - N - 1) p(j) / (N - 1), p(j) the share of all recommendations that the j-th least
    recommended item gets (Shani and Gunawardana, 2011, doi:10.1007/978-0-387-85820-3_8). Lower counts as better.
    """

    name = "Gini"
    higher_is_better = False

    def overall(self, lists: Lists) -> float:
        """Return a number from 0 to 1; 0 for a catalogue of one item."""
        counts = np.sort(recommendations(lists))  # [N]
        n_items = len(counts)
        weights = 2 * np.arange(1, n_items + 1) - n_items - 1
        return float(weights @ counts / counts.sum() / max(n_items - 1, 1))


def recommendations(lists: Lists) -> np.ndarray:
    """Return the number of lists that each item is on, int64 [N]."""
    return np.bincount(lists.items.ravel(), minlength=len(lists.frequency))[1:]
