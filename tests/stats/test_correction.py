from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from corecbench.api import DataError, UsageError
from corecbench.stats.correction import CORRECTIONS, adjust, benjamini_hochberg, hochberg, holm

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


def test_hochberg_steps_up_where_holm_steps_down():
    # 4/100 is kept; 2 x 3/100 is lowered to it, 3 x 1/100 is below
    expected = [Fraction(3, 100), Fraction(4, 100), Fraction(4, 100)]
    assert hochberg([0.01, 0.03, 0.04]) == pytest.approx([float(fraction) for fraction in expected])


def test_benjamini_hochberg_divides_the_tests_by_the_place():
    # 4/1 x 1/100, 4/2 x 2/100, 4/3 x 3/100, 4/4 x 50/100
    expected = [Fraction(4, 100), Fraction(4, 100), Fraction(4, 100), Fraction(50, 100)]
    assert benjamini_hochberg([0.01, 0.02, 0.03, 0.5]) == pytest.approx([float(fraction) for fraction in expected])


@pytest.mark.parametrize(("method", "theirs"), [("holm", "holm"), ("hochberg", "simes-hochberg"), ("bh", "fdr_bh")])
@pytest.mark.parametrize("n_tests", [1, 4, 30])
def test_adjusted_values_agree_with_statsmodels(method, theirs, n_tests):
    p = np.random.default_rng(n_tests).integers(0, 40, n_tests) / 400  # with ties, and 0
    assert adjust(p, method) == pytest.approx(multipletests(p, method=theirs)[1])


@given(p_values)
def test_more_power_adjusts_less(p):
    none, bh, hochberg_, holm_ = (adjust(p, method) for method in ("none", "bh", "hochberg", "holm"))
    for less, more in ((none, bh), (bh, hochberg_), (hochberg_, holm_)):
        assert (less <= more + 1e-12).all()


def test_holm_is_the_default():
    assert adjust([0.01, 0.02]).tolist() == holm([0.01, 0.02]).tolist()


@pytest.mark.parametrize("method", CORRECTIONS)
def test_no_tests_have_no_values_under_any_correction(method):
    assert adjust([], method).tolist() == []


@pytest.mark.parametrize("method", CORRECTIONS)
def test_what_is_no_p_value_is_an_error_under_any_correction(method):
    with pytest.raises(DataError, match=r"^a p value lies between 0 and 1, got nan$"):
        adjust([0.1, float("nan")], method)


@pytest.mark.parametrize("method", CORRECTIONS)
def test_the_given_values_stay_as_they_are(method):
    given_values = np.array([0.5, 0.01])
    adjust(given_values, method)[0] = 7.0
    assert given_values.tolist() == [0.5, 0.01]


def test_an_unknown_correction_is_an_error_that_lists_the_known():
    with pytest.raises(UsageError, match=r"^unknown correction 'sidak'; have: holm, hochberg, bh, none$"):
        adjust([0.1], "sidak")
