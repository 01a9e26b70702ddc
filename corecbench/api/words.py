"""The words of item texts, counted: no model reads them.

N items, V different words, k dimensions.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from typing import TYPE_CHECKING

from corecbench.api.kept_tensors import load_tensors, save_tensors
from corecbench.api.whitening import whitened

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy as np
    import torch
    from scipy.sparse import csr_array

OVERSAMPLED = 48
"""Directions that are found beyond those that are kept, which makes the kept ones more exact."""
ITERATIONS = 6
VERSION = 1
"""Counted up when the summaries of words change, so that kept ones are not read."""


def beside(words: torch.Tensor, states: torch.Tensor) -> torch.Tensor:
    """Return both parts of what is said of texts in one row, [N+1, k + k'], in the dtype of the states.

    Both parts count alike, and together a row is as long, in the root mean square, as a row of the states.

    Args:
        words: float32 [N+1, k], of a root mean square norm of 1, as `word_summaries` gives them.
        states: [N+1, k'], an LLM's `text`.
    """
    import torch

    own = states.float().cpu()
    squared = own.square().sum(dim=1)
    norm = squared[squared > 0].mean().sqrt()
    return (torch.cat([norm * words, own], dim=1) / 2**0.5).to(states)


def word_summaries(texts: Sequence[str], dimensions: int, random: np.random.Generator) -> torch.Tensor:
    """Return the words of each text in few dimensions: TF-IDF, reduced by a latent semantic analysis, whitened.

    Source: Deerwester et al., 1990, DOI 10.1002/(SICI)1097-4571(199009)41:6<391::AID-ASI1>3.0.CO;2-9.

    Args:
        texts: the text of each item, N+1; "" for padding.
        dimensions: most directions that are kept.
        random: draws the projections by which the directions are found.

    Returns:
        float32 [N+1, k], with a root mean square norm of 1; zero for a text without a word.
    """
    import torch

    return whitened(torch.from_numpy(reduce(word_vectors(texts), dimensions, random)).float())


def kept_word_summaries(texts: Sequence[str], dimensions: int, cache: Path) -> torch.Tensor:
    """Return `word_summaries`, the same for all seeds; they are computed once and kept in the folder of a cache."""
    import numpy as np

    digest = hashlib.sha256(json.dumps([VERSION, dimensions, *texts]).encode()).hexdigest()
    path = cache / "words" / f"{digest[:32]}.safetensors"
    kept = load_tensors(path)
    if kept is not None and kept.facts == digest:
        return kept.tensors["words"]
    words = word_summaries(texts, dimensions, np.random.default_rng(0))
    save_tensors(path, {"words": words}, digest)
    return words


def word_vectors(texts: Sequence[str], shortest: int = 1) -> csr_array:
    """Return the TF-IDF vectors of texts, float64 [N+1, V]; each row has a norm of 1 or is zero.

    The weight of a word is the number of times it occurs in the text, times log((1 + n) / (1 + m)) + 1 if m of the
    n texts have it (Salton and Buckley, 1988, DOI 10.1016/0306-4573(88)90021-0, here never zero). Capitals do not
    count.

    Args:
        texts: the texts.
        shortest: least number of characters of a word.

    >>> word_vectors(["", "a a b", "B"]).toarray().round(3).tolist()  # log(3/2) + 1 is 1.405; 2.811 : 1
    [[0.0, 0.0], [0.942, 0.335], [0.0, 1.0]]
    """
    import numpy as np
    from scipy.sparse import csr_array, diags_array

    words = re.compile(rf"\w{{{shortest},}}")
    counts = [Counter(words.findall(text.lower())) for text in texts]
    column = {word: place for place, word in enumerate(sorted(set().union(*counts)))}
    rows = np.repeat(np.arange(len(texts)), [len(count) for count in counts])
    columns = np.array([column[word] for count in counts for word in count], dtype=np.int64)
    values = np.array([n for count in counts for n in count.values()], dtype=np.float64)
    matrix = csr_array((values, (rows, columns)), shape=(len(texts), max(len(column), 1)))
    n_texts = sum(map(bool, counts))
    weight = np.log((1 + n_texts) / (1 + np.bincount(columns, minlength=matrix.shape[1]))) + 1
    weighted = matrix @ diags_array(weight)
    norm = np.sqrt(np.asarray(weighted.multiply(weighted).sum(axis=1)).ravel())
    return csr_array(diags_array(1 / np.where(norm > 0, norm, 1)) @ weighted)


def reduce(matrix: csr_array, dimensions: int, random: np.random.Generator) -> np.ndarray:
    """Return the coordinates of the rows in the first directions of a singular value decomposition.

    A small matrix is decomposed as it is. For a larger one the directions are found by random projections and a few
    iterations (Halko, Martinsson and Tropp, 2011, DOI 10.1137/090771806, algorithm 4.4).

    Args:
        matrix: float64 [N+1, V].
        dimensions: most directions.
        random: draws the projections.

    Returns:
        float64 [N+1, k], of as many directions as there are, at most `dimensions`. A row of zeros stays zero.
    """
    import numpy as np

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
