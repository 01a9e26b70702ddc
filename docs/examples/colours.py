"""A control: the same pair, but no text says which colour a thing has."""

from corecbench.api import ControlComponent, LedgerEntry, hookimpl

COLOURS = {"red", "blue"}


class NoColours:
    """Texts without the words for colours."""

    def __init__(self, config):
        pass

    def item_texts(self, catalog, seed):
        """Return the texts that the whole cell reads; the first one stands for padding and is empty."""
        return [" ".join(word for word in text.split() if word not in COLOURS) for text in catalog.item_texts]


@hookimpl
def corecbench_controls():
    """Offer the control, and say how it reads in a ledger."""
    return [
        ControlComponent(
            "no-colours",
            NoColours,
            summary="no text has a word for a colour",
            ledger=LedgerEntry(takes_away="knowing colours", under="without colours"),
        )
    ]
