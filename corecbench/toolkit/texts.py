"""Projections of what is said of item texts, and means of it over histories.

B histories, L positions of a history, N items, k the width of a summary, d the width of the rows.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


def project(rows: torch.Tensor, layer: torch.nn.Linear) -> torch.Tensor:
    """Return float32 [*, out] of a layer without bias, multiplied in the dtype of the rows [*, in].

    An LLM's `text` is of its body's dtype, in which such products may be several times as fast.
    """
    return (rows @ layer.weight.to(rows.dtype).T).float()


def mean_texts(history: torch.Tensor, content: torch.Tensor, decay: float | torch.Tensor) -> torch.Tensor:
    """Return the weighted mean row of each history's items, float32 [B, k].

    Args:
        history: int64 [B, L], right-padded with 0.
        content: float32 [N+1, k], what is said of each item's text.
        decay: a factor by which an item of a history counts less than the next one; the last one counts most. It
            may be of each history, float32 [B, 1].

    >>> import torch
    >>> content = torch.tensor([[0.0], [1.0], [4.0]])
    >>> mean_texts(torch.tensor([[1, 2], [2, 0]]), content, decay=0.5)  # (0.5 * 1 + 1 * 4) / 1.5
    tensor([[3.],
            [4.]])
    """
    import torch
    from torch.nn.functional import embedding_bag

    is_item = history != 0
    age = is_item.sum(dim=1, keepdim=True) - 1 - torch.arange(history.shape[1], device=history.device)  # [B, L]
    weight = is_item * decay ** age.clamp(min=0).float()
    weight = weight / weight.sum(dim=1, keepdim=True).clamp(min=torch.finfo(torch.float32).tiny)
    return embedding_bag(history, content, per_sample_weights=weight, mode="sum")


@dataclass
class ProjectedTexts:
    """The projection of all item texts, which is computed once for as long as the layer's weights stay the same.

    So a training step that reads the table twice computes it once, forward and backward, and an evaluation computes
    it once for all batches. It is forgotten in the backward pass, which frees what gradients need. On a GPU nothing
    is kept: there a comparison of weights costs more than the product.
    """

    rows: torch.Tensor | None = field(default=None, repr=False)
    """float32 [N+1, d], the projection, if it is kept."""
    weight: torch.Tensor | None = field(default=None, repr=False)
    """float32 [d, k], the weights by which it was computed."""
    with_gradients: bool = False

    def of(self, text: torch.Tensor, layer: torch.nn.Linear) -> torch.Tensor:
        """Return the projection of all texts, float32 [N+1, d].

        Args:
            text: [N+1, k], always the same.
            layer: the projection, always the same layer.
        """
        import torch

        if text.device.type != "cpu":
            return project(text, layer)
        gradients = torch.is_grad_enabled()
        kept = self.weight is not None and gradients == self.with_gradients
        if self.rows is None or not kept or not torch.equal(self.weight, layer.weight):  # type: ignore[arg-type]
            self.rows, self.weight = project(text, layer), layer.weight.detach().clone()
            self.with_gradients = gradients
            if self.rows.requires_grad:
                self.rows.register_hook(self.forget)
        return self.rows

    def forget(self, gradient: torch.Tensor) -> None:
        """Forget the projection, since a backward pass goes through it."""
        self.rows = None

    def __deepcopy__(self, memo: object) -> ProjectedTexts:
        """Return a new one: what is kept belongs to one layer."""
        return ProjectedTexts()
