import subprocess
import sys
from collections.abc import Callable

import numpy as np
import pytest
import torch

from corecbench.api import Batch, PluginError, Setup, private_ids
from corecbench_plugins.recbole_models import sasrec_gru4rec
from corecbench_plugins.recbole_models.adjacency import normalised_adjacency
from corecbench_plugins.recbole_models.classes import model_class

SEQUENTIAL = ["sasrec", "gru4rec"]
ALL = [*SEQUENTIAL, "lightgcn"]
WIDTH, N_USERS, N_ITEMS = 16, 60, 20


@pytest.fixture
def build(host, quick, toy_data, make_cell_training) -> Callable:
    """Build a model over private tables: `model, ids = build("sasrec")`."""

    def make(name, **settings):
        chosen = host.select("models", name, quick | {name: quick[name] | settings})
        return make_cell_training(toy_data).build_solo("domain", chosen)

    return make


def histories(*rows, users=None):
    width = max(len(row) for row in rows)
    history = torch.tensor([[*row, *[0] * (width - len(row))] for row in rows])
    return Batch(torch.tensor(users or range(1, len(rows) + 1)), history)


# --- the contract -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SEQUENTIAL)
def test_a_sequential_model_gives_one_state_per_position(build, name):
    states = build(name)[0].states(histories([1, 2, 3], [4]))
    assert states.user.shape == (2, 3, WIDTH)
    assert states.item.shape == (N_ITEMS + 1, WIDTH)
    assert states.user.dtype == states.item.dtype == torch.float32


def test_lightgcn_gives_one_state_per_user(build):
    states = build("lightgcn")[0].states(histories([1, 2, 3], [4]))
    assert states.user.shape == (2, WIDTH)
    assert states.item.shape == (N_ITEMS + 1, WIDTH)


@pytest.mark.parametrize("name", ALL)
def test_the_item_table_that_was_given_is_the_one_that_learns(build, name):
    model, ids = build(name)
    states = model.states(histories([1, 2, 3]))
    (states.user @ states.item.T).square().sum().backward()
    assert ids.item.weight.grad[1:].abs().sum(dim=1).min() > 0
    assert any(parameter is ids.item.weight for parameter in model.parameters())


@pytest.mark.parametrize("name", ALL)
def test_a_model_holds_no_item_table_of_its_own(build, name):
    model, _ = build(name)
    tables = [parameter for parameter in model.parameters() if parameter.shape[0] == N_ITEMS + 1]
    assert len(tables) == 1


def test_the_user_table_of_lightgcn_is_the_one_that_was_given(build):
    model, ids = build("lightgcn")
    model.states(histories([1], users=[7])).user.sum().backward()
    assert ids.user.weight.grad[7].abs().sum() > 0


def test_without_user_rows_a_user_of_lightgcn_is_made_of_items_alone(build):
    model, ids = build("lightgcn", user_rows=False)
    user = model.states(histories([1], users=[7])).user
    user.square().sum().backward()
    assert user.abs().sum() > 0
    assert ids.user.weight.grad is None
    assert ids.item.weight.grad.abs().sum() > 0


@pytest.mark.parametrize("name", ALL)
def test_a_change_of_the_table_changes_the_states_at_once(build, name):
    model, ids = build(name)
    batch = histories([1, 2, 3])
    before = model.eval().states(batch).user
    with torch.no_grad():
        ids.item.weight.mul_(-2)
        ids.item.weight[1] += 1
    assert not torch.allclose(model.states(batch).user, before, atol=1e-4)


# --- sequential models --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SEQUENTIAL)
def test_a_state_does_not_depend_on_later_items(build, name):
    model = build(name)[0].eval()
    one, other = (model.states(histories(row)).user for row in ([1, 2, 3, 4], [1, 2, 9, 8]))
    assert torch.allclose(one[:, :2], other[:, :2], atol=1e-6)
    assert not torch.allclose(one[:, 2:], other[:, 2:], atol=1e-3)


@pytest.mark.parametrize("name", SEQUENTIAL)
def test_a_state_depends_on_earlier_items(build, name):
    model = build(name)[0].eval()
    one, other = (model.states(histories(row)).user[:, -1] for row in ([1, 2, 3], [9, 2, 3]))
    assert not torch.allclose(one, other, atol=1e-5)


@pytest.mark.parametrize("name", SEQUENTIAL)
def test_a_state_does_not_depend_on_the_batch_around_it(build, name):
    model = build(name)[0].eval()
    alone = model.states(histories([1, 2])).user
    among = model.states(histories([1, 2], [3, 4, 5, 6, 7, 8])).user[:1, :2]
    assert torch.allclose(alone, among, atol=1e-6)


