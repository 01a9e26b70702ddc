from math import exp

import pytest
import torch

from corecbench.api import Budget, Catalog, Pretrained, Setup, Turn, UsageError
from corecbench_plugins.sharing.settings import UnisrecConfig
from corecbench_plugins.sharing.unisrec import Experts, Unisrec

SETUP = Setup(Catalog("toy", ("", "a"), ("", "x", "y"), ("", "", "")), max_history=3, seed=0)
TEXT = torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, 0.0]])
"""Item 1 has a text, item 2 has none."""


def two_experts():
    experts = Experts(2, 1, 2, dropout=0.0).eval()
    with torch.no_grad():
        experts.maps.copy_(torch.tensor([[[1.0], [0.0]], [[0.0], [10.0]]]))
        experts.centre.copy_(torch.tensor([[0.5, 9.0], [9.0, -0.2]]))
    return experts


def test_each_expert_centres_and_maps_and_the_gates_mix_them():
    experts, row = two_experts(), torch.tensor([[3.0, 1.0]])
    # the first gives 3 - 1/2, the second 10 * (1 + 1/5); gates of zero mix them half and half
    assert experts(row).item() == pytest.approx((5 / 2 + 12) / 2)
    with torch.no_grad():
        experts.gate[0, 0] = 1.0  # logits 3 and 0
    share = exp(3) / (exp(3) + 1)
    assert experts(row).item() == pytest.approx(share * 5 / 2 + (1 - share) * 12, rel=1e-5)


def test_gates_are_noisy_in_training_alone():
    experts, row = two_experts(), torch.tensor([[3.0, 1.0]])
    assert torch.equal(experts(row), experts(row))
    experts.train()
    values = torch.stack([experts.gates(row)[0] for _ in range(200)])
    assert values.std(dim=0).min() > 0.1  # of logits with a deviation of softplus(0) = log 2
    assert torch.allclose(values.sum(dim=1), torch.ones(200))


def test_what_has_no_text_is_mapped_to_zeros():
    assert not two_experts()(torch.zeros(2, 2)).any()


def started(rows, text=TEXT):
    torch.manual_seed(0)
    module = Unisrec(UnisrecConfig(rows=rows), SETUP)
    domain, llm = module.ids("domain", 3), module.ids("llm", 4)
    module.start(Pretrained(torch.ones(2, 3), torch.ones(3, 3), text))
    return module, domain.item.eval(), llm


def test_an_item_is_its_own_row_and_its_mapped_text():
    module, item, _ = started(rows=True)
    own = module.tables["domain"].item.weight
    assert torch.allclose(item.weight, own + item.mapping(TEXT))
    assert torch.equal(item.weight[2], own[2])
    assert torch.allclose(item(torch.tensor([[1, 2]])), item.weight[[1, 2]][None])


def test_an_item_without_an_own_row_is_its_mapped_text():
    _, item, _ = started(rows=False)
    assert torch.allclose(item.weight, item.mapping(TEXT))
    assert {name for name, _ in item.named_parameters()} == {
        f"mapping.{n}" for n in ("centre", "maps", "gate", "noise")
    }


def test_without_texts_items_are_their_own_rows():
    module, item, _ = started(rows=True, text=None)
    assert torch.equal(item.weight, module.tables["domain"].item.weight)
    with pytest.raises(UsageError, match=r"the LLM has no `text`; choose another one, or set unisrec.rows=true"):
        started(rows=False, text=None)


def test_only_the_domain_side_trains():
    assert started(rows=True)[0].turns(Budget(50, 3)) == [Turn("domain", 50)]


def test_scores_are_cosines_unless_the_temperature_is_0():
    assert Unisrec(UnisrecConfig(), SETUP).cosine_temperature == 0.07
    assert Unisrec(UnisrecConfig(temperature=0.0), SETUP).cosine_temperature is None
