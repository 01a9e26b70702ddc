"""Rec-PCA: item embeddings start in directions of the LLM's view of texts that behaviour agrees with.

What the paper states (Zhang and Zhu, "Break the Optimization Barrier of LLM-Enhanced Recommenders: A Theoretical
Analysis and Practical Framework", 2026, arXiv 2604.20490): states of an LLM that start or are the item embeddings
of a recommender train badly, since their norms differ and since they point where meanings cluster, not behaviour.
So embeddings are normalised, and dimensions are reduced such that they keep what the texts say and vary little over
a graph of items that occur together: its total variation is a penalty.

What is our reconstruction, since the equations are not in a form that we have:
- Vectors have a length of 1, and rows have equal lengths after the reduction, too.
- In the graph each two items of a user are joined by 1 / n, where n is the number of the user's
  interactions with known items that have a text. The
  total variation of vectors x is then half the sum of squared distances between items of a user, over n: the sum of
  (x - m)^2, where m is the user's mean.
- The directions are the orthonormal ones with most of variance - `alignment` * total variation, both as means over
  items and interactions: eigenvectors of a difference of two covariances.
- As under `llminit`: the rows' scale, items without a text, users, the LLM side and the turns.
"""

import numpy as np
import torch
from scipy.sparse import csr_array
from torch.nn.functional import normalize

from corecbench_plugins.sharing.llminit import InitialRows
from corecbench_plugins.sharing.settings import RecPcaConfig


class RecPca(InitialRows):
    """Items start from directions in which the items of a user are alike."""

    config: RecPcaConfig

    def reduced(self, states: torch.Tensor, known: torch.Tensor, width: int) -> torch.Tensor:
        """Return rows of equal length in the chosen directions; arguments as for `InitialRows`."""
        vectors = normalize(states.cpu().double()).numpy()
        has_text, is_known = (each.cpu().numpy() for each in (states.any(dim=1, keepdim=True), known))
        vectors = (vectors - vectors[is_known].mean(axis=0)) * has_text
        kept = is_known[self.interactions.item]
        variation = within_users(vectors, self.interactions.user[kept], self.interactions.item[kept])
        found = directions(vectors[is_known], self.config.alignment * variation, width)
        return normalize(torch.from_numpy(vectors @ found)).float().to(states.device)


def within_users(vectors: np.ndarray, user: np.ndarray, item: np.ndarray) -> np.ndarray:
    """Return the covariance of vectors [N+1, k] about each user's mean, float64 [k, k]: a mean over interactions.

    >>> within_users(np.array([[0.0], [1.0], [3.0], [9.0]]), np.array([1, 1, 2]), np.array([1, 2, 3]))
    array([[0.66666667]])
    """
    if not len(user):
        return np.zeros((vectors.shape[1],) * 2)
    n_of_user, n_of_item = np.bincount(user), np.bincount(item, minlength=len(vectors))
    sums = csr_array((n_of_user[user] ** -0.5, (user, item)), (len(n_of_user), len(vectors))) @ vectors
    variation: np.ndarray = (vectors.T @ (vectors * n_of_item[:, None]) - sums.T @ sums) / len(user)
    return variation


def directions(vectors: np.ndarray, penalty: np.ndarray, width: int) -> np.ndarray:
    """Return orthonormal directions [k, at most width] of most variance of vectors [N, k] less a penalty [k, k].

    >>> directions(np.array([[3.0, 0.0], [-3.0, 0.0], [0.0, 2.0], [0.0, -2.0]]), np.diag([4.0, 0.0]), 1).round(3).T
    array([[0., 1.]])
    """
    _, found = np.linalg.eigh(vectors.T @ vectors / len(vectors) - penalty)
    best = found[:, ::-1][:, :width]
    signed: np.ndarray = best * np.sign(best[np.abs(best).argmax(axis=0), np.arange(best.shape[1])])
    return signed
