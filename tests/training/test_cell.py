from dataclasses import replace

import pytest
import torch
from torch import nn

from corecbench.api import Budget, PluginError, Turn
from corecbench.data.reduction import Reduction
from corecbench.plugin.host import Host
from corecbench.training.frozen import states_of_contexts
from corecbench.training.loop import SideTraining
from corecbench.training.pair import Learnt, Pair, Solo, train_pair
from corecbench.training.turns import turns_within
from corecbench.training.weights import save_checkpoint, snapshot, trainable


def taking(start, epochs):
    """Return a model trained alone as if it had taken so many epochs."""
    return replace(start, learnt=lambda: replace(start.learnt(), best_epoch=epochs))


SILENT = lambda record: None  # noqa: E731


def states_alike(first, second, contexts):
    own, other = (states_of_contexts(model, contexts) for model in (first, second))
    return torch.allclose(own.user, other.user, atol=1e-6) and torch.allclose(own.item, other.item, atol=1e-6)


# --- alone --------------------------------------------------------------------------------------------------------


def test_a_model_alone_learns_the_next_item_of_the_circle(solo):
    _, side_training, _ = solo("sasrec", epochs=12)
    assert side_training.best_value > 2 / 3  # chance among 10 candidates: the mean of 1 / log2(1 + rank), 0.45


def test_an_llm_alone_reads_no_ids(toy_data, make_cell_training, select):
    model, tables = make_cell_training(toy_data, cell="llama").build_solo("llm", select("llms", "llama"))
    assert tables is None
    assert model.user_ids is model.item_ids is None


def test_an_llm_alone_is_trained(toy_data, make_cell_training, select):
    records = []
    make_cell_training(toy_data, cell="llama").train_solo("llm", select("llms", "llama"), records.append)
    assert [(record["side"], record["turn"], record["epoch"]) for record in records] == [
        ("llm", 0, 1),
        ("llm", 0, 2),
    ]
    assert records[1]["loss"] < records[0]["loss"]


def test_a_model_without_gradients_is_validated_and_not_trained(toy_data, make_cell_training, host):
    cell_training = make_cell_training(toy_data, cell="popularity")
    side_training = cell_training.train_solo("domain", host.select("models", "popularity", {}), SILENT)
    side_training.finish()
    assert (side_training.epochs, side_training.best_epoch, side_training.stopped_by) == (0, 0, None)
    assert side_training.best_value == cell_training.validate(side_training.model)


def test_a_model_learns_its_graph_from_the_training_part_alone(monkeypatch, toy_data, make_cell_training, host):
    seen = []
    popularity = host.select("models", "popularity", {})
    cell_training = make_cell_training(toy_data)
    monkeypatch.setattr(popularity.component.build, "fit", lambda model, train: seen.append(train))
    cell_training.build_solo("domain", popularity)
    (train,), given = seen, cell_training.split.train
    assert (train.user == given.user).all()
    assert (train.item == given.item).all()


def test_the_same_seed_gives_the_same_weights_and_another_one_does_not(toy_data, make_cell_training, select):
    sasrec = select("models", "sasrec")

    def weights(seed, cell="sasrec"):
        return make_cell_training(toy_data, cell, seed).build_solo("domain", sasrec)[1].item.weight

    assert torch.equal(weights(0), weights(0))
    assert not torch.equal(weights(0), weights(1))
    assert not torch.equal(weights(0), weights(0, cell="other"))


def test_a_checkpoint_is_the_best_weights_on_disk(solo, tmp_path):
    from safetensors.torch import load_file

    _, side_training, _ = solo("sasrec", epochs=1)
    save_checkpoint(side_training.best_state, tmp_path / "checkpoint.safetensors")
    stored = load_file(tmp_path / "checkpoint.safetensors")
    assert stored.keys() == side_training.best_state.keys()
    assert all(torch.equal(stored[name], tensor) for name, tensor in side_training.best_state.items())


