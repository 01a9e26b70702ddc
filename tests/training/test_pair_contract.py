"""What a pair asks of its parts: ids once, the domain side first, and layers that train with a side."""

import time
from dataclasses import replace

import pytest
import torch

from corecbench.api import Budget, Ids, PluginError, Turn, private_ids
from corecbench.api.tables import table_names
from corecbench.training.pair import IdRequests
from corecbench.training.turns import planned
from corecbench_plugins.sharing.none import Private


class Module:
    def __init__(self, tables=None):
        self.asked, self.tables = [], tables

    def ids(self, side, width):
        self.asked.append((side, width))
        return private_ids(2, 3, width) if self.tables is None else self.tables


def test_each_side_gets_the_tables_of_the_width_that_it_asks_for():
    requests = IdRequests(Module())
    for side, width in (("domain", 4), ("llm", 6)):
        tables = requests.factory(side)(width)
        assert isinstance(tables, Ids)
        assert tables.item.weight.shape == (4, width)
    assert requests.module.asked == [("domain", 4), ("llm", 6)]


def test_an_llm_that_asks_before_the_domain_model_is_refused():
    with pytest.raises(PluginError, match="asks for its id tables before the domain model has asked for its own"):
        IdRequests(Module()).factory("llm")(6)


def test_a_side_that_asks_twice_is_refused():
    ids = IdRequests(Module()).factory("domain")
    ids(4)
    with pytest.raises(PluginError, match="asks for its id tables twice"):
        ids(4)


def test_tables_that_are_no_ids_are_refused():
    with pytest.raises(PluginError, match=r"the Module: ids returned \(1, 2\); Ids are needed"):
        IdRequests(Module(tables=(1, 2))).factory("domain")(4)


def test_tables_are_known_by_name_wherever_a_model_keeps_them():
    tables = private_ids(2, 3, 4)
    wrapped = torch.nn.ModuleDict({"first": torch.nn.Sequential(tables.user), "second": tables.item})
    assert table_names(wrapped) == {"user": "first.0.weight", "item": "second.weight"}
    assert table_names(torch.nn.Linear(2, 2)) == {}


def test_layers_of_a_sharing_module_are_trained_and_kept_with_their_side(solo, joined):
    _, _, start = solo("sasrec")
    _, sides, module = joined("sasrec", "ctrl", start, start="new", warm_up_epochs=1, rounds=1)
    for side, side_training in sides.items():
        heads = module.trained_with(side)
        assert side_training.layers is heads
        assert side_training.optimizer is not None
        trained = [id(weight) for group in side_training.optimizer.param_groups for weight in group["params"]]
        assert all(id(weight) in trained for weight in heads.parameters())
        assert side_training.best_layers.keys() == heads.state_dict().keys()
        assert not any("heads" in name for name in side_training.best_state)  # either side predicts alone


def test_a_side_without_such_layers_trains_its_model_only(solo, joined):
    _, _, start = solo("sasrec")
    _, sides, _ = joined("sasrec", "none", start, domain_epochs=0, llm_epochs=0)
    assert [side_training.layers for side_training in sides.values()] == [None, None]


def test_a_pair_that_starts_anew_reads_nothing_of_the_model_alone(solo, joined):
    def refuse():
        raise AssertionError("read")

    _, _, start = solo("sasrec")
    unread = replace(start, learnt=refuse)
    for sharing in ("bdlm", "none", "ctrl", "dllm2rec", "llmd4rec", "llminit"):
        _, sides, _ = joined("sasrec", sharing, unread, start="new", warm_up_epochs=1, rounds=1)
        assert sides["domain"].epochs > 0
    with pytest.raises(AssertionError, match="read"):
        joined("sasrec", "bdlm", unread, start="pretrained")


def test_a_side_that_teaches_itself_does_so_from_its_second_turn_on():
    module, turns = object(), [Turn("domain", 2), Turn("llm", 1), Turn("domain", 1), Turn("domain", 1)]
    partners = [turn.partner for turn in planned(turns, {"domain"}, module, "self")]
    assert partners == [None, None, "domain", "domain"]
    assert all(turn.sharing is None for turn in planned(turns, {"domain"}, module, "none"))


def test_a_module_is_told_of_items_before_each_domain_turn_that_follows_one_of_the_llm():
    sides = ("domain", "llm", "domain", "domain", "llm", "llm", "domain")
    turns = [Turn(side, 1) for side in sides]
    told = [turn.renew for turn in planned(turns, set(), object(), "none", renew=print)]
    assert told == [None, None, print, None, None, None, print]
    assert all(turn.renew is None for turn in planned(turns, set(), object(), "other"))


def test_what_the_llm_makes_of_an_item_alone_is_told_to_the_domain_side(solo, joined):
    _, _, start = solo("sasrec")
    training, sides, module = joined("sasrec", "bdlm", start, start="new", warm_up_epochs=1, rounds=1, renewed=True)
    said = module.renewed.said
    item_states = training.item_states(sides["llm"].model)
    assert said.shape == item_states.shape
    assert said.any()
    assert not said[0].any()
    assert module.renewed.reading.weight.any()  # the domain model learnt to read it
    assert any(name.endswith("said") for name in sides["domain"].best_state)
    assert not any(name.endswith("said") for name in sides["llm"].best_state)


