"""Moves the texts among the items, so that no text says anything of its item."""

from __future__ import annotations

import numpy as np

from corecbench.api import Catalog, generator


class ShuffledTexts:
    """Each item has the text of another item."""

    def __init__(self, config: None) -> None:
        pass

    def item_texts(self, catalog: Catalog, seed: int) -> list[str]:
        """Return the texts, moved among the items that have one around one random circle of them all.

        So every item gets the text of another item (if there are two), and an item without a text stays without.

        >>> from corecbench.api import Catalog
        >>> toy = Catalog("toy", ("",), ("", "a", "b", "c"), ("", "An A", "", "A C"))
        >>> ShuffledTexts(None).item_texts(toy, seed=0)
        ['', 'A C', '', 'An A']
        """
        rows = np.flatnonzero([bool(text) for text in catalog.item_texts])
        order = generator(seed, catalog.name, "shuffled-texts").permutation(rows)
        texts = list(catalog.item_texts)
        for row, source in zip(order, np.roll(order, 1), strict=True):
            texts[row] = catalog.item_texts[source]
        return texts
