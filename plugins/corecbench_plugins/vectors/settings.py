"""Settings of vectors from a file, and of the models over them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from corecbench.api import Choices, Count, Fraction, Large, Natural, Positive, Precision, Sampling, Search, Training


@dataclass(frozen=True)
class FileConfig(Training):
    """Settings of the vectors themselves."""

    component: ClassVar[str] = "vectors"
    """Stands before the file on the command line."""
    file: str = ""
    """A Parquet, CSV, .npz, .npy or safetensors file. Its contents, not its place, are part of a result."""
    normalise: bool = False
    """Whether each vector is scaled to a length of 1 first."""
    transform: Literal["whiten", "centre", "none"] = "whiten"
    """What is done then: zero mean and no correlation, zero mean, or nothing."""
    pca: Count = 0
    """Most principal components that are kept; 0 for all."""

    def __post_init__(self) -> None:
        """Check what goes together, which the types do not say."""
        if self.pca and self.transform == "none":
            raise ValueError("pca centres vectors, so it needs transform=whiten or transform=centre")


@dataclass(frozen=True)
class VectorsConfig(FileConfig):
    """Settings of the vectors, and of the transformer that reads histories of them."""

    epochs: Count = 20
    patience: Count = 5
    negatives: Annotated[Count, Large(256)] = 0
    sampling: Annotated[Sampling, Large("mixed")] = "uniform"
    embedding_size: Natural = 64
    """Width of the states that are compared, and of the transformer."""
    n_layers: Natural = 1
    n_heads: Natural = 2
    dropout: Fraction = 0.2
    dtype: Precision = "auto"
    """Number format of the vectors in products."""

    def __post_init__(self) -> None:
        """Check what goes together, which the types do not say."""
        super().__post_init__()
        if self.embedding_size % self.n_heads:
            raise ValueError(
                f"embedding_size is {self.embedding_size}, must be a multiple of n_heads ({self.n_heads})"
            )


@dataclass(frozen=True)
class AlphaRecConfig(FileConfig):
    """Settings of AlphaRec; the values are those of its public code, but for the width of the hidden layer."""

    component: ClassVar[str] = "alpharec"
    epochs: Annotated[Count, Choices(())] = 100
    patience: Annotated[Count, Choices(())] = 20
    batch_size: Annotated[Natural, Choices((2048, 4096, 8192))] = 4096
    negatives: Annotated[Natural, Choices((256, 1024))] = 256
    learning_rate: Annotated[Positive, Search(1e-4, 5e-3, log=True)] = 5e-4
    transform: Literal["whiten", "centre", "none"] = "none"
    """What is done with the vectors: zero mean and no correlation, zero mean, or nothing."""
    embedding_size: Annotated[Natural, Choices((64, 128))] = 64
    hidden_size: Annotated[Natural, Choices((256, 512))] = 512
    """Width of the hidden layer of the map from vectors to states."""
    n_layers: Annotated[Count, Search(0, 3)] = 2
    """Layers of the graph of users and items."""
    temperature: Annotated[Positive, Search(0.06, 0.3, log=True)] = 0.15
    """What cosines are divided by."""
