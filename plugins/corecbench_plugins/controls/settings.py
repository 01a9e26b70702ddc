"""Settings of the controls."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class BagOfWordsConfig:
    """Settings of the counted words."""

    dimensions: int = 384
    """Most directions of the words' weights that are kept."""

    def __post_init__(self) -> None:
        """Check the range, which the types do not say."""
        if self.dimensions < 1:
            raise ValueError(f"dimensions is {self.dimensions}, must be at least 1")
