import numpy as np
import pytest
import torch

from corecbench.api import CorecbenchError
from corecbench.training.weights import restore, snapshot, trainable


def train_alone(side_training, epochs, turn=0):
    """Train and return what was reported of each epoch, and the table after each."""
    records, tables = [], []

    def on_epoch(record):
        records.append(record)
        tables.append(side_training.model.item.weight.detach().clone())

    side_training.train_turn(turn, epochs, None, None, on_epoch)
    return records, tables


# --- the best checkpoint ------------------------------------------------------------------------------------------


def test_the_weights_of_the_best_epoch_are_kept(make_side_training):
    side_training = make_side_training([0.1, 0.3, 0.2])
    _, tables = train_alone(side_training, epochs=3)
    assert (side_training.best_epoch, side_training.best_value) == (2, 0.3)
    assert torch.equal(side_training.best_state["item.weight"], tables[1])
    assert not torch.equal(tables[1], tables[2])


def test_the_first_of_equally_good_epochs_is_kept(make_side_training):
    side_training = make_side_training([0.1, 0.3, 0.3])
    train_alone(side_training, epochs=3)
    assert side_training.best_epoch == 2


def test_an_epoch_without_any_hit_is_kept_when_there_is_no_better_one(make_side_training):
    side_training = make_side_training([0.0])
    train_alone(side_training, epochs=1)
    assert side_training.best_state.keys() == {"item.weight"}


def test_a_worse_turn_does_not_replace_the_best_of_an_earlier_one(make_side_training):
    side_training = make_side_training([0.3, 0.1])
    _, tables = train_alone(side_training, epochs=1)
    train_alone(side_training, epochs=1, turn=1)
    assert side_training.best_epoch == 1
    assert torch.equal(side_training.best_state["item.weight"], tables[0])


def test_with_averaging_the_average_is_what_is_validated_and_kept(make_side_training):
    plain, averaged = make_side_training([0.3]), make_side_training([0.3], averaging=0.9)
    for side_training in (plain, averaged):
        side_training.train_turn(0, 1, None, None, lambda record: None)
    kept = averaged.best_state["item.weight"]
    assert torch.equal(averaged.model.item.weight, kept)
    assert not torch.equal(kept, plain.best_state["item.weight"])


def test_a_turn_that_improved_ends_with_its_best_weights(make_side_training):
    side_training = make_side_training([0.3, 0.1])
    _, tables = train_alone(side_training, epochs=2)
    assert torch.equal(side_training.model.item.weight, tables[0])


def test_a_turn_that_did_not_improve_ends_with_its_last_weights(make_side_training):
    side_training = make_side_training([0.3, 0.2, 0.1])
    train_alone(side_training, epochs=1)
    _, tables = train_alone(side_training, epochs=2, turn=1)
    assert torch.equal(side_training.model.item.weight, tables[-1])


def test_a_restored_model_has_the_weights_of_its_checkpoint(make_side_training):
    side_training = make_side_training([0.3, 0.1])
    _, tables = train_alone(side_training, epochs=2)
    restore(side_training.model, side_training.best_state)
    assert torch.equal(side_training.model.item.weight, tables[0])


def test_a_finished_side_has_its_best_weights(make_side_training):
    side_training = make_side_training([0.3, 0.1])
    _, tables = train_alone(side_training, epochs=2)
    side_training.finish()
    assert torch.equal(side_training.model.item.weight, tables[0])
    assert side_training.best_value == 0.3


def test_a_side_that_was_never_trained_is_finished_as_it_is(make_side_training):
    side_training = make_side_training([0.4])
    before = snapshot(side_training.model)
    side_training.finish()
    assert (side_training.best_epoch, side_training.best_value) == (0, 0.4)
    assert torch.equal(side_training.best_state["item.weight"], before["item.weight"])


def test_a_snapshot_does_not_change_with_the_model(toy_model):
    model = toy_model()
    kept = snapshot(model)
    before = kept["item.weight"].clone()
    with torch.no_grad():
        model.item.weight += 1
    assert torch.equal(kept["item.weight"], before)


def test_frozen_parameters_are_no_part_of_training(toy_model):
    assert trainable(toy_model()).keys() == {"item.weight"}


def test_a_model_without_gradients_has_nothing_to_train():
    assert trainable(object()) == {}
    restore(object(), {})


@pytest.mark.parametrize(
    "foreign",
    [{}, {"other.weight": torch.zeros(6, 2)}, {"item.weight": torch.zeros(6, 2), "more": torch.zeros(1)}],
    ids=["empty", "another name", "one too many"],
)
def test_a_checkpoint_of_another_model_is_refused_in_one_line(foreign, toy_model):
    with pytest.raises(CorecbenchError, match="the checkpoint does not fit the model; it differs in") as error:
        restore(toy_model(), foreign)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("shape", [(7, 2), (1, 2)], ids=["more rows", "one row, which would be broadcast"])
