from dataclasses import replace
from math import log

import numpy as np
import pytest
import torch
from torch import nn

from corecbench.api import Batch, Budget, Catalog, Pretrained, Setup, States, Turn, UsageError
from corecbench.toolkit import beside, phrase_summaries, standard_loss, word_summaries
from corecbench_plugins.recbole_models.sasrec_gru4rec import build_sasrec
from corecbench_plugins.recbole_models.settings import SASRecConfig
from corecbench_plugins.sharing.bdlm import Bdlm
from corecbench_plugins.sharing.none import Hybrid, Private
from corecbench_plugins.sharing.schedule import alternate, spread
from corecbench_plugins.sharing.settings import BdlmConfig, HybridConfig, Schedule
from corecbench_plugins.sharing.store import nearest

SETUP = Setup(Catalog("toy", ("", "a", "b"), ("", "x", "y"), ("", "", "")), max_history=3, seed=0)
PADDING = 50.0  # a score that would win by far
ITEMS = torch.tensor([[PADDING], [0.0], [log(3)]])
"""Padding and two items: a user state of 1 gives them the odds 1 : 3, of 0 the odds 1 : 1, of -1 the odds 3 : 1."""
KL = 1 / 2 * log((1 / 2) / (1 / 4)) + 1 / 2 * log((1 / 2) / (3 / 4))
"""KL(even odds || odds 1 : 3), by hand: (ln 2 + ln 2/3) / 2 = ln(4/3) / 2."""


def make_bdlm(**settings):
    return Bdlm(BdlmConfig(**{"start": "pretrained", "domain_weight": 1.0, "llm_weight": 1.0} | settings), SETUP)


def states(*user):
    """User states [B, L, 1] from rows of numbers, or [B, 1] from numbers."""
    return States(torch.tensor(user)[..., None], ITEMS)


def histories(*rows):
    return Batch(torch.arange(1, len(rows) + 1), torch.tensor(rows))


def mutual(own, other, batch, side="domain", **settings):
    return make_bdlm(**settings).losses(side, own, other, batch)["mutual"].item()


# --- the store ----------------------------------------------------------------------------------------------------


def test_both_sides_read_one_store():
    module = make_bdlm(llm_reads_users=True)
    domain, llm = module.ids("domain", 3), module.ids("llm", 5)
    with torch.no_grad():
        before = llm.item.weight.clone(), llm.user.weight.clone()
        for rows in (module.item, module.user):
            rows.table.weight += 1
    assert domain.item.rows is llm.item.rows is module.item
    assert domain.user.rows is llm.user.rows is module.user
    assert not torch.allclose(llm.item.weight, before[0])
    assert not torch.allclose(llm.user.weight, before[1])


def test_each_side_reads_the_store_at_its_own_width():
    module = make_bdlm()
    domain, llm = module.ids("domain", 3), module.ids("llm", 5)
    assert [tuple(ids.item.weight.shape) for ids in (domain, llm)] == [(3, 3), (3, 5)]
    assert module.item.weight.shape == module.user.weight.shape == (3, 3)


def test_the_sides_have_projections_of_their_own():
    module = make_bdlm()
    domain, llm = module.ids("domain", 3), module.ids("llm", 3)
    assert domain.item.projection is not llm.item.projection


def test_the_domain_side_starts_with_the_store_itself():
    module = make_bdlm()
    ids = module.ids("domain", 3)
    assert torch.equal(ids.item.weight, module.item.weight)
    assert torch.equal(ids.user(torch.tensor([2, 1])), module.user.weight[[2, 1]])


def test_a_looked_up_row_is_that_of_the_projected_table():
    module = make_bdlm()
    module.ids("domain", 3)
    ids, index = module.ids("llm", 5), torch.tensor([[2, 0], [1, 2]])
    assert torch.allclose(ids.item(index), ids.item.weight[index])


