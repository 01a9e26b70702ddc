from dataclasses import replace

import numpy as np
import pytest
import torch

from corecbench.api import Batch, Budget, Catalog, CorecbenchWarning, Pretrained, Setup, States, Turn
from corecbench_plugins.sharing.collm import Collm
from corecbench_plugins.sharing.settings import CollmConfig
from corecbench_plugins.vectors.backend import build
from corecbench_plugins.vectors.settings import VectorsConfig

SETUP = Setup(Catalog("toy", ("", "a", "b"), ("", "x", "y"), ("", "", "")), max_history=3, seed=0)
PRETRAINED = Pretrained(torch.tensor([[0.0, 0.0], [1.0, 2.0], [3.0, 4.0]]), torch.arange(6.0).reshape(3, 2))


@pytest.fixture
def joined():
    module = Collm(CollmConfig(hidden_size=3), SETUP)
    ids = module.ids("domain", 2), module.ids("llm", 4)
    module.start(PRETRAINED)
    return ids


def test_the_domain_side_reads_what_it_learnt_alone(joined):
    domain, _ = joined
    assert torch.equal(domain.user.weight, PRETRAINED.user)
    assert torch.equal(domain.item.weight, PRETRAINED.item)


def test_the_llm_reads_the_same_rows_through_one_small_network(joined):
    _, llm = joined
    enter, leave = (layer.weight for layer in (llm.item.mapping.enter, llm.item.mapping.leave))
    assert (enter.shape, leave.shape) == ((3, 2), (4, 3))
    by_hand = torch.nn.functional.gelu(PRETRAINED.item @ enter.T) @ leave.T
    assert torch.allclose(llm.item.weight, by_hand)
    assert torch.allclose(llm.item(torch.tensor([2, 1])), by_hand[[2, 1]])
    assert llm.user.mapping is llm.item.mapping
    assert not llm.user.weight[0].any()  # padding is a row of zeros, and stays one


@pytest.mark.parametrize(("width", "propagated"), [(2, True), (3, False)])
def test_it_reads_what_a_graph_makes_of_the_rows_unless_that_is_wider(width, propagated):
    module = Collm(CollmConfig(hidden_size=3), SETUP)
    domain, llm = module.ids("domain", 2), module.ids("llm", 4)
    states = States(torch.full((3, width), 5.0), torch.full((3, width), 7.0))
    module.start(replace(PRETRAINED, training_states=lambda: states))
    assert torch.equal(llm.user.source, states.user if propagated else PRETRAINED.user)
    assert torch.equal(llm.item.source, states.item if propagated else PRETRAINED.item)
    assert torch.equal(domain.item.weight, PRETRAINED.item)


def counted(batch):
    """A state per position: how many items there were so far, and the last of them."""
    return States(torch.stack([(batch.history != 0).cumsum(1), batch.history], dim=2).float(), torch.zeros(3, 2))


def test_of_a_model_with_a_state_per_position_the_llm_reads_those_of_each_samples_own_history():
    module = Collm(CollmConfig(hidden_size=3), SETUP)
    module.ids("domain", 2)
    llm = module.ids("llm", 4)
    assert llm.user.of_histories is None
    module.start(replace(PRETRAINED, states=counted))
    enter, leave = (layer.weight for layer in (llm.item.mapping.enter, llm.item.mapping.leave))
    batch = Batch(torch.tensor([1, 1]), torch.tensor([[2, 1], [2, 0]]), target=torch.tensor([[1, 2], [1, 0]]))
    states = torch.tensor([[[1.0, 2.0], [2.0, 1.0]], [[1.0, 2.0], [0.0, 0.0]]])  # nothing at padding
    assert torch.allclose(llm.user.of_histories(batch), torch.nn.functional.gelu(states @ enter.T) @ leave.T)
    assert not llm.user.weight.any()


@pytest.mark.parametrize("width", [None, 3])
def test_of_another_model_the_llm_reads_rows_of_users(width):
    module = Collm(CollmConfig(hidden_size=3), SETUP)
    module.ids("domain", 2)
    llm = module.ids("llm", 4)
    one = torch.ones(1, 2) if width is None else torch.ones(1, 1, width)
    module.start(replace(PRETRAINED, states=lambda batch: States(one, torch.zeros(3, 2))))
    assert llm.user.of_histories is None
    assert torch.equal(llm.user.source, PRETRAINED.user)


def test_the_llm_reads_what_stands_beside_the_items_and_looks_back_only(tmp_path):
    np.savez(tmp_path / "toy.npz", ids=np.array(["x", "y"]), states=np.eye(2, dtype=np.float32))
    config = VectorsConfig(file=str(tmp_path / "toy.npz"), embedding_size=4, n_heads=1, transform="none")
    module = Collm(CollmConfig(hidden_size=3), SETUP)
    module.ids("domain", 2)
    model = build(config, SETUP, lambda width: module.ids("llm", width)).eval()
    module.start(replace(PRETRAINED, states=counted))
    short, long = (Batch(torch.tensor([1]), torch.tensor([row])) for row in ([2, 1], [2, 1, 2]))
    before, longer = model.states(short).user, model.states(long).user
    assert torch.allclose(before, longer[:, :2], atol=1e-6)
    module.users.states = None
    assert not torch.allclose(model.states(short).user, before, atol=1e-3)


def test_by_default_the_network_is_ten_times_as_wide_as_the_rows():
    module = Collm(CollmConfig(), SETUP)
    module.ids("domain", 2)
    assert module.ids("llm", 4).item.mapping.enter.weight.shape == (20, 2)


def test_the_llm_trains_the_network_and_not_the_rows(joined):
    domain, llm = joined
    (llm.item.weight.sum() + llm.user.weight.sum()).backward()
    assert llm.item.mapping.enter.weight.grad.any()
    assert domain.item.weight.grad is None
    assert {name for name, _ in llm.item.named_parameters()} == {"mapping.enter.weight", "mapping.leave.weight"}


def test_what_the_domain_side_becomes_later_does_not_reach_the_llm(joined):
    domain, llm = joined
    before = llm.item.weight.clone()
    with torch.no_grad():
        domain.item.weight += 1
    assert torch.equal(llm.item.weight, before)


def test_only_the_llm_trains():
    assert Collm(CollmConfig(llm_epochs=4), SETUP).turns(Budget(50, 3)) == [Turn("llm", 3)]


def test_the_domain_side_of_a_run_equals_the_domain_model_alone_bit_for_bit(bench, ranks, tiny_llama, tmp_path):
    options = {"models": ("sasrec",), "llms": (f"llama:{tiny_llama}",), "sharing": ("collm",), "keep_models": True}
    with pytest.warns(CorecbenchWarning, match="is not kept: its tables say something of each history"):
        pair = bench(**options)[-1]
    assert pair["status"] == "ok"
    assert pair["sides"]["llm"]["epochs"] > 0
    assert ranks(pair["cell"]["name"], "domain").equals(ranks("sasrec"))
    kept = {path.name for path in tmp_path.glob("results/**/*+collm/*/model/*")}
    assert kept == set()
