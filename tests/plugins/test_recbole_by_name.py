"""`recbole:NAME`: settings, what a model reads, and scores that are RecBole's own where it is asked the same."""

import dataclasses
import random

import numpy as np
import pytest
import torch

from corecbench.api import Batch, Interactions, Setup, UsageError
from corecbench.testing.bench import states_of
from corecbench_plugins.recbole_models.adapter import UnseenSampler, as_in_recbole
from corecbench_plugins.recbole_models.defaults import defaults
from corecbench_plugins.recbole_models.parameters import all_parameters
from corecbench_plugins.recbole_models.sequential_adapters import draw_prefixes
from corecbench_plugins.recbole_models.settings import NeuMFConfig, RecBoleConfig
from corecbench_plugins.recbole_models.training_part import TrainingPart, lists_by_row

N_USERS, N_ITEMS = 60, 20
SMALL = {
    "BERT4Rec": {"hidden_size": 16, "inner_size": 16},
    "MultiVAE": {"mlp_hidden_size": [16], "latent_dimension": 8},
    "NeuMF": {"mf_embedding_size": 8, "mlp_embedding_size": 8, "mlp_hidden_size": [8]},
}


@pytest.fixture
def select(host):
    """Select a model: `select("BERT4Rec", epochs=1)`."""

    def choose(name, **settings):
        return host.select("models", f"recbole:{name}", {"recbole": {"parameters": SMALL.get(name, {})} | settings})

    return choose


@pytest.fixture
def build(select, toy_data, make_cell_training):
    """Build a model over private tables: `model, ids = build("BPR")`; nothing is random in its scores."""

    def make(name, **settings):
        model, ids = make_cell_training(toy_data).build_solo("domain", select(name, **settings))
        return model.eval(), ids

    return make


@pytest.fixture
def train(toy_data, make_cell_training):
    """The training part of the toy data."""
    return make_cell_training(toy_data).split.train


def of_training(train, *users):
    """Return a batch of users with their training items as histories."""
    rows = [torch.as_tensor(train.item[train.user == user]) for user in users]
    return Batch(torch.tensor(users), torch.nn.utils.rnn.pad_sequence(rows, batch_first=True))


def scores_of(model, batch):
    """Return the scores of the items, float32 [B, N]."""
    states = states_of(model, batch)
    return (states.user @ states.item.T)[:, 1:].detach()


# --- settings -----------------------------------------------------------------------------------------------------


def test_recbole_s_own_defaults_are_the_parameters_unless_others_are_chosen(toy_data):
    config = RecBoleConfig(model="SASRec", parameters={"n_layers": 1})
    settings = all_parameters(config, Setup(toy_data.catalog, max_history=8, seed=0))
    assert (settings["n_layers"], settings["n_heads"], settings["layer_norm_eps"]) == (1, 2, 1e-12)
    assert (settings["MAX_ITEM_LIST_LENGTH"], settings.device, settings["no such key"]) == (8, "cpu", None)


def test_numbers_without_a_point_are_numbers():
    assert defaults("DGCF")["reg_weight"] == 1e-3


@pytest.mark.parametrize(
    ("text", "settings", "message"),
    [
        (
            "recbole:Bert4rec",
            {},
            r"RecBole 1\.2\.1 has no model 'Bert4rec'; did you mean BERT4Rec, .*\?; have: ADMMSLIM, ",
        ),
        ("recbole", {}, r"RecBole 1\.2\.1 has no model ''; have: ADMMSLIM, "),
        ("recbole:KSR", {}, r"RecBole's KSR cannot be used here: it needs embeddings of a knowledge graph"),
        (
            "recbole:BPR",
            {"parameters": {"width": 3}},
            r"unknown parameter 'width' of RecBole's BPR; have: embedding_s",
        ),
        (
            "recbole:BPR",
            {"parameters": 3},
            r"recbole\.parameters is 3, which does not fit: input should be a valid d",
        ),
    ],
)
def test_what_is_not_there_is_an_error(host, text, settings, message):
    with pytest.raises(UsageError, match=message):
        host.select("models", text, {"recbole": settings})


