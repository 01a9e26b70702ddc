"""A fault of a plugin costs the rows that it concerns and names the plugin. Ranks that were computed are kept."""

import math

import pytest

from corecbench.api import hookimpl
from corecbench.results.store import Store

METRIC = """
    import numpy as np

    from corecbench.api import MetricComponent, hookimpl

    class Bad:
        higher_is_better = True

        def __init__(self, config):
            pass

        def per_user(self, rank, n_candidates):
            return np.ones(2) if len(rank) == 2 else {value}

    @hookimpl
    def corecbench_metrics():
        return [MetricComponent("bad", Bad)]
"""

COMBINER = """
    Module.start_from = "new"
    Module.settle = lambda self, validate: {{"weight": {chosen}}}
    Module.combine = lambda self, domain, llm, batch: {combined}
"""

LLM = """
    import torch

    from corecbench.api import LlmComponent, States, Training, hookimpl

    class Reader(torch.nn.Module):
        examples = "windows"

        def __init__(self, config, setup, ids):
            super().__init__()
            self.item = torch.nn.Embedding(setup.catalog.n_items + 1, 8)
            self.table = ids(8).item if ids else None
            self.longest = 0

        def states(self, batch):
            length = batch.history.shape[1]
            self.longest = max(self.longest, length if self.training else 0)
            if self.table is not None and length > self.longest + 1 > 1:  # at test the history has one item more
                raise OSError("the weights are gone")
            return States(self.item(batch.history), self.item.weight)

    @hookimpl
    def corecbench_llms():
        return [LlmComponent("reader", Reader, Training)]
"""

FIXED = """
    class Fixed:
        examples = "windows"

        def __init__(self, config, setup, ids):
            self.n_items = setup.catalog.n_items

        def states(self, batch):
            return States(torch.ones(*batch.history.shape, 8), torch.ones(self.n_items + 1, 8))
"""


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("np.full(len(rank), np.nan)", "must give a finite number for each of 60 users, got NaN or infinity"),
        ("np.ones(3)", r"must give a finite number for each of 60 users, got shape \(3,\)"),
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("'text'", "TypeError: it returned str of <U4, no numbers"),
    ],
)
def test_a_faulty_metric_has_no_value_and_costs_neither_ranks_nor_other_metrics(
    bench, ranks, loose_file, value, reason
):
    file = loose_file("metrics_file", METRIC.format(value=value))
    (record,) = bench([file], models=("popularity",), metrics=("bad", "NDCG@10"))
    side = record["sides"]["domain"]
    assert record["status"] == "ok"
    assert set(side["metrics"]) == {"NDCG@10"}
    assert len(ranks("popularity")) == side["n_users"] == 60
    with pytest.raises(AssertionError, match=rf"^metric 'bad' of plugin metrics_file .*{reason}"):
        raise AssertionError(side["faults"]["bad"])


@pytest.mark.parametrize(
    ("chosen", "combined", "reason"),
    [
        (math.nan, "domain + llm", "finite numbers are needed"),
        (math.inf, "domain + llm", "finite numbers are needed"),
        ("1 / 0", "domain + llm", "failed in settle: ZeroDivisionError"),
        (0.5, "domain[:, :3]", "combines scores into"),
        (0.5, "domain * float('nan')", "are NaN or infinite"),
    ],
)
def test_a_faulty_combiner_costs_the_ensemble_only(
    bench, ranks, sharing_module, tiny_llama, chosen, combined, reason
):
    chosen = f"float('{chosen}')" if isinstance(chosen, float) else chosen
    file = sharing_module(COMBINER.format(chosen=chosen, combined=combined))
    record = bench([file], models=("sasrec",), llms=(f"llama:{tiny_llama}",), sharing=("mine",))[-1]
    assert record["status"] == "failed"
    assert set(record["sides"]) == {"domain", "llm"}
    assert set(record["failed_sides"]) == {"ensemble"}
    assert reason in record["failed_sides"]["ensemble"]["message"]
    assert record["error"] == record["failed_sides"]["ensemble"]
    for side in ("domain", "llm"):
        assert len(ranks(record["cell"]["name"], side)) == record["sides"][side]["n_users"]


