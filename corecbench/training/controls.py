"""The changes that a control makes to the data of its pair."""

import dataclasses

import numpy as np

from corecbench.api import Catalog
from corecbench.training.seeds import generator


def shuffle_texts(catalog: Catalog, seed: int) -> Catalog:
    """Return the catalog with the texts moved among the items that have one: around one random circle of them all.

    So every item gets the text of another item (if there are two), and an item without a text stays without.

    >>> toy = Catalog("toy", ("",), ("", "a", "b", "c"), ("", "An A", "", "A C"))
    >>> shuffle_texts(toy, seed=0).item_texts
    ('', 'A C', '', 'An A')
    """
    rows = np.flatnonzero([bool(text) for text in catalog.item_texts])
    order = generator(seed, catalog.name, "shuffled-texts").permutation(rows)
    texts = list(catalog.item_texts)
    for row, source in zip(order, np.roll(order, 1), strict=True):
        texts[row] = catalog.item_texts[source]
    return dataclasses.replace(catalog, item_texts=tuple(texts))
