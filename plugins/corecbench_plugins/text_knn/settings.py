"""Settings of `text-knn`."""

from __future__ import annotations

from dataclasses import dataclass

from corecbench.api import Fraction, Natural  # noqa: TC001, settings are checked by their types


@dataclass(frozen=True)
class TextKnnConfig:
    """Settings of the counted words."""

    dimensions: Natural = 1024
    """Most directions of the words' weights that are kept."""
    decay: Fraction = 0.8
    """Factor by which an item of a history counts less than the next one."""
