from collections.abc import Callable
from types import SimpleNamespace

import pandas as pd
import pytest

from corecbench.data.dataset import Dataset, load_dataset


@pytest.fixture(scope="session")
def load() -> Callable[..., Dataset]:
    """Load rows of (user id, item id, time) as a data set; items have the text "text of ID" unless given."""

    def load_rows(rows, texts=None, repeats="first", k_core=0) -> Dataset:
        if texts is None:
            texts = {item_id: f"text of {item_id}" for _, item_id, _ in rows}
        interactions = pd.DataFrame(rows, columns=["user_id", "item_id", "timestamp"])
        items = pd.DataFrame({"item_id": list(texts), "title": list(texts.values())}, dtype=str)
        source = SimpleNamespace(interactions=lambda: interactions, items=lambda: items)
        return load_dataset("toy", source, repeats, k_core)

    return load_rows