@pytest.mark.parametrize("name", SEQUENTIAL)
def test_by_length_trains_the_same_on_fewer_positions(build, name, monkeypatch):
    monkeypatch.setenv("CORECBENCH_PRECISION", "float32")  # the batches differ, and so do roundings
    monkeypatch.setattr(sasrec_gru4rec, "FEW_POSITIONS", 0)
    dropout = {"sasrec": {"hidden_dropout": 0, "attention_dropout": 0}, "gru4rec": {"dropout": 0}}[name]
    batch = histories([1], [2, 3, 4, 5, 6, 7], [8, 9], [3], [4, 5, 6, 7, 8])
    is_item, found = batch.history != 0, []
    for by_length in (False, True):
        torch.manual_seed(0)
        model, ids = build(name, by_length=by_length, **dropout)
        n_positions = []
        model.model.register_forward_pre_hook(lambda _, given, seen=n_positions: seen.append(given[0].numel()))
        states = model.train().states(batch)
        (states.user[is_item] @ states.item.T).logsumexp(dim=1).sum().backward()
        found.append((states.user.detach()[is_item], ids.item.weight.grad, sum(n_positions)))
    (states, gradient, n), (other_states, other_gradient, n_apart) = found
    assert torch.allclose(states, other_states, atol=1e-6)
    assert torch.allclose(gradient, other_gradient, atol=1e-5)
    assert (n, n_apart) == (30, 12 + 2 + 2)


def test_a_history_of_the_largest_length_is_read(build):
    assert build("sasrec")[0].states(histories(list(range(1, 9)))).user.shape == (1, 8, WIDTH)


@pytest.mark.parametrize("name", SEQUENTIAL)
def test_the_score_after_the_last_item_is_that_of_recbole(build, name):
    model = build(name)[0].eval()
    rows = [1, 2, 3], [4, 5], [6]
    batch = histories(*rows)
    last = torch.stack([of_row[len(row) - 1] for of_row, row in zip(model.states(batch).user, rows, strict=True)])
    ours = last @ model.model.item_embedding.weight.T
    del model.model.gather_indexes  # RecBole's own again
    length = torch.tensor([len(row) for row in rows])
    interaction = {model.model.ITEM_SEQ: batch.history, model.model.ITEM_SEQ_LEN: length}
    theirs = model.model.full_sort_predict(interaction)
    assert torch.allclose(ours, theirs, atol=1e-6)


# --- the graph ----------------------------------------------------------------------------------------------------


def test_the_adjacency_is_that_of_a_dense_computation_by_hand():
    # User 1 has items 1 and 2, user 2 has item 2, and the pair (1, 1) comes twice: degrees 2, 1 and 1, 2.
    graph = normalised_adjacency(np.array([1, 1, 1, 2]), np.array([1, 1, 2, 2]), n_users=3, n_items=3).to_dense()
    expected = torch.zeros(6, 6)  # rows: padding, users 1 and 2, padding, items 1 and 2
    for user, item, weight in [(1, 4, 1 / 2**0.5), (1, 5, 1 / 2), (2, 5, 1 / 2**0.5)]:
        expected[user, item] = expected[item, user] = weight
    assert torch.allclose(graph, expected)


def test_lightgcn_propagates_over_the_training_part_alone(build, make_cell_training, toy_data):
    model, ids = build("lightgcn")
    train = make_cell_training(toy_data).split.train
    linked = torch.zeros(N_USERS + 1, N_ITEMS + 1)
    linked[train.user, train.item] = 1  # 10 of each user's 12 items
    normed = linked / linked.sum(1, keepdim=True).clamp(min=1).sqrt() / linked.sum(0).clamp(min=1).sqrt()
    users, items = [ids.user.weight], [ids.item.weight]
    for _ in range(2):
        users, items = [*users, normed @ items[-1]], [*items, normed.T @ users[-1]]
    states = model.states(Batch(torch.arange(N_USERS + 1), torch.zeros(N_USERS + 1, 1)))
    assert linked.sum() == 10 * N_USERS
    assert torch.allclose(states.user, sum(users) / 3, atol=1e-6)
    assert torch.allclose(states.item, sum(items) / 3, atol=1e-6)


def test_an_item_after_training_is_a_neighbour_of_its_user_alone(build, make_cell_training, toy_data):
    model, ids = build("lightgcn")
    train = make_cell_training(toy_data).split.train
    user, new = 1, next(item for item in range(1, N_ITEMS + 1) if item not in train.item[train.user == 1])
    known = train.item[train.user == user].tolist()
    model.eval()
    extended = model.states(Batch(torch.tensor([user, 2]), torch.tensor([[*known, new], [*known, 0]])))
    # the same by hand: the graph with one more edge for this user's own rows, the items' rows as without it
    n_users, n_items = N_USERS + 1, N_ITEMS + 1
    rows = torch.cat([ids.user.weight, ids.item.weight])
    dense = model.model.norm_adj_matrix.matrix.to_dense()
    layers = [rows]
    for _ in range(model.model.n_layers):
        layers.append(dense @ layers[-1])
    neighbours = [*known, new]
    degree = [int((train.item == item).sum()) + (item == new) for item in neighbours]
    weight = 1 / (len(neighbours) * torch.tensor(degree)).sqrt()
    own = [rows[user]] + [weight @ layer[n_users:][neighbours] for layer in layers[:-1]]
    assert len(rows) == n_users + n_items
    assert torch.allclose(extended.user[0], sum(own) / len(layers), atol=1e-6)
    assert torch.allclose(extended.item, model.model()[1])


