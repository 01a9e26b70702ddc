from math import exp, log

import pytest
import torch

from corecbench.api import Batch, Budget, Catalog, PluginError, Pretrained, Setup, States, Turn
from corecbench_plugins.sharing.rlmrec import Rlmrec, info_nce
from corecbench_plugins.sharing.settings import RlmrecConfig

SETUP = Setup(Catalog("toy", ("", "a", "b"), ("",) * 4, ("",) * 4), max_history=2, seed=0)
TEXT = torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, 2.0], [0.0, 0.0]])
"""Items 1 and 2 have texts at right angles, item 3 has none."""
BATCH = Batch(torch.tensor([1, 2]), torch.tensor([[1, 3], [2, 0]]))
SAME = torch.arange(2)


def started(text=TEXT, **settings):
    torch.manual_seed(0)
    module = Rlmrec(RlmrecConfig(**{"weight": 1.0, "temperature": 0.5} | settings), SETUP)
    domain, _ = module.ids("domain", 2), module.ids("llm", 3)
    module.start(Pretrained(torch.ones(3, 2), torch.ones(4, 2), text))
    if text is not None:
        module.mapping = torch.nn.Identity()
    return module, domain


def test_info_nce_tells_a_row_from_the_others_by_cosines_at_a_temperature():
    eye = torch.eye(2)
    # itself exp(1 / t), the other exp(0), at t = 1/2
    assert info_nce(3 * eye, eye, 0.5, SAME).item() == pytest.approx(log(1 + exp(-2)))
    assert info_nce(eye, eye.flip(0), 0.5, SAME).item() == pytest.approx(log(1 + exp(2)))
    assert info_nce(eye, eye.flip(0), 0.5, torch.ones(2)).item() == 0  # rows of one number are not told apart


def test_contrastive_states_are_compared_with_the_mapped_texts_of_users_and_items():
    module, _ = started()
    # user 1 read items 1 and 3, user 2 item 2: their mean texts point as the texts of items 1 and 2
    states = States(
        torch.tensor([[2.0, 0.0], [3.0, 0.0]]), torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [5.0, 5.0]])
    )
    terms = module.losses("domain", states, states, BATCH)
    # user 1 agrees with the own text, user 2 with that of user 1; each item with the text of the other one
    users = (log(1 + exp(-2)) + log(1 + exp(2))) / 2
    assert terms["users"].item() == pytest.approx(users)
    assert terms["items"].item() == pytest.approx(log(1 + exp(2)))


def test_generative_hidden_items_are_told_from_the_states_at_their_positions():
    module, domain = started(kind="generative")
    assert module.losses("domain", position_states(), position_states(), BATCH) == {}  # nothing is hidden yet
    domain.item.hidden[:] = torch.tensor([False, True, True, True])
    (term,) = module.losses("domain", position_states(), position_states(), BATCH).values()
    # the state at item 1 is the text of item 1, that at item 2 is at half a right angle to both; item 3 has no text
    assert term.item() == pytest.approx((log(1 + exp(-2)) + log(2)) / 2)


def position_states():
    return States(torch.tensor([[[1.0, 0.0], [9.0, 9.0]], [[1.0, 1.0], [9.0, 9.0]]]), torch.zeros(4, 2))


def test_generative_hidden_users_and_items_are_told_from_their_own_states():
    module, domain = started(kind="generative")
    domain.item.hidden[1] = domain.user.hidden[2] = True
    states = States(torch.eye(2), torch.tensor([[0.0, 0.0], [1.0, 0.0], [7.0, 7.0], [7.0, 7.0]]))
    (term,) = module.losses("domain", states, states, BATCH).values()
    # user 2 and item 1 have the states of their texts, at right angles
    assert term.item() == pytest.approx(log(1 + exp(-2)))


def test_what_is_hidden_is_drawn_anew_for_each_batch_and_only_in_training():
    module, domain = started(kind="generative", hidden=0.5)
    own = domain.item.table.weight.clone()
    drawn = set()
    for _ in range(20):
        module.losses("domain", position_states(), position_states(), BATCH)
        drawn.add(tuple(domain.item.hidden.tolist()))
        hidden = domain.item.hidden[:, None]
        assert torch.equal(domain.item.weight, torch.where(hidden, domain.item.token, own))
        assert torch.equal(domain.item(torch.tensor([2, 1])), domain.item.weight[[2, 1]])
    assert len(drawn) > 4
    assert not any(hidden[0] for hidden in drawn)
    assert torch.equal(domain.item.eval().weight, own)


def test_the_domain_side_alone_is_trained_with_the_mapping_and_the_llm_never():
    torch.manual_seed(0)
    module = Rlmrec(RlmrecConfig(), SETUP)
    module.ids("domain", 2)
    module.start(Pretrained(torch.ones(3, 2), torch.ones(4, 2), torch.ones(4, 6)))
    assert [tuple(layer.shape) for layer in module.trained_with("domain").parameters()] == [
        (4, 6),
        (4,),
        (2, 4),
        (2,),
    ]
    assert module.trained_with("llm") is None
    assert module.turns(Budget(50, 5)) == [Turn("domain", 50)]


@pytest.mark.parametrize("settings", [{"text": None}, {"weight": 0.0}])
def test_without_texts_or_weight_there_is_no_loss(settings):
    module, _ = started(**settings)
    assert module.losses("domain", position_states(), position_states(), BATCH) == {}


def test_states_of_another_width_than_the_tables_are_refused():
    module, _ = started()
    with pytest.raises(PluginError, match="states are 3 wide, and must be as wide as the id tables"):
        module.losses("domain", States(torch.ones(2, 3), torch.ones(4, 3)), position_states(), BATCH)


@pytest.mark.parametrize("model", ["sasrec", "lightgcn"])
@pytest.mark.parametrize("kind", ["contrastive", "generative"])
def test_it_trains_with_models_of_positions_and_of_users(bench, quick, tiny_llama, model, kind):
    settings = quick | {"rlmrec": {"kind": kind, "hidden": 0.5}}
    options = {"solo_llms": False, "settings": settings}
    pair = bench(models=(model,), llms=(f"llama:{tiny_llama}",), sharing=("rlmrec",), **options)[-1]
    assert pair["error"] is None
    assert pair["sides"]["domain"]["epochs"] > 0
    assert pair["sides"].keys() == {"domain"}  # the LLM is only read
