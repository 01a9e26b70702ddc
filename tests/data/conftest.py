from collections.abc import Callable

import pytest

from corecbench.data.dataset import Dataset, load_dataset
from corecbench.testing.toys import ToySource


@pytest.fixture(scope="session")
def load() -> Callable[..., Dataset]:
    """Load rows of (user id, item id, time) as a data set; items have the text "text of ID" unless given."""

    def load_rows(rows, texts=None, repeats="first", k_core=0) -> Dataset:
        if texts is None:
            texts = {item_id: f"text of {item_id}" for _, item_id, _ in rows}
        return load_dataset("toy", ToySource(rows, texts), repeats, k_core)

    return load_rows
