"""Trials are stored as they go: no suggestion is repeated, and what a killed process left is tried again."""

import datetime
import os
import subprocess
import sys
from types import SimpleNamespace

import optuna
import pytest
from optuna.trial import TrialState

from corecbench.api import UsageError
from corecbench.tuning.search import sampler
from corecbench.tuning.study import JOURNAL, best_trial, open_study, searched_s


def test_the_defaults_are_tried_first(search, tmp_path):
    (first,) = open_study(search, tmp_path).get_trials()
    assert first.system_attrs["fixed_params"]["gru4rec.learning_rate"] == 0.002


def test_what_is_best_alone_is_tried_before_the_defaults(search, tmp_path, replaced):
    better = {**search.defaults, "gru4rec.learning_rate": 0.004}
    trials = open_study(replaced(search, first=[better]), tmp_path).get_trials()
    assert [t.system_attrs["fixed_params"]["gru4rec.learning_rate"] for t in trials] == [0.004, 0.002]


def test_what_a_killed_process_left_is_tried_again(search, tmp_path):
    study = open_study(search, tmp_path)
    killed = study.ask()
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        killed.set_user_attr("pid", process.pid)
    killed.suggest_float("gru4rec.learning_rate", 5e-4, 5e-3, log=True)
    trials = open_study(search, tmp_path).get_trials()
    assert [trial.state for trial in trials] == [TrialState.FAIL, TrialState.WAITING]
    assert trials[1].system_attrs["fixed_params"] == {"gru4rec.learning_rate": 0.002}


def test_random_suggestions_differ_between_trials_and_not_between_processes():
    def suggestion(number):
        study = optuna.create_study(sampler=sampler(0, number))
        return study.ask().suggest_float("x", 0, 1)

    assert suggestion(3) == suggestion(3) != suggestion(4)


def trial(start, end, state="COMPLETE"):
    """A trial between two seconds of a minute."""
    times = [second if second is None else datetime.datetime(2026, 1, 1, 0, 0, second) for second in (start, end)]
    return SimpleNamespace(datetime_start=times[0], datetime_complete=times[1], state=SimpleNamespace(name=state))


@pytest.mark.parametrize(
    ("trials", "seconds"),
    [
        ([trial(0, 10), trial(20, 25)], 15),
        ([trial(0, 10), trial(5, 12)], 12),  # side by side
        ([trial(0, 10), trial(2, 3), trial(4, 20)], 20),
        ([trial(0, 50, "FAIL"), trial(None, None, "WAITING"), trial(50, None, "RUNNING")], 0),
    ],
)
def test_the_time_of_a_search_is_when_a_trial_ran(trials, seconds):
    assert searched_s(trials) == seconds


def ended(number, validation, state):
    """A trial that ended in some way after an epoch."""
    return SimpleNamespace(
        number=number,
        intermediate_values={1: validation},
        user_attrs={"state": state},
        state=SimpleNamespace(name="PRUNED"),
    )


@pytest.mark.parametrize("state", ["cut off", "interrupted", "diverged"])
def test_a_trial_that_was_cut_off_is_best_only_where_none_finished(state):
    finished, cut = ended(0, 0.1, "out of time"), ended(1, 0.2, state)
    assert best_trial([finished, cut]) is finished
    assert best_trial([cut]) is cut


@pytest.mark.parametrize("contents", ["garbage\n", '{"op_code": 0}\n', "\0\n", "[1]\n", "1\n"])
def test_a_journal_that_is_none_is_one_line(search, tmp_path, contents):
    (tmp_path / JOURNAL).write_text(contents)
    with pytest.raises(UsageError, match=r"trials\.journal: no journal of trials \(.*\); move it away"):
        open_study(search, tmp_path)
    assert (tmp_path / JOURNAL).read_text() == contents


def test_a_journal_that_is_a_pipe_is_refused_and_not_waited_for(search, tmp_path):
    os.mkfifo(tmp_path / JOURNAL)
    with pytest.raises(UsageError, match="no journal of trials"):
        open_study(search, tmp_path)