@pytest.mark.parametrize(("name", "size"), [("BERT4Rec", 64), ("BPR", 2048), ("NAIS", 256)])
def test_a_batch_is_of_the_size_that_suits_the_model(select, name, size):
    assert select(name).config.batch_size == size
    assert select(name, batch_size=5).config.batch_size == 5


@pytest.mark.parametrize(("name", "joint"), [("BPR", True), ("NARM", True), ("NeuMF", False), ("EASE", False)])
def test_a_model_is_joint_where_its_id_tables_can_be_given(select, name, joint):
    assert select(name).joint is joint


# --- the training part --------------------------------------------------------------------------------------------


def test_the_latest_values_of_a_row_are_kept():
    ids, ones, lengths = lists_by_row(np.array([1, 1, 1, 2]), np.array([5, 6, 7, 5]), n_rows=3, longest=2)
    assert ids.tolist() == [[0, 0], [6, 7], [5, 0]]
    assert ones.tolist() == [[0, 0], [1, 1], [1, 0]]
    assert lengths.tolist() == [0, 2, 1]


def test_a_pair_that_is_repeated_counts_once(toy_data):
    setup = Setup(toy_data.catalog, 8, 0)
    twice = Interactions(np.array([1, 1, 2]), np.array([3, 3, 4]))
    part = TrainingPart(setup, twice, all_parameters(RecBoleConfig(model="EASE"), setup))
    assert part.inter_matrix("csr").sum() == 2


def test_the_words_of_titles_are_numbered_in_order(toy_data):
    catalog = dataclasses.replace(toy_data.catalog, item_texts=("", "Red Drum", "a drum", ""))
    setup = Setup(catalog, 8, 0)
    part = TrainingPart(
        setup, Interactions(*np.ones((2, 1), int)), all_parameters(RecBoleConfig(model="FDSA"), setup)
    )
    assert part.title_words().tolist() == [[0, 0], [3, 2], [1, 2], [0, 0]]
    assert part.num("title") == 4


def test_nothing_of_validation_or_test_is_in_what_a_model_is_built_from(build, train):
    model, _ = build("EASE")
    matrix = model.model.interaction_matrix
    assert sorted(zip(*matrix.nonzero(), strict=True)) == sorted(zip(train.user, train.item, strict=True))


# --- scores are RecBole's -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["EASE", "ItemKNN", "SLIMElastic", "BPR", "MultiVAE", "LightGCN", "NCEPLRec", "FISM"]
)
def test_scores_for_the_training_items_are_recbole_s(build, train, name):
    model, _ = build(name)
    batch = of_training(train, 1, 2, 30)
    with torch.no_grad(), as_in_recbole():
        theirs = torch.as_tensor(np.asarray(model.model.full_sort_predict({"user": batch.user}))).view(3, -1)
    assert torch.allclose(scores_of(model, batch), theirs[:, 1:].float(), atol=1e-5)


def test_asymmetric_neighbours_score_as_recbole_s(build, train):
    model, _ = build("AsymKNN", parameters={"alpha": 0.3, "beta": 0.6, "q": 2})
    theirs = torch.as_tensor(model.model.full_sort_predict({"user": torch.tensor([1, 2])})).view(2, -1)
    assert torch.allclose(scores_of(model, of_training(train, 1, 2)), theirs[:, 1:].float(), atol=1e-5)


@pytest.mark.parametrize("name", ["BERT4Rec", "FPMC", "CORE", "NARM", "TransRec"])
def test_scores_after_a_history_are_recbole_s(build, name):
    model, _ = build(name)
    history = torch.tensor([[1, 2, 3, 0], [4, 0, 0, 0]])
    rows = model.rows(torch.tensor([1, 2]), history)
    with torch.no_grad():
        theirs = model.model.full_sort_predict(rows)
    assert torch.allclose(scores_of(model, Batch(torch.tensor([1, 2]), history)), theirs[:, 1:], atol=1e-5)


