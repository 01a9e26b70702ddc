import numpy as np
import pytest
import torch

from corecbench.api import Catalog, DataError, Interactions, Pretrained, Setup, UsageError
from corecbench_plugins.sharing.llminit import Llminit, select
from corecbench_plugins.sharing.settings import LlminitConfig

SETUP = Setup(Catalog("toy", ("", "a"), ("", "x", "y", "z"), ("", "", "", "")), max_history=3, seed=0)
STATES = torch.tensor([[0.0, 0.0, 0.0, 0.0], [1.0, 7.0, 0.0, 3.0], [0.0, 0.0, 0.0, 0.0], [1.0, 9.0, 2.0, -3.0]])
"""Of padding, two items with a text and, between them, one without."""


def started(width=2, pretrained=None, **settings):
    torch.manual_seed(0)
    module = Llminit(LlminitConfig(**settings), SETUP)
    domain, llm = module.ids("domain", width), module.ids("llm", width)
    before = domain.item.weight.detach().clone()
    module.start(pretrained or Pretrained(torch.ones(2, width), torch.ones(4, width), text_states=STATES))
    return domain, llm, before


def test_the_dimensions_that_vary_most_are_chosen_in_their_order():
    # deviations from the mean: 0, 1, 1 and 3; of the two alike the first
    assert select(STATES[[1, 3]], 2, "variance").tolist() == [1, 3]
    assert select(STATES[[1, 3]], 1, "variance").tolist() == [3]


def test_the_others_are_chosen_at_equal_distances_or_at_random():
    assert select(torch.ones(2, 9), 3, "uniform").tolist() == [0, 3, 6]
    torch.manual_seed(0)
    drawn = {tuple(select(torch.ones(2, 9), 3, "random").tolist()) for _ in range(20)}
    assert len(drawn) > 5
    assert all(len(set(each)) == 3 and list(each) == sorted(each) for each in drawn)


def test_items_start_from_these_dimensions_centred_and_at_one_scale():
    domain, _, _ = started(deviation=0.1)
    # centred: (-1, 3) and (1, -3); their root mean square is sqrt((1 + 9) / 2)
    scale = 0.1 / 5**0.5
    expected = torch.tensor([[-scale, 3 * scale], [scale, -3 * scale]])
    assert torch.allclose(domain.item.weight[[1, 3]], expected)


def fitted(states, train, n_new=0, **settings):
    torch.manual_seed(0)
    catalog = Catalog("toy", ("",) * 4, ("",) * len(states), ("",) * len(states), n_new)
    module = Llminit(LlminitConfig(**settings), Setup(catalog, max_history=3, seed=0))
    domain, _ = module.ids("domain", 1), module.ids("llm", 1)
    module.fit(Interactions(*(np.array(each) for each in train)))
    before = domain.user.weight.detach().clone()
    module.start(Pretrained(torch.ones(4, 1), torch.ones(len(states), 1), text_states=torch.tensor(states)))
    return domain, before


FIVE = [[0.0, 0.0], [1.0, 9.0], [2.0, 9.0], [5.0, 9.0], [5.0, -20.0], [5.0, 99.0]]
"""Of padding and five items. Over the first two the first dimension varies more, over all of them the second."""


@pytest.mark.parametrize(("share", "dimension", "n_new"), [(0.4, 0, 0), (1.0, 1, 0), (0.5, 0, 1)])
def test_the_items_with_most_interactions_decide_which_dimensions_vary(share, dimension, n_new):
    # items 1 and 2 have two interactions each, item 3 has one, items 4 and 5 none
    train = [1, 1, 2, 2, 3], [1, 2, 1, 2, 3]
    domain, _ = fitted(FIVE, train, n_new, popular=share)
    known = torch.tensor(FIVE)[1 : 6 - n_new, dimension]
    expected = torch.tensor(FIVE)[1:, dimension] - known.mean()
    scale = 0.02 / (known - known.mean()).square().mean().sqrt()
    assert torch.allclose(domain.item.weight[1:, 0], expected * scale)


def test_users_start_as_the_mean_row_of_their_items():
    domain, before = fitted(FIVE, ([1, 1, 3, 3, 3], [1, 2, 3, 3, 1]))
    rows = domain.item.weight
    assert torch.allclose(domain.user.weight[1], (rows[1] + rows[2]) / 2)
    assert torch.allclose(domain.user.weight[3], (2 * rows[3] + rows[1]) / 3)
    assert torch.equal(domain.user.weight[[0, 2]], before[[0, 2]])  # of padding, and of a user without interactions


def test_users_may_start_at_random():
    domain, before = fitted(FIVE, ([1, 1], [1, 2]), users=False)
    assert torch.equal(domain.user.weight, before)


def test_what_has_no_text_starts_at_random():
    domain, _, before = started()
    assert torch.equal(domain.item.weight[[0, 2]], before[[0, 2]])
    assert not domain.item.weight[0].any()


def test_the_llm_side_starts_at_random():
    _, llm, _ = started()
    assert 0 < llm.item.weight[1:].abs().max() < 0.1


def test_an_llm_that_is_narrower_fills_what_it_can():
    domain, _, before = started(width=6)
    assert torch.equal(domain.item.weight[:, 4:], before[:, 4:])
    assert not torch.equal(domain.item.weight[1, :4], before[1, :4])


def test_an_llm_that_gives_its_text_alone_is_read_by_that():
    by_text, _, _ = started(pretrained=Pretrained(torch.ones(2, 2), torch.ones(4, 2), text=STATES.bfloat16()))
    by_states, _, _ = started()
    assert torch.equal(by_text.item.weight, by_states.item.weight)


def test_texts_that_are_all_alike_are_refused():
    alike = torch.ones(4, 3) * torch.tensor([0.0, 1.0, 1.0, 1.0])[:, None]
    with pytest.raises(DataError, match="all items have the same text or vector"):
        started(pretrained=Pretrained(torch.ones(2, 2), torch.ones(4, 2), text_states=alike))


def test_an_llm_without_a_view_of_texts_changes_nothing():
    domain, _, before = started(pretrained=Pretrained(torch.ones(2, 2), torch.ones(4, 2)))
    assert torch.equal(domain.item.weight, before)


def test_the_rows_are_trained_from_there():
    domain, _, _ = started()
    domain.item.weight.sum().backward()
    assert domain.item.weight.grad.any()


def test_a_start_at_the_pretrained_model_is_refused(host):
    with pytest.raises(UsageError, match=r"start is 'pretrained', which does not fit: input should be 'new'"):
        host.select("sharing", "llminit", {"llminit": {"start": "pretrained"}})


def test_an_llm_gives_the_states_of_texts_as_they_are(make_cell_training, toy_data, host, tiny_llama, quick):
    settings = quick | {"llama": quick["llama"] | {"text_depths": (1.0,)}}
    selected = host.select("llms", f"llama:{tiny_llama}", settings)
    model, _ = make_cell_training(toy_data).build_solo("llm", selected)
    variances = [each[1:].float().var(dim=0) for each in (model.text, model.text_states)]
    assert model.text_states.shape == (21, 32)  # the hidden width of the tiny LLM
    assert not model.text_states[0].any()
    whitened, raw = (variance.max() / variance.min() for variance in variances)
    assert raw > 2 > 1.1 > whitened