def test_a_side_that_cannot_be_ranked_costs_not_the_other_side_s_ranks(bench, ranks, loose_file, quick):
    settings = quick | {"reader": {"epochs": 1, "batch_size": 32}}
    file = loose_file("llm", LLM)
    record = bench([file], models=("sasrec",), llms=("reader",), sharing=("none",), settings=settings)[-1]
    assert set(record["sides"]) == {"domain"}
    assert "LLM 'reader' of plugin llm" in record["failed_sides"]["llm"]["message"]
    assert "OSError: the weights are gone" in record["failed_sides"]["llm"]["message"]
    assert len(ranks("sasrec+reader+none", "domain")) == record["sides"]["domain"]["n_users"]


def test_a_partial_result_is_read_and_run_again_if_that_is_asked_for(bench, loose_file, tmp_path, quick):
    settings = quick | {"reader": {"epochs": 1, "batch_size": 32}}
    command = {"models": ("sasrec",), "llms": ("reader",), "sharing": ("none",), "settings": settings}
    file = loose_file("llm", LLM)
    failed = bench([file], **command)[-1]
    stored = [record for _, record in Store(tmp_path / "results", "default").records()]
    assert failed in stored
    assert bench([file], **command)[-1] == failed
    again = bench([file], **command, retry_failed=True)[-1]
    assert (again["status"], again == failed) == ("failed", False)


NO_MODE = """
    def train(self, mode=True):
        raise OSError("no mode")

    Model.train = train
"""


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (NO_MODE, r"OSError: no mode"),
        ("Model.loss = Model.states = None", "'NoneType' object is not callable|neither a method"),
        ("Model.examples = 'rows'", "examples is 'rows', must be 'windows' or 'pairs'"),
        (
            "Config = None",
            "it has parameters to train, but its config is NoneType; a subclass of corecbench.api.Training",
        ),
        ("Config = dict", "config of component 'mine' is <class 'dict'>, must be a dataclass or None"),
    ],
    ids=["train raises", "no states", "unknown examples", "no config", "a config that is no dataclass"],
)
def test_a_model_that_breaks_the_contract_is_named_in_one_line(bench, domain_model, change, reason):
    file = domain_model(change)
    try:
        records = bench([file], models=("popularity", "mine"))
        assert [record["status"] for record in records] == ["ok", "failed"]
        message = records[1]["error"]["message"]
    except Exception as error:  # found when the plugin is loaded
        message = str(error)
    assert "plugin_file" in message
    assert "\n" not in message
    with pytest.raises(AssertionError, match=reason):
        raise AssertionError(message)


def test_a_model_with_neither_states_nor_scores_is_named(bench, domain_model):
    (record,) = bench([domain_model("del Model.states")], models=("mine",))
    assert "domain model 'mine' of plugin plugin_file" in record["error"]["message"]
    assert "it has neither a method `states` nor a method `scores`" in record["error"]["message"]


def test_results_that_are_moved_while_a_cell_trains_are_written_anew(bench, tmp_path):
    class Mover:
        @hookimpl
        def corecbench_epoch_finished(self, cell, record):
            if not (tmp_path / "moved").exists():
                (tmp_path / "results").rename(tmp_path / "moved")

    (record,) = bench(models=("sasrec",), diary=Mover())
    assert record["status"] == "ok"
    assert [stored for _, stored in Store(tmp_path / "results", "default").records()] == [record]


def test_an_llm_without_training_settings_costs_its_pairs_and_nothing_else(bench, loose_file):
    text = LLM.replace("Reader, Training)", "Fixed)").replace("@hookimpl", FIXED + "\n    @hookimpl")
    records = bench(
        [loose_file("reader", text)], models=("popularity", "sasrec"), llms=("reader",), sharing=("none",)
    )
    assert [record["status"] for record in records] == ["ok", "ok", "ok", "failed"]
    assert "has no training settings, as a pair needs" in records[-1]["error"]["message"]
