"""A reduced training part: who trains, what is left out, and what stays for ranking."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corecbench.api import DataError
from corecbench.data.dataset import load_dataset
from corecbench.data.reduction import NOTHING_LEFT_OUT, Reduction, chosen, reduction_of, whole_dataset
from corecbench.data.split import leave_one_out
from corecbench.testing.toys import circle

shares = st.floats(0.01, 1)
no_deadline = settings(deadline=None)  # a busy machine is no failure


@pytest.fixture(scope="module")
def dataset():
    """60 users with 12 items each, of 20."""
    return load_dataset("toy", circle())


def reduced(dataset, seed=0, selection="training-users", **of):
    return Reduction(**of).apply(leave_one_out(dataset), "toy", 60, 20, seed, selection)


def users_of(split):
    return set(split.train.user.tolist())


@no_deadline
@given(shares, shares, st.integers(0, 3))
def test_users_of_a_smaller_share_are_among_those_of_a_larger_one(dataset, one, other, seed):
    small, large = (users_of(reduced(dataset, seed, train_share=share)) for share in sorted((one, other)))
    assert small <= large


def test_a_share_of_the_users_trains_on_all_their_interactions(dataset):
    whole, quarter = leave_one_out(dataset).train, reduced(dataset, train_share=0.25).train
    users = set(quarter.user.tolist())
    assert len(users) == 15
    expected = [(user, item) for user, item in zip(whole.user, whole.item, strict=True) if user in users]
    assert list(zip(quarter.user, quarter.item, strict=True)) == expected


def test_who_trains_depends_on_the_seed_and_the_data_set(dataset):
    split = leave_one_out(dataset)
    drawn = {
        (name, seed): tuple(sorted(users_of(Reduction(0.25).apply(split, name, 60, 20, seed))))
        for name in ("toy", "other")
        for seed in (0, 1)
    }
    assert len(set(drawn.values())) == 4
    assert users_of(reduced(dataset, train_share=0.25)) == set(drawn["toy", 0])


@pytest.mark.parametrize(
    "of", [{"train_share": 0.25}, {"cold_items": 0.3}, {"train_share": 0.5, "cold_items": 0.1}]
)
@pytest.mark.parametrize("stage", ["validation", "test"])
def test_all_users_are_ranked_with_their_whole_histories_and_seen_items(dataset, of, stage):
    splits = leave_one_out(dataset), reduced(dataset, selection="all-users", **of)
    whole, part = (split.task(stage, 50) for split in splits)
    rows = np.arange(60)
    assert part.users.tolist() == whole.users.tolist()
    assert part.target.tolist() == whole.target.tolist()
    assert part.history[rows].tolist() == whole.history[rows].tolist()
    assert part.seen.of(rows).tolist() == whole.seen.of(rows).tolist()


@pytest.mark.parametrize("cold_items", [0, 0.1])
def test_the_validation_items_of_those_who_train_choose(dataset, cold_items):
    whole, part = leave_one_out(dataset), reduced(dataset, train_share=0.25, cold_items=cold_items)
    chosen = np.flatnonzero(part.trains[whole.held["validation"].users])
    of_all, of_some = (split.task("validation", 50) for split in (whole, part))
    assert of_some.users.tolist() == np.flatnonzero(part.trains).tolist()
    assert len(of_some.users) == 15
    assert of_some.target.tolist() == of_all.target[chosen].tolist()
    assert np.asarray(of_some.history).tolist() == of_all.history[chosen].tolist()
    assert part.task("test", 50).users.tolist() == whole.task("test", 50).users.tolist()


def test_without_cold_users_all_choose(dataset):
    assert len(reduced(dataset, cold_items=0.2).held["validation"].users) == 60


def test_a_share_in_which_nobody_can_choose_is_an_error(dataset):
    split = leave_one_out(dataset)
    held = {**split.held, "validation": split.held["validation"].of(np.arange(60) < 0)}
    with pytest.raises(DataError, match=r"nobody of those who train under seed 0 has a validation item"):
        Reduction(0.25).apply(replace(split, held=held), "toy", 60, 20, 0)


def test_cold_items_are_in_no_training_interaction(dataset):
    split = reduced(dataset, cold_items=0.2)
    cold = set(np.flatnonzero(split.cold).tolist())
    assert len(cold) == 4
    assert cold.isdisjoint(split.train.item.tolist())
    assert users_of(split) == set(range(1, 61))
    whole = leave_one_out(dataset).train
    assert len(split.train.item) == sum(item not in cold for item in whole.item)


def test_nothing_left_out_is_the_split_itself(dataset):
    split = leave_one_out(dataset)
    assert NOTHING_LEFT_OUT.apply(split, "toy", 60, 20, 0) is split


def test_a_reduction_that_leaves_nothing_is_an_error(dataset):
    split = leave_one_out(dataset)
    with pytest.raises(
        DataError, match=r"^data set 'toy \(99.9% of items cold\)': seed 0 leaves nothing to train on$"
    ):
        Reduction(cold_items=0.999).apply(split, "toy", 60, 20, 0)


def test_at_least_one_is_chosen():
    assert len(chosen(0.001, 10, 0, "toy")) == 1


def test_a_record_says_its_reduction_and_the_name_of_the_whole_data_set():
    reduction = Reduction(0.25, 0.1)
    cell = {"dataset": reduction.name_of("ml-1m"), **reduction.fields()}
    assert cell == {
        "dataset": "ml-1m (25% of users train; 10% of items cold)",
        "train_share": 0.25,
        "cold_items": 0.1,
    }
    assert reduction_of(cell) == reduction
    assert whole_dataset(cell) == "ml-1m"
    assert (reduction_of({"dataset": "ml-1m"}), whole_dataset({"dataset": "ml-1m"})) == (Reduction(), "ml-1m")


def test_training_has_the_times_of_its_interactions_unless_these_are_positions(load):
    days = [("ann", item, 86_400 * day) for day, item in zip((5, 3, 9, 12, 20), "vwxyz", strict=True)]
    dataset = load([*days, *(("bob", item, 86_400 * day) for day, item in zip((2, 4, 8), "xyz", strict=True))])
    split = leave_one_out(dataset)
    assert (split.train.time / 86_400).tolist() == [3, 5, 9, 2]  # w, v and x of Ann, x of Bob
    reduced = Reduction(train_share=0.5).apply(split, "toy", 2, 5, seed=0)
    assert reduced.train.time.tolist() == split.train.time[np.isin(split.train.user, reduced.train.user)].tolist()
    assert leave_one_out(load([("ann", item, place) for place, item in enumerate("wxyz")])).train.time is None
