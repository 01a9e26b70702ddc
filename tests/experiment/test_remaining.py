"""The time that is left, from the measured time of finished cells; it falls between two reports, too."""

import pytest

from corecbench.experiment.remaining import Kind, Remaining, in_words, kind_of

SOLO, PAIR, OTHER = Kind("toys", "domain"), Kind("toys", "pair"), Kind("games", "domain")


@pytest.fixture
def remaining():
    """Two cells of a kind and a pair, of which none has begun."""
    return Remaining([SOLO, SOLO, PAIR])


def test_nothing_is_known_before_an_epoch(remaining):
    assert remaining.left_s(0) is None
    remaining.started("a", SOLO, 0)
    assert remaining.left_s(5) is None


def test_the_first_cell_is_judged_by_its_epochs(remaining):
    remaining.started("a", SOLO, 0)
    remaining.trained("a", 1 / 4)
    assert remaining.left_s(10) == 30 + 2 * 40  # the rest of it, then two as long as it


def test_finished_cells_of_the_same_kind_are_the_measure():
    remaining = Remaining([SOLO, SOLO, SOLO])
    remaining.started("a", SOLO, 0)
    remaining.ended("a", 20)
    remaining.started("b", SOLO, 20)
    assert remaining.left_s(25) == 15 + 20
    assert remaining.left_s(30) == 10 + 20  # no epoch has ended, and it falls all the same


def test_a_pair_is_not_judged_by_models_alone(remaining):
    remaining.started("a", SOLO, 0)
    remaining.ended("a", 20)
    remaining.started("p", PAIR, 20)
    assert remaining.left_s(40) is None
    remaining.trained("p", 1 / 5)
    assert remaining.left_s(40) == 20 * 4 + 20


def test_the_same_parts_on_another_data_set_are_better_than_nothing():
    remaining = Remaining([SOLO, OTHER])
    remaining.started("a", SOLO, 0)
    remaining.ended("a", 20)
    assert remaining.left_s(20) == 20


def test_a_cell_that_takes_longer_than_the_others_is_judged_by_its_own_epochs():
    remaining = Remaining([SOLO, SOLO])
    remaining.started("a", SOLO, 0)
    remaining.ended("a", 20)
    remaining.started("b", SOLO, 20)
    remaining.trained("b", 3 / 4)
    assert remaining.left_s(50) == 10


def test_cells_side_by_side_share_the_work():
    remaining = Remaining([SOLO] * 6)
    for key in "ab":
        remaining.started(key, SOLO, 0)
    for key in "ab":
        remaining.ended(key, 20)
    assert remaining.left_s(20) == 4 * 20 / 2


def test_nothing_is_left_at_the_end():
    remaining = Remaining([SOLO])
    remaining.started("a", SOLO, 0)
    remaining.ended("a", 20)
    assert remaining.left_s(20) == 0


@pytest.mark.parametrize(
    ("parts", "kind"),
    [(("sasrec", None, None), "domain"), ((None, "llama", None), "llm"), (("sasrec", "llama", "bdlm"), "pair")],
)
def test_the_kind_of_a_cell_is_what_is_trained(parts, kind):
    cell = dict(zip(("domain", "llm", "sharing"), parts, strict=True)) | {"dataset": "toys"}
    assert kind_of(cell) == Kind("toys", kind)


def test_a_time_is_said_in_few_characters():
    assert [in_words(each) for each in (0, 59.4, 61, 3599, 3660)] == [
        "0 s",
        "59 s",
        "1 min",
        "1 h 0 min",
        "1 h 1 min",
    ]
