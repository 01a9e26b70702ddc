import pytest
import torch

from corecbench.api import Batch, Budget, Catalog, Pretrained, Setup, Turn
from corecbench_plugins.sharing.ensrec import Ensrec
from corecbench_plugins.sharing.settings import EnsrecConfig

SETUP = Setup(Catalog("toy", ("", "a"), ("", "x", "y", "z"), ("",) * 4), max_history=2, seed=0)
BATCH = Batch(torch.tensor([1]), torch.tensor([[1, 0]]))


@pytest.fixture
def module():
    return Ensrec(EnsrecConfig(llm_epochs=4), SETUP)


def test_the_score_is_the_mean_of_both_sides_standardised_scores(module):
    # 3, 1, 1, 3 have mean 2 and deviation 1; 0, 0, 0, 4 have mean 1 and deviation sqrt(3)
    domain, llm = torch.tensor([[3.0, 1.0, 1.0, 3.0]]), torch.tensor([[0.0, 0.0, 0.0, 4.0]])
    low = -1 / 3**0.5
    expected = [(1 + low) / 2, (-1 + low) / 2, (-1 + low) / 2, (1 + 3**0.5) / 2]
    assert module.combine(domain, llm, BATCH)[0].tolist() == pytest.approx(expected)


def test_the_llm_reads_no_rows_of_ids(module):
    domain, llm = module.ids("domain", 2), module.ids("llm", 3)
    assert (llm.user.weight.shape, llm.item.weight.shape) == ((2, 3), (4, 3))
    assert not llm.item.weight.any()
    assert list(llm.item.parameters()) == []
    module.start(Pretrained(torch.ones(2, 2), torch.ones(4, 2)))
    assert domain.item.weight.eq(1).all()


def test_only_the_llm_trains(module):
    assert module.turns(Budget(50, 5)) == [Turn("llm", 4)]


def test_each_side_of_a_run_is_the_model_alone_and_the_ensemble_is_a_row(bench, ranks, tiny_llama):
    pair = bench(models=("sasrec",), llms=(f"llama:{tiny_llama}",), sharing=("ensrec",))[-1]
    assert pair["status"] == "ok"
    assert set(pair["sides"]) == {"domain", "llm", "ensemble"}
    assert ranks(pair["cell"]["name"], "domain").equals(ranks("sasrec"))
