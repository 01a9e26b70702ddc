import pytest
import torch

from corecbench.api import Budget, Catalog, Pretrained, Setup, Turn
from corecbench_plugins.sharing.alphafuse import Alphafuse
from corecbench_plugins.sharing.settings import AlphafuseConfig

SETUP = Setup(Catalog("toy", ("", "a"), ("", "x", "y", "z", "v"), ("",) * 5), max_history=3, seed=0)
STATES = torch.tensor([[0.0, 0.0], [5.0, 2.0], [5.0, 4.0], [9.0, 2.0], [9.0, 4.0]])
"""Of padding and four items. Around their mean (7, 3) they are (-2, -1), (-2, 1), (2, -1) and (2, 1): the first
dimension has a deviation of 2 and the second one of 1, without correlation."""


def started(states=STATES, text=None, width=2, **settings):
    torch.manual_seed(0)
    module = Alphafuse(AlphafuseConfig(**{"scale": 0.5} | settings), SETUP)
    domain, llm = module.ids("domain", width), module.ids("llm", 3)
    module.start(Pretrained(torch.ones(2, width), torch.ones(5, width), text, states))
    return module, domain.item, module.tables["domain"].item.weight, llm


def test_what_texts_say_stays_and_the_id_is_added_in_the_last_dimensions():
    _, item, own, _ = started()
    # whitened: +-1 in both dimensions, the wide one first; its sign is free
    wide, narrow = item.weight[1:, 0], item.weight[1:, 1] - own[1:, 1]
    assert torch.allclose(wide * wide.sign()[0], torch.tensor([0.5, 0.5, -0.5, -0.5]), atol=1e-6)
    assert torch.allclose(narrow * narrow.sign()[0], torch.tensor([0.5, -0.5, 0.5, -0.5]), atol=1e-6)
    assert torch.equal(item(torch.tensor([[3, 1]])), item.weight[[3, 1]][None])


def test_an_id_that_covers_takes_their_place():
    _, item, own, _ = started(cover=True)
    assert torch.equal(item.weight[1:, 1], own[1:, 1])
    assert item.weight[1:, 0].abs().tolist() == pytest.approx([0.5] * 4)


def test_only_the_null_space_is_trained():
    _, item, own, _ = started()
    item.weight.sum().backward()
    assert own.grad[1].tolist() == [0.0, 1.0]


@pytest.mark.parametrize(("share", "learnt"), [(0.0, [False] * 4), (0.25, [False] * 3 + [True]), (1.0, [True] * 4)])
def test_the_share_of_dimensions_is_that_of_the_settings(share, learnt):
    _, item, *_ = started(states=None, text=torch.eye(5, 4), width=4, null_space=share)
    assert item.learnt[1].tolist() == learnt


def test_dimensions_for_which_there_is_no_direction_are_learnt():
    _, item, own, _ = started(width=3, null_space=0.0)
    assert item.learnt[1].tolist() == [False, False, True]
    assert torch.equal(item.weight[1:, 2], own[1:, 2])


def test_an_item_without_a_text_is_its_id():
    states = STATES.clone()
    states[4] = 0
    _, item, own, _ = started(states=states)
    assert torch.equal(item.weight[4], own[4])
    assert not item.weight[0].any()


def test_the_text_of_an_llm_without_states_is_taken_as_it_stands():
    text = torch.tensor([[0.0] * 3, [3.0, 0.0, 9.0], [-3.0, 0.0, 9.0], [0.0, 1.0, 9.0], [0.0, -1.0, 9.0]])
    _, item, *_ = started(states=None, text=text, null_space=0.0, scale=1.0)
    assert torch.allclose(item.weight, text[:, :2] / (20 / 8) ** 0.5)  # 9 + 9 + 1 + 1 in 4 rows of 2


def test_without_texts_the_pair_is_that_of_none():
    _, item, own, _ = started(states=None)
    assert torch.equal(item.weight, own)


def test_only_the_domain_side_trains():
    assert started()[0].turns(Budget(50, 3)) == [Turn("domain", 50)]


def test_scores_are_cosines_unless_the_temperature_is_0():
    assert Alphafuse(AlphafuseConfig(), SETUP).cosine_temperature == 0.07
    assert Alphafuse(AlphafuseConfig(temperature=0.0), SETUP).cosine_temperature is None
