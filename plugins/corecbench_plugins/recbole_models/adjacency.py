"""Sparse matrices of the graph of users and items.

M is the number of nodes, that is of users and items with their padding rows; d is the width of a state.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def normalised_adjacency(user: np.ndarray, item: np.ndarray, n_users: int, n_items: int) -> torch.Tensor:
    """Return D^-1/2 A D^-1/2 of the bipartite graph, users first, as a sparse CSR tensor.

    Args:
        user: int64, the user of each interaction.
        item: int64, the item of each interaction; repeated pairs count once.
        n_users: number of rows of the user table, padding included.
        n_items: number of rows of the item table, padding included.
    """
    from_user, to_item = np.divmod(distinct(user * n_items + item), n_items)
    edges = np.stack([from_user, to_item + n_users])
    row, column = np.concatenate([edges, edges[::-1]], axis=1)
    n_nodes = n_users + n_items
    degree = np.bincount(row, minlength=n_nodes)
    weight = 1 / np.sqrt(degree[row] * degree[column])
    index = torch.as_tensor(np.stack([row, column]))
    with warnings.catch_warnings():  # torch announces that CSR is in beta
        warnings.simplefilter("ignore")
        graph = torch.sparse_coo_tensor(index, torch.as_tensor(weight, dtype=torch.float32), (n_nodes, n_nodes))
        return graph.coalesce().to_sparse_csr()


def distinct(values: np.ndarray) -> np.ndarray:
    """Return the different values in order. At 20 million, `np.unique` takes ten times as long as to sort.

    >>> distinct(np.array([5, 2, 5])).tolist()
    [2, 5]
    """
    ordered = np.sort(values)
    different: np.ndarray = ordered[np.diff(ordered, prepend=ordered[:1] - 1) != 0]
    return different


class SymmetricGraph:
    """A symmetric sparse matrix as the left factor of `torch.sparse.mm`.

    The gradient of the product needs the transposed matrix, which torch computes anew in each backward pass. A
    symmetric matrix is its own transpose, so this class saves that work.
    """

    def __init__(self, matrix: torch.Tensor) -> None:
        self.matrix = matrix

    @classmethod
    def __torch_function__(
        cls,
        function: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """Take part in `torch.sparse.mm(graph, rows)`, the only function that accepts this class."""
        if function is not torch.sparse.mm:
            return NotImplemented
        graph, rows = args
        return SymmetricProduct.apply(graph.matrix, rows)


class SymmetricProduct(torch.autograd.Function):
    """The product of a symmetric sparse matrix [M, M] and rows [M, d]."""

    @staticmethod
    def forward(ctx: Any, matrix: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
        """Multiply, and keep the matrix for the gradient."""
        ctx.matrix = matrix
        product: torch.Tensor = torch.sparse.mm(matrix, rows)
        return product

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[None, torch.Tensor]:
        """Return the gradient of the rows."""
        return None, torch.sparse.mm(ctx.matrix, gradient)
