"""Settings of the controls."""

from __future__ import annotations

from dataclasses import dataclass

from corecbench.api import Natural  # noqa: TC001, settings are checked by their types


@dataclass(frozen=True)
class BagOfWordsConfig:
    """Settings of the counted words."""

    dimensions: Natural = 384
    """Most directions of the words' weights that are kept."""