def test_a_pair_of_a_user_and_an_item_has_recbole_s_score(build):
    model, _ = build("NeuMF")
    scores = model.scores(Batch(torch.tensor([7]), torch.tensor([[1]])))
    assert scores.shape == (1, N_ITEMS + 1)
    with torch.no_grad():
        theirs = model.model.predict({"user": torch.tensor([7]), "item": torch.tensor([3])})
    assert torch.allclose(scores[0, 3], theirs[0])


def test_popularity_is_how_often_an_item_occurs_in_training(build, train):
    scores = build("Pop")[0].scores(Batch(torch.tensor([1]), torch.tensor([[1]])))
    count = np.bincount(train.item, minlength=N_ITEMS + 1)
    assert scores[0].tolist() == pytest.approx(count / count.max())


# --- the validation item at test time -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["EASE", "ItemKNN", "MultiVAE", "FISM", "NAIS", "DMF"])
def test_an_item_after_training_is_one_of_the_user_s_own(build, train, name):
    model, _ = build(name)
    with torch.no_grad():
        for parameter in model.parameters():  # some start so near to zero that nothing shows
            parameter.add_(torch.rand_like(parameter))
    known = of_training(train, 1)
    new = next(item for item in range(1, N_ITEMS + 1) if item not in known.history)
    more = Batch(known.user, torch.cat([known.history, torch.tensor([[new]])], dim=1))
    assert not torch.allclose(scores_of(model, known), scores_of(model, more), rtol=1e-6, atol=0)


def test_the_items_that_a_user_has_are_those_of_training_and_of_the_history(build, train):
    model, _ = build("EASE")
    batch = Batch(torch.tensor([1, 2]), torch.tensor([[1, 20], [19, 0]]))
    has = model.item_sets(batch)
    for row, user, shown in zip(has, (1, 2), ({1, 20}, {19}), strict=True):
        assert set(row.nonzero().flatten().tolist()) == set(train.item[train.user == user].tolist()) | shown


# --- training -----------------------------------------------------------------------------------------------------


def test_prefixes_end_before_their_target():
    history, target = torch.tensor([[1, 2, 3], [4, 5, 0]]), torch.tensor([[2, 3, 9], [5, 8, 0]])
    row, prefix, after = draw_prefixes(history, target, 0)
    assert row.tolist() == [0, 0, 0, 1, 1]
    assert prefix.tolist() == [[1, 0, 0], [1, 2, 0], [1, 2, 3], [4, 0, 0], [4, 5, 0]]
    assert after.tolist() == [2, 3, 9, 5, 8]


def test_no_more_prefixes_are_drawn_than_asked_for_and_all_differ():
    history = torch.arange(1, 7).repeat(5, 1)
    target = torch.where(torch.arange(6) < torch.tensor([6, 4, 2, 1, 3])[:, None], history + 1, 0)
    row, _, after = draw_prefixes(history, target, 2)
    assert torch.bincount(row).tolist() == [2, 2, 2, 1, 2]
    assert len({*zip(row.tolist(), after.tolist(), strict=True)}) == 9


def test_a_negative_is_no_item_of_training(toy_data, train):
    unseen = UnseenSampler(train, Setup(toy_data.catalog, 8, 0))
    had = {*zip(train.user.tolist(), train.item.tolist(), strict=True)}
    user = torch.arange(1, N_USERS + 1).repeat(5)
    assert not {*zip(user.tolist(), unseen.draw_items(user).tolist(), strict=True)} & had
    item = torch.arange(1, N_ITEMS + 1).repeat(5)
    assert not {*zip(unseen.draw_users(item).tolist(), item.tolist(), strict=True)} & had


def test_where_everything_is_seen_the_draw_ends(toy_data):
    catalog = dataclasses.replace(toy_data.catalog, user_ids=("", "a"), item_ids=("", "b"))
    unseen = UnseenSampler(Interactions(np.array([1]), np.array([1])), Setup(catalog, 8, 0))
    assert unseen.draw_items(torch.tensor([1])).tolist() == [1]


