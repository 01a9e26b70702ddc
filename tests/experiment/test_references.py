"""Every run trains the references beside what it is asked for."""

import pytest

REFERENCE = """
from corecbench.api import DomainModelComponent, States, hookimpl


class First:
    examples = "pairs"

    def __init__(self, config, setup, ids):
        import torch

        self.scores_of_items = torch.arange(setup.catalog.n_items + 1.0)[:, None]

    def states(self, batch):
        return States(user=self.scores_of_items.new_ones(len(batch.user), 1), item=-self.scores_of_items)


@hookimpl
def corecbench_domain_models():
    options = {"joint": False, "reference": True}
    return [
        DomainModelComponent("first", First, **options),
        DomainModelComponent("first-text", First, reads_texts=True, **options),
    ]
"""


def names(records):
    return [record["cell"]["name"] for record in records]


@pytest.fixture
def plugin(loose_file):
    return loose_file("references", REFERENCE)


def test_references_are_run_before_what_is_asked_for(bench, plugin):
    found = names(bench([plugin], models=("sasrec",), references=True))
    assert found[-1] == "sasrec"
    assert {"first", "first-text", "popularity", "text-knn"} <= set(found[:-1])
    assert names(bench([plugin], models=("sasrec",))) == ["sasrec"]


def test_a_reference_that_is_asked_for_is_run_once(bench, plugin):
    found = names(bench([plugin], models=("first", "sasrec"), references=True))
    assert found.count("first") == 1


def test_a_reference_has_a_value_on_validation_and_its_record_says_what_it_is(bench, plugin):
    (record,) = bench([plugin], models=("first",))
    assert record["cell"]["reference"] is True
    assert 0 < record["sides"]["domain"]["validation"] <= 1
    assert record["sides"]["domain"]["epochs"] == 0


def test_no_reference_becomes_part_of_a_pair(bench, plugin, tiny_llama, quick):
    found = bench([plugin], models=("sasrec",), llms=(f"llama:{tiny_llama}",), references=True)
    pairs = [record["cell"]["domain"] for record in found if record["cell"]["sharing"]]
    assert pairs == ["sasrec"]


def test_a_reference_that_reads_texts_is_left_out_where_there_are_none(bench, plugin, toy_folder, tmp_path):
    bare = tmp_path / "bare"
    bare.mkdir()
    (bare / "bare.inter").write_text((toy_folder / "toy.inter").read_text())
    found = names(bench([plugin], models=("sasrec",), datasets=(str(bare),), references=True))
    assert "first" in found
    assert not {"first-text", "text-knn"} & set(found)
