"""Plugins that break the contract: what they are given stays as it is, and what they answer is refused by name."""

import copy

import numpy as np
import pytest
import torch

from corecbench.api import Batch, CorecbenchWarning, Lists, PluginError, States, hookimpl
from corecbench.evaluation.measuring import measure_checked
from corecbench.evaluation.states import checked, checked_scores
from corecbench.plugin.host import Host
from corecbench.training.frozen import FrozenStates

MODEL = """
    import torch

    from corecbench.api import DomainModelComponent, States, Training, hookimpl

    class Model(torch.nn.Module):
        examples = "windows"

        def __init__(self, config, setup, ids):
            super().__init__()
            self.item = ids(8).item

        def states(self, batch):
            user, item = self.item(batch.history), self.item.weight
            {change}
            return States(user, item)

        {method}

    @hookimpl
    def corecbench_domain_models():
        return [DomainModelComponent("mine", Model, Training)]
"""
WRONG_STATES = {
    "too many item rows": "item = torch.cat([item, item[:1]])",
    "too few item rows": "item = item[:-1]",
    "another width": "item = torch.cat([item, item], dim=1)",
    "users of another batch": "user = torch.cat([user, user])",
    "fewer users": "user = user[:-1]",
    "fewer positions": "user = torch.cat([user, user], dim=1)",
    "one more dimension": "user = user[None]",
    "no dimension": "user = user.sum()",
    "float64": "item = item.double()",
    "int64": "user = user.long()",
    "complex": "user = user + 0j",
    "numpy": "user = user.detach().numpy()",
    "None": "return None",
    "a pair": "return user, item",
}
NOT_FINITE = {"NaN in a user": "user = user * float('nan')", "infinite items": "item = item + float('inf')"}
LATER = {
    "at training": "if self.training:",
    "at validation": "if not self.training:",
    "at test": "if batch.history.shape[1] > 10:",
}


@pytest.fixture
def answer(bench, loose_file):
    """Run a model whose states are changed, and return why its cell failed."""

    def run(change="pass", method=""):
        file = loose_file("plugin_file", MODEL.format(change=change, method=method))
        settings = {"mine": {"epochs": 1, "batch_size": 16}}
        (record,) = bench([file], models=("mine",), settings=settings)
        assert record["status"] == "failed"
        assert "\n" not in record["error"]["message"]
        return record["error"]["message"]

    return run


@pytest.mark.parametrize("wrong", WRONG_STATES)
def test_wrong_states_are_refused(wrong):
    batch, table = Batch(torch.tensor([1, 2]), torch.tensor([[1, 2], [3, 0]])), torch.ones(6, 4)
    given = {"torch": torch, "user": table[batch.history], "item": table}
    exec(WRONG_STATES[wrong].replace("return", "item ="), given)  # code of this file
    states = States(given["user"], given["item"]) if "return" not in WRONG_STATES[wrong] else given["item"]
    with pytest.raises(PluginError, match=r"needed|wide"):
        checked(states, batch, n_items=5)


@pytest.mark.parametrize("wrong", ["infinite items", *list(WRONG_STATES)[-2:]])
def test_wrong_states_are_refused_with_the_name_of_the_plugin(answer, wrong):
    message = answer((WRONG_STATES | NOT_FINITE)[wrong])
    assert "domain model 'mine' of plugin plugin_file" in message


@pytest.mark.parametrize("when", LATER)
@pytest.mark.parametrize("wrong", ["too many item rows", "users of another batch", "float64", "NaN in a user"])
def test_states_are_checked_at_training_validation_and_test(answer, when, wrong):
    message = answer(f"{LATER[when]} {(WRONG_STATES | NOT_FINITE)[wrong]}")
    assert "domain model 'mine' of plugin plugin_file" in message


@pytest.mark.parametrize(
    "change", ["[1:]", "[:, 1:]", ".repeat(2, 1)", ".repeat(1, 2)", "[None]", ".long()", ".sum()"]
)
def test_wrong_scores_are_refused(change):
    batch = Batch(torch.tensor([1, 2]), torch.tensor([[1, 2], [3, 0]]))
    with pytest.raises(PluginError, match=r"the scores are .*float32 \[2, 6\] is needed"):
        checked_scores(eval(f"scores{change}", {"scores": torch.ones(2, 6)}), batch, n_items=5)  # ours


@pytest.mark.parametrize("scores", ["[:, 1:]", " * float('nan')"])
def test_wrong_scores_are_refused_with_the_name_of_the_plugin(answer, scores):
    method = f"def scores(self, batch): return (self.item.weight @ self.item.weight.T)[batch.history[:, 0]]{scores}"
    method += "\n        def loss(self, batch, states): return self.item.weight.sum()"
    assert "domain model 'mine' of plugin plugin_file" in answer(method=method)


def test_fit_cannot_change_the_data_of_other_cells(host, make_cell_training, toy_data, loose_file):
    method = "def fit(self, train): train.user[:], train.item[:] = 1, 1"
    mine = Host.discover([loose_file("plugin_file", MODEL.format(change="pass", method=method))])
    training = make_cell_training(toy_data, host=mine)
    before = training.split.train.user.copy(), training.split.train.item.copy()
    training.build_solo("domain", mine.select("models", "mine", {}))
    assert (training.split.train.user == before[0]).all()
    assert (training.split.train.item == before[1]).all()


# --- sharing modules ----------------------------------------------------------------------------------------------