def test_a_row_that_stands_at_many_places_is_read_once_and_gets_the_gradients_of_all():
    module, read = make_bdlm(), []
    ids = module.ids("domain", 3)
    module.item.register_forward_pre_hook(lambda _, arguments: read.append(arguments[0].tolist()))
    ids.item(torch.tensor([[2, 1], [1, 1]])).sum().backward()
    assert read == [[1, 2]]
    assert module.item.table.weight.grad[1:].tolist() == [[3.0] * 3, [1.0] * 3]


def test_a_gradient_of_either_side_reaches_the_store():
    for side in ("domain", "llm"):
        module = make_bdlm()
        ids = {name: module.ids(name, 3) for name in ("domain", "llm")}
        ids[side].item(torch.tensor([2])).sum().backward()
        assert module.item.table.weight.grad[2].abs().sum() > 0


@pytest.mark.parametrize(
    "make", [make_bdlm, lambda: Private(Schedule(start="pretrained"), SETUP)], ids=["bdlm", "none"]
)
def test_the_domain_side_starts_at_the_pretrained_tables(make):
    module = make()
    domain, _ = module.ids("domain", 2), module.ids("llm", 2)
    pretrained = Pretrained(user=torch.arange(6.0).reshape(3, 2), item=torch.arange(6.0, 12.0).reshape(3, 2))
    module.start(pretrained)
    assert torch.equal(domain.user.weight, pretrained.user)
    assert torch.equal(domain.item.weight, pretrained.item)


def test_a_store_that_was_started_is_still_trained():
    module = make_bdlm()
    ids = module.ids("domain", 2)
    module.start(Pretrained(torch.ones(3, 2), torch.ones(3, 2)))
    ids.item.weight.sum().backward()
    assert isinstance(module.item.table.weight, nn.Parameter)
    assert module.item.table.weight.grad is not None


def test_an_llm_that_only_reads_gives_the_store_no_gradient():
    module = make_bdlm(llm_writes=False)
    domain, llm = module.ids("domain", 3), module.ids("llm", 3)
    (llm.item.weight.sum() + llm.item(torch.tensor([2])).sum()).backward()
    assert module.item.table.weight.grad is None
    assert llm.item.projection.weight.grad is not None
    domain.item.weight.sum().backward()
    assert module.item.table.weight.grad is not None


def test_user_rows_tell_the_llm_nothing_unless_it_is_to_read_them():
    index = torch.tensor([2, 1, 0])  # as many as there are: products of fewer rows may have other last digits
    for reads in (False, True):
        module = make_bdlm(llm_reads_users=reads)
        domain, llm = module.ids("domain", 3), module.ids("llm", 4)
        told = llm.user(index)
        assert told.shape == (3, 4)
        assert torch.equal(told, llm.user.weight[index])
        assert bool(told.any()) == reads
        assert domain.user(index).any()


# --- its texts ----------------------------------------------------------------------------------------------------

TEXT = torch.tensor([[0.0, 0.0, 0.0], [1.0, 0.0, 2.0], [0.0, 3.0, 0.0]])
PRETRAINED = Pretrained(torch.ones(3, 2), torch.arange(6.0).reshape(3, 2), TEXT)


def started(**settings):
    module = make_bdlm(**settings)
    ids = module.ids("domain", 2), module.ids("llm", 4)
    module.start(PRETRAINED)
    return module, *ids


def test_from_the_pretrained_model_texts_change_nothing_at_first():
    module, domain, _ = started()
    module.eval()
    assert torch.equal(domain.item.weight, PRETRAINED.item)


def test_both_sides_read_the_texts_through_the_store():
    module, domain, llm = started(start="new")
    with torch.no_grad():
        module.eval()
        before = [ids.item.weight.clone() for ids in (domain, llm)]
        module.item.text_projection.weight.mul_(2)
    for ids, earlier in zip((domain, llm), before, strict=True):
        changed = (ids.item.weight != earlier).any(dim=1)
        assert changed.tolist() == [False, True, True]  # padding has no text


