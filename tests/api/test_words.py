"""Counted words are computed once, and read again only as they were kept."""

import numpy as np
import torch

from corecbench.api import kept_word_summaries, word_summaries, words

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