# --- where a pair starts ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sharing", ["bdlm", "none"])
@pytest.mark.parametrize("name", ["sasrec", "gru4rec", "lightgcn"])
def test_a_pair_starts_exactly_at_the_domain_model_alone(
    monkeypatch, solo, toy_data, make_cell_training, select, name, sharing
):
    cell_training, alone, start = solo(name)
    monkeypatch.setattr(SideTraining, "train_turn", lambda *_: None)
    pair = make_cell_training(toy_data, cell=f"{name}+llama+{sharing}")
    parts = select("models", name), select("llms", "llama"), select("sharing", sharing)
    model = train_pair(pair, Pair(*parts), start, SILENT).sides["domain"].model
    assert states_alike(alone.model, model, alone.examples.contexts)
    assert pair.validate(model) == alone.best_value == cell_training.validate(alone.model)


def test_a_model_without_user_table_gives_its_user_states_as_the_start_of_the_user_rows(solo, joined):
    cell_training, alone, start = solo("sasrec")
    _, _, module = joined("sasrec", "bdlm", start, domain_epochs=0, llm_epochs=0)
    expected = cell_training.user_states(alone.model)
    assert expected.shape == module.user.table.weight.shape == (61, 16)
    assert torch.allclose(module.user.table.weight, expected, atol=1e-6)
    assert not expected[0].any()


def test_a_user_state_is_the_one_after_the_latest_training_item(solo):
    from corecbench.api import Batch

    cell_training, alone, _ = solo("sasrec", epochs=1)
    items = cell_training.split.train.item[cell_training.split.train.user == 7][-8:]
    state = alone.model.states(Batch(torch.tensor([7]), torch.as_tensor(items)[None])).user[0, -1]
    assert torch.allclose(cell_training.user_states(alone.model)[7], state, atol=1e-6)


def test_a_user_who_does_not_train_starts_at_the_mean_of_those_who_do(solo):
    cell_training, alone, _ = solo("sasrec", epochs=1)
    part = Reduction(0.25).apply(cell_training.split, "toy", 60, 20, 0)
    states, whole = (
        replace(cell_training, split=split).user_states(alone.model) for split in (part, cell_training.split)
    )
    trains = torch.as_tensor(part.trains)
    assert torch.allclose(states[trains], whole[trains], atol=1e-6)
    mean = whole[trains].mean(dim=0)
    assert torch.allclose(states[1:][~trains[1:]], mean.expand(45, -1), atol=1e-5)
    assert not states[0].any()


def test_a_model_with_user_table_gives_its_rows(solo, joined):
    _, alone, start = solo("lightgcn")
    _, _, module = joined("lightgcn", "bdlm", start, domain_epochs=0, llm_epochs=0)
    assert torch.equal(module.user.table.weight, alone.model.model.user_embedding.weight)
    assert torch.equal(module.item.table.weight, alone.model.model.item_embedding.weight)


def test_a_model_whose_states_are_wider_than_its_table_gives_users_of_the_table_s_width(solo, joined):
    cell_training, alone, start = solo("recbole:FISM", batch_size=64)
    _, _, module = joined("recbole:FISM", "bdlm", start, domain_epochs=0, llm_epochs=0)
    users = cell_training.user_states(alone.model)  # [U+1, 65]: the last column is 1, for the bias of an item
    assert torch.allclose(module.user.table.weight, users[:, :-1], atol=1e-6)
    assert users[1:, -1].tolist() == [1.0] * 60


def test_a_model_that_gives_scores_is_trained_by_its_own_loss_and_ranked_by_them(monkeypatch, solo):
    asked = []
    cell_training, side_training, _ = solo("recbole:NeuMF", epochs=1, batch_size=256)
    own = side_training.model.loss

    def note(batch, states):
        asked.append(states)
        return own(batch, states)

    side_training.abilities = replace(side_training.abilities, loss=note)
    side_training.train_epoch(None, None)
    assert set(asked) == {None}
    monkeypatch.setattr(side_training.model, "scores", lambda batch: torch.arange(21.0).repeat(len(batch.user), 1))
    ranks = cell_training.rank(side_training.model, "test", top_k=1)
    assert set(ranks.top_items[:, 0]) <= {20, 19, 18, 17, 16, 15, 14, 13, 12, 11, 10, 9}  # 12 items are seen


def test_a_domain_model_that_reads_no_ids_cannot_be_joined(toy_data, make_cell_training, select, host):
    parts = host.select("models", "popularity", {}), select("llms", "llama"), select("sharing", "none")
    with pytest.raises(PluginError, match=r"'popularity' of plugin popularity .* reads no ids"):
        train_pair(make_cell_training(toy_data), Pair(*parts), Solo(parts[0], lambda: Learnt({}, 0)), SILENT)


