"""The toy data set as imports are checked against it: 60 users on a circle of 20 items."""

import numpy as np
import pytest

from corecbench.data.loaded import SplitDataset
from corecbench.data.split import leave_one_out
from corecbench.exchange.held_out import HeldOut


@pytest.fixture(scope="session")
def split_toy(host, toy_folder, toy_data):
    """The toy data set, loaded and split."""
    return SplitDataset(host.select("datasets", str(toy_folder), {}), toy_data, leave_one_out(toy_data))


@pytest.fixture
def held_out(split_toy):
    """What is held out of it. Each user has 9 candidates: the 20 items without the 11 that were seen before."""
    found = HeldOut(split_toy, "lists.csv")
    assert (found.n_candidates == 9).all()
    return found


@pytest.fixture
def candidates(held_out):
    """Return the ids of a user's candidates, the held-out item first: `candidates("u0")`."""

    def of(user_id):
        row = int(held_out.rows(np.array([user_id], dtype=object))[0])
        width = held_out.catalog.n_items + 1
        seen = {int(pair % width) for pair in held_out.seen if pair // width == row}
        target = int(held_out.target[row])
        others = [item for item in range(1, width) if item not in seen and item != target]
        return [held_out.catalog.item_ids[item] for item in [target, *others]]

    return of