def test_a_looked_up_row_holds_its_text_too():
    module, _, llm = started(start="new")
    module.eval()
    index = torch.tensor([[2, 0], [1, 2]])
    assert torch.allclose(llm.item(index), llm.item.weight[index])


def test_a_new_start_leaves_the_pretrained_tables_aside():
    module, _, _ = started(start="new")
    assert not torch.equal(module.item.table.weight, PRETRAINED.item)
    assert not torch.equal(module.user.table.weight, PRETRAINED.user)


def test_without_texts_a_store_holds_rows_alone():
    module, _, _ = started(texts=False)
    assert module.item.text_projection is None


def test_an_item_shares_in_the_rows_of_the_items_with_the_nearest_texts():
    module = make_bdlm(start="new", neighbours=1)
    domain, _ = module.ids("domain", 2), module.ids("llm", 4)
    module.start(PRETRAINED)
    module.eval()
    rows, texts = module.item.table.weight, module.item.text_projection(TEXT)
    assert torch.allclose(domain.item.weight, rows + texts + 0.5 * rows[[0, 2, 1]])
    domain.item(torch.tensor([2])).sum().backward()
    assert rows.grad.tolist() == [[0, 0], [0.5, 0.5], [1, 1]]
    assert module.item.share.grad.item() == pytest.approx(rows[1].sum().item())


def test_an_item_without_a_text_has_no_neighbours_and_is_nobody_s():
    text = torch.tensor([[0.0, 0.0], [1.0, 0.1], [0.0, 0.0], [1.0, 0.2], [0.1, 1.0]])
    assert nearest(text, 2).tolist() == [[0, 0], [3, 4], [0, 0], [1, 4], [3, 1]]
    assert nearest(text, 9).tolist()[1] == [3, 4, 0, 0]


def test_a_store_without_neighbours_holds_rows_and_texts():
    module, domain, _ = started(start="new", neighbours=0)
    module.eval()
    assert torch.equal(domain.item.weight, module.item.table.weight + module.item.text_projection(TEXT))


def test_what_the_llm_makes_of_items_changes_what_the_domain_side_reads_once_it_learns_to_read_it():
    module = make_bdlm(renewed=True)
    domain, llm = module.ids("domain", 3), module.ids("llm", 2)
    before = domain.item.weight.detach().clone(), llm.item.weight.detach().clone()
    module.renew(torch.tensor([[0.0, 0.0], [3.0, 1.0], [1.0, 2.0]]))
    assert torch.equal(domain.item.weight, before[0])
    nn.init.ones_(domain.item.reading.weight)
    said = domain.item.said
    assert not said[0].any()
    assert said[1:].norm(dim=1).square().mean().sqrt().item() == pytest.approx(5.0)
    assert said[1:].sum(dim=0).numpy() == pytest.approx([0.0, 0.0], abs=1e-5)
    told = domain.item.weight - before[0]
    assert torch.allclose(told, said.sum(dim=1, keepdim=True).expand(-1, 3), atol=1e-6)
    index = torch.tensor([[1, 0], [2, 2]])
    assert torch.allclose(domain.item(index), domain.item.weight[index], atol=1e-6)
    assert torch.equal(llm.item.weight, before[1])  # the LLM is not told what it says itself


def test_states_that_changed_little_are_told_in_the_same_directions():
    module = make_bdlm(renewed=True)
    module.ids("domain", 3), module.ids("llm", 4)
    states = torch.cat([torch.zeros(1, 4), torch.randn(2, 4, generator=torch.Generator().manual_seed(0))])
    module.renew(states)
    first = module.renewed.said.clone()
    module.renew(states * 1.001)
    assert torch.allclose(module.renewed.said, first, atol=1e-2)


@pytest.mark.parametrize(("settings", "told"), [({}, False), ({"renewed": True}, True)])
def test_a_module_asks_to_be_told_only_where_it_is_set(settings, told):
    module = make_bdlm(**settings)
    module.ids("domain", 3)
    assert (module.renew is not None) is told


