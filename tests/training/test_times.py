"""Batches say when the items of a history happened, in training and when it is ranked."""

import numpy as np
import pytest

from corecbench.data.dataset import load_dataset
from corecbench.data.split import leave_one_out
from corecbench.data.time_split import by_time
from corecbench.evaluation.ranking import in_batches
from corecbench.testing.far_device import DEVICE, FarDevice
from corecbench.testing.toys import ToySource
from corecbench.training.examples import make_examples

TIME = {("u1", "i1"): 10.5, ("u1", "i2"): 70.0, ("u1", "i3"): 300.0, ("u1", "i4"): 301.0, ("u1", "i5"): 950.0}
TIME |= {("u2", f"i{item}"): 1000.0 - 13 * item**2 for item in range(1, 7)}


@pytest.fixture
def timed():
    rows = [(user, item, time) for (user, item), time in sorted(TIME.items(), key=lambda each: each[1])]
    return load_dataset("timed", ToySource(rows, {f"i{item}": f"title {item}" for item in range(1, 7)}))


def check(batch, catalog):
    """Compare the times of a batch with the rows of the file."""
    assert batch.time.shape == batch.history.shape
    for user, history, times in zip(batch.user.tolist(), batch.history.tolist(), batch.time.tolist(), strict=True):
        for item, time in zip(history, times, strict=True):
            assert time == (TIME[catalog.user_ids[user], catalog.item_ids[item]] if item else 0.0)


@pytest.mark.parametrize("kind", ["windows", "pairs"])
@pytest.mark.parametrize("max_history", [2, 50])
def test_examples_have_the_times_of_their_histories(timed, kind, max_history):
    examples = make_examples(kind, leave_one_out(timed).train, timed.catalog, max_history)
    batches = [batch for _, batch in examples.batches(2, np.random.default_rng(0))]
    for batch in (*batches, examples.contexts.whole()):
        check(batch, timed.catalog)


@pytest.mark.parametrize("stage", ["validation", "test"])
def test_histories_that_are_ranked_have_their_times(timed, stage):
    whole, split = by_time(timed, cut=("0.5", "0.7"))
    parts = [(timed.catalog, leave_one_out(timed)), (whole.catalog, split)]
    for catalog, part in parts:
        for held in (part.held[stage], part.held[stage].apart(), part.held[stage].of(part.held[stage].users > 1)):
            for max_history in (2, 50):
                for _, batch in in_batches(held.task(max_history), 1, "cpu"):
                    check(batch, catalog)


def test_data_without_real_times_have_none(toy_data):
    split = leave_one_out(toy_data)
    _, batch = next(in_batches(split.held["test"].task(5), 4, "cpu"))
    examples = make_examples("windows", split.train, toy_data.catalog, 5)
    assert batch.time is None
    assert examples.contexts.whole().time is None


def test_times_go_where_a_batch_goes(timed):
    with FarDevice():
        examples = make_examples("windows", leave_one_out(timed).train, timed.catalog, 5, DEVICE)
        batch = examples.contexts.take(np.array([0]))
        assert batch.time.device == batch.history.device
