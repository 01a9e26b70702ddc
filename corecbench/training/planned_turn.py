"""A turn as it is going to be trained."""

from dataclasses import dataclass

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
