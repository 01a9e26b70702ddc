"""Words and phrases are counted once, and read again only as they were kept."""

import numpy as np
import pytest
import torch
from torch.nn.functional import cosine_similarity

from corecbench.toolkit import kept_word_summaries, phrase_summaries, word_summaries, word_vectors, words

TEXTS = ["", "red fox", "red wolf", "grey wolf", "grey seal", ""]


def test_words_are_kept(tmp_path, monkeypatch):
    first = kept_word_summaries(TEXTS, 3, tmp_path)
    assert torch.equal(first, word_summaries(TEXTS, 3, np.random.default_rng(0)))
    monkeypatch.setattr(words, "word_summaries", None)
    assert torch.equal(kept_word_summaries(TEXTS, 3, tmp_path), first)


def test_other_texts_or_dimensions_are_not_what_was_kept(tmp_path):
    kept_word_summaries(TEXTS, 3, tmp_path)
    assert kept_word_summaries(TEXTS, 2, tmp_path).shape == (6, 2)
    kept_word_summaries([*TEXTS[:-1], "seal"], 3, tmp_path)
    assert len(list((tmp_path / "words").iterdir())) == 3


def test_a_damaged_file_is_computed_again(tmp_path):
    first = kept_word_summaries(TEXTS, 3, tmp_path)
    (file,) = (tmp_path / "words").iterdir()
    file.write_bytes(file.read_bytes()[:-4])
    assert torch.equal(kept_word_summaries(TEXTS, 3, tmp_path), first)


def test_words_and_phrases_are_kept_apart(tmp_path):
    plain = kept_word_summaries(TEXTS, 3, tmp_path)
    phrases = kept_word_summaries(TEXTS, 3, tmp_path, phrases=True)
    assert not torch.equal(plain, phrases)
    assert torch.equal(kept_word_summaries(TEXTS, 3, tmp_path, phrases=True), phrases)
    assert torch.equal(phrases, phrase_summaries(TEXTS, 3, np.random.default_rng(0)))


def test_a_phrase_of_two_words_counts_beside_its_words():
    vectors = word_vectors(["", "a b", "b a", "a c b"], phrases=True).toarray()
    assert vectors.shape == (4, 3 + 4)  # a, b, c; "a b", "b a", "a c", "c b"
    assert (vectors[0] == 0).all()
    assert vectors[1] @ vectors[1] == pytest.approx(1)
    assert 0 < vectors[1] @ vectors[2] < 1  # the same words in another order


def test_what_stands_in_front_counts_most():
    _, text, same_start, same_end = word_vectors(
        ["", "acme red fox", "acme old owl", "duo new fox"], phrases=True
    ).toarray()
    assert text @ same_start > text @ same_end


def test_texts_with_the_same_phrases_are_near():
    brands, things = (
        ("north star", "red fox", "old mill", "big wave"),
        ("kite", "ball", "doll", "drum", "bear", "train"),
    )
    texts = ["", *(f"{brand} {thing} set" for brand in brands for thing in things), ""]
    rows = phrase_summaries(texts, 12, np.random.default_rng(0))
    assert (rows[[0, -1]] == 0).all()
    assert rows[1:-1].square().sum(dim=1).mean() == pytest.approx(1)
    near = cosine_similarity(rows[1:-1, None], rows[None, 1:-1], dim=2)
    same = torch.eye(len(brands), dtype=torch.bool).kron(torch.ones(6, 6, dtype=torch.bool))
    assert near[same & ~torch.eye(24, dtype=torch.bool)].mean() > near[~same].mean() + 0.1


def test_directions_are_drawn_alike_in_any_number_of_blocks(monkeypatch):
    whole = phrase_summaries(TEXTS, 3, np.random.default_rng(0))
    monkeypatch.setattr(words, "COLUMNS_PER_BLOCK", 2)
    assert phrase_summaries(TEXTS, 3, np.random.default_rng(0)).numpy() == pytest.approx(whole.numpy(), abs=1e-5)
