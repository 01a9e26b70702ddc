"""The t test of a mean difference, over users alone or over users and seeds. U users, S seeds."""

import numpy as np

from corecbench.stats.components import mixed_test
from corecbench.stats.differences import can_vary, paired_differences
from corecbench.stats.student import StudentTest, student_test


def mean_test(own: np.ndarray, base: np.ndarray) -> StudentTest | None:
    """Test whether the mean of own - base is 0; p and intervals of one result never disagree.

    Values [U] are tested over users, by the paired t test (Student, 1908, doi:10.1093/biomet/6.1.1). Values [U, S]
    are tested over users and seeds, by `mixed_test`.

    Differences 1 to 5 have the mean 3 and the standard error sqrt(1/2). A second seed that adds 1 to all of them
    makes the mean 7/2 and its variance larger by that between seeds, 1/2, divided by 2:

    >>> own, base = np.arange(1.0, 6.0), np.zeros(5)
    >>> mean_test(own, base).standard_error == (1 / 2) ** 0.5
    True
    >>> both = mean_test(np.column_stack([own, own + 1]), np.zeros((5, 2)))
    >>> both.mean, both.standard_error == (1 / 2 + 1 / 4) ** 0.5
    (3.5, True)

    Args:
        own: float64 [U] or [U, S], a metric per user, or per user and seed.
        base: the same metric of the same users in the same order, and of models trained under the same seeds.

    Returns:
        The test, or None where fewer than 5 users differ or nothing varies: that says nothing about other users.

    Raises:
        DataError: the values do not pair up or are not finite, or there are fewer than 2 users or seeds.
    """
    if own.ndim == 1:
        difference = paired_differences(own, base)
        return student_test(difference) if can_vary(difference) else None
    if not can_vary(paired_differences(own.mean(axis=1), base.mean(axis=1))):
        return None
    test = mixed_test(own - base)
    return test if test.standard_error else None