def test_an_llm_whose_states_are_no_rows_of_its_table_cannot_be_told_of():
    module = make_bdlm(renewed=True)
    module.ids("domain", 3), module.ids("llm", 2)
    with pytest.raises(UsageError, match=r"must be as wide as its table .* its states are 5 wide, its table 2"):
        module.renew(torch.ones(3, 5))


def test_counted_words_stand_beside_what_the_llm_makes_of_texts():
    catalog = Catalog("toy", ("", "u"), ("", *"abcd"), ("", "red car", "red truck", "blue car", "green boat"))
    module = Bdlm(BdlmConfig(words=2), Setup(catalog, max_history=3, seed=0))
    module.ids("domain", 2)
    text = torch.zeros(5, 3)
    text[1:] = torch.eye(4)[:, :3]
    module.start(Pretrained(torch.zeros(2, 2), torch.zeros(5, 2), text))
    assert module.item.text.shape == (5, 2 + 3)
    assert torch.allclose(module.item.text[:, 2:], text / 2**0.5)
    words, of_llm = (part.square().sum(dim=1) for part in module.item.text.split([2, 3], dim=1))
    assert torch.isclose(words.sum() / 4, of_llm.sum() / 3)  # three of the four texts have a state
    assert not module.item.text[0].any()


def test_an_llm_without_a_view_of_texts_gives_none():
    module = make_bdlm()
    module.ids("domain", 2)
    module.start(Pretrained(PRETRAINED.user, PRETRAINED.item))
    assert module.item.text_projection is None


def test_rows_are_left_out_at_random_in_training_and_never_afterwards():
    module, domain, _ = started(row_dropout=1.0, start="new", neighbours=0)
    texts = module.item.text_projection(TEXT)
    assert torch.equal(domain.item.weight, texts)
    assert torch.equal(domain.item(torch.tensor([2])), texts[[2]])
    module.eval()
    assert torch.equal(domain.item.weight, module.item.table.weight + texts)


def test_texts_in_bfloat16_add_nearly_what_they_add_in_float32():
    generator = torch.Generator().manual_seed(0)
    text = torch.randn(3, 8, generator=generator)
    modules = [make_bdlm(start="new"), make_bdlm(start="new")]
    for module, dtype in zip(modules, (torch.float32, torch.bfloat16), strict=True):
        module.ids("domain", 2)
        module.start(Pretrained(PRETRAINED.user, PRETRAINED.item, text.to(dtype)))
        module.eval()
    modules[1].load_state_dict(modules[0].state_dict())
    exact, rounded = (module.item.weight for module in modules)
    assert rounded.dtype == torch.float32
    assert torch.allclose(exact, rounded, atol=0.05)
    assert not torch.equal(exact, rounded)


# --- mutual learning ----------------------------------------------------------------------------------------------


def test_equal_distributions_cost_nothing():
    batch = histories([1, 2], [2, 0])
    own = states([1.0, 0.0], [1.0, 0.0])
    assert mutual(own, own, batch) == pytest.approx(0, abs=1e-6)


def test_distributions_that_differ_cost_the_divergence_from_the_other_side_s():
    # by hand: the other side holds even odds, the own side 1 : 3, at the one position of the history
    assert mutual(states([1.0]), states([0.0]), histories([1])) == pytest.approx(KL, rel=1e-5)


def test_the_divergence_is_not_the_reverse_one():
    reverse = 1 / 4 * log((1 / 4) / (1 / 2)) + 3 / 4 * log((3 / 4) / (1 / 2))
    assert mutual(states([0.0]), states([1.0]), histories([1])) == pytest.approx(reverse, rel=1e-5)


def test_the_divergence_is_averaged_over_the_positions_of_the_histories():
    own, other = states([1.0, 9.0], [1.0, 0.0]), states([0.0, -9.0], [0.0, 0.0])
    # three positions hold an item; the fourth, of padding, would cost much
    assert mutual(own, other, histories([1, 0], [1, 2])) == pytest.approx((KL + KL + 0) / 3, rel=1e-5)


