"""Every check of a metric finds the fault that it is there for."""

import re
from dataclasses import dataclass, field

import numpy as np
import pytest

from corecbench.testing import metric_checks


class Good:
    higher_is_better = True

    def __init__(self, config):
        pass

    def per_user(self, rank, n_candidates):
        return 1 / rank


class MeanRank(Good):
    higher_is_better = False

    def per_user(self, rank, n_candidates):
        return rank.astype(float)


class WithoutDirection(Good):
    higher_is_better = None


class OneForAll(Good):
    def per_user(self, rank, n_candidates):
        return np.array([0.5])


class Whole(Good):
    def per_user(self, rank, n_candidates):
        return (rank <= 10).astype(int)


class Infinite(Good):
    def per_user(self, rank, n_candidates):
        with np.errstate(divide="ignore"):
            return 1 / (rank - 1)


class BestInTheMiddle(Good):
    def per_user(self, rank, n_candidates):
        return 1 / (1 + np.abs(rank - 5))


class LowerIsBetter(Good):
    higher_is_better = False


class Unbounded(Good):
    def per_user(self, rank, n_candidates):
        return n_candidates / rank


class Negative(Good):
    def per_user(self, rank, n_candidates):
        return -rank.astype(float)


class AgainstTheMean(Good):
    def per_user(self, rank, n_candidates):
        return 1 / rank - (1 / rank).mean() * 0.001 if len(rank) else 1 / rank


class ByPlace(Good):
    def per_user(self, rank, n_candidates):
        return np.maximum.accumulate(1 / rank)


class Sorts(Good):
    def per_user(self, rank, n_candidates):
        n_candidates -= 1
        return 1 / rank


class Nothing:
    higher_is_better = True
    k = 3

    def __init__(self, config):
        pass


class OfLists(Nothing):
    """The mean index of the items of a list."""

    def per_list(self, lists):
        return lists.items.sum(axis=1) / (lists.items > 0).sum(axis=1)


class OfAllLists(Nothing):
    """The share of the catalogue that is on a list."""

    def overall(self, lists):
        return float(len(np.unique(lists.items[lists.items > 0])) / (len(lists.frequency) - 1))


class OfBoth(OfLists, OfAllLists):
    pass


class WithoutLength(OfLists):
    k = None


class InfinitelyNovel(Nothing):
    def per_list(self, lists):
        with np.errstate(divide="ignore"):
            return -np.log2(lists.frequency[lists.items]).sum(axis=1)


class OneForAllLists(Nothing):
    def per_list(self, lists):
        return np.array([0.5])


class WholeLists(Nothing):
    def per_list(self, lists):
        return lists.items[:, 0]


class ListsAgainstTheMean(OfLists):
    def per_list(self, lists):
        return super().per_list(lists) - (lists.items.mean() if len(lists.items) else 0)


class PlaceOfTheUser(OfLists):
    def per_list(self, lists):
        return np.arange(len(lists.items)) + super().per_list(lists)


class SortsLists(OfLists):
    def per_list(self, lists):
        lists.items.sort(axis=1)
        return super().per_list(lists)


class MeanWithEmptyPlaces(Nothing):
    def per_list(self, lists):
        return lists.items.mean(axis=1)


class ValuesOfAll(Nothing):
    def overall(self, lists):
        return lists.items.mean(axis=1)


class NotANumber(Nothing):
    def overall(self, lists):
        return float("nan")


class FirstUserOnly(Nothing):
    def overall(self, lists):
        return float(lists.items[0, 0])


class CoversEmptyPlaces(Nothing):
    def overall(self, lists):
        return len(np.unique(lists.items)) / (len(lists.frequency) - 1)


@dataclass(frozen=True)
class OfASet:
    cutoffs: set[int] = field(default_factory=lambda: {1, 2})


FAULTS = [
    ("it has one method", WithoutDirection, r"higher_is_better is None"),
    ("it has one method", OfBoth, r"it has per_list and overall of per_user, per_list, overall; must have one"),
    ("it has one method", Nothing, r"it has none of per_user"),
    ("it has one method", WithoutLength, r"k is None, must be the number of items"),
    ("there is a value for each user", OneForAll, r"float64 \[1\], must be float64 \[300\]"),
    ("there is a value for each user", Whole, r"int64 \[300\], must be float64"),
    ("there is a value for each user", Infinite, r"1 values are not finite"),
    ("there is a value for each user", OneForAllLists, r"float64 \[1\], must be float64 \[300\]"),
    ("there is a value for each user", WholeLists, r"int64 \[300\], must be float64"),
    ("there is a value for each user", InfinitelyNovel, r"values are not finite"),
    ("there is a value for each user", ValuesOfAll, r"it gives ndarray, must be a float"),
    ("there is a value for each user", NotANumber, r"it gives nan, which is not finite"),
    ("a better rank is never worse", BestInTheMiddle, r"rank 1 has 0\.2 and rank 2, which is worse, 0\.25"),
    ("a better rank is never worse", LowerIsBetter, r"rank 1 has 1 and rank 2, which is worse, 0\.5"),
    ("values are bounded", Unbounded, r"\[300\.\] among 300 candidates is not from 0 to 1"),
    ("values are bounded", Negative, r"\[-1\.\] among 1 candidates is not from 0 to 1"),
    ("a user does not depend on the others", AgainstTheMean, r"changes with the users around"),
    ("a user does not depend on the others", ByPlace, r"changes with the order of the users"),
    ("a user does not depend on the others", ListsAgainstTheMean, r"changes with the users around"),
    ("a user does not depend on the others", PlaceOfTheUser, r"changes with the order of the users"),
    ("a user does not depend on the others", FirstUserOnly, r"the value changes with the order of the users"),
    ("nothing that is given is changed", Sorts, r"changes the ranks, counts or lists"),
    ("nothing that is given is changed", SortsLists, r"changes the ranks, counts or lists"),
    ("an empty place is no item", MeanWithEmptyPlaces, r"an empty place on a list, which is 0, counts as an item"),
    ("an empty place is no item", CoversEmptyPlaces, r"an empty place on a list, which is 0, counts as an item"),
]


@pytest.mark.parametrize("metric", [Good, MeanRank, OfLists, OfAllLists])
def test_a_good_metric_passes_every_check(outcome_of, metric):
    outcomes = outcome_of("metrics", metric)
    assert {outcome.status for outcome in outcomes.values()} == {"ok", "not applicable"}, outcomes


@pytest.mark.parametrize(("check", "metric", "reason"), FAULTS, ids=[fault[1].__name__ for fault in FAULTS])
def test_a_fault_of_a_metric_is_found(outcome_of, check, metric, reason):
    outcome = outcome_of("metrics", metric, None, check)
    assert outcome.status == "failed"
    assert re.search(reason, outcome.reason)


def test_settings_that_do_not_survive_are_found(outcome_of):
    assert outcome_of("metrics", Good, OfASet, "settings survive json").status == "failed"


def test_every_check_has_a_fault_that_it_finds():
    with_fault = {check for check, *_ in FAULTS} | {"settings survive json"}
    assert with_fault == {check.__name__.replace("_", " ") for check in metric_checks.CHECKS}
