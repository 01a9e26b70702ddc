"""The time that is left, from the epochs that are left; it falls between two reports, too."""

import heapq

import pytest

from corecbench.experiment.remaining import Remaining, in_words
from corecbench.experiment.work import Kind, Stretch, Work

KIND, PAIRS, QUICK = Kind("toys", "domain"), Kind("toys", "pair"), Kind("toys", "reference")
SOLO = Work(KIND, (Stretch("sasrec", most=8, likely=4, patience=2),))
PAIR = Work(PAIRS, (Stretch("sasrec", 8, 4, 2), Stretch("llama", 2, 2, 2, True), Stretch("sasrec", 3, 3, 2, True)))


def train(remaining, key, seconds, *, now=None, turn=0, validation=0.1):
    """Tell one epoch, that ends `now`."""
    remaining.trained(key, {"turn": turn, "duration_s": seconds, "validation": validation}, now)


def test_nothing_is_known_before_an_epoch():
    remaining = Remaining({"a": SOLO, "b": SOLO})
    assert remaining.left_s(0) is None
    remaining.started("a", 0)
    assert remaining.left_s(5) is None


def test_a_cell_takes_its_likely_epochs_at_the_speed_of_those_before():
    remaining = Remaining({"a": SOLO, "b": SOLO})
    remaining.started("a", 0)
    train(remaining, "a", 10, now=12)
    assert remaining.left_s(12) == 3 * 10 + 4 * 10
    assert remaining.left_s(17) == 3 * 10 + 4 * 10 - 5  # no epoch has ended, and it falls all the same


def test_a_cell_that_still_improves_goes_on_for_its_patience_at_least():
    remaining = Remaining({"a": SOLO})
    remaining.started("a", 0)
    for n in range(1, 6):
        train(remaining, "a", 10, now=10 * n, validation=n)
    assert remaining.left_s(50) == 2 * 10  # epoch 5 was best, and two more do not improve
    for n in range(6, 9):
        train(remaining, "a", 10, now=10 * n, validation=n)
    assert remaining.left_s(80) == 0  # 8 are the most


def test_cells_of_a_model_need_as_many_epochs_as_the_one_before():
    remaining = Remaining({"a": SOLO, "b": SOLO})
    remaining.started("a", 0)
    for n in range(1, 7):
        train(remaining, "a", 10, now=10 * n)
    remaining.ended("a", 65)
    assert remaining.left_s(65) == 6 * 10 + 5  # and the 5 seconds beside its epochs


def test_a_pair_is_known_once_an_epoch_of_each_side_was_heard_of():
    remaining = Remaining({"p": PAIR, "q": PAIR})
    remaining.started("p", 0)
    train(remaining, "p", 10, now=10, turn=1)
    assert remaining.left_s(10) is None
    train(remaining, "p", 30, now=40, turn=2)
    # the first turn took one epoch here, so each of sasrec will; coupled epochs are as quick as others
    assert remaining.left_s(40) == 30 + 1 * 10 + (1 * 10 + 2 * 30 + 1 * 10)
    train(remaining, "p", 30, now=70, turn=2)
    train(remaining, "p", 20, now=90, turn=3)
    assert remaining.left_s(90) == 2 * 20 + (1 * 10 + 2 * 30 + 1 * 20)  # they are slower, and improve for 2 more


def test_what_comes_before_a_turn_counts_for_later_ones():
    remaining = Remaining({"p": PAIR, "q": PAIR})
    remaining.started("p", 0)
    train(remaining, "p", 10, now=10, turn=1)
    train(remaining, "p", 30, now=45, turn=2)  # 5 seconds for the states of the recommender
    train(remaining, "p", 30, now=75, turn=2)
    train(remaining, "p", 20, now=102, turn=3)  # 7 for those of the LLM
    assert remaining.left_s(102) == 2 * 20 + (1 * 10 + 5 + 2 * 30 + 7 + 1 * 20)


def test_quick_cells_count_for_nothing_until_one_is_over():
    remaining = Remaining({"a": Work(QUICK), "b": Work(QUICK)})
    assert remaining.left_s(0) == 0
    remaining.started("a", 0)
    remaining.ended("a", 3)
    assert remaining.left_s(3) == 3