def test_masked_items_are_never_in_what_bert4rec_reads_of_them(build, monkeypatch):
    model, _ = build("BERT4Rec", parameters=SMALL["BERT4Rec"] | {"mask_ratio": 0.5})
    seen = []
    monkeypatch.setattr(model, "own_loss", lambda rows: seen.append(rows) or torch.zeros(()))
    history, target = torch.tensor([[1, 2, 3, 4], [5, 6, 0, 0]]), torch.tensor([[2, 3, 4, 7], [6, 8, 0, 0]])
    for seed in range(20):
        torch.manual_seed(seed)
        model.loss(Batch(torch.tensor([1, 2]), history, target), None)
    assert len(seen) == 20
    for rows in seen:
        where, items = rows["masked_position"], rows["masked_item"]
        assert (rows["masked"].gather(1, where)[where > 0] == model.model.mask_token).all()
        assert (where > 0).any(dim=1).all()
        assert set(items[0][where[0] > 0].tolist()) <= {2, 3, 4, 7}
        assert set(items[1][where[1] > 0].tolist()) <= {6, 8}


def test_a_model_that_learns_when_it_is_built_has_nothing_to_train(select, toy_data, make_cell_training):
    side_training = make_cell_training(toy_data).train_solo("domain", select("EASE"), lambda record: None)
    assert side_training.optimizer is None
    assert side_training.epochs == 0


def test_only_the_part_of_recvae_whose_turn_it_is_has_gradients(build):
    model, _ = build("RecVAE", parameters={"hidden_dimension": 8, "latent_dimension": 8, "n_enc_epochs": 1})
    batch = Batch(torch.tensor([1, 2]), torch.tensor([[1], [2]]))
    model.train()
    for working, resting in (("encoder", "decoder"), ("decoder", "encoder")):
        model.zero_grad()
        model.loss(batch, None).backward()
        assert all(parameter.grad is None for parameter in getattr(model.model, resting).parameters())
        assert any(parameter.grad is not None for parameter in getattr(model.model, working).parameters())
    assert all(parameter.requires_grad for parameter in model.model.encoder.parameters())


def test_a_graph_is_propagated_once_a_step(build, monkeypatch):
    model, _ = build("LightGCN")
    model.train()
    calls, forward = [], type(model.model).forward
    monkeypatch.setattr(type(model.model), "forward", lambda self: calls.append(1) or forward(self))
    batch = Batch(torch.tensor([1]), torch.tensor([[2]]), torch.tensor([3]), torch.tensor([4]))
    loss = model.loss(batch, model.states(batch))
    assert len(calls) == 1
    assert torch.allclose(loss, model.loss(batch, None))
    assert len(calls) == 2


def test_the_padding_row_is_neither_read_nor_trained(build):
    model, ids = build("STAMP")
    with torch.no_grad():
        ids.item.weight[0] = 5.0
    batch = Batch(torch.tensor([1]), torch.tensor([[1, 2, 0]]), torch.tensor([[2, 3, 0]]))
    model.loss(batch, None).backward()
    assert not ids.item.weight.grad[0].any()
    before = model.states(batch).user
    with torch.no_grad():
        ids.item.weight[0] = -5.0
    assert torch.equal(before, model.states(batch).user)


# --- RecBole's manners --------------------------------------------------------------------------------------------


def test_recbole_s_code_is_unheard_and_global_generators_stay_as_they_were(capsys):
    random.seed(1)
    np.random.seed(1)
    expected = random.random(), np.random.random()
    random.seed(1)
    np.random.seed(1)
    torch.manual_seed(3)
    with as_in_recbole():
        drawn = random.random(), np.random.random()
        print("loud")
    assert (random.random(), np.random.random()) == expected
    assert capsys.readouterr().out == ""
    torch.manual_seed(3)
    with as_in_recbole():
        assert (random.random(), np.random.random()) == drawn


def test_neumf_is_no_other_model() -> None:
    with pytest.raises(ValueError, match="model is 'BPR', must be 'NeuMF'; recbole:BPR is any other one"):
        NeuMFConfig(model="BPR")
