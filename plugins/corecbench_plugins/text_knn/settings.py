"""Settings of `text-knn`."""

from __future__ import annotations

from dataclasses import dataclass

from corecbench.api import Fraction, Natural  # noqa: TC001, settings are checked by their types


@dataclass(frozen=True)
class TextKnnConfig:
    """Settings of the counted words."""

    dimensions: Natural = 1024
    """Most directions of the weights of words and phrases that are kept."""
    phrases: bool = True
    """True: phrases of two words count, too, and the first words of a text count most. They are projected
    randomly; of words alone the strongest directions are kept."""
    decay: Fraction = 0.6
    """Factor by which an item of a history counts less than the next one."""