def test_few_positions_stand_for_all_of_a_batch():
    own, other = states([1.0, 1.0], [1.0, 1.0]), states([0.0, 0.0], [0.0, 0.0])
    # all four positions differ alike, so any two of them cost the same
    assert mutual(own, other, histories([1, 2], [1, 2]), positions=2) == pytest.approx(KL, rel=1e-5)


def test_the_positions_are_drawn_anew_each_time():
    own, other = states(*([float(user), 0.0] for user in range(20))), states(*([[0.0, 0.0]] * 20))
    module, batch = make_bdlm(positions=3), histories(*([[1, 2]] * 20))
    assert len({module.losses("domain", own, other, batch)["mutual"].item() for _ in range(5)}) > 1


def test_padding_is_no_item_of_the_distributions():
    own, other = states([1.0]), states([0.0])
    high = States(own.user, torch.cat([torch.tensor([[-PADDING]]), ITEMS[1:]]))
    assert mutual(high, other, histories([1])) == pytest.approx(mutual(own, other, histories([1])))


def test_a_side_with_one_state_per_user_is_compared_after_the_last_item():
    three = torch.tensor([[0.0], [0.0], [0.0], [log(3)]])
    own = States(torch.tensor([[1.0]]), three)
    other = States(torch.tensor([[[9.0], [0.0], [7.0]]]), three)
    # the history 1, 1 leaves out item 1; the other side's state after it is 0, the second of its positions
    assert mutual(own, other, histories([1, 1, 0])) == pytest.approx(KL, rel=1e-5)


def test_it_does_not_matter_which_side_has_one_state_per_user():
    three = torch.tensor([[0.0], [0.0], [0.0], [log(3)]])
    own = States(torch.tensor([[[9.0], [1.0], [7.0]]]), three)
    other = States(torch.tensor([[0.0]]), three)
    assert mutual(own, other, histories([1, 1, 0])) == pytest.approx(KL, rel=1e-5)


def test_two_sides_with_one_state_per_user_leave_out_the_history_too():
    three = torch.tensor([[0.0], [8.0], [0.0], [log(3)]])
    own, other = (States(torch.tensor([[value]]), three) for value in (1.0, 0.0))
    assert mutual(own, other, histories([1])) == pytest.approx(KL, rel=1e-5)


def test_a_history_of_everything_costs_nothing_and_is_finite():
    own, other = (States(torch.tensor([[value]]), ITEMS) for value in (1.0, 0.0))
    assert mutual(own, other, histories([1, 2])) == pytest.approx(0, abs=1e-6)


def test_a_temperature_softens_both_distributions_and_is_made_up_for():
    own = states([2.0])  # at temperature 2 the odds are 1 : 3
    assert mutual(own, states([0.0]), histories([1]), temperature=2.0) == pytest.approx(2**2 * KL, rel=1e-5)


@pytest.mark.parametrize(("side", "weight"), [("domain", 0.25), ("llm", 3.0)])
def test_each_side_has_its_own_weight(side, weight):
    cost = mutual(states([1.0]), states([0.0]), histories([1]), side, domain_weight=0.25, llm_weight=3.0)
    assert cost == pytest.approx(weight * KL, rel=1e-5)


@pytest.mark.parametrize(("side", "terms"), [("domain", set()), ("llm", {"mutual"})])
def test_a_weight_of_zero_gives_no_term(side, terms):
    module = make_bdlm(domain_weight=0.0)
    assert set(module.losses(side, states([1.0]), states([0.0]), histories([1]))) == terms


def test_the_own_side_is_drawn_towards_the_other_side():
    user = torch.tensor([[[1.0]]], requires_grad=True)
    make_bdlm().losses("domain", States(user, ITEMS), states([0.0]), histories([1]))["mutual"].backward()
    # d KL / d user = (3/4 - 1/2) * ln 3: a smaller state is nearer to even odds
    assert user.grad.item() == pytest.approx(log(3) / 4, rel=1e-5)


