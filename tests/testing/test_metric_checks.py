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


@dataclass(frozen=True)
class OfASet:
    cutoffs: set[int] = field(default_factory=lambda: {1, 2})


FAULTS = [
    ("there is a value for each user", WithoutDirection, r"higher_is_better is None"),
    ("there is a value for each user", OneForAll, r"float64 \[1\], must be float64 \[300\]"),
    ("there is a value for each user", Whole, r"int64 \[300\], must be float64"),
    ("there is a value for each user", Infinite, r"1 values are not finite"),
    ("a better rank is never worse", BestInTheMiddle, r"rank 1 has 0\.2 and rank 2, which is worse, 0\.25"),
    ("a better rank is never worse", LowerIsBetter, r"rank 1 has 1 and rank 2, which is worse, 0\.5"),
    ("values are bounded", Unbounded, r"\[300\.\] among 300 candidates is not from 0 to 1"),
    ("values are bounded", Negative, r"\[-1\.\] among 1 candidates is not from 0 to 1"),
    ("a user does not depend on the others", AgainstTheMean, r"changes with the users around"),
    ("a user does not depend on the others", ByPlace, r"changes with the order of the users"),
    ("a user does not depend on the others", Sorts, r"changes the ranks or counts"),
]


@pytest.mark.parametrize("metric", [Good, MeanRank])
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
