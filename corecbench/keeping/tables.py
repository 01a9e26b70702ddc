"""Recommendations of a loaded side as a table for reporters."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from corecbench.api import Report

if TYPE_CHECKING:
    from collections.abc import Sequence

    from corecbench.keeping.recommending import LoadedModel
    from corecbench.keeping.serve import Recommended


def recommended_table(loaded: LoadedModel, found: Sequence[Recommended]) -> Report:
    """Return a table with place, title, id and score of each item."""
    places = range(1, len(found) + 1)
    values = pd.DataFrame(
        {
            "place": list(places),
            "title": [item.title for item in found],
            "item": [item.item_id for item in found],
            "score": [item.score for item in found],
        }
    )
    frame = values.assign(
        place=[str(place) for place in places], score=[f"{item.score:.4f}" for item in found]
    ).astype(str)
    cell = loaded.cell
    caption = f"The best items of the {loaded.side} side ({loaded.name}) of {cell['name']} on {cell['dataset']}."
    return Report("recommended", frame, values, caption)
