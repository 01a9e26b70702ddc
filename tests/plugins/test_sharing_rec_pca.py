import numpy as np
import pytest
import torch

from corecbench.api import Catalog, DataError, Interactions, Pretrained, Setup
from corecbench_plugins.sharing.rec_pca import RecPca, directions, within_users
from corecbench_plugins.sharing.settings import RecPcaConfig

STATES = [[0.0, 0.0], [6.0, 8.0], [0.6, -0.8], [-0.6, 0.8], [-3.0, -4.0]]
"""Of padding and four items. At a length of 1 their variances are .36 and .64."""
CAMPS = [1, 1, 2, 2], [1, 2, 3, 4]
"""User 1 has items 1 and 2, which differ in the second dimension alone, and user 2 items 3 and 4."""


def started(states=STATES, train=CAMPS, n_new=0, width=1, **settings):
    torch.manual_seed(0)
    catalog = Catalog("toy", ("",) * 3, ("",) * len(states), ("",) * len(states), n_new)
    module = RecPca(RecPcaConfig(**settings), Setup(catalog, max_history=3, seed=0))
    domain, _ = module.ids("domain", width), module.ids("llm", width)
    module.fit(Interactions(*(np.array(each, dtype=np.int64) for each in train)))
    tables = torch.ones(3, width), torch.ones(len(states), width)
    module.start(Pretrained(*tables, text_states=torch.tensor(states)))
    return domain


# by hand: total variation is 0 and .64, so the second direction is left with .64 - alignment * .64
@pytest.mark.parametrize(
    ("alignment", "signs"),
    [(0.0, [1, -1, 1, -1]), (0.4, [1, -1, 1, -1]), (0.5, [1, 1, -1, -1]), (1.0, [1, 1, -1, -1])],
)
def test_the_direction_that_a_users_items_share_is_kept(alignment, signs):
    rows = started(alignment=alignment, deviation=0.1).item.weight[1:, 0]
    assert torch.allclose(rows, 0.1 * torch.tensor(signs))


def test_without_interactions_the_principal_components_are_kept():
    rows = started(train=([], [])).item.weight[1:, 0]
    assert torch.allclose(rows, 0.02 * torch.tensor([1.0, -1.0, 1.0, -1.0]))


def test_rows_have_equal_lengths_whatever_those_of_the_states():
    lengths = started(width=2, alignment=0.5).item.weight[1:].norm(dim=1)
    assert torch.allclose(lengths, torch.full((4,), 0.02 * 2**0.5))


def test_users_start_as_the_mean_row_of_their_items():
    domain = started()
    assert torch.allclose(domain.user.weight[1:, 0], torch.tensor([0.02, -0.02]))


def test_new_items_decide_nothing_but_have_a_row():
    old, new = started(), started([*STATES, [0.0, -7.0], [5.0, 0.0]], n_new=2)
    assert torch.equal(new.item.weight[1:5], old.item.weight[1:5])
    assert float(new.item.weight[6, 0].detach()) == pytest.approx(0.02)


def test_new_items_move_no_direction_and_no_mean():
    wide = [[*row, 0.1 * number] for number, row in enumerate(STATES)]
    news = [[0.0, -7.0, 1.0], [5.0, 0.0, 3.0]]
    old, new = started(wide, width=2, alignment=0.5), started([*wide, *news], n_new=2, width=2, alignment=0.5)
    assert torch.equal(new.item.weight[1:5], old.item.weight[1:5])


def test_an_item_without_a_text_keeps_its_random_row_and_moves_no_direction():
    domain = started([*STATES, [0.0, 0.0]], train=([1, 1, 1, 2, 2], [1, 2, 5, 3, 4]))
    assert torch.allclose(domain.item.weight[1:5, 0], 0.02 * torch.tensor([1.0, 1.0, -1.0, -1.0]))
    assert 0 < domain.item.weight[5].abs().max() < 0.1


def test_total_variation_is_that_of_the_graph():
    random = np.random.default_rng(0)
    vectors, user, item = random.normal(size=(9, 3)), np.sort(random.integers(1, 5, 30)), random.integers(1, 9, 30)
    pairs = [
        np.outer(vectors[one] - vectors[other], vectors[one] - vectors[other]) / (2 * (user == each).sum())
        for each in range(1, 5)
        for one in item[user == each]
        for other in item[user == each]
    ]
    assert np.allclose(within_users(torch.from_numpy(vectors), user, item), sum(pairs) / 30)


def test_a_direction_with_more_variation_than_variance_is_left_out():
    domain = started(width=2, alignment=1.5)  # .64 - 1.5 * .64
    assert torch.allclose(domain.item.weight[1:, 0], 0.02 * torch.tensor([1.0, 1.0, -1.0, -1.0]))
    assert 0 < domain.item.weight[1:, 1].abs().max() < 0.1  # random


def test_an_alignment_that_leaves_no_direction_is_refused():
    with pytest.raises(DataError, match=r"alignment 3.0 leaves no direction to start from; give a lower one"):
        started(train=([1, 1, 2, 2], [1, 4, 2, 3]), width=2, alignment=3.0)


@pytest.mark.parametrize("states", [[[0.0, 0.0]] * 5, [[0.0, 0.0], *[[0.1, 0.7 + 1e-7 * n] for n in range(4)]]])
def test_texts_that_are_none_or_alike_up_to_rounding_are_refused(states):
    with pytest.raises(DataError, match="all items have the same text or vector"):
        started(states)


def test_threads_change_no_digit():
    vectors, before = (
        torch.randn(300, 96, generator=torch.Generator().manual_seed(0)).double(),
        torch.get_num_threads(),
    )
    found = []
    for n in (1, 2):
        torch.set_num_threads(n)
        found.append(directions(vectors, torch.zeros(96, 96), width=16))
    torch.set_num_threads(before)
    assert torch.equal(*found)
