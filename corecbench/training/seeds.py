"""The seeds of torch, beside the generators that `corecbench.data.seeds` makes."""

import torch

from corecbench.data.seeds import derive, generator

__all__ = ["derive", "generator", "seed_torch"]


def seed_torch(seed: int, *purpose: str) -> None:
    """Seed torch's global generator, from which models draw their weights and dropout."""
    torch.manual_seed(derive(seed, *purpose))