@pytest.mark.parametrize("model", ["sasrec", "lightgcn"])
def test_the_recommender_is_told_what_the_tuned_llm_makes_of_items_and_keeps_it(solo, joined, model):
    _, _, alone = solo(model)
    training, sides, module = joined(model, "llm2rec", alone, llm_epochs=1)
    assert {side: each.epochs > 0 for side, each in sides.items()} == {"domain": True, "llm": True}
    before = module.item.said.clone()
    module.renew(training.item_states(sides["llm"].model))
    assert torch.equal(module.item.said, before)
    assert any(name.endswith("said") for name in sides["domain"].best_state)
    _, sides, module = joined(model, "llm2rec", alone, llm_epochs=0)
    assert not module.item.said.any()
    assert sides["domain"].epochs > 0


def test_a_module_that_fails_when_it_is_told_is_named(solo, joined, monkeypatch):
    def fail(self, item_states):
        raise ValueError("no room")

    _, _, start = solo("sasrec")
    monkeypatch.setattr("corecbench_plugins.sharing.store.RenewedTable.tell", fail)
    with pytest.raises(PluginError, match=r"'bdlm' .*failed in renew: .*no room"):
        joined("sasrec", "bdlm", start, start="new", warm_up_epochs=1, rounds=1, renewed=True)


@pytest.mark.parametrize(
    ("sharing", "settings", "warned"),
    [
        ("bdlm", {"warm_up_epochs": 60}, True),
        ("bdlm", {"warm_up_epochs": 1}, False),
        ("bdlm", {"warm_up_epochs": 60, "llm_epochs": 0}, False),
        ("none", {"warm_up_epochs": 60}, False),
    ],
)
def test_a_domain_model_without_a_turn_after_the_llm_s_is_warned_of(
    solo, joined, caplog, sharing, settings, warned
):
    _, _, start = solo("sasrec")
    joined("sasrec", sharing, start, start="new", rounds=1, **settings)
    told = [
        record.message for record in caplog.records if "no training phase after one of the LLM" in record.message
    ]
    assert [message.split(" of plugin")[0] for message in told] == ["sharing module 'bdlm'"] * warned
    assert all("; set sasrec.epochs >= 61" in message for message in told)


def test_losses_that_need_no_trained_partner_are_called_from_the_first_turn_also_without_turns_of_the_llm():
    module, turns = object(), [Turn("domain", 1), Turn("domain", 1)]
    assert [turn.partner for turn in planned(turns, set(), module, "other")] == [None, None]
    assert [turn.partner for turn in planned(turns, set(), module, "other", at_once=True)] == ["llm", "llm"]
    assert [turn.partner for turn in planned(turns, set(), module, "none", at_once=True)] == [None, None]


@pytest.mark.parametrize(("epochs", "coupled"), [(1, True), (0, False)])
def test_a_pair_whose_losses_are_never_called_is_warned_of_and_says_so(solo, joined, caplog, epochs, coupled):
    _, _, start = solo("sasrec")
    _, sides, _ = joined("sasrec", "ctrl", start, start="new", warm_up_epochs=1, rounds=1, llm_epochs=epochs)
    assert sides["domain"].coupled is coupled
    told = [record.message for record in caplog.records if "none of its turns calls its coupling" in record.message]
    assert [message.split(" of plugin")[0] for message in told] == ["sharing module 'ctrl'"] * (not coupled)


def test_a_module_is_shown_a_copy_of_the_training_part_before_it_starts(solo, joined, monkeypatch):
    seen = []
    start_of_private = Private.start

    def fit(self, train):
        seen.append(train.item.tolist())
        train.item[:] = 0

    def start(self, pretrained):
        seen.append("start")
        start_of_private(self, pretrained)

    monkeypatch.setattr(Private, "fit", fit, raising=False)
    monkeypatch.setattr(Private, "start", start)
    _, _, alone = solo("sasrec")
    training, _, _ = joined("sasrec", "none", alone, domain_epochs=0, llm_epochs=0)
    assert seen == [training.split.train.item.tolist(), "start"]
    assert training.split.train.item.all()


def test_a_stage_before_the_turns_counts_in_time_epochs_and_budget(solo, joined, monkeypatch):
    seen = []

    def prepare(self, budget):
        seen.append(budget)
        for side in ("domain", "domain", "llm"):
            time.sleep(0.01)
            yield side, 0.5

    plan = Private.turns
    monkeypatch.setattr(Private, "prepare", prepare, raising=False)
    monkeypatch.setattr(Private, "turns", lambda self, budget: (seen.append(budget), plan(self, budget))[1])
    _, _, start = solo("sasrec")
    _, sides, _ = joined("sasrec", "none", start, start="new", warm_up_epochs=0, domain_epochs=0, llm_epochs=0)
    assert seen == [Budget(4, 2), Budget(2, 1)]
    assert {side: each.stage_epochs for side, each in sides.items()} == {"domain": 2, "llm": 1}
    assert sides["domain"].train_s >= 0.02
    assert [each.epochs for each in sides.values()] == [0, 0]
