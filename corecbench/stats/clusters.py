"""Several observations of one user, which are no independent ones. U users, T tests, S seeds."""

import numpy as np


def clustered(values: np.ndarray, users: np.ndarray) -> np.ndarray:
    """Return one observation for each user, with the mean of all tests: the sum of a user's tests, times U / T.

    So a test over users takes each as a cluster (Liang and Zeger, 1986, DOI 10.1093/biomet/73.1.13): the variance
    of their sums holds whatever the tests of a user have in common, and the mean is that over tests.

    The first user has two tests. Of three tests the mean is 2, and so it is of the two users:

    >>> clustered(np.array([[1.0], [2.0], [3.0]]), np.array([7, 8, 7])).tolist()
    [[2.6666666666666665], [1.3333333333333333]]

    Args:
        values: float64 [T, S], a metric of each test under each seed.
        users: [T], the number of the user of each test.

    Returns:
        float64 [U, S], in the order of the numbers; the values themselves where each user has one test.
    """
    numbers, place = np.unique(users, return_inverse=True)
    if len(numbers) == len(values):
        return values
    sums = np.zeros((len(numbers), values.shape[1]))
    np.add.at(sums, place, values)
    return sums * (len(numbers) / len(values))