# --- turns --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sharing", ["bdlm", "none"])
def test_a_pair_that_starts_anew_has_new_weights_and_the_whole_budget(monkeypatch, solo, joined, sharing):
    _, alone, start = solo("sasrec")
    monkeypatch.setattr(SideTraining, "train_turn", lambda *_: None)
    _, side_trainings, _ = joined("sasrec", sharing, start, start="new", warm_up_epochs=99)
    contexts = side_trainings["domain"].examples.contexts
    assert not states_alike(alone.model, side_trainings["domain"].model, contexts)
    assert (
        side_trainings["domain"].planned_epochs == 4
    )  # all that the config allows, though the solo model used some


@pytest.mark.parametrize(("start", "trained"), [("new", False), ("pretrained", True)])
def test_only_a_domain_side_that_goes_on_from_what_it_learnt_alone_starts_from_trained_weights(
    solo, joined, start, trained
):
    _, _, alone = solo("sasrec")
    _, side_trainings, _ = joined("sasrec", "bdlm", alone, start=start, domain_epochs=0, llm_epochs=0)
    assert (side_trainings["domain"].trained, side_trainings["llm"].trained) == (trained, False)


def test_the_turns_of_a_pair_are_trained_in_order(solo, joined):
    _, _, start = solo("sasrec")
    records = []
    joined("sasrec", "bdlm", taking(start, 1), on_epoch=records.append, rounds=2, domain_epochs=2, llm_epochs=2)
    assert [(record["turn"], record["side"]) for record in records] == [
        (1, "llm"),
        (2, "domain"),
        (3, "llm"),
        (4, "domain"),
    ]


def test_the_llm_s_turn_changes_the_store_that_both_sides_read(solo, joined):
    _, alone, start = solo("sasrec")
    _, side_trainings, module = joined("sasrec", "bdlm", start, domain_epochs=0, llm_epochs=1)
    moved = module.item.table.weight - alone.model.model.item_embedding.weight
    assert moved[1:].abs().max() > 1e-3
    assert not states_alike(alone.model, side_trainings["domain"].model, alone.examples.contexts)


def test_the_llm_s_turn_leaves_the_domain_side_alone_where_nothing_is_shared(solo, joined):
    _, alone, start = solo("sasrec")
    _, side_trainings, _ = joined("sasrec", "none", start, domain_epochs=0, llm_epochs=1)
    assert states_alike(alone.model, side_trainings["domain"].model, alone.examples.contexts)


def test_the_domain_s_turn_leaves_the_llm_s_own_weights_alone(solo, joined):
    _, _, start = solo("sasrec")
    (_, still, _), (_, moved, _) = (
        joined("sasrec", "none", taking(start, 1), domain_epochs=epochs, llm_epochs=0) for epochs in (0, 2)
    )
    before, after = (snapshot(side_trainings["llm"].model) for side_trainings in (still, moved))
    assert moved["domain"].epochs == 2
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_without_mutual_learning_the_store_is_shared_and_no_coupling_loss_is_asked_for(monkeypatch, solo, joined):
    from corecbench_plugins.sharing.bdlm import Bdlm

    _, alone, start = solo("sasrec")
    monkeypatch.setattr(Bdlm, "losses", lambda *_: pytest.fail("a coupling loss was asked for"))
    _, _, module = joined("sasrec", "bdlm", taking(start, 1), teacher="none", domain_epochs=1, llm_epochs=1)
    moved = module.item.table.weight - alone.model.model.item_embedding.weight
    assert moved[1:].abs().max() > 1e-3


@pytest.mark.parametrize(
    ("start", "warm_up", "first"),
    [
        ("new", 1, (1, "llm")),
        ("new", 0, (1, "domain")),
        ("pretrained", 0, (0, "llm")),
        ("pretrained", 1, (1, "llm")),
    ],
)
def test_a_side_learns_from_the_other_once_that_has_been_trained(monkeypatch, solo, joined, start, warm_up, first):
    from corecbench_plugins.sharing.bdlm import Bdlm

    _, _, alone = solo("sasrec")
    asked, epochs, losses = [], [], Bdlm.losses

    def note(self, side, *args):
        asked.append((len(epochs), side))
        return losses(self, side, *args)

    monkeypatch.setattr(Bdlm, "losses", note)
    turns = {"warm_up_epochs": warm_up, "rounds": 1, "domain_epochs": 1, "llm_epochs": 1}
    joined("sasrec", "bdlm", taking(alone, 1), on_epoch=epochs.append, start=start, **turns)
    assert asked[0] == first  # epochs done before, and the side


