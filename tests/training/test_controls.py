from dataclasses import dataclass
from types import SimpleNamespace

import pytest
import torch

from corecbench.api import Catalog, ControlComponent, PluginError, SharingComponent, Turn, UsageError
from corecbench.plugin.abilities import control_abilities
from corecbench.plugin.loaded import PluginInfo
from corecbench.plugin.selected import Selected
from corecbench.training.controls import AppliedControl
from corecbench.training.pair import Pair, texts_for

TEXTS = ("", "A", "", "B")
CATALOG = Catalog("toy", ("", "u"), ("", "a", "b", "c"), TEXTS)
PLUGIN = PluginInfo("mine", "mine", "1.0")


@dataclass(frozen=True)
class Config:
    neighbours: int = 5
    texts: bool = True


def control(**changes):
    selected = Selected("controls", "mine", ControlComponent("mine", dict), None, PLUGIN)
    return AppliedControl(selected, control_abilities(SimpleNamespace(**changes)))


def test_a_control_without_changes_leaves_the_pair_as_it_is():
    module = Selected("sharing", "bdlm", SharingComponent("bdlm", dict), Config(), PLUGIN)
    pair, setup = Pair(None, None, module), SimpleNamespace(catalog=CATALOG, seed=0)
    assert control().pair(pair, setup) == pair
    assert control().catalog(CATALOG, 0) is CATALOG


def test_item_texts_are_replaced_and_nothing_else_is():
    changed = control(item_texts=lambda catalog, seed: [text * seed for text in catalog.item_texts]).catalog(
        CATALOG, 2
    )
    assert changed.item_texts == ("", "AA", "", "BB")
    assert (changed.name, changed.user_ids, changed.item_ids) == ("toy", ("", "u"), CATALOG.item_ids)
    assert CATALOG.item_texts == TEXTS


@pytest.mark.parametrize("texts", [[], ["", "A"], ["A"] * 4, ["", 1, 2, 3]])
def test_too_few_texts_and_a_text_for_padding_are_faults_of_the_control(texts):
    with pytest.raises(
        PluginError, match=r"control 'mine' .* failed in item_texts: .* needed are 4, of which the first"
    ):
        control(item_texts=lambda catalog, seed: texts).catalog(CATALOG, 0)


def test_the_sharing_module_is_told_what_the_control_says():
    told = control(text=lambda catalog, seed, text: text[:, :1] + seed).text(CATALOG, 3, torch.zeros(4, 2))
    assert told.tolist() == [[3.0]] * 4


@pytest.mark.parametrize(
    ("text", "told", "message"),
    [
        (None, torch.zeros(4, 1), "the LLM has no `text`"),
        (torch.zeros(4, 2), torch.zeros(3, 1), r"it returned \[3, 1\]; a tensor \[4, k\] is needed"),
        (torch.zeros(4, 2), [1], "it returned list; a tensor"),
        (torch.zeros(4, 2), torch.full((4, 1), torch.nan), "not finite"),
    ],
)
def test_what_no_module_can_read_is_a_fault(text, told, message):
    with pytest.raises(PluginError, match=message):
        control(text=lambda *_: told).text(CATALOG, 0, text)


TURNS = [Turn("domain", 2), Turn("llm", 3), Turn("domain", 1)]


def test_turns_are_left_out():
    left = control(turns=lambda turns: [turn for turn in turns if turn.side == "domain"]).turns(TURNS)
    assert left == [Turn("domain", 2), Turn("domain", 1)]


def test_a_control_trains_no_side_longer_than_the_pair():
    with pytest.raises(PluginError, match="it plans 4 domain epochs, allowed are the 3 of the pair"):
        control(turns=lambda turns: [Turn("domain", 4)]).turns(TURNS)


def test_settings_of_the_module_are_replaced():
    module = Selected("sharing", "bdlm", SharingComponent("bdlm", dict), Config(), PLUGIN)
    assert control(sharing_settings={"neighbours": 0}).sharing(module).config == Config(0)
    assert module.config == Config()
    with pytest.raises(UsageError, match=r"bdlm.neighbours is 'x', which does not fit"):
        control(sharing_settings={"neighbours": "x"}).sharing(module)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"teacher": False}, "teacher is False, must be one of 'other', 'self', 'none'"),
        ({"sharing_settings": 3}, "sharing_settings is 3, must be"),
    ],
)
def test_a_change_of_another_type_is_a_fault(changes, message):
    with pytest.raises(PluginError, match=message):
        control(**changes)


def test_states_of_texts_are_replaced_as_the_texts_are():
    module = Selected("sharing", "bdlm", SharingComponent("bdlm", dict), Config(), PLUGIN)
    plain = Pair(None, None, module)
    replaced = control(text=lambda catalog, seed, text: text[:, :1] + 1).pair(
        plain, SimpleNamespace(catalog=CATALOG, seed=0)
    )
    llm = SimpleNamespace(text=torch.zeros(4, 2), text_states=torch.full((4, 3), 2.0))
    assert [each.tolist() for each in texts_for(replaced, llm)] == [[[1.0]] * 4, [[3.0]] * 4]
    assert texts_for(plain, llm) == (llm.text, llm.text_states)
    assert texts_for(replaced, SimpleNamespace(text=llm.text))[1] is None
