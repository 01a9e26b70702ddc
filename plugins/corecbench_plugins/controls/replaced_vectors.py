"""Replaces what an LLM says of items by what says nothing of them, wherever it was read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from corecbench.api import generator
from corecbench.toolkit import random_like

if TYPE_CHECKING:
    from corecbench.api import Catalog


class ShuffledVectors:
    """The sharing module is told of each item what the LLM says of another one."""

    def __init__(self, config: None) -> None:
        pass

    def text(self, catalog: Catalog, seed: int, text: torch.Tensor) -> torch.Tensor:
        """Return the rows, moved around one random circle of all that are not zero.

        >>> from corecbench.api import Catalog
        >>> toy = Catalog("toy", ("",), ("", "a", "b", "c"), ("", "A", "", "C"))
        >>> ShuffledVectors(None).text(toy, 0, torch.tensor([[0.0], [1.0], [0.0], [3.0]])).T
        tensor([[0., 3., 0., 1.]])
        """
        rows = (text != 0).any(dim=1).nonzero().squeeze(1).cpu().numpy()
        circle = torch.from_numpy(generator(seed, catalog.name, "shuffled-vectors").permutation(rows))
        moved = text.clone()
        moved[circle] = text[circle.roll(1)]
        return moved


class RandomVectors:
    """The sharing module is told of each item a random row of the same distribution."""

    def __init__(self, config: None) -> None:
        pass

    def text(self, catalog: Catalog, seed: int, text: torch.Tensor) -> torch.Tensor:
        """Return rows with the same mean, covariance and norms."""
        return random_like(text, generator(seed, catalog.name, "random-vectors"), catalog.n_new_items)
