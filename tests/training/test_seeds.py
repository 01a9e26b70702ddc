import torch

from corecbench.api.seeds import derive, generator
from corecbench.training.weights import seed_torch


def draws(generator):
    return generator.integers(1000, size=8).tolist()


def test_a_seed_and_a_purpose_give_the_same_numbers_again():
    assert draws(generator(3, "toy", "batches")) == draws(generator(3, "toy", "batches"))


def test_another_seed_gives_other_numbers():
    assert draws(generator(3, "toy")) != draws(generator(4, "toy"))


def test_another_purpose_gives_other_numbers():
    assert draws(generator(3, "domain", "batches")) != draws(generator(3, "llm", "batches"))


def test_words_of_a_purpose_are_kept_apart():
    assert derive(0, "ab", "c") != derive(0, "a", "bc")


def test_a_derived_seed_is_one_that_numpy_and_torch_take():
    assert all(0 <= derive(seed, "toy") < 2**63 for seed in range(100))


def test_torch_draws_the_same_weights_for_the_same_purpose():
    seed_torch(3, "weights")
    first = torch.randn(4)
    seed_torch(3, "training")
    other = torch.randn(4)
    seed_torch(3, "weights")
    assert torch.equal(torch.randn(4), first)
    assert not torch.equal(other, first)