@torch.no_grad()
def test_in_evaluation_lightgcn_propagates_once_until_a_weight_changes(build, monkeypatch):
    model, ids = build("lightgcn")
    model.eval()
    calls = []
    propagate = model.propagate
    monkeypatch.setattr(model, "propagate", lambda n_layers: (calls.append(n_layers), propagate(n_layers))[1])
    first, second = model.states(histories([1], [2, 3])), model.states(histories([4]))
    assert calls.count(model.model.n_layers) == 1
    assert torch.equal(first.item, second.item)
    ids.item.weight[1:] += 1
    changed = model.states(histories([4]))
    assert calls.count(model.model.n_layers) == 2
    assert torch.equal(changed.item, model.model()[1])
    model.train()
    model.eval()
    model.states(histories([4]))
    assert calls.count(model.model.n_layers) == 3


def test_the_gradient_through_the_graph_is_that_of_the_dense_matrix(build):
    model, ids = build("lightgcn")
    tables = (ids.user.weight, ids.item.weight)
    weight = torch.randn(N_USERS + 1 + N_ITEMS + 1, ids.user.weight.shape[1])

    def gradients():
        return torch.autograd.grad((torch.cat(model.model()) * weight).sum(), tables)

    through_csr = gradients()
    model.model.norm_adj_matrix = model.model.norm_adj_matrix.matrix.to_dense()
    for ours, dense in zip(through_csr, gradients(), strict=True):
        assert torch.allclose(ours, dense, atol=1e-6)


def test_a_history_of_training_items_changes_no_state_of_lightgcn(build, make_cell_training, toy_data):
    model, _ = build("lightgcn")
    train = make_cell_training(toy_data).split.train
    batch = Batch(torch.tensor([1]), torch.as_tensor(train.item[train.user == 1])[None])
    model.eval()
    assert torch.equal(model.states(batch).user, model.model()[0][[1]])


def test_the_loss_of_lightgcn_is_bpr_and_the_norm_of_its_own_rows(build):
    model, ids = build("lightgcn")
    model.model.reg_weight = 0.5
    batch = Batch(torch.tensor([1]), torch.tensor([[2]]), torch.tensor([3]), torch.tensor([4]))
    states = model.states(batch)
    margin = states.user[0] @ (states.item[3] - states.item[4])
    rows = ids.user.weight[1], ids.item.weight[3], ids.item.weight[4]
    norms = sum(row.square().sum() for row in rows) / 2  # RecBole halves the squared norms
    expected = -torch.log(torch.sigmoid(margin)) + 0.5 * norms
    assert model.loss(batch, states).item() == pytest.approx(expected.item(), rel=1e-5)


def test_lightgcn_over_sampled_items_has_the_standard_loss(build):
    model, _ = build("lightgcn", negatives=5)
    assert not hasattr(model, "loss")


def test_a_temperature_makes_lightgcn_s_scores_cosines(build):
    plain, warm = (build("lightgcn", temperature=value)[0] for value in (0.0, 0.5))
    batch = histories([3, 4], [2])
    states, cosines = plain.states(batch), warm.states(batch)
    expected = torch.cosine_similarity(states.user[:, None], states.item[None, 1:], dim=2) / 0.5
    assert torch.allclose(cosines.user @ cosines.item[1:].T, expected, atol=1e-6)


# --- the import ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("before", [False, True])
def test_an_import_leaves_anomaly_mode_as_it_was(before):
    try:
        torch.autograd.set_detect_anomaly(before)
        model_class("sequential_recommender.sasrec", "SASRec")
        assert torch.is_anomaly_enabled() == before
    finally:
        torch.autograd.set_detect_anomaly(False)


def test_a_first_import_leaves_anomaly_mode_off():
    code = (
        "import torch; from corecbench_plugins.recbole_models.classes import model_class;"
        "model_class('sequential_recommender.sasrec', 'SASRec'); print(torch.is_anomaly_enabled())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_without_recbole_the_command_that_gets_it_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "recbole.model.sequential_recommender.sasrec", None)
    with pytest.raises(PluginError, match=r"SASRec cannot be imported .*`pip install --no-deps recbole==1\.2\.1`"):
        model_class("sequential_recommender.sasrec", "SASRec")


def test_without_tensorboard_its_writer_is_stood_in_for_only_during_the_import():
    code = (
        "import importlib.util, sys; found = importlib.util.find_spec;"
        "importlib.util.find_spec = lambda name, *rest: None if name == 'tensorboard' else found(name, *rest);"
        "from corecbench_plugins.recbole_models.classes import model_class;"
        "model_class('general_recommender.lightgcn', 'LightGCN');"
        "print(*{'tensorboard', 'torch.utils.tensorboard', 'ray'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "\n"


def test_building_draws_no_tables_twice(host, quick, toy_data, tmp_path):
    widths = []

    def ids(width):
        widths.append(width)
        return private_ids(N_USERS, N_ITEMS, width)

    for name in ALL:
        host.build(host.select("models", name, quick), Setup(toy_data.catalog, 8, 0, cache=tmp_path), ids)
    assert widths == [WIDTH] * 3