def test_cells_side_by_side_share_the_work():
    remaining = Remaining(dict.fromkeys("abcdef", SOLO))
    for key in "ab":
        remaining.started(key, 0)
        for _ in range(4):
            train(remaining, key, 5, now=20)
    for key in "ab":
        remaining.ended(key, 20)
    assert remaining.left_s(20) == 4 * 20 / 2


def test_nothing_is_left_at_the_end():
    remaining = Remaining({"a": Work(QUICK)})
    remaining.started("a", 0)
    remaining.ended("a", 20)
    assert remaining.left_s(20) == 0


# --- a run that was recorded --------------------------------------------------------------------------------------

SASREC, LIGHTGCN, LLAMA = ("sasrec", 100, 34, 10), ("lightgcn", 200, 67, 20), ("llama", 5, 5, 5)


def pair_of(model):
    """Return the five turns of a pair under the defaults."""
    turns = ((model, 60), (LLAMA, 2), (model, 10), (LLAMA, 2), (model, 10))
    return tuple(
        Stretch(name, most, min(most, likely), patience, number > 0)
        for number, ((name, _, likely, patience), most) in enumerate(turns)
    )


README_JOB = {
    "sasrec": (Work(KIND, (Stretch(*SASREC),)), 70.4, [(33, 69.1)]),
    "lightgcn": (Work(KIND, (Stretch(*LIGHTGCN),)), 30.6, [(98, 28.3)]),
    "sasrec+llama": (
        Work(PAIRS, pair_of(SASREC)),
        213.1,
        [(23, 54.9), (2, 32.8), (10, 27.6), (2, 33.5), (10, 27.9)],
    ),
    "lightgcn+llama": (
        Work(PAIRS, pair_of(LIGHTGCN)),
        129.9,
        [(60, 30.8), (2, 32.2), (10, 11.5), (2, 31.4), (10, 9.8)],
    ),
    "llama": (Work(Kind("toys", "llm"), (Stretch(*LLAMA),)), 75.1, [(5, 73.4)]),
    **{name: (Work(QUICK), s, []) for name, s in (("i", 2.8), ("w", 2.5), ("s", 1.1), ("t", 0.8), ("p", 0.3))},
}
"""README's main job as it was recorded: what a cell trains, its seconds, and epochs and seconds of each turn."""


def replay(job, slots):
    """Return what a run with so many processes tells, and when."""
    told, ends = [], [(0.0, slot) for slot in range(slots)]
    for name, (_, whole, turns) in job.items():
        now, slot = heapq.heappop(ends)
        heapq.heappush(ends, (now + whole, slot))
        told.append((now, 2, "started", name, ()))
        told.append((now + whole, 1, "ended", name, ()))
        clock = now + (whole - sum(seconds for _, seconds in turns)) / 2  # loads before, ranks after
        for number, (n_epochs, seconds) in enumerate(turns, start=len(turns) > 1):
            for epoch in range(n_epochs):
                clock += seconds / n_epochs
                record = {
                    "turn": number,
                    "duration_s": seconds / n_epochs,
                    "validation": -abs(epoch - n_epochs + 10.5),
                }
                told.append((clock, 0, "trained", name, (record,)))
    return sorted(told, key=lambda event: event[:2])


@pytest.mark.parametrize("slots", [1, 2])
def test_of_a_recorded_run_the_time_left_is_right_within_30_percent_after_its_first_third(slots):
    told = replay(README_JOB, slots)
    end, remaining, errors = told[-1][0], Remaining({name: work for name, (work, _, _) in README_JOB.items()}), {}
    for now, _, what, name, record in told:
        getattr(remaining, what)(name, *record, now)
        if end / 3 < now < 0.9 * end:
            left_s = remaining.left_s(now)
            errors[round(now)] = None if left_s is None else left_s / (end - now) - 1
    known = {now: error for now, error in errors.items() if error is not None}
    assert min(known) < 0.45 * end  # when the first epoch of the LLM is over; before, nothing is said
    assert all(abs(error) < 0.3 for error in known.values()), known


def test_a_time_is_said_in_few_characters():
    assert [in_words(each) for each in (0, 59.4, 61, 3599, 3660)] == [
        "0 s",
        "59 s",
        "1 min",
        "1 h 0 min",
        "1 h 1 min",
    ]
