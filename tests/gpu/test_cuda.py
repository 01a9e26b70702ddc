"""A GPU gives what a processor gives, up to the order of sums. Without a GPU these tests are skipped."""

import numpy as np
import pytest
import torch

import corecbench
from corecbench.api import Batch, States
from corecbench.data.ranking_task import RankingTask, SeenItems
from corecbench.evaluation.ranking import rank_task
from corecbench.toolkit.full_softmax import full_softmax_loss

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU"),
]


def test_ranks_and_lists_are_those_of_a_processor():
    generator = torch.Generator().manual_seed(0)
    user, item = (torch.randn(n, 64, generator=generator) for n in (500, 40_001))
    rng = np.random.default_rng(0)
    length = rng.integers(1, 30, 500)
    seen = SeenItems(rng.integers(1, 40_001, length.sum()), np.cumsum(length) - length, length)
    task = RankingTask(np.arange(500), rng.integers(1, 40_001, 500), np.ones((500, 1), dtype=np.int64), seen)

    def ranks(device):
        def states(batch: Batch) -> States:
            return States(user.to(device)[batch.user], item.to(device))

        return rank_task(states, task, device=device, top_k=10)

    own, expected = ranks("cuda"), ranks("cpu")
    assert (own.rank == expected.rank).all()
    assert (own.n_candidates == expected.n_candidates).all()
    assert (own.top_items == expected.top_items).all()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_the_softmax_over_the_catalogue_is_that_of_a_processor(dtype):
    generator = torch.Generator().manual_seed(0)
    user, item = (torch.randn(n, 32, generator=generator) / 3 for n in (200, 3000))
    target = torch.randint(0, 3000, (200,), generator=generator)
    losses = [
        full_softmax_loss(user.to(device), item.to(device), target.to(device), dtype).item()
        for device in ("cpu", "cuda")
    ]
    assert losses[1] == pytest.approx(losses[0], rel=1e-3)


def test_a_pair_trains_on_a_gpu(tmp_path, tiny_llama):
    few = {"epochs": 2}
    turns = {"warm_up_epochs": 1, "rounds": 1, "domain_epochs": 1, "llm_epochs": 1}
    results = corecbench.run(
        models=["sasrec", "lightgcn"],
        llms=["llama"],
        device="cuda",
        out=tmp_path,
        settings={"sasrec": few, "lightgcn": few, "llama": few | {"weights": str(tiny_llama)}, "bdlm": turns},
    )
    assert (results["status"] == "ok").all() if "status" in results else results["NDCG@10"].notna().all()
