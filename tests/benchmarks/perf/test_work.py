"""The work that sides share: lists, journals, the arithmetic of an epoch, and ranks checked one by one."""

import doctest
from dataclasses import replace

import numpy as np
import pytest
from domain_training import circle_work
from evaluation import check, check_ties, random_work
from measuring import clock, comparison, table
from measuring.sides import SideError
from sides import arithmetic, ranking_work, training_work
from sides.arithmetic import FORWARD_AND_BACKWARD, sasrec_operations
from sides.ranking_work import RankingWork, save_places
from sides.training_work import Journal, TrainingWork
from torch.utils.flop_counter import FlopCounterMode

from corecbench.api import Catalog, Interactions, Setup, private_ids
from corecbench.training.examples import make_examples
from corecbench_plugins.recbole_models.settings import SASRecConfig


@pytest.mark.parametrize("module", [arithmetic, clock, comparison, ranking_work, table, training_work])
def test_examples(module):
    assert doctest.testmod(module).failed == 0


def test_work_comes_back_from_its_folder(tmp_path):
    for work in (random_work(20, 30, 60), circle_work()):
        work.save(tmp_path)
        again = type(work).load(tmp_path)
        assert all(np.array_equal(getattr(again, name), value) for name, value in vars(work).items())


def test_no_target_is_among_the_seen_items():
    work = random_work(50, 20, 300)
    assert not (work.target[work.seen_user - 1] == work.seen_item).any()


def test_the_first_users_keep_what_they_have_seen():
    work = RankingWork(
        np.zeros((4, 2)), np.zeros((3, 2)), np.array([1, 2, 3]), np.array([2, 1, 2]), np.ones(3, int)
    )
    some = work.of_first(2)
    assert some.seen_item.tolist() == [2, 1]
    assert [part.tolist() for part in work.seen_between(1, 3)] == [[0, 1], [1, 2]]


def test_ranks_with_ties_are_those_counted_one_by_one():
    assert "have tied targets" in check_ties(60, 80)


def test_places_that_differ_are_found(tmp_path):
    save_places(tmp_path, "corecbench-10", np.array([1, 0, 3]))
    save_places(tmp_path, "other", np.array([1, 0, 4]))
    with pytest.raises(SideError, match="other has 1 of 3 held-out items at another place"):
        check(tmp_path, {})


def test_a_journal_keeps_its_first_epochs(tmp_path):
    journal = Journal(tmp_path / "new" / "journal.jsonl")
    assert journal.read() == []
    for epoch in range(3):
        journal.add(ndcg=epoch / 10)
    journal.keep(2)
    assert journal.read() == [{"ndcg": 0.0}, {"ndcg": 0.1}]


def test_everything_is_in_the_order_in_which_it_happened():
    work = TrainingWork(*(np.array(row) for row in ([1, 1, 2], [5, 6, 7], [1], [8], [9], [2, 9])))
    user, item = work.everything()
    assert user.tolist() == [1, 1, 1, 1, 2]
    assert item.tolist() == [5, 6, 8, 9, 7]


def test_a_curve_that_is_too_short_gives_no_estimate():
    assert training_work.estimate([{"ndcg": 0.1}]) == {}


LENGTH, N_WINDOWS, N_ITEMS = 6, 8, 40
FULL = np.full(N_WINDOWS, LENGTH)
SMALL = SASRecConfig(embedding_size=16, inner_size=32, n_layers=2, n_heads=2)


@pytest.fixture
def full_windows():
    """Windows of one length, so that nothing is padded, and their catalogue."""
    steps = np.arange(LENGTH + 1)
    train = Interactions(
        np.repeat(np.arange(1, N_WINDOWS + 1), LENGTH + 1),
        np.concatenate([1 + (steps + user) % N_ITEMS for user in range(N_WINDOWS)]),
    )
    catalog = Catalog("toy", ("",) * (N_WINDOWS + 1), ("",) * (N_ITEMS + 1), ("",) * (N_ITEMS + 1))
    return make_examples("windows", train, catalog, max_history=LENGTH), catalog


def test_the_arithmetic_of_the_layers_is_what_torch_counts_with_masked_positions(host, full_windows):
    examples, catalog = full_windows
    selected = host.select("models", "sasrec", {"sasrec": {"embedding_size": 16, "inner_size": 32}})
    setup = Setup(catalog, max_history=LENGTH, seed=0)
    model = host.build(selected, setup, lambda width: private_ids(N_WINDOWS, N_ITEMS, width))
    ((_, batch),) = examples.batches(N_WINDOWS, np.random.default_rng(0))
    with FlopCounterMode(display=False) as counter:
        model.states(batch).user.sum().backward()
    masked = 2 * FORWARD_AND_BACKWARD * SMALL.n_layers * N_WINDOWS * LENGTH * (LENGTH - 1) * 16
    assert counter.get_total_flops() == sasrec_operations(FULL, 0, SMALL) + masked


def test_the_scores_of_the_whole_catalogue_are_counted():
    scores = sasrec_operations(FULL, N_ITEMS, SMALL) - sasrec_operations(FULL, 0, SMALL)
    assert scores == 2 * FORWARD_AND_BACKWARD * (N_WINDOWS * LENGTH) * N_ITEMS * 16


def test_sampled_items_are_fewer():
    sampled = sasrec_operations(FULL, N_ITEMS, replace(SMALL, negatives=3))
    assert sampled == sasrec_operations(FULL, 3 + 1, SMALL)
