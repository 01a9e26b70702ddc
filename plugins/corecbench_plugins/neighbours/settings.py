"""Settings of the neighbours and of `ease`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from corecbench.api import Added, Choices, Natural, Positive, Search, Share, Weight


@dataclass(frozen=True)
class ItemKnnConfig:
    """Settings of neighbours that share users."""

    neighbours: Annotated[Natural, Search(50, 800, log=True)] = 200
    """Most neighbours of each item that are kept, the nearest ones. Memory grows with them, not with the square of
    the catalogue."""
    shrinkage: Annotated[Weight, Search(1.0, 100.0, log=True)] = 20.0
    """Added to the denominator of the cosine, so that few users make no near neighbours; 0 is the plain cosine."""
    user_power: Share = 0.5
    """A user's say is divided by this power of their number of items: 0 counts all users alike, and with 1 each
    user's items have one vote together."""
    decay: Annotated[Share, Search(0.4, 1.0)] = 0.7
    """Factor by which an item of a history counts less than the next one; 1 makes the history a set."""
    latest_interactions: Annotated[Natural, Added(before=5_000), Choices(())] = 5_000
    """Most interactions of a user that are counted, the latest ones. What there is to count grows with the square
    of a history, so one bot could take longer than all other users."""


@dataclass(frozen=True)
class SequenceKnnConfig(ItemKnnConfig):
    """Settings of neighbours that share users or follow each other."""

    next_weight: Annotated[Weight, Search(0.1, 10.0, log=True)] = 1.0
    """How much an item that comes next counts beside one that shares a user; 0 is `item-knn`."""
    steps: Natural = 10
    """How many steps later an item still counts as following; k steps later it counts 1/k."""


@dataclass(frozen=True)
class ItemKnnWordsConfig(ItemKnnConfig):
    """Settings of neighbours and of the counted words beside them."""

    dimensions: Natural = 1024
    """Most directions of the weights of words and phrases that are kept."""
    phrases: bool = True
    """True: phrases of two words count, too, and the first words of a text count most. They are projected
    randomly; of words alone the strongest directions are kept."""


@dataclass(frozen=True)
class SequenceKnnWordsConfig(ItemKnnWordsConfig, SequenceKnnConfig):
    """The same of neighbours that share users or follow each other."""


@dataclass(frozen=True)
class SequenceKnnLsaConfig(SequenceKnnWordsConfig):
    """The same with words in a second form beside them."""

    lsa: Natural = 384
    """Directions of the latent semantic analysis of the words."""


@dataclass(frozen=True)
class EaseConfig:
    """Settings of EASE."""

    regularisation: Annotated[Positive, Search(1.0, 3000.0, log=True)] = 200.0
    """Added to each item's number of users: the more, the smaller the weights (lambda of the paper)."""
    decay: Annotated[Share, Search(0.4, 1.0)] = 1.0
    """Factor by which an item of a history counts less than the next one; 1 makes the history a set, as in the
    paper."""
