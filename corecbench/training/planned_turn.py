"""A turn as it is going to be trained."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    import torch

    from corecbench.api import SharingModule, Side


@dataclass(frozen=True)
class PlannedTurn:
    """A turn of one side."""

    number: int
    """As in the records of its epochs."""
    side: Side
    epochs: int
    """Most epochs."""
    sharing: SharingModule | None = None
    """Couples the side to its partner; None: it learns from nobody."""
    partner: Side | None = None
    renew: Callable[[torch.Tensor], None] | None = None
    """Is told, before the turn, what the LLM makes of each item; None: nothing is told."""
