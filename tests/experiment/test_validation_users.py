"""A sample of the users decides when training ends, all users what it is worth; the default is a sample of many."""

import functools

import numpy as np
import pytest

from corecbench.api import UsageError
from corecbench.evaluation import protocol
from corecbench.experiment.attempt import Attempt
from corecbench.results.run_files import run_settings
from corecbench.settings.config import RunConfig

WORD = "20 users after each epoch, all in the end"


@pytest.fixture
def run(bench):
    """The records of a run of one model: `run(validation_users=20)`."""
    return functools.partial(bench, models=("sasrec",))


@pytest.fixture
def ranked(monkeypatch):
    """The number of users of each task that was ranked in training: a list."""
    from corecbench.training import cell

    found, rank_task = [], cell.rank_task

    def spy(answer, task, **options):
        found.append(len(task.users))
        return rank_task(answer, task, **options)

    monkeypatch.setattr(cell, "rank_task", spy)
    return found


def test_each_epoch_ranks_the_sample_and_the_end_all_users(run, ranked):
    (record,) = run(validation_users=20)
    n_epochs = record["sides"]["domain"]["epochs"]
    assert ranked == [20] * n_epochs + [60, 60]  # validation and test
    assert record["protocol"]["validation"] == WORD
    assert record["sides"]["domain"]["n_users"] == 60


def test_the_best_epoch_is_that_of_the_sample_and_its_value_that_of_all_users(run, monkeypatch):
    of_all, rank_side = {}, Attempt.rank_side

    def spy(self, outcome, training, side):
        of_all[side.side] = training.validate(side.model)
        rank_side(self, outcome, training, side)

    monkeypatch.setattr(Attempt, "rank_side", spy)
    (record,) = run(validation_users=7)
    curve = [epoch["validation"] for epoch in record["epochs"]]
    row = record["sides"]["domain"]
    assert row["best_epoch"] == 1 + int(np.argmax(curve))
    assert row["validation"] == of_all["domain"]
    assert row["validation"] != max(curve)


def test_no_sample_is_drawn_of_few_users_and_cells_keep_their_hash(run):
    (plain,) = run()
    (whole,) = run(validation_users=60, root="whole")
    (sampled,) = run(validation_users=59, root="sampled")
    assert plain["hash"] == whole["hash"] != sampled["hash"]
    assert "validation" not in plain["protocol"] | whole["protocol"]
    assert plain["epochs"][0]["validation"] == whole["epochs"][0]["validation"]


def test_of_many_users_a_sample_is_drawn_unasked_the_same_again(run, monkeypatch):
    monkeypatch.setattr(protocol, "MANY_USERS", 59)
    monkeypatch.setattr(protocol, "SAMPLED_USERS", 20)
    (automatic,) = run()
    (asked,) = run(validation_users=20, root="asked")
    assert automatic["protocol"]["validation"] == WORD
    assert automatic["hash"] == asked["hash"]
    curves = [[epoch["validation"] for epoch in record["epochs"]] for record in (automatic, asked)]
    assert curves[0] == curves[1]


def test_a_pair_and_its_refit_choose_by_the_sample(run, tiny_llama):
    options = {"llms": (f"llama:{tiny_llama}",), "validation_users": 20, "seeds": (1,)}
    plain, again = (run(root=f"refit-{refit}", refit=refit, **options) for refit in (False, True))
    assert {record["status"] for record in (*plain, *again)} == {"ok"}
    for one, other in zip(plain, again, strict=True):
        rows = [[record["sides"][side]["validation"] for side in record["sides"]] for record in (one, other)]
        assert rows[0] == rows[1]


def test_stored_cells_say_how_they_are_run_again(run):
    (sampled,) = run(validation_users=20)
    (plain,) = run(root="plain")
    settings = [run_settings("again", [record])[0].get("validation_users") for record in (sampled, plain)]
    assert settings == [20, None]


def test_a_run_says_so_in_one_line(host, tmp_path, toy_folder):
    from corecbench.experiment.plan import make_plan
    from corecbench.results.store import Store

    asked = [RunConfig(datasets=(str(toy_folder),), models=("popularity",), validation_users=n) for n in (0, 20)]
    notes = [make_plan(config, host, Store(tmp_path, "default")).notes for config in asked]
    (said,) = set(notes[1]) - set(notes[0])
    assert (
        said == "toy: 20 users, a sample, are validated after each epoch, and all in the end (run.validation_users)"
    )


def test_fewer_users_than_none_are_refused():
    with pytest.raises(UsageError, match="validation_users is -1, must be at least 0"):
        RunConfig(validation_users=-1)
