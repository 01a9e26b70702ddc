from math import log2

import numpy as np
import pytest

from corecbench.api import Lists, UsageError, resolve
from corecbench_plugins.metrics import LIST_METRICS, corecbench_metrics

FREQUENCY = np.array([0, 8, 4, 2, 2, 0])  # of the items 1 to 5; 16 interactions
ITEMS = np.array([[1, 2, 3], [1, 3, 5], [4, 0, 0]])  # the third user has one candidate
TARGET, RANK = np.array([2, 3, 4]), np.array([2, 2, 1])


def value(name, k, lists=None):
    component = next(component for component in corecbench_metrics() if component.name == name)
    metric = resolve(component.build)(component.config(k))
    lists = lists or Lists(ITEMS[:, :k], TARGET, RANK, FREQUENCY)
    return metric.overall(lists) if hasattr(metric, "overall") else metric.per_list(lists)


# --- by hand ------------------------------------------------------------------------------------------------------


def test_average_popularity_is_the_mean_of_training_interactions():
    assert value("average-popularity", 3) == pytest.approx([(8 + 4 + 2) / 3, (8 + 2 + 0) / 3, 2])


def test_novelty_is_the_mean_of_bits_and_an_unseen_item_counts_as_seen_once():
    assert value("novelty", 3) == pytest.approx([(1 + 2 + 3) / 3, (1 + 3 + log2(16)) / 3, 3])


def test_the_tail_is_all_but_the_most_frequent_fifth_rounded_up():
    assert value("tail-share", 3) == pytest.approx([2 / 3, 2 / 3, 1])  # the head is item 1 of five
    six = Lists(ITEMS, TARGET, RANK, np.append(FREQUENCY, 0))
    assert value("tail-share", 3, six) == pytest.approx([1 / 3, 2 / 3, 1])  # items 1 and 2 of six


def test_items_as_frequent_as_the_last_one_of_the_head_belong_to_it():
    lists = Lists(ITEMS, TARGET, RANK, np.array([0, 8, 8, 2, 2, 0]))
    assert value("tail-share", 3, lists) == pytest.approx([1 / 3, 2 / 3, 1])


def test_serendipity_is_the_share_of_hits_that_are_not_among_the_k_most_popular():
    # Rank 2 is beyond k = 1. With k = 2, items 1 and 2 are expected; with k = 3 also 3 and 4, which has as many.
    assert value("serendipity", 1).tolist() == [0, 0, 1]
    assert value("serendipity", 2).tolist() == [0, 1 / 2, 1 / 2]
    assert value("serendipity", 3).tolist() == [0, 0, 0]


def test_a_held_out_item_that_ties_push_beyond_the_list_is_no_hit_though_it_is_on_it():
    lists = Lists(np.array([[5, 1]]), np.array([5]), np.array([3]), FREQUENCY)
    assert value("serendipity", 2, lists).tolist() == [0]


def test_coverage_is_the_share_of_the_catalogue_on_any_list():
    assert value("coverage", 3) == 5 / 5
    assert value("coverage", 1) == 2 / 5


def test_gini_is_0_for_even_lists_and_1_where_one_item_gets_all():
    def lists(*items):
        return Lists(np.array([items]).T, TARGET, RANK, FREQUENCY)

    assert value("Gini", 1, lists(1, 2, 3, 4, 5)) == 0
    assert value("Gini", 1, lists(4, 4, 4, 4, 4)) == 1
    assert value("Gini", 1, lists(1, 1, 2)) == pytest.approx((2 * 1 / 3 + 4 * 2 / 3) / 4)


def test_a_catalogue_of_one_item_is_even():
    assert value("Gini", 1, Lists(np.array([[1]]), np.array([1]), np.array([1]), np.array([0, 1]))) == 0


# --- against a second computation ---------------------------------------------------------------------------------


def random_lists(n_users=30, n_items=25, k=6):
    random = np.random.default_rng(3)
    items = np.array([random.permutation(n_items)[:k] + 1 for _ in range(n_users)])
    items[::4, 4:] = 0
    rank = random.integers(1, 2 * k, n_users)
    target = random.integers(1, n_items + 1, n_users)
    return Lists(items, target, rank, np.concatenate([[0], random.integers(0, 40, n_items)]))


def by_list(of):
    lists = random_lists()
    return [np.mean([of(item, lists.frequency) for item in row if item]) for row in lists.items]


def head(frequency):
    return sorted(frequency[1:], reverse=True)[:5]


@pytest.mark.parametrize(
    ("name", "of"),
    [
        ("average-popularity", lambda item, frequency: frequency[item]),
        ("novelty", lambda item, frequency: -log2(max(frequency[item], 1) / sum(frequency))),
        ("tail-share", lambda item, frequency: frequency[item] not in head(frequency)),
    ],
)
def test_a_mean_over_items_agrees_with_a_loop_over_them(name, of):
    assert value(name, 6, random_lists()) == pytest.approx(by_list(of))


def test_serendipity_agrees_with_sets():
    lists = random_lists()
    counts = sorted(lists.frequency[1:], reverse=True)[:6]
    expected = {item for item in range(1, 26) if lists.frequency[item] in counts}
    hits = [{target} if rank <= 6 else set() for target, rank in zip(lists.target, lists.rank, strict=True)]
    found = value("serendipity", 6, lists)
    assert found == pytest.approx([len(hit - expected) / 6 for hit in hits])
    assert found.any()


def test_gini_agrees_with_the_mean_difference_of_all_pairs_of_items():
    lists = random_lists()
    times = np.array([(lists.items == item).sum() for item in range(1, 26)])
    differences = np.abs(times[:, None] - times).sum() / (25 * 24)
    assert value("Gini", 6, lists) == pytest.approx(differences / (2 * times.mean()))


# --- settings -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", LIST_METRICS)
def test_a_metric_of_lists_needs_a_cutoff(name):
    with pytest.raises(UsageError, match=f"^{name} needs a cutoff, such as {name}@10$"):
        value(name, None)


def test_one_interaction_in_all_is_no_bit_of_novelty():
    lists = Lists(np.array([[1], [2]]), np.array([1, 2]), np.array([1, 1]), np.array([0, 1, 0]))
    assert value("novelty", 1, lists).tolist() == [0, 0]


def test_gini_of_two_items_of_which_one_gets_all_is_1():
    lists = Lists(np.array([[1], [1]]), np.array([1, 1]), np.array([1, 1]), np.array([0, 1, 1]))
    assert value("Gini", 1, lists) == 1


def test_lists_are_better_with_more_of_all_but_popularity_and_unevenness():
    lower = {
        c.name for c in corecbench_metrics() if c.name in LIST_METRICS and not resolve(c.build).higher_is_better
    }
    assert lower == {"average-popularity", "Gini"}