IN_PLACE = {
    "start writes into the items": "Module.start = lambda self, pretrained: pretrained.item.zero_()",
    "start writes into the users": "Module.start = lambda self, pretrained: pretrained.user.add_(1)",
    "start writes into the texts": "Module.start = lambda self, pretrained: pretrained.text.mul_(0)",
    "losses write into the other side": "Module.losses = lambda self, s, own, other, b: {'x': other.item.zero_()}",
    "losses write into the targets": "Module.losses = lambda self, s, own, other, b: {'x': b.target.zero_()}",
    "losses write into the own side": "Module.losses = lambda self, s, own, *_: {'x': own.user.detach().zero_()}",
    "a term is NaN": "Module.losses = lambda self, s, own, other, b: {'far': own.user.sum() * float('nan')}",
}


@pytest.mark.parametrize("attack", IN_PLACE)
def test_a_sharing_module_that_changes_what_it_reads_is_named(bench, sharing_module, tiny_llama, attack):
    file = sharing_module(IN_PLACE[attack])
    record = bench([file], models=("sasrec",), llms=(f"llama:{tiny_llama}",), sharing=("mine",))[-1]
    assert record["status"] == "failed"
    assert "sharing module 'mine' of plugin module_file" in record["error"]["message"]
    assert ("far" if "NaN" in attack else "in place") in record["error"]["message"]


def test_the_states_of_a_frozen_side_are_kept_for_a_whole_turn():
    frozen = FrozenStates(torch.ones(2, 3), torch.ones(4, 3), length=None)
    frozen.of(torch.tensor([0, 1]), 1).user.zero_()
    assert frozen.user.all()  # a batch has copies of its users' states


# --- metrics ------------------------------------------------------------------------------------------------------

RANK, CANDIDATES = np.array([1, 2, 3]), np.array([9, 9, 9])


class Metric:
    higher_is_better = True

    def __init__(self, per_user):
        self.per_user = per_user


VALUES = {
    "NaN": np.array([1, np.nan, 1]),
    "infinite": np.array([1, np.inf, 1]),
    "too short": np.ones(2),
    "too long": np.ones(4),
    "two dimensions": np.ones((3, 1)),
    "a number": 1.0,
    "complex": np.ones(3) + 0j,
    "text": np.array(["1", "2", "3"]),
    "objects": np.array([1, 2, None]),
    "dates": np.array(["2020"] * 3, dtype="datetime64[D]"),
    "masked": np.ma.array([1.0, 2.0, 3.0], mask=[0, 1, 0]),
    "none": None,
    "nested": [[1], [2, 3], [4]],
    "a generator": (value for value in (1, 2, 3)),
}


@pytest.mark.parametrize("values", VALUES)
def test_wrong_values_of_a_metric_are_refused_by_its_name(values):
    with pytest.raises(PluginError, match=r"^metric 'mine' ") as caught:
        measure_checked("mine", Metric(lambda rank, n_candidates: VALUES[values]), RANK, CANDIDATES)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("values", [np.array([True, False, True]), [1, 2, 3], np.ones(3, np.float16)])
def test_other_real_numbers_are_taken(values):
    measured = measure_checked("mine", Metric(lambda rank, n_candidates: values), RANK, CANDIDATES)
    assert measured.dtype == np.float64


@pytest.mark.parametrize("array", [0, 1])
def test_a_metric_that_writes_into_ranks_fails_and_changes_nothing(array):
    def attack(*given):
        given[array][:] = 1
        return np.ones(3)

    with pytest.raises(PluginError, match="metric 'mine' failed: ValueError: assignment destination is read-only"):
        measure_checked("mine", Metric(attack), RANK, CANDIDATES)
    assert RANK.tolist() == [1, 2, 3]


@pytest.mark.parametrize("array", ["items", "target", "rank", "frequency"])
def test_a_metric_that_writes_into_lists_fails_and_changes_nothing(array):
    class OfLists:
        higher_is_better, k = True, 2

        def per_list(self, lists):
            getattr(lists, array).sort()
            return np.ones(3)

    lists = Lists(np.array([[2, 1]] * 3), np.array([3, 1, 2]), np.array([3, 2, 1]), np.array([9, 8, 7]))
    before = copy.deepcopy(vars(lists))
    with pytest.raises(PluginError, match="read-only"):
        measure_checked("mine", OfLists(), lists.rank, CANDIDATES, lists)
    assert all((getattr(lists, name) == value).all() for name, value in before.items())


# --- listeners ----------------------------------------------------------------------------------------------------


def test_a_listener_that_changes_what_it_is_told_changes_neither_results_nor_what_others_hear(bench, ranks):
    class Attacker:
        def spoil(self, told):
            for key, value in list(told.items()):
                if isinstance(value, dict):
                    self.spoil(value)
                told[key] = None
            told.clear()

        @hookimpl
        def corecbench_cell_started(self, cell):
            self.spoil(cell)

        @hookimpl
        def corecbench_epoch_finished(self, cell, record):
            self.spoil(record)
            self.spoil(cell)

        @hookimpl
        def corecbench_cell_finished(self, cell, result):
            self.spoil(result)
            raise SystemExit(7)

    with pytest.warns(CorecbenchWarning, match="plugin diary: corecbench_cell_finished: SystemExit: 7"):
        (attacked,) = bench(models=("sasrec",), diary=Attacker(), root="attacked")
    (plain,) = bench(models=("sasrec",), root="plain")
    same = ("cell", "hash", "settings", "protocol", "data")
    assert {key: attacked[key] for key in same} == {key: plain[key] for key in same}
    assert attacked["sides"]["domain"]["metrics"] == plain["sides"]["domain"]["metrics"]
    assert len(attacked["epochs"]) == len(plain["epochs"]) > 0
    assert ranks("sasrec", root="attacked").equals(ranks("sasrec", root="plain"))
