import pytest
import torch

from corecbench.api import Budget, Catalog, Pretrained, Setup, Turn, UsageError
from corecbench_plugins.sharing.llm2rec import Llm2rec
from corecbench_plugins.sharing.settings import Llm2recConfig

SETUP = Setup(Catalog("toy", ("", "a"), ("", "x", "y"), ("", "p", "q")), max_history=3, seed=0)
TEXT = torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, 2.0]])
TUNED = torch.tensor([[0.0, 0.0, 0.0], [7.0, 1.0, 4.0], [1.0, 1.0, 4.0]])
"""States after a history of each of two items alone, which differ in the first dimension only."""


def started(text=TEXT, **settings):
    torch.manual_seed(0)
    module = Llm2rec(Llm2recConfig(**settings), SETUP)
    domain, llm = module.ids("domain", 2), module.ids("llm", 3)
    module.start(Pretrained(torch.ones(2, 2), torch.ones(3, 2), text))
    with torch.no_grad():
        module.text.mapping.linear.weight.copy_(torch.tensor([[1.0, 0.0], [0.0, 1.0]]))
        domain.item.reading.weight.copy_(torch.tensor([[1.0, 5.0, 0.0], [2.0, 0.0, 5.0]]))
    return module, domain, llm


def test_an_item_is_a_linear_map_of_what_the_llm_says_before_and_after_it_is_tuned():
    module, domain, _ = started()
    assert torch.equal(domain.item.weight, TEXT)
    module.renew(TUNED)
    # whitened: +5 and -5 in the first dimension, 0 in those that tell nothing apart
    assert torch.allclose(
        domain.item.weight, torch.tensor([[0.0, 0.0], [1.0 + 5, 0.0 + 10], [0.0 - 5, 2.0 - 10]]), atol=1e-4
    )
    assert torch.equal(domain.item(torch.tensor([[2, 0]])), domain.item.weight[[2, 0]][None])


def test_items_have_no_rows_of_their_own_and_the_llm_reads_texts_alone():
    _, domain, llm = started()
    assert {name for name, _ in domain.item.named_parameters()} == {
        "table.mapping.linear.weight",
        "reading.weight",
    }
    assert [parameter.shape for parameter in domain.user.parameters()] == [(2, 2)]
    for table in (llm.user, llm.item):
        assert not list(table.parameters())
        assert not table.weight.any()


@pytest.mark.parametrize(
    ("llm_epochs", "turns"), [(4, [Turn("llm", 3), Turn("domain", 50)]), (0, [Turn("domain", 50)])]
)
def test_the_llm_is_tuned_before_the_recommender_trains(llm_epochs, turns):
    assert started(llm_epochs=llm_epochs)[0].turns(Budget(50, 3)) == turns


def test_an_llm_that_says_nothing_of_texts_is_refused():
    module = Llm2rec(Llm2recConfig(), SETUP)
    module.ids("domain", 2)
    with pytest.raises(UsageError, match="the LLM has no `text`, of which `llm2rec` makes items"):
        module.start(Pretrained(torch.ones(2, 2), torch.ones(3, 2)))
