from math import exp, log

import pytest
import torch

from corecbench.api import Batch, Catalog, PluginError, Pretrained, Setup, States
from corecbench_plugins.sharing.ctrl import Ctrl, info_nce
from corecbench_plugins.sharing.settings import CtrlConfig

N = 12
SETUP = Setup(Catalog("toy", ("",) * 7, ("",) * (N + 1), ("",) * (N + 1)), max_history=4, seed=0)
EYE = torch.eye(2)[:, None]
"""Two vectors of one subspace, at right angles: cosines are 1 with themselves and 0 with each other."""


def test_vectors_that_agree_are_told_from_all_others():
    # each row: exp(1 / t) for itself against exp(0) for the other, at t = 1/2
    assert info_nce(EYE, EYE, 0.5).item() == pytest.approx(log(1 + exp(-2)), rel=1e-5)


def test_vectors_of_each_other_cost_more():
    assert info_nce(EYE, EYE.flip(0), 0.5).item() == pytest.approx(log(1 + exp(2)), rel=1e-5)


def test_only_directions_count():
    assert info_nce(3 * EYE, 0.1 * EYE, 0.5).item() == pytest.approx(info_nce(EYE, EYE, 0.5).item())


def test_each_subspace_is_compared_with_the_nearest_of_the_other_side():
    one = torch.tensor([[[1.0, 0.0], [0.0, 1.0]], [[1.0, 0.0], [1.0, 0.0]]])  # [2, 2, 2]
    other = one.flip(1)  # the same vectors in other subspaces
    # similarities: 1 for itself; the first has half of its vectors in the second, the second all in the first
    expected = (log(1 + exp(0.5 - 1)) + log(1 + exp(1 - 1))) / 2
    columns = (log(1 + exp(1 - 1)) + log(1 + exp(0.5 - 1))) / 2
    assert info_nce(one, other, 1.0).item() == pytest.approx((expected + columns) / 2, rel=1e-5)


def test_rows_of_the_same_user_are_not_told_apart():
    same = torch.tensor([3, 3])
    assert info_nce(EYE, EYE.flip(0), 0.5, same).item() == pytest.approx(0, abs=1e-6)


# --- the module ---------------------------------------------------------------------------------------------------


def joined(**settings):
    torch.manual_seed(0)
    module = Ctrl(CtrlConfig(**settings), SETUP)
    return module, module.ids("domain", 8), module.ids("llm", 8)


def batch():
    history = torch.randint(1, N + 1, (6, 4), generator=torch.Generator().manual_seed(0))
    return Batch(torch.arange(1, 7), history)


def random_states(seed):
    generator = torch.Generator().manual_seed(seed)
    return States(torch.randn(6, 4, 8, generator=generator), torch.randn(N + 1, 8, generator=generator))


def same_heads(module):
    with torch.no_grad():
        for name in ("user", "item"):
            one, other = (getattr(module.heads[side], name).weight for side in ("domain", "llm"))
            other.copy_(one)


def test_aligned_sides_cost_less_than_shuffled_ones():
    module, *_ = joined(weight=1.0)
    same_heads(module)
    states = random_states(1)
    shuffled = States(states.user[torch.randperm(6)], states.item[torch.randperm(N + 1)])
    aligned, others = (module.losses("domain", states, other, batch()) for other in (states, shuffled))
    assert set(aligned) == {"users", "items"}
    assert all(aligned[name] < 0.5 * others[name] for name in aligned)


def test_training_the_own_head_brings_the_sides_together():
    module, *_ = joined(weight=1.0)
    states, other = random_states(1), random_states(2)
    optimizer = torch.optim.Adam(module.trained_with("domain").parameters(), lr=0.02)
    costs = []
    for _ in range(30):
        cost = sum(module.losses("domain", states, other, batch()).values())
        optimizer.zero_grad()
        cost.backward()
        optimizer.step()
        costs.append(cost.item())
    assert costs[-1] < 0.7 * costs[0]


@pytest.mark.parametrize(("side", "partner"), [("domain", "llm"), ("llm", "domain")])
def test_the_other_side_s_head_gets_no_gradient(side, partner):
    module, *_ = joined()
    sum(module.losses(side, random_states(1), random_states(2), batch()).values()).backward()
    assert module.heads[side].user.weight.grad.any()
    assert module.heads[partner].user.weight.grad is None


def test_states_of_another_width_than_the_tables_are_refused():
    module, *_ = joined()
    wide = States(torch.ones(6, 4, 9), torch.ones(N + 1, 9))
    with pytest.raises(PluginError, match="states are 9 wide, needed is the id tables' 8"):
        module.losses("domain", wide, random_states(1), batch())


def test_the_pretrained_rows_are_below_the_head():
    module, domain, _ = joined(start="pretrained")
    pretrained = Pretrained(torch.ones(7, 8), torch.rand(N + 1, 8))
    module.start(pretrained)
    assert torch.equal(domain.item.weight, pretrained.item)
    assert torch.equal(domain.user.weight, pretrained.user)