# --- turns --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("epochs", "rounds", "spread_out"), [(6, 2, [3, 3]), (5, 3, [2, 2, 1]), (1, 3, [1, 0, 0]), (0, 2, [0, 0])]
)
def test_epochs_are_spread_evenly_the_first_rounds_get_more(epochs, rounds, spread_out):
    assert spread(epochs, rounds) == spread_out


def test_the_llm_begins_each_round():
    turns = alternate(
        Schedule(warm_up_epochs=0, rounds=2, domain_epochs=4, llm_epochs=2), Budget(domain_epochs=9, llm_epochs=9)
    )
    assert turns == [Turn("llm", 1), Turn("domain", 2), Turn("llm", 1), Turn("domain", 2)]


def test_the_domain_model_may_warm_up_before_the_first_round():
    schedule = Schedule(warm_up_epochs=6, rounds=1, domain_epochs=4, llm_epochs=2)
    assert alternate(schedule, Budget(9, 9)) == [Turn("domain", 6), Turn("llm", 2), Turn("domain", 3)]


def test_the_budget_limits_each_side():
    turns = alternate(
        Schedule(warm_up_epochs=0, rounds=1, domain_epochs=9, llm_epochs=9), Budget(domain_epochs=2, llm_epochs=1)
    )
    assert turns == [Turn("llm", 1), Turn("domain", 2)]


def test_a_turn_of_no_epochs_is_left_out():
    turns = alternate(
        Schedule(warm_up_epochs=0, rounds=2, domain_epochs=1, llm_epochs=2), Budget(domain_epochs=1, llm_epochs=9)
    )
    assert turns == [Turn("llm", 1), Turn("domain", 1), Turn("llm", 1)]


@pytest.mark.parametrize("make", [Bdlm, Private])
def test_a_module_alternates_by_its_settings(make):
    config = BdlmConfig(warm_up_epochs=0, rounds=1, domain_epochs=3, llm_epochs=2)
    assert make(config, SETUP).turns(Budget(9, 9)) == [Turn("llm", 2), Turn("domain", 3)]


def test_the_defaults_train_in_at_least_two_rounds():
    sides = [turn.side for turn in alternate(Schedule(), Budget(100, 100))]
    assert sides == ["domain", "llm", "domain", "llm", "domain"]


@pytest.mark.parametrize("make", [Bdlm, Private])
@pytest.mark.parametrize("start", ["pretrained", "new"])
def test_a_module_says_where_the_domain_side_starts(make, start):
    assert make(BdlmConfig(start=start), SETUP).start_from == start


# --- none ---------------------------------------------------------------------------------------------------------


def test_the_control_shares_no_table():
    module = Private(Schedule(), SETUP)
    domain, llm = module.ids("domain", 4), module.ids("llm", 4)
    assert domain.item is not llm.item
    assert not torch.equal(domain.item.weight, llm.item.weight)


def test_the_control_leaves_the_llm_s_tables_as_they_were_drawn():
    module = Private(Schedule(), SETUP)
    module.ids("domain", 2)
    llm = module.ids("llm", 2)
    before = llm.item.weight.clone()
    module.start(Pretrained(torch.ones(3, 2), torch.ones(3, 2)))
    assert torch.equal(llm.item.weight, before)


def test_the_control_may_start_anew_too():
    module = Private(Schedule(start="new"), SETUP)
    domain, _ = module.ids("domain", 2), module.ids("llm", 2)
    before = domain.item.weight.clone()
    module.start(Pretrained(torch.ones(3, 2), torch.ones(3, 2)))
    assert torch.equal(domain.item.weight, before)


def test_the_control_has_no_coupling():
    assert Private(Schedule(), SETUP).losses("llm", states([1.0]), states([0.0]), histories([1])) == {}


