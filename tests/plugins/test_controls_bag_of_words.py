import math

import numpy as np
import pytest
import torch

from corecbench.api import Catalog, UsageError
from corecbench.toolkit import word_vectors, words
from corecbench.toolkit.words import reduce
from corecbench_plugins.controls.bag_of_words import BagOfWords
from corecbench_plugins.controls.settings import BagOfWordsConfig

TEXTS = ("", "red car", "red truck", "blue car", "", "blue truck red", "green boat")


def told(texts=TEXTS, text=None, seed=0, **settings):
    catalog = Catalog("toy", ("", "u"), tuple(map(str, range(len(texts)))), tuple(texts))
    return BagOfWords(BagOfWordsConfig(**settings)).text(catalog, seed, states() if text is None else text)


def states(dtype=torch.float32, scale=1.0):
    text = scale * torch.randn(len(TEXTS), 3, generator=torch.Generator().manual_seed(0))
    text[[0, 4]] = 0
    return text.to(dtype)


def test_a_word_weighs_more_the_fewer_texts_have_it():
    weights = word_vectors(["", "red car", "red"]).toarray()
    rare, common = math.log(3 / 2) + 1, 1.0  # words: car, red
    norm = math.hypot(rare, common)
    assert np.allclose(weights, [[0, 0], [rare / norm, common / norm], [0, 1]])


def test_a_row_has_its_words_without_correlation_beside_what_the_llm_says_and_both_count_alike():
    rows, has_text = told(), [1, 2, 3, 5, 6]
    assert not rows[[0, 4]].any()
    words, of_llm = rows[has_text, :-3], rows[has_text, -3:]
    assert torch.allclose(of_llm, states()[has_text] / 2**0.5)
    covariance = words.T @ words
    assert torch.allclose(words.mean(dim=0), torch.zeros(words.shape[1]), atol=1e-5)
    assert torch.allclose(covariance, covariance.diagonal().mean() * torch.eye(words.shape[1]), atol=1e-4)
    assert torch.isclose(words.square().sum(), of_llm.square().sum(), rtol=1e-4)


@pytest.mark.parametrize("scale", [0.1, 5.0])
def test_rows_are_as_long_as_those_of_the_llm(scale):
    has_text = [1, 2, 3, 5, 6]
    norms = [
        rows[has_text].square().sum(dim=1).mean().sqrt()
        for rows in (told(text=states(scale=scale)), states(scale=scale))
    ]
    assert torch.isclose(*norms, rtol=1e-4)


def test_the_rows_have_the_dtype_of_the_llm_and_the_seed_gives_the_same_again():
    assert told(text=states(torch.bfloat16)).dtype == torch.bfloat16
    assert torch.equal(told(), told())


def test_no_more_dimensions_are_kept_than_asked_for():
    assert told(dimensions=2).shape == (len(TEXTS), 2 + 3)


def test_the_setting_is_one_of_a_run(host):
    selected = host.select("controls", "bag-of-words", {"bag-of-words": {"dimensions": 5}})
    assert selected.config.dimensions == 5
    with pytest.raises(UsageError, match="unknown setting of bag-of-words 'dimension'; did you mean 'dimensions'"):
        host.select("controls", "bag-of-words", {"bag-of-words": {"dimension": 5}})
    with pytest.raises(UsageError, match="dimensions is 0, which does not fit"):
        host.select("controls", "bag-of-words", {"bag-of-words": {"dimensions": 0}})


def test_a_large_matrix_is_reduced_as_a_small_one_is(monkeypatch):
    random = np.random.default_rng(0)
    texts = ["", *(" ".join(f"w{word}" for word in random.zipf(1.5, 6) % 60) for _ in range(200))]
    matrix = word_vectors(texts)
    exact = reduce(matrix, 5, random)
    exact_gram = exact @ exact.T
    monkeypatch.setattr(words, "OVERSAMPLED", 8)
    found = reduce(matrix, 5, random)
    assert found.shape == exact.shape == (201, 5)
    assert not np.allclose(np.abs(found), np.abs(exact), atol=1e-12)  # another algorithm
    assert np.allclose(found @ found.T, exact_gram, atol=0.02)
