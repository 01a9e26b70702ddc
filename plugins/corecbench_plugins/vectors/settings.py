"""Settings of vectors from a file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from corecbench.api import Count, Fraction, Natural, Precision, Training


@dataclass(frozen=True)
class VectorsConfig(Training):
    """Settings of the vectors, and of the transformer that reads histories of them."""

    epochs: Count = 20
    patience: Count = 5
    file: str = ""
    """A Parquet, CSV, .npz, .npy or safetensors file. Its contents, not its place, are part of a result."""
    normalise: bool = False
    """Whether each vector is scaled to a length of 1 first."""
    transform: Literal["whiten", "centre", "none"] = "whiten"
    """What is done then: zero mean and no correlation, zero mean, or nothing."""
    pca: Count = 0
    """Most principal components that are kept; 0 for all."""
    embedding_size: Natural = 64
    """Width of the states that are compared, and of the transformer."""
    n_layers: Natural = 1
    n_heads: Natural = 2
    dropout: Fraction = 0.2
    dtype: Precision = "auto"
    """Number format of the vectors in products."""

    def __post_init__(self) -> None:
        """Check what goes together, which the types do not say."""
        if self.pca and self.transform == "none":
            raise ValueError("pca centres vectors, so it needs transform=whiten or transform=centre")
        if self.embedding_size % self.n_heads:
            raise ValueError(
                f"embedding_size is {self.embedding_size}, must be a multiple of n_heads ({self.n_heads})"
            )