# --- texts that have a say in the scores --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "words"),
    [({}, phrase_summaries), ({"content_phrases": False}, word_summaries), ({"content_words": 0}, None)],
    ids=["phrases", "words", "none"],
)
def test_what_is_said_of_texts_has_a_say_beside_counted_phrases(tmp_path, settings, words):
    texts = ("", "red ball", "red kite", "blue kite")
    said = torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]])
    setup = Setup(Catalog("toy", ("", "a"), ("", *"xyz"), texts), max_history=3, seed=0, cache=tmp_path)
    module = Bdlm(BdlmConfig(content=True, **{"content_words": 2} | settings), setup)
    module.ids("domain", 2)
    module.start(Pretrained(torch.zeros(2, 2), torch.zeros(4, 2), said))
    counted = words and words(texts, 2, np.random.default_rng(0))
    assert torch.equal(module.content, said if counted is None else beside(counted, said))


# --- hybrid -------------------------------------------------------------------------------------------------------


def test_the_hybrid_keeps_the_domain_model_trains_the_llm_and_lets_counted_words_have_a_say(tmp_path):
    texts = ("", "red ball", "red kite", "blue kite")
    setup = Setup(Catalog("toy", ("", "a"), ("", *"xyz"), texts), max_history=3, seed=0, cache=tmp_path)
    module = Hybrid(HybridConfig(words=2, phrases=False), setup)
    domain, _ = module.ids("domain", 2), module.ids("llm", 2)
    module.start(Pretrained(torch.ones(2, 2), torch.full((4, 2), 2.0)))
    assert module.start_from == "pretrained"
    assert domain.item.weight.tolist() == [[2.0, 2.0]] * 4
    assert {turn.side for turn in module.turns(Budget(60, 5))} == {"llm"}
    assert torch.equal(module.content, word_summaries(texts, 2, np.random.default_rng(0)))


# --- rows that a loss reads ---------------------------------------------------------------------------------------


def sasrec_over_texts():
    """SASRec, its store over texts of 40 items, and a batch with 3 sampled items."""
    torch.manual_seed(0)
    ids = tuple(str(number) for number in range(41))
    setup = Setup(Catalog("toy", ("", "a", "b"), ids, ids), max_history=3, seed=0)
    module = Bdlm(BdlmConfig(start="pretrained", row_dropout=0.0), setup)
    given = module.ids("domain", 8)
    module.start(Pretrained(torch.zeros(3, 8), torch.randn(41, 8), torch.randn(41, 5)))
    config = SASRecConfig(embedding_size=8, n_layers=1, n_heads=1, hidden_dropout=0.0, attention_dropout=0.0)
    history, target = torch.tensor([[4, 9, 0], [7, 2, 5]]), torch.tensor([[9, 1, 0], [2, 5, 8]])
    batch = Batch(torch.tensor([1, 2]), history, target, sampled=torch.tensor([3, 9, 30]))
    return build_sasrec(config, setup, lambda width: given), module, batch


def test_a_step_that_computes_only_the_rows_that_its_loss_reads_is_the_step_of_all_rows():
    model, module, batch = sasrec_over_texts()
    found = []
    for each in (batch, replace(batch, reads_all=False)):
        model.zero_grad(), module.zero_grad()
        loss = standard_loss(each, model.states(each))
        loss.backward()
        weights = (*model.parameters(), *module.parameters())
        found.append([loss.detach(), *(weight.grad for weight in weights if weight.grad is not None)])
    torch.testing.assert_close(found[1], found[0])


def test_a_loss_reads_targets_and_sampled_items_unless_it_reads_all():
    user, history, target, sampled = map(torch.tensor, ([1], [[3, 9]], [[9, 0]], [4, 9]))
    batch = Batch(user, history, target, sampled=sampled)
    assert batch.read is None
    assert replace(batch, reads_all=False).read.tolist() == [0, 4, 9]
    assert replace(batch, reads_all=False, sampled=None).read is None


def test_rows_that_no_loss_reads_are_not_computed():
    model, _, batch = sasrec_over_texts()
    item = model.states(replace(batch, reads_all=False)).item
    assert len(item) == 41
    assert item.any(dim=1).nonzero().flatten().tolist() == [0, 1, 2, 3, 5, 8, 9, 30]
