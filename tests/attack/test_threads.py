"""The same ranks with one and with two threads: training and texts give the same numbers bit for bit."""

from dataclasses import replace

import pytest
import torch

from corecbench.api import DataError
from corecbench.data.dataset import load_dataset
from corecbench.testing.toys import circle
from corecbench.toolkit import one_thread, whitened
from corecbench.training.weights import weights

DOMAIN_MODELS = ("sasrec", "gru4rec", "lightgcn")


@pytest.fixture
def threads():
    """Set the number of torch's threads for the test."""
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


@pytest.fixture
def steady_products(threads):
    """Skip where a plain product depends on the number of threads: what is trained differs there, too."""
    left, right = torch.randn(64, 4096), torch.randn(4096, 64)
    products = []
    for n_threads in (1, 2):
        threads(n_threads)
        products.append(left @ right)
    if not torch.equal(*products):
        pytest.skip("torch's products depend on the number of threads here; with MKL_CBWR=AVX2,STRICT they do not")


@pytest.fixture
def steady_normalisation(threads):
    """Skip where the gradient of a layer normalisation depends on the number of threads, as since torch 2.15."""
    states, gradients = torch.randn(1152, 64), []
    for n_threads in (1, 2):
        threads(n_threads)
        weight = torch.ones(64, requires_grad=True)
        torch.nn.functional.layer_norm(states, (64,), weight).square().sum().backward()
        gradients.append(weight.grad)
    if not torch.equal(*gradients):
        pytest.skip("the gradient of torch's layer normalisation depends on the number of threads here")


@pytest.fixture(scope="module")
def data():
    """Users enough for batches whose sums several threads share."""
    return load_dataset("toy", circle(n_users=300, n_events=18))


def trained(training, side, selected):
    """Return the weights after an epoch, and NDCG@10 on validation."""
    model, _ = training.build_solo(side, selected)
    of_side = training.side_training(side, selected, model, epochs=1)
    training.seed("training")
    of_side.train_turn(0, 1, None, None, lambda record: None)
    return {name: tensor.detach().clone() for name, tensor in weights(model).items()}, of_side.best_value


def assert_equal(first, second):
    assert first[0].keys() == second[0].keys()
    assert [name for name in first[0] if not torch.equal(first[0][name], second[0][name])] == []
    assert first[1] == second[1]


@pytest.mark.parametrize("name", DOMAIN_MODELS)
def test_a_domain_model_of_the_usual_size_learns_the_same(request, threads, data, host, make_cell_training, name):
    if name != "lightgcn":  # it has no long products
        request.getfixturevalue("steady_products")
    selected = host.select("models", name, {name: {"batch_size": 256}})
    found = []
    for n_threads in (1, 2):
        threads(n_threads)
        found.append(trained(make_cell_training(data, name), "domain", selected))
    assert_equal(*found)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.usefixtures("steady_normalisation")
def test_an_llm_reads_and_learns_the_same(request, threads, data, host, tiny, tmp_path, make_cell_training, dtype):
    if dtype == "float32":
        request.getfixturevalue("steady_products")
    folder = tiny("llama", hidden_size=256, intermediate_size=512)
    settings = {"weights": str(folder), "dtype": dtype, "batch_size": 64}
    selected = host.select("llms", "llama", {"llama": settings})
    found = []
    for n_threads in (1, 2):
        threads(n_threads)
        training = make_cell_training(data, "llama")
        cache = tmp_path / str(n_threads)  # so that no text is read that another number of threads has encoded
        own = replace(training, setup=replace(training.setup, cache=cache))
        found.append(trained(own, "llm", selected))
    assert_equal(*found)


@pytest.mark.parametrize("n_threads", [2, 3])
def test_whitened_texts_are_the_same(threads, n_threads):
    states = torch.randn(300, 576, generator=torch.Generator().manual_seed(0))
    threads(1)
    expected = whitened(states)
    threads(n_threads)
    assert torch.equal(whitened(states), expected)
    assert torch.get_num_threads() == n_threads


def test_the_number_of_threads_comes_back_after_an_error(threads):
    threads(2)
    with one_thread():
        assert torch.get_num_threads() == 1
    with pytest.raises(DataError, match="no texts"), one_thread():
        raise DataError("no texts")
    assert torch.get_num_threads() == 2
