"""The strongest text that knows nothing: which words a text has, counted, beside an LLM of random weights.

N items, V words, k dimensions.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from corecbench.api import generator, whitened

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch
    from scipy.sparse import csr_matrix

    from corecbench.api import Catalog
    from corecbench_plugins.controls.settings import BagOfWordsConfig

WORDS = re.compile(r"\w+")
OVERSAMPLED = 48
"""Directions that are found beyond those that are kept, which makes the kept ones more exact."""
ITERATIONS = 6


class BagOfWords:
    """The sharing module reads word counts and the `text` of an untrained LLM, in place of a trained LLM's `text`.

    The counts are weighted by TF-IDF, reduced by a truncated SVD (latent semantic analysis, Deerwester et al.,
    1990), and whitened, so that they tell items apart as well as they can. The LLM's `text` is taken as it is: our
    LLMs whiten theirs. Both parts count alike, and together a row is as long, in the root mean square, as a row of
    the LLM's `text`. Nothing but the item texts is read.
    """

    def __init__(self, config: BagOfWordsConfig) -> None:
        self.dimensions = config.dimensions

    def text(self, catalog: Catalog, seed: int, text: torch.Tensor) -> torch.Tensor:
        """Return the words beside the states of the LLM, which is untrained under this control."""
        import torch

        reduced = reduce(tf_idf(catalog.item_texts), self.dimensions, generator(seed, catalog.name, "bag-of-words"))
        states = text.float().cpu()
        squared = states.square().sum(dim=1)
        norm = squared[squared > 0].mean().sqrt()
        words = norm * whitened(torch.from_numpy(reduced).float())
        return (torch.cat([words, states], dim=1) / 2**0.5).to(text)


def tf_idf(texts: Sequence[str]) -> csr_matrix:
    """Return the weights of the words of each text, float64 [N+1, V]; each row has a norm of 1 or is zero.

    The weight of a word is the number of times it occurs in the text, times log((1 + n) / (1 + m)) + 1 if m of the
    n texts have it (Salton and Buckley, 1988, DOI 10.1016/0306-4573(88)90021-0, here never zero). Capitals do not
    count.

    >>> tf_idf(["", "a a b", "B"]).toarray().round(3).tolist()  # log(3/2) + 1 is 1.405, so 2.811 : 1 in the second
    [[0.0, 0.0], [0.942, 0.335], [0.0, 1.0]]
    """
    from scipy.sparse import csr_matrix, diags

    counts = [Counter(WORDS.findall(text.lower())) for text in texts]
    column = {word: place for place, word in enumerate(sorted(set().union(*counts)))}
    rows = np.repeat(np.arange(len(texts)), [len(count) for count in counts])
    columns = np.array([column[word] for count in counts for word in count], dtype=np.int64)
    values = np.array([n for count in counts for n in count.values()], dtype=np.float64)
    matrix = csr_matrix((values, (rows, columns)), shape=(len(texts), len(column)))
    n_texts = sum(map(bool, counts))
    weight = np.log((1 + n_texts) / (1 + np.bincount(columns, minlength=len(column)))) + 1
    weighted = matrix @ diags(weight)
    norm = np.sqrt(np.asarray(weighted.multiply(weighted).sum(axis=1)).ravel())
    return csr_matrix(diags(1 / np.where(norm > 0, norm, 1)) @ weighted)


def reduce(matrix: csr_matrix, dimensions: int, random: np.random.Generator) -> np.ndarray:
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
    coordinates[matrix.getnnz(axis=1) == 0] = 0
    return coordinates
