"""The words of item texts, counted: no model reads them.

N items, V different words or phrases, k dimensions.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from typing import TYPE_CHECKING

from corecbench.toolkit.kept_tensors import load_tensors, save_tensors
from corecbench.toolkit.whitening import whitened

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy as np
    import torch
    from scipy.sparse import csr_array

OVERSAMPLED = 48
"""Directions that are found beyond those that are kept, which makes the kept ones more exact."""
ITERATIONS = 6
COLUMNS_PER_BLOCK = 4096
"""Words and phrases whose random directions are held at a time."""
VERSION = 1
"""Counted up when the summaries of words change, so that kept ones are not read."""


def beside(words: torch.Tensor, states: torch.Tensor, n_new: int = 0) -> torch.Tensor:
    """Return both parts of what is said of texts in one row, [N+1, k + k'], in the dtype of the states.

    Both parts count alike, and together a row is as long, in the root mean square, as a row of the states.

    Args:
        words: float32 [N+1, k], of a root mean square norm of 1, as `word_summaries` gives them.
        states: [N+1, k'], an LLM's `text`.
        n_new: `Catalog.n_new_items`, as in `word_vectors`.
    """
    import torch

    own = states.float().cpu()
    squared = own[: len(own) - n_new].square().sum(dim=1)
    norm = squared[squared > 0].mean().sqrt()
    return (torch.cat([norm * words, own], dim=1) / 2**0.5).to(states)


def word_summaries(
    texts: Sequence[str], dimensions: int, random: np.random.Generator, n_new: int = 0
) -> torch.Tensor:
    """Return the words of each text in few dimensions: TF-IDF, reduced by a latent semantic analysis, whitened.

    Source: Deerwester et al., 1990, DOI 10.1002/(SICI)1097-4571(199009)41:6<391::AID-ASI1>3.0.CO;2-9.

    Args:
        texts: the text of each item, N+1; "" for padding.
        dimensions: most directions that are kept.
        random: draws the projections by which the directions are found.
        n_new: `Catalog.n_new_items`, as in `word_vectors`.

    Returns:
        float32 [N+1, k], with a root mean square norm of 1; zero for a text without a word.
    """
    import torch

    coordinates = reduce(word_vectors(texts, n_new=n_new), dimensions, random, n_new)
    return whitened(torch.from_numpy(coordinates).float(), n_new=n_new)


def phrase_summaries(
    texts: Sequence[str], dimensions: int, random: np.random.Generator, n_new: int = 0
) -> torch.Tensor:
    """Return the words and the phrases of two words of each text in few dimensions: TF-IDF, projected, whitened.

    A singular value decomposition would keep what many texts share and lose rare phrases, which tell most. Random
    directions keep all of them alike (Johnson and Lindenstrauss, 1984, DOI 10.1090/conm/026/737400).

    Args:
        texts: the text of each item, N+1; "" for padding.
        dimensions: of the random projection.
        random: draws its directions.
        n_new: `Catalog.n_new_items`, as in `word_vectors`.

    Returns:
        float32 [N+1, k], with a root mean square norm of 1; zero for a text without a word.
    """
    import numpy as np
    import torch

    vectors = word_vectors(texts, phrases=True, n_new=n_new).tocsc()
    rows = np.zeros((len(texts), dimensions), dtype=np.float32)
    for first in range(0, vectors.shape[1], COLUMNS_PER_BLOCK):
        block = vectors[:, first : first + COLUMNS_PER_BLOCK]
        rows += block @ random.standard_normal((block.shape[1], dimensions), dtype=np.float32)
    return whitened(torch.from_numpy(rows), n_new=n_new)


def kept_word_summaries(
    texts: Sequence[str], dimensions: int, cache: Path, phrases: bool = False, n_new: int = 0
) -> torch.Tensor:
    """Return `word_summaries` or `phrase_summaries`, the same for all seeds; the folder of a cache keeps them."""
    import numpy as np

    what = [VERSION, dimensions, *(["phrases"] if phrases else []), *([["new", n_new]] if n_new else []), *texts]
    digest = hashlib.sha256(json.dumps(what).encode()).hexdigest()
    path = cache / "words" / f"{digest[:32]}.safetensors"
    kept = load_tensors(path)
    if kept is not None and kept.facts == digest:
        return kept.tensors["words"]
    words = (phrase_summaries if phrases else word_summaries)(texts, dimensions, np.random.default_rng(0), n_new)
    save_tensors(path, {"words": words}, digest)
    return words


def word_vectors(texts: Sequence[str], shortest: int = 1, phrases: bool = False, n_new: int = 0) -> csr_array:
    """Return the TF-IDF vectors of texts, float64 [N+1, V]; each row has a norm of 1 or is zero.

    The weight of a word is the number of times it occurs in the text, times log((1 + n) / (1 + m)) + 1 if m of the
    n texts have it (Salton and Buckley, 1988, DOI 10.1016/0306-4573(88)90021-0, here never zero). Capitals do not
    count.

    Args:
        texts: the texts.
        shortest: least number of characters of a word.
        phrases: whether each two words in a row count, too, and what stands in place p of a text only
            p ** -1/2 times: titles begin with what tells most, such as a brand.
        n_new: `Catalog.n_new_items`: words are counted in the texts before the last n_new, and of these others are
            left out.

    >>> word_vectors(["", "a a b", "B"]).toarray().round(3).tolist()  # log(3/2) + 1 is 1.405; 2.811 : 1
    [[0.0, 0.0], [0.942, 0.335], [0.0, 1.0]]
    """
    import numpy as np
    from scipy.sparse import csr_array, diags_array

    words = re.compile(rf"\w{{{shortest},}}")
    counted = _phrases if phrases else Counter
    counts = [counted(words.findall(text.lower())) for text in texts]
    n_known = len(texts) - n_new
    column = {word: place for place, word in enumerate(sorted(set().union(*counts[:n_known])))}
    counts[n_known:] = [{word: n for word, n in count.items() if word in column} for count in counts[n_known:]]
    rows = np.repeat(np.arange(len(texts)), [len(count) for count in counts])
    columns = np.array([column[word] for count in counts for word in count], dtype=np.int64)
    values = np.array([n for count in counts for n in count.values()], dtype=np.float64)
    matrix = csr_array((values, (rows, columns)), shape=(len(texts), max(len(column), 1)))
    n_texts = sum(map(bool, counts[:n_known]))
    n_having = np.bincount(columns[rows < n_known], minlength=matrix.shape[1])
    weight = np.log((1 + n_texts) / (1 + n_having)) + 1
    weighted = matrix @ diags_array(weight)
    norm = np.sqrt(np.asarray(weighted.multiply(weighted).sum(axis=1)).ravel())
    return csr_array(diags_array(1 / np.where(norm > 0, norm, 1)) @ weighted)


def _phrases(words: Sequence[str]) -> dict[str, float]:
    """Return the words of a text and its phrases of two words, and how much each counts.

    >>> {phrase: round(weight, 3) for phrase, weight in _phrases(["red", "fox"]).items()}
    {'red': 1.0, 'fox': 0.707, 'red fox': 0.707}
    """
    counts: dict[str, float] = {}
    for place, (before, word) in enumerate(zip(["", *words], words, strict=False), start=1):
        for phrase in (word, *([f"{before} {word}"] if before else [])):
            counts[phrase] = counts.get(phrase, 0) + place**-0.5
    return counts


def reduce(matrix: csr_array, dimensions: int, random: np.random.Generator, n_new: int = 0) -> np.ndarray:
    """Return the coordinates of the rows in the first directions of a singular value decomposition.

    A small matrix is decomposed as it is. For a larger one the directions are found by random projections and a few
    iterations (Halko, Martinsson and Tropp, 2011, DOI 10.1137/090771806, algorithm 4.4).

    Args:
        matrix: float64 [N+1, V].
        dimensions: most directions.
        random: draws the projections.
        n_new: the last rows, which do not decide the directions.

    Returns:
        float64 [N+1, k], of as many directions as there are, at most `dimensions`. A row of zeros stays zero.
    """
    import numpy as np

    if n_new:
        known = matrix[: matrix.shape[0] - n_new]
        found = reduce(known, dimensions, random)  # U S, so the directions V are X' U S / S^2
        directions = (known.T @ found) / np.square(found).sum(axis=0).clip(min=1e-12)
        return np.concatenate([found, matrix[known.shape[0] :] @ directions])
    if min(matrix.shape) <= dimensions + OVERSAMPLED:
        left, singular, _ = np.linalg.svd(matrix.toarray(), full_matrices=False)
    else:
        basis = matrix @ random.standard_normal((matrix.shape[1], dimensions + OVERSAMPLED))
        for _ in range(ITERATIONS):
            basis = matrix @ np.linalg.qr(matrix.T @ np.linalg.qr(basis).Q).Q
        basis = np.linalg.qr(basis).Q  # [N+1, k + oversampled]
        projected = matrix.T @ basis  # [V, k + oversampled]
        squared, directions = np.linalg.eigh(projected.T @ projected)  # the smallest first
        left, singular = basis @ directions[:, ::-1], np.sqrt(squared[::-1].clip(min=0))
    coordinates: np.ndarray = (left * singular)[:, :dimensions]
    coordinates[np.diff(matrix.indptr) == 0] = 0
    return coordinates