def test_private_tables_differ_between_the_sides(solo, joined):
    _, _, start = solo("sasrec")
    _, side_trainings, _ = joined("sasrec", "none", start, domain_epochs=0, llm_epochs=0)
    domain, llm = (
        side_trainings["domain"].model.model.item_embedding.weight,
        side_trainings["llm"].model.item_ids.weight,
    )
    assert domain.shape == llm.shape
    assert not torch.isclose(domain, llm)[1:].any(dim=1).all()
    assert not {id(p) for p in trainable(side_trainings["domain"].model).values()} & {
        id(p) for p in trainable(side_trainings["llm"].model).values()
    }


def test_each_side_keeps_the_checkpoint_that_is_best_on_its_own_validation(solo, joined):
    _, _, start = solo("sasrec")
    records = []
    _, side_trainings, _ = joined(
        "sasrec", "bdlm", taking(start, 0), on_epoch=records.append, domain_epochs=3, llm_epochs=2
    )
    for side, side_training in side_trainings.items():
        values = [record["validation"] for record in records if record["side"] == side]
        assert side_training.best_value == max(values)
        assert side_training.best_epoch == values.index(max(values)) + 1
        assert side_training.stopped_by == "turns"


def test_a_finished_side_is_as_good_as_its_best_epoch(solo, joined):
    _, _, start = solo("sasrec")
    cell_training, side_trainings, _ = joined("sasrec", "bdlm", taking(start, 0), domain_epochs=3, llm_epochs=2)
    for side_training in side_trainings.values():  # in this order: both sides' checkpoints hold the one store
        side_training.finish()
        assert cell_training.validate(side_training.model) == side_training.best_value


# --- the budget ---------------------------------------------------------------------------------------------------


def test_a_pair_gets_the_domain_epochs_that_the_solo_training_left(solo, joined):
    _, _, start = solo("sasrec")
    records = []
    joined("sasrec", "bdlm", taking(start, 3), on_epoch=records.append, domain_epochs=9, llm_epochs=0)
    assert len(records) == 4 - 3


def test_a_domain_side_without_budget_is_ranked_as_it_is(solo, joined):
    _, alone, start = solo("sasrec")
    cell_training, side_trainings, _ = joined("sasrec", "none", taking(start, 4))
    side_trainings["domain"].finish()
    assert (side_trainings["domain"].epochs, side_trainings["domain"].best_value) == (0, alone.best_value)
    assert len(cell_training.rank(side_trainings["domain"].model, "test").rank) == 60


def test_a_sharing_module_that_exceeds_the_budget_is_at_fault(solo, joined, sharing_module):
    _, _, start = solo("sasrec")
    greedy = """
        turns = lambda self, budget: [Turn("domain", budget.domain_epochs), Turn("llm", 1), Turn("domain", 1)]
        Module.turns = turns
    """
    host = Host.discover([sharing_module(greedy)])
    with pytest.raises(PluginError, match=r"'mine' of plugin .* plans 4 domain epochs, allowed are 3"):
        joined("sasrec", "mine", taking(start, 1), host=host)


@pytest.mark.parametrize(
    ("turns", "fits"),
    [
        ([Turn("domain", 2), Turn("llm", 1), Turn("domain", 1)], True),
        ([Turn("domain", 2), Turn("llm", 1), Turn("domain", 2)], False),
        ([Turn("llm", 2)], False),
        ([], True),
    ],
)
def test_the_turns_of_each_side_together_stay_within_the_budget(turns, fits):
    module = nn.Module()
    module.turns = lambda budget: turns
    if fits:
        assert turns_within(Budget(domain_epochs=3, llm_epochs=1), module) == turns
    else:
        with pytest.raises(PluginError, match="plans"):
            turns_within(Budget(domain_epochs=3, llm_epochs=1), module)
