"""A model that gives scores stands in a pair as it is alone: beside it the LLM trains, and scores are combined."""

import pytest
from pandas.testing import assert_frame_equal


@pytest.fixture
def run(bench, tiny_llama):
    def go(sharing, **options):
        given = {"models": ("sequence-knn",), "llms": (f"llama:{tiny_llama}",), "sharing": (sharing,)}
        records = bench(**given, solo_llms=False, **options)
        return {record["cell"]["name"].replace(f"+llama:{tiny_llama}", ""): record for record in records}

    return go


def test_the_llm_trains_beside_it_and_both_are_combined(run, ranks, tiny_llama):
    pair = run("llama4rec")["sequence-knn+llama4rec"]
    assert pair["status"] == "ok"
    sides = pair["sides"]
    assert list(sides) == ["domain", "llm", "ensemble"]
    assert (sides["domain"]["epochs"], sides["llm"]["epochs"]) == (0, 2)
    assert sides["ensemble"]["chosen"].keys() == {"weight", "tail"}
    assert_frame_equal(ranks(f"sequence-knn+llama:{tiny_llama}+llama4rec"), ranks("sequence-knn"))


def test_a_module_that_shares_tables_has_no_pair_with_it(run):
    assert list(run("bdlm")) == ["sequence-knn"]


SCORED = """
    import torch

    from corecbench.api import SharingComponent, Turn, hookimpl, last_position, private_ids

    class Taught:
        def __init__(self, config, setup):
            self.catalog = setup.catalog

        def ids(self, side, width):
            assert side == "llm"
            return private_ids(self.catalog.n_users, self.catalog.n_items, width)

        def start(self, pretrained):
            assert pretrained.item.shape == (self.catalog.n_items + 1, 0)

        def turns(self, budget):
            assert budget.domain_epochs == 0
            return [Turn("llm", budget.llm_epochs)]

        def losses(self, side, own, other, batch):
            mine = last_position(own.user, batch.history) @ own.item[1:].T
            wanted = other.user[:, 1:].softmax(dim=1)
            return {"taught": -(wanted * mine.log_softmax(dim=1)).sum(dim=1).mean()}

    @hookimpl
    def corecbench_sharing_modules():
        return [SharingComponent("taught", Taught, takes_scores=True)]
"""


def test_the_llm_learns_from_its_scores(run, loose_file):
    records = run("taught", files=[loose_file("taught", SCORED)], controls=("no-mutual",))
    pair, without = records["sequence-knn+taught"], records["sequence-knn+taught+no-mutual"]
    assert (pair["status"], without["status"]) == ("ok", "ok")
    assert pair["sides"]["llm"]["coupled"]
    assert pair["epochs"][0]["loss"] > without["epochs"][0]["loss"] + 0.5
