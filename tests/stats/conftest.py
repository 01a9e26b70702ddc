"""What several tests of statistics need."""

from corecbench.stats.components import mean_test


def paired_interval(own, base, confidence=0.95):
    """Return the interval of the mean of own - base; None where fewer than 5 users differ or nothing varies."""
    test = mean_test(own, base)
    return None if test is None else test.interval(confidence)
