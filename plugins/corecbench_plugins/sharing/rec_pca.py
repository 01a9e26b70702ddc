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
  items and interactions: eigenvectors of a difference of two covariances. One without more of the first is left
  out, and its dimension of the rows stays random.
- As under `llminit`: the rows' scale, items without a text, users, the LLM side and the turns.
"""

import numpy as np
import torch
from scipy.sparse import csr_array
from torch.nn.functional import normalize

from corecbench.api import DataError
from corecbench.toolkit import one_thread
from corecbench_plugins.sharing.llminit import InitialRows
from corecbench_plugins.sharing.settings import RecPcaConfig

SMALLEST = 1e-9
"""Share of the largest eigenvalue below which another is a rounding error."""


class RecPca(InitialRows):
    """Items start from directions in which the items of a user are alike."""

    config: RecPcaConfig

    @one_thread()  # BLAS's last digits depend on the number of threads
    def reduced(self, states: torch.Tensor, known: torch.Tensor, width: int) -> torch.Tensor:
        """Return rows of equal length in the chosen directions; arguments and errors as for `InitialRows`."""
        vectors = normalize(states.cpu().double())
        is_known = known.cpu()
        vectors = (vectors - vectors[is_known].mean(dim=0)) * states.any(dim=1, keepdim=True).cpu()
        kept = is_known.numpy()[self.interactions.item]
        variation = within_users(vectors, self.interactions.user[kept], self.interactions.item[kept])
        found = directions(vectors[is_known], self.config.alignment * variation, width)
        if not found.shape[1]:
            raise DataError(
                f"alignment {self.config.alignment} leaves no direction to start from; give a lower one"
            )
        return normalize(vectors @ found).float().to(states.device)


def within_users(vectors: torch.Tensor, user: np.ndarray, item: np.ndarray) -> torch.Tensor:
    """Return the covariance of vectors [N+1, k] about each user's mean, float64 [k, k]: a mean over interactions.

    >>> within_users(torch.tensor([[0.0], [1.0], [3.0], [9.0]]).double(), np.array([1, 1, 2]), np.array([1, 2, 3]))
    tensor([[0.6667]], dtype=torch.float64)
    """
    if not len(user):
        return vectors.new_zeros((vectors.shape[1],) * 2)
    n_of_user, n_of_item = np.bincount(user), np.bincount(item, minlength=len(vectors))
    weights = csr_array((n_of_user[user] ** -0.5, (user, item)), (len(n_of_user), len(vectors)))
    sums = torch.from_numpy(weights @ vectors.numpy())
    return (vectors.T @ (vectors * torch.from_numpy(n_of_item)[:, None]) - sums.T @ sums) / len(user)


def directions(vectors: torch.Tensor, penalty: torch.Tensor, width: int) -> torch.Tensor:
    """Return orthonormal directions [k, at most width] of most variance of vectors [N, k] less a penalty [k, k].

    >>> vectors = torch.tensor([[3.0, 0.0], [-3.0, 0.0], [0.0, 2.0], [0.0, -2.0]])
    >>> directions(vectors, torch.diag(torch.tensor([4.0, 0.0])), 1).T
    tensor([[0., 1.]])
    >>> directions(vectors, torch.diag(torch.tensor([5.0, 0.0])), 2).T  # the first has less variance than penalty
    tensor([[0., 1.]])
    """
    with one_thread():  # LAPACK's last digits depend on the number of threads
        left, found = (each.flip(-1) for each in torch.linalg.eigh(vectors.T @ vectors / len(vectors) - penalty))
    best = found[:, (left > SMALLEST * left.abs().max()) & (torch.arange(len(left)) < width)]
    signed: torch.Tensor = best * best.gather(0, best.abs().argmax(dim=0, keepdim=True)).sign()
    return signed
