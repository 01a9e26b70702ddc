from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from corecbench.api import DataError
from corecbench.stats.correction import holm

p_values = st.lists(st.floats(0, 1), min_size=1, max_size=12)


def test_each_value_is_multiplied_by_the_tests_that_are_left():
    # 4 x 1/100, 3 x 2/100, 2 x 4/100, 1 x 50/100
    expected = [Fraction(4, 100), Fraction(6, 100), Fraction(8, 100), Fraction(50, 100)]
    assert holm([0.01, 0.02, 0.04, 0.5]) == pytest.approx([float(fraction) for fraction in expected])


def test_the_order_of_the_values_is_kept():
    assert holm([0.5, 0.01, 0.04, 0.02]) == pytest.approx([0.5, 0.04, 0.08, 0.06])


def test_a_larger_value_is_never_adjusted_below_a_smaller_one():
    # 3 x 3/100 = 9/100, then 2 x 4/100 = 8/100 is lifted to 9/100, and so is 1 x 5/100
    assert holm([0.03, 0.04, 0.05]) == pytest.approx([0.09, 0.09, 0.09])


def test_an_adjusted_value_is_at_most_one():
    assert holm([0.6, 0.7]).tolist() == [1, 1]


def test_one_test_needs_no_adjustment():
    assert holm([0.03]).tolist() == [0.03]


def test_no_tests_have_no_values():
    assert holm([]).tolist() == []


@given(p_values)
def test_adjusting_keeps_the_order_and_lies_between_p_and_bonferroni(p):
    adjusted = holm(p)
    order = np.argsort(p, kind="stable")
    assert (np.diff(adjusted[order]) >= 0).all()
    assert (adjusted >= np.array(p)).all()
    assert (adjusted <= np.minimum(1, len(p) * np.array(p))).all()


def test_false_alarms_in_the_whole_family_are_kept_at_the_level():
    # 5 true null hypotheses, 2,000 families: unadjusted, 1 - .95**5 = .23 of the families would raise an alarm;
    # at .05 the standard deviation of the share is sqrt(.05 * .95 / 2000) < .005
    p = np.random.default_rng(0).random((2000, 5))
    alarms = np.mean([(holm(family) < 0.05).any() for family in p])
    assert 0.03 < alarms < 0.05 + 4 * 0.005


@pytest.mark.parametrize("wrong", [float("nan"), -0.1, 1.1])
def test_what_is_no_p_value_is_an_error(wrong):
    with pytest.raises(DataError, match=f"^a p value lies between 0 and 1, got {wrong}$"):
        holm([0.1, wrong])
