from math import exp

import pytest
import torch

from corecbench.api import Batch, Budget, Catalog, PluginError, Pretrained, Setup, States, Turn
from corecbench_plugins.sharing.llmsrec import Llmsrec, likeness
from corecbench_plugins.sharing.settings import LlmsrecConfig

SETUP = Setup(Catalog("toy", ("", "a", "b"), ("", "x", "y"), ("",) * 3), max_history=2, seed=0)
BATCH = Batch(torch.tensor([1, 2]), torch.tensor([[1, 2], [2, 0]]))


def joined(**settings):
    torch.manual_seed(0)
    module = Llmsrec(LlmsrecConfig(**settings), SETUP)
    domain, llm = module.ids("domain", 2), module.ids("llm", 2)
    module.start(Pretrained(torch.ones(3, 2), torch.arange(6.0).reshape(3, 2)))
    return module, domain, llm


def states(*users):
    return States(torch.tensor(users), torch.zeros(3, 2))


def test_likeness_is_the_mean_over_pairs_of_users():
    # squared distances: 2 at a right angle twice, 4 between opposites
    lines = torch.tensor([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]])
    assert likeness(lines).item() == pytest.approx((2 * exp(-4) + exp(-8)) / 3)
    assert likeness(lines[:1]).item() == 0


def test_users_states_are_drawn_to_the_mapped_states_of_the_recommender():
    module, *_ = joined()
    module.mapping = torch.nn.Identity()
    # of length 1 the LLM's are (1, 0) and (0, 1), the recommender's (1, 0) and (-1, 0)
    terms = module.losses("llm", states([3.0, 0.0], [0.0, 2.0]), states([5.0, 0.0], [-1.0, 0.0]), BATCH)
    assert terms["distillation"].item() == pytest.approx((0 + 0 + 1 + 1) / 4)
    assert terms["uniformity"].item() == pytest.approx(exp(-4) + exp(-8))


def test_of_states_per_position_the_last_ones_count():
    module, *_ = joined()
    module.mapping = torch.nn.Identity()
    own = States(torch.tensor([[[9.0, 9.0], [3.0, 0.0]], [[0.0, 2.0], [9.0, 9.0]]]), torch.zeros(3, 2))
    one = module.losses("llm", own, states([5.0, 0.0], [-1.0, 0.0]), BATCH)
    assert one["distillation"].item() == pytest.approx(1 / 2)


def test_the_llm_reads_the_recommender_s_items_and_no_users():
    _, domain, llm = joined()
    assert torch.equal(domain.item.weight, torch.arange(6.0).reshape(3, 2))
    assert torch.equal(llm.item.weight, llm.item.mapping(domain.item.weight))
    assert not llm.user.weight.any()


def test_the_llm_alone_is_trained_with_the_mapping():
    module, *_ = joined(llm_epochs=4)
    assert module.turns(Budget(50, 3)) == [Turn("llm", 3)]
    assert module.trained_with("domain") is None
    assert len(list(module.trained_with("llm").parameters())) == 6
    assert module.losses("domain", states([1.0, 0.0]), states([1.0, 0.0]), BATCH) == {}
    assert (
        joined(distillation=0.0, uniformity=0.0)[0].losses("llm", states([1.0, 0.0]), states([1.0, 0.0]), BATCH)
        == {}
    )


def test_states_of_another_width_than_the_tables_are_refused():
    module, *_ = joined()
    with pytest.raises(PluginError, match="states of the LLM are 3 wide, needed is the id tables' 2"):
        module.losses("llm", states([1.0, 0.0, 0.0], [1.0, 0.0, 0.0]), states([1.0, 0.0], [1.0, 0.0]), BATCH)


def test_the_domain_side_of_a_run_is_the_domain_model_alone_and_the_llm_is_coupled(bench, ranks, tiny_llama):
    pair = bench(models=("sasrec",), llms=(f"llama:{tiny_llama}",), sharing=("llmsrec",))[-1]
    assert pair["error"] is None
    assert pair["sides"]["llm"]["epochs"] > 0
    assert ranks(pair["cell"]["name"], "domain").equals(ranks("sasrec"))