def test_a_checkpoint_of_another_shape_is_refused_in_one_line(shape, toy_model):
    with pytest.raises(CorecbenchError, match=r"item\.weight") as error:
        restore(toy_model(), {"item.weight": torch.zeros(shape)})
    assert "\n" not in str(error.value)


# --- when training stops ------------------------------------------------------------------------------------------


def test_training_stops_when_validation_no_longer_improves(make_side_training):
    side_training = make_side_training([0.1, 0.3, 0.2, 0.2, 0.9], patience=2)
    records, _ = train_alone(side_training, epochs=5)
    assert len(records) == side_training.epochs == 4
    assert side_training.stopped_by == "patience"


def test_training_stops_when_its_epochs_are_over(make_side_training):
    side_training = make_side_training([0.1, 0.2, 0.3])
    train_alone(side_training, epochs=2)
    assert (side_training.epochs, side_training.stopped_by) == (2, "epochs")


def test_patience_begins_anew_with_each_turn(make_side_training):
    side_training = make_side_training([0.9, 0.1, 0.1, 0.1, 0.1, 0.1], patience=2)
    train_alone(side_training, epochs=2)
    records, _ = train_alone(side_training, epochs=5, turn=1)
    assert [record["epoch"] for record in records] == [3, 4]


def test_each_epoch_is_reported(make_side_training):
    records, _ = train_alone(make_side_training([0.1, 0.2]), epochs=2, turn=3)
    known = [{key: record[key] for key in ("side", "turn", "epoch", "validation")} for record in records]
    assert known == [
        {"side": "domain", "turn": 3, "epoch": 1, "validation": 0.1},
        {"side": "domain", "turn": 3, "epoch": 2, "validation": 0.2},
    ]
    assert all(record["duration_s"] > 0 for record in records)


def test_the_loss_falls(make_side_training):
    records, _ = train_alone(make_side_training([0.1] * 8), epochs=8)
    assert records[-1]["loss"] < 3 / 4 * records[0]["loss"]


@pytest.mark.parametrize("value", ["nan", "inf"])
def test_a_loss_that_is_not_finite_is_an_error_that_names_side_and_epoch(make_side_training, value, toy_model):
    class Diverged(toy_model):
        def loss(self, batch, states):
            return states.user.sum() * float(value)

    side_training = make_side_training(model=Diverged())
    with pytest.raises(CorecbenchError, match=rf"the domain side's loss became -?{value} in epoch 1"):
        train_alone(side_training, epochs=1)


def test_dropout_is_on_while_a_model_trains(make_side_training):
    side_training = make_side_training()
    side_training.model.eval()
    train_alone(side_training, epochs=1)
    assert set(side_training.model.modes) == {True}


# --- the learning rate --------------------------------------------------------------------------------------------


def rates_of(side_training, turns):
    """Train in turns and return the learning rate of every step."""
    rates, step = [], side_training.optimizer.step
    side_training.optimizer.step = lambda: (rates.append(side_training.optimizer.param_groups[0]["lr"]), step())
    for epochs in turns:
        train_alone(side_training, epochs)
    return rates


def test_a_constant_learning_rate_stays(make_side_training):
    assert set(rates_of(make_side_training(n_users=4, learning_rate=0.25), turns=[2])) == {0.25}


def test_a_linear_learning_rate_falls_to_zero_over_all_turns_together(make_side_training):
    side_training = make_side_training(n_users=4, planned_epochs=2, learning_rate=0.8, schedule="linear")
    n_steps = 2 * len(list(side_training.examples.batches(2, np.random.default_rng(0))))
    rates = rates_of(side_training, turns=[1, 1])
    assert rates == pytest.approx([0.8 * (1 - step / n_steps) for step in range(n_steps)])


@pytest.mark.parametrize("schedule", ["constant", "linear"])
def test_from_trained_weights_the_learning_rate_rises_over_the_first_epoch(make_side_training, schedule):
    settings = {"n_users": 4, "planned_epochs": 2, "learning_rate": 0.8, "schedule": schedule}
    n_batches = len(list(make_side_training(**settings).examples.batches(2, np.random.default_rng(0))))
    anew, trained = (rates_of(make_side_training(trained=trained, **settings), [1, 1]) for trained in (False, True))
    assert trained[:n_batches] == pytest.approx(
        [rate * (step + 1) / n_batches for step, rate in enumerate(anew[:n_batches])]
    )
    assert trained[n_batches:] == anew[n_batches:]


def test_from_trained_weights_the_average_holds_on_to_them(make_side_training):
    anew, trained = (make_side_training([0.3], averaging=0.9, trained=trained) for trained in (False, True))
    before = anew.model.item.weight.detach().clone()
    far = []
    for side_training in (anew, trained):
        train_alone(side_training, epochs=1)
        far.append((side_training.best_state["item.weight"] - before).abs().mean())
    assert far[1] < far[0] / 2


def test_training_that_ends_with_its_schedule_says_so(make_side_training):
    side_training = make_side_training([0.1, 0.2], planned_epochs=2, schedule="linear")
    train_alone(side_training, epochs=2)
    assert side_training.stopped_by == "schedule"
